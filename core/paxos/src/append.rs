//! A change of the durable log.

use crate::{Ballot, Entry, EntryHash, Slot};

/// One atomic change of the durable log: cut it before `from`, append `entries`, accepted under `acc_ballot`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Append {
    /// The ballot under which the whole log is accepted from now on.
    pub acc_ballot: Ballot,
    /// The configuration in force at `from`.
    pub epoch: u64,
    /// The first slot that this append replaces or adds.
    pub from: Slot,
    /// The entries, from `from` on, without holes.
    pub entries: Vec<Entry>,
    /// The hash of the last entry; with no entries, of the one before `from`.
    pub last_hash: EntryHash,
}

impl Append {
    /// Where the log ends with it.
    pub fn last(&self) -> Slot {
        Slot(self.from.0 + self.entries.len() as u64 - 1)
    }
}
