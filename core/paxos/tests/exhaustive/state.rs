//! A state of a cluster, and what can happen in it. Members and messages stand in it as numbers (`table`).

use std::hash::{Hash, Hasher};

use doozer_paxos::Slot;

use crate::node::{Node, number};
use crate::scope::MEMBERS;
use crate::table::Number;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub nodes: [Place; MEMBERS],
    /// Under way, in ascending order; in an orderly network, in the order of each direction.
    pub network: Vec<Flying>,
    /// What was applied first at each slot, from 1 on.
    pub chosen: Vec<Number>,
    /// Reads under way, and what each has to see.
    pub reads: Vec<(u8, Slot)>,
    pub used: Used,
    pub fault: Option<Number>,
}

/// What has happened of what a scope bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Used {
    pub campaigns: u8,
    pub commands: u8,
    pub changes: u8,
    pub reads: u8,
    pub crashes: u8,
    pub losses: u8,
    pub resets: u8,
}

/// A member in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub node: Number,
    pub facts: Facts,
}

/// The facts follow from the number.
impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.node.hash(state);
    }
}

/// What is asked about a member in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub is_leading: bool,
    pub knows_proposer: bool,
    /// Things on their way to its disk.
    pub under_way: u8,
    /// One bit for each command that it has applied.
    pub commands: u8,
    /// One bit for each member whose opening slot it has applied.
    pub openings: u8,
    /// It has applied something behind a change of the voters.
    pub is_beyond_change: bool,
}

impl Facts {
    pub fn of(node: &Node) -> Facts {
        let applied = node.applied.iter();
        let commands = applied.clone().flat_map(|entry| &entry.commands);
        let numbers = commands.filter_map(|command| command.strip_prefix(b"c")?.first());
        let openings = applied.clone().filter(|entry| entry.commands.is_empty());
        let change = applied.clone().find(|entry| entry.config.is_some());
        Facts {
            is_leading: node.member.is_leading(),
            knows_proposer: node.member.proposer().is_some(),
            under_way: u8::try_from(node.disk.under_way()).expect("a few things are under way"),
            commands: numbers.filter(|c| c.is_ascii_digit()).fold(0, |bits, c| bits | 1 << (c - b'0')),
            openings: openings.fold(0, |bits, entry| bits | 1 << number(entry.birth.incarnation)),
            is_beyond_change: change.is_some_and(|change| change.slot.0 < node.applied.len() as u64),
        }
    }
}

/// A message under way, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flying {
    pub to: u8,
    pub from: u8,
    pub envelope: Number,
}

impl Flying {
    pub fn delivery(self) -> Action {
        Action { at: self.to, happens: Happens::Deliver(self.envelope) }
    }

    pub fn direction(self) -> (u8, u8) {
        (self.to, self.from)
    }
}

/// One thing that can happen, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action {
    pub at: u8,
    pub happens: Happens,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happens {
    Deliver(Number),
    /// All that is under way from that member is lost.
    Lose(u8),
    /// The same, and it is told that the connection was lost.
    Reset(u8),
    Campaign,
    Propose(u8),
    Change,
    Read(u8),
    Write,
    Crash(u8),
}
