//! What the world sees members do.

use doozer_paxos::{Ballot, Entry, EntryHash, Slot};

use super::{Effect, MemberId, SessionEvent, Settled};

/// A member applied an entry.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'a> {
    /// Who.
    pub member: MemberId,
    /// What.
    pub entry: &'a Entry,
    /// Its hash, which the replica gave out with it.
    pub hash: EntryHash,
    /// What became of its commands, one for each, in their order.
    pub effects: &'a [Effect],
    /// What became of queued SETs that waited, in the order in which it did.
    pub settled: &'a [Settled],
    /// The sessions that came or went, in order.
    pub sessions: &'a [SessionEvent],
    /// The store's revision before.
    pub before: u64,
    /// The store's revision after.
    pub after: u64,
}

/// A state as a whole: a snapshot, one's own or another member's, that took the place of what was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The last slot in it.
    pub slot: Slot,
    /// The hash of that slot's entry.
    pub hash: EntryHash,
    /// The store's revision in it.
    pub revision: u64,
    /// The digest of the machine, if the world took the time to ask for it.
    pub digest: Option<[u8; 32]>,
}

/// What a member found on its disk when it started, and made durable again.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// How often it was started, this time included.
    pub boot: u64,
    /// The greatest ballot it promised.
    pub promised: Ballot,
    /// The ballot under which its log was last accepted.
    pub acc_ballot: Ballot,
    /// The state that its log goes on from: that of its newest snapshot, or slot 0.
    pub base: Place,
    /// The entries behind it.
    pub entries: &'a [Entry],
    /// The hash of the last of them; without any, of the base.
    pub last_hash: EntryHash,
    /// Whether it knows that it may have had more.
    pub is_suspect: bool,
}
