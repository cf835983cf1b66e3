//! A voter that is gone is replaced by the cluster itself: by whoever came to its address, as after a restart without a
//! disk, within a second or two; by any stand-by after a longer silence. Without one it leaves its place open, as long as
//! that leaves three. The proposer writes that under `/ctl/cal`, as a person would, and it is judged in the same way; and
//! whoever judges it must find that voter gone at that moment: the command has no number, so nobody sends it again, and one
//! that an earlier proposer left behind comes to nothing.

use doozer_paxos::Incarnation;
use doozer_paxos::replica::Replica;
use doozer_store::{Command, Revision};

use crate::machine::Machine;

/// Rounds of silence after which a voter at whose address another member is counts as replaced. No two listen at one
/// address, but two may say so by mistake: then both are heard.
const REPLACED_ROUNDS: u64 = 10;

/// Rounds between two tries.
const AGAIN_ROUNDS: u64 = 5;

/// Fewer voters are not left behind: two would both be needed.
const VOTERS_MIN: usize = 3;

#[derive(Debug)]
pub(super) struct Healing {
    /// Rounds of silence after which a voter counts as gone; 0: people look after that.
    patience_rounds: u64,
    /// Rounds before which nothing is tried again.
    rest_rounds: u64,
}

/// A place among the voters, and who is to have it: nobody, for the time being, if there is no stand-by.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    path: String,
    rev: Revision,
    holder: Option<Incarnation>,
}

impl Healing {
    pub fn new(patience_rounds: u64) -> Healing {
        Healing { patience_rounds, rest_rounds: 0 }
    }

    /// A round has ended: what this member is to write, if it leads and a voter is gone.
    pub fn round_ended(&mut self, replica: &Replica, machine: &Machine) -> Option<Vec<u8>> {
        self.rest_rounds = self.rest_rounds.saturating_sub(1);
        if self.rest_rounds > 0 {
            return None;
        }
        let command = self.due(replica, machine)?;
        self.rest_rounds = AGAIN_ROUNDS;
        Some(command)
    }

    /// What a proposer is to write as things stand now.
    pub fn due(&self, replica: &Replica, machine: &Machine) -> Option<Vec<u8>> {
        let Change { path, rev, holder } = self.change(replica, machine)?;
        let value = holder.map(|id| id.to_string()).unwrap_or_default();
        let mut command = Vec::new();
        Command::Set { path: &path, rev: rev.to_raw(), value: value.as_bytes() }.encode(&mut command);
        Some(command)
    }

    fn change(&self, replica: &Replica, machine: &Machine) -> Option<Change> {
        if self.patience_rounds == 0 {
            return None;
        }
        let voters = &replica.config().voters;
        let silent = |voter: &&Incarnation| replica.silent_rounds(voter) >= REPLACED_ROUNDS;
        // The usual case is that everybody is here, and costs nothing.
        let mut silent = voters.iter().filter(silent).peekable();
        silent.peek()?;
        let stand_bys = replica.stand_bys();
        silent.find_map(|voter| {
            let is_heir = |id: &&Incarnation| machine.share_address(voter, id);
            let holder = match stand_bys.iter().find(is_heir) {
                Some(heir) => Some(*heir),
                None if replica.silent_rounds(voter) < self.patience_rounds => return None,
                None => stand_bys.first().copied(),
            };
            if holder.is_none() && voters.len() <= VOTERS_MIN {
                return None;
            }
            let (path, rev) = machine.slot_of(voter)?;
            Some(Change { path, rev, holder })
        })
    }
}
