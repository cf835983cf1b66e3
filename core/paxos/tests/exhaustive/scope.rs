//! What a scope covers: who there is, what may happen, and how often.

use doozer_paxos::Config;
use doozer_paxos::replica::Limits;

use crate::node::{Rules, id};

/// How many members there are, voters or not.
pub const MEMBERS: usize = 3;

/// How messages travel. In both ways they come in any order, as late as can be, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Each arrives at most once.
    Once,
    /// Each may arrive again and again, which stands for what is repeated every round, too. Commands and questions do
    /// not: a second one is another command, another question.
    Again,
    /// As over one connection: those of each direction in the order in which they were sent.
    Orderly,
}

#[derive(Debug, Clone)]
pub struct Scope {
    pub name: &'static str,
    pub network: Network,
    pub drops_spent: bool,
    /// The numbers of the first voters, and of those behind the change.
    pub voters: &'static [u8],
    pub changed: &'static [u8],
    /// Replica 1 leads already, and its opening slot is applied everywhere; otherwise all begins with nothing.
    pub is_led: bool,
    /// Whoever does not vote follows member 1 then; otherwise it knows nothing.
    pub learners_follow: bool,
    /// Who may stand for proposer, and how often that happens in all.
    pub candidates: &'static [u8],
    pub campaigns: u8,
    /// To whom commands are given, and how many there are.
    pub proposers: &'static [u8],
    pub commands: u8,
    /// How many changes of the voters are proposed, to proposers.
    pub changes: u8,
    pub readers: &'static [u8],
    pub reads: u8,
    /// Whose disks take their time.
    pub slow_disks: &'static [u8],
    /// Who may crash, and how often that happens in all.
    pub crashing: &'static [u8],
    pub crashes: u8,
    /// How often all is lost that is under way in one direction of an orderly network. In the others anything may be
    /// lost, always.
    pub losses: u8,
    /// How often a connection is lost and made anew in an orderly network, as one end of it sees it: what was under way to
    /// that end is lost, and its member is told.
    pub resets: u8,
    #[cfg(doozer_planted)]
    pub planted: Option<doozer_paxos::planted::Planted>,
}

/// Nothing may happen: what scopes begin from.
pub const NOTHING: Scope = Scope {
    name: "",
    network: Network::Once,
    drops_spent: false,
    voters: &[1, 2, 3],
    changed: &[],
    is_led: false,
    learners_follow: true,
    candidates: &[],
    campaigns: 0,
    proposers: &[],
    commands: 0,
    changes: 0,
    readers: &[],
    reads: 0,
    slow_disks: &[],
    crashing: &[],
    crashes: 0,
    losses: 0,
    resets: 0,
    #[cfg(doozer_planted)]
    planted: None,
};

impl Scope {
    pub fn rules(&self) -> Rules {
        let ids = |numbers: &[u8]| numbers.iter().map(|number| id(*number)).collect();
        let first = Config { epoch: 1, voters: ids(self.voters) };
        Rules {
            first,
            changed: ids(self.changed),
            limits: Limits::default(),
            #[cfg(doozer_planted)]
            planted: self.planted,
        }
    }
}
