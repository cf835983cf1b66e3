//! What members say to each other about the log. How it travels is not decided here.
//!
//! Names follow Sequence Paxos (Haridi, Kroll, Carbone, *Lecture Notes on Leader-based Sequence Paxos*, 2020), as far as it
//! has them. Ours are Follow (a request for an AcceptSync), Learn and Behind; an Accept without entries is its Decide. Every
//! message carries the epoch of the configuration its sender has entered; who is in another one answers nothing but
//! what its receiver needs to come along.

use bytes::Bytes;

use crate::election::Beat;
use crate::log::Suspect;
use crate::{Ballot, Entry, EntryHash, Incarnation, Slot};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// Who sent it.
    pub from: Incarnation,
    /// Whom it is for.
    pub to: Incarnation,
    /// The epoch that the sender has entered.
    pub epoch: u64,
    /// What it says.
    pub message: Message,
}

/// What a message says.
#[allow(missing_docs, reason = "each message's page says what its fields are")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A candidate asks for a promise, and says what it has itself.
    Prepare {
        ballot: Ballot,
        have: Have,
    },
    /// The promise: nothing lower will be accepted any more. `offer` is what the candidate lacks, if this log is to be
    /// preferred to its own. With a suspect end of its log it is worth little: see [`Suspect`].
    Promise {
        ballot: Ballot,
        have: Have,
        offer: Offer,
        suspect: Option<Suspect>,
    },
    /// The proposer's log from a place on, to be taken instead of what stands there, in one step.
    AcceptSync {
        ballot: Ballot,
        suffix: Suffix,
        told: Told,
    },
    /// The next entries. Without any it tells what was decided, asks for a confirmation, and shows where the log ends.
    Accept {
        ballot: Ballot,
        suffix: Suffix,
        told: Told,
    },
    /// Everything up to `last` is durable, accepted under this ballot. `confirm` is the number that this answers, which waits
    /// for no disk; 0 if it answers entries.
    Accepted {
        ballot: Ballot,
        last: Slot,
        confirm: u64,
    },
    /// The ballot is outdone by one that was promised.
    Nack {
        ballot: Ballot,
        promised: Ballot,
    },
    /// A member says what it has, to be brought along from there: it came back, missed something, or only learns.
    Follow {
        have: Have,
    },
    /// Decided entries, for one that is behind, only learns, or does not hear the proposer.
    Learn {
        suffix: Suffix,
    },
    /// The election's request, and its reply.
    Heartbeat {
        round: u64,
    },
    Beat {
        round: u64,
        beat: Beat,
    },
    /// Commands for the proposer, in the order in which they were given to their first member. `is_relayed` if they come
    /// by way of another one, which hears the proposer where the first does not.
    Forward {
        proposals: Vec<Proposal>,
        is_relayed: bool,
    },
    /// What the receiver lacks begins before the sender's log: it needs a snapshot, of a slot not before this one.
    Behind {
        base: Slot,
    },
    /// What is the log's length that a read that begins now has to see?
    ReadIndex {
        number: u64,
        /// What the sender has promised, if that is worth anything: it vouches that it had promised nobody more when it
        /// asked, and the reads had begun by then.
        promised: Ballot,
    },
    /// At least so long.
    ReadReply {
        number: u64,
        index: Slot,
    },
}

/// A command to be decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// The command: opaque here.
    pub command: Bytes,
    /// Whether it needs a slot of its own, judged by its proposer when nothing else is under way: it may change who
    /// votes.
    pub needs_own_slot: bool,
}

/// What a member has of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Have {
    /// The ballot under which its log was last accepted.
    pub acc_ballot: Ballot,
    /// Where its log ends.
    pub last: Slot,
    /// What it knows to be decided.
    pub decided: Slot,
}

impl Have {
    /// What makes one log preferable to another.
    pub fn rank(&self) -> ((u32, Ballot), Slot) {
        (self.acc_ballot.rank(), self.last)
    }
}

/// What a promise brings along.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Offer {
    /// The candidate's own log is as good.
    Nothing,
    /// What it lacks.
    Suffix(Suffix),
    /// What it lacks begins before this member's log: it needs a snapshot first.
    Snapshot,
}

/// A run of entries, and what it follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Suffix {
    /// The slot of the first entry, or of the next one if there is none.
    pub from: Slot,
    /// The hash of the entry before.
    pub previous: EntryHash,
    /// The entries, without holes.
    pub entries: Vec<Entry>,
}

impl Suffix {
    /// The slot of the last entry; without entries, the one before `from`.
    pub fn last(&self) -> Slot {
        Slot(self.from.0 + self.entries.len() as u64 - 1)
    }
}

/// What the proposer tells with each Accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Told {
    /// Decided up to here.
    pub decided: Slot,
    /// Durable at the proposer up to here.
    pub durable: Slot,
    /// A number that grows: whoever answers with it says that it had promised nobody else when it heard it.
    pub confirm: u64,
}
