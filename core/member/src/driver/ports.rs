//! What the driver needs of the world around it, and what that needs to know of it.

use bytes::Bytes;
use doozer_journal::SnapshotHead;
use doozer_paxos::replica::{Persist, PersistId};
use doozer_paxos::{Entry, EntryHash, Incarnation, Slot};
use doozer_store::Revision;

use crate::machine::{Applied, Outcome};
use crate::outbox::Wakes;
use crate::peer::Peer;

/// The world around a member: its disk, the other members, whoever waits for answers. Time is passed in.
pub trait Host {
    /// Whoever asked for a write.
    type Reply: Reply;

    /// Whoever asked for a linearizable read.
    type Reader: Reader;

    /// Whoever keeps a session alive.
    type KeepAlive: KeepAlive;

    /// Takes an order for the disk: a [`Keeper`](crate::keeper::Keeper) carries them out, in order. True if it is done
    /// already; otherwise the driver is told with [`Driver::kept`](super::Driver::kept), and with
    /// [`Driver::full`](super::Driver::full) if there is no room for it now.
    fn keep(&mut self, order: Order) -> bool;

    /// Sends to another member. It may be lost, and overtaken.
    fn send(&mut self, to: Incarnation, message: Peer);

    /// An entry was applied; what that brought, and the store's revision now. Comes before anything of it is
    /// answered. For whoever checks members against each other; nothing need be done.
    fn applied(&mut self, entry: &Entry, hash: EntryHash, brought: &Applied, revision: Revision) {
        let _ = (entry, hash, brought, revision);
    }

    /// Another member's state took the place of this one's; the store's revision in it. Comes before anything that it
    /// tells is answered. Nothing need be done.
    fn installed(&mut self, position: Position, revision: Revision) {
        let _ = (position, revision);
    }
}

/// Whoever asked for a write.
pub trait Reply {
    /// What became of it.
    fn answer(self, answer: Answer<'_>, wakes: &mut Wakes);

    /// It was a queued SET, and waits for its turn: the answer may take hours, or never come.
    fn park(&mut self, wakes: &mut Wakes);

    /// Whether somebody still waits for the answer. Asked now and then of those that were parked.
    fn is_wanted(&self) -> bool;
}

/// Whoever keeps a session alive.
pub trait KeepAlive {
    /// What became of that.
    fn answer(self, kept: Kept, wakes: &mut Wakes);
}

/// Of a host without sessions.
impl KeepAlive for std::convert::Infallible {
    fn answer(self, _: Kept, _: &mut Wakes) {
        match self {}
    }
}

/// What became of a keep-alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The session lives for another TTL from when the keep-alive was sent.
    Alive,
    /// There is no such session.
    Ended,
    /// Nobody could say in time.
    Unknown(NoQuorum),
}

/// Whoever asked for a linearizable read.
pub trait Reader {
    /// Whether the state, as it is now, may answer it.
    fn answer(self, readable: Result<(), NoQuorum>, wakes: &mut Wakes);
}

/// Why nothing was decided in time, as far as the member knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoQuorum {
    /// No majority was heard of.
    #[error("no quorum: this member hears of no majority")]
    Unheard,
    /// Whatever others decide, this member's disk has no room for it.
    #[error("no quorum: this member's disk is full")]
    NoRoom,
}

/// Something for the disk.
#[allow(clippy::large_enum_variant, reason = "nearly every order is a Keep")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Make this durable.
    Keep {
        /// Its number, to be told back.
        id: PersistId,
        /// What.
        what: Persist,
        /// The snapshot of a [`Persist::Install`].
        snapshot: Option<(SnapshotHead, Vec<Bytes>)>,
    },
    /// What waits for room is not wanted any more: forget it.
    Forget,
    /// What waits for room is still wanted.
    TryAgain,
}

/// What became of a write.
#[derive(Debug)]
pub enum Answer<'a> {
    /// It was decided and applied; the store's revision afterwards.
    Applied(&'a Outcome, Revision),
    /// It surely was not written, and why.
    NotWritten(NotWritten),
    /// It was not decided in time: whether it ever will be, nobody knows.
    Unknown(NoQuorum),
}

/// Why a write was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritten {
    /// There is no room for it: what the disk said.
    DiskFull(String),
    /// The member takes no more.
    ShuttingDown,
    /// Nothing has been decided here for a while.
    NoQuorum(NoQuorum),
    /// Things take too long, and what waits is as much as the member keeps.
    Overloaded,
}

/// The last applied slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its number.
    pub slot: Slot,
    /// Its entry's hash.
    pub hash: EntryHash,
    /// Its wall time, milliseconds since 1970.
    pub wall_ms: u64,
}

/// How much is on the disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// The log since the last snapshot.
    pub log: u64,
    /// Everything.
    pub all: u64,
}
