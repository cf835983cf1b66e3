//! What the driver needs of others, and what they need to know of it.

use doozer_paxos::{Append, EntryHash, Slot};
use doozer_store::{Outcome, Revision};

use crate::server::outbox::Wakes;

/// Makes appends durable.
pub(crate) trait Persist {
    /// Takes an append. The slot that is durable at once, or `None`: the driver is told later.
    fn persist(&mut self, append: Append) -> Option<Slot>;
}

/// Keeps nothing: what is in memory is as durable as it gets.
pub(crate) struct InMemory;

impl Persist for InMemory {
    fn persist(&mut self, append: Append) -> Option<Slot> {
        append.entries.last().map(|entry| entry.slot)
    }
}

/// What became of a write.
pub(crate) enum Answer<'a> {
    /// It was decided and applied; the store's revision afterwards.
    Applied(&'a Outcome, Revision),
    /// It surely was not written, and why.
    NotWritten(NotWritten),
}

/// Why a write was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotWritten {
    DiskFull(String),
    ShuttingDown,
}

/// Whoever asked for a write.
pub(crate) trait Reply {
    fn answer(self, answer: Answer<'_>, wakes: &mut Wakes);
}

/// The last applied slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub slot: Slot,
    pub hash: EntryHash,
    pub wall_ms: u64,
}

/// How much is on the disk, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// The log since the last snapshot.
    pub log: u64,
    /// Everything.
    pub all: u64,
}
