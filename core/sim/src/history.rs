//! What the world tells the checks: who asked what, what was answered, what members did.
//! Never here: what is right (`checks`), or how the world makes it happen.

mod outcome;
mod report;
mod session;
mod value;

use std::fmt;

use bytes::Bytes;
use doozer_store::SessionId;

pub use outcome::{Effect, Outcome, Refusal};
pub use report::{Applied, Found, Place};
pub use session::{Compare, Expected, Numbered, Op, SessionEvent, Settled, Txn};
pub use value::{op_of, value_of};

/// A moment of virtual time, in microseconds since the seed began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// One request of one client. Never used twice in a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {}", self.0)
    }
}

/// One incarnation of a member, as a small number. A member that lost its disk is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}", self.0)
    }
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Writes a file. The value is one of [`value_of`], unless it is to say who votes.
    Set {
        /// The file.
        path: String,
        /// The revision that the file may have at most, or -1 for any.
        rev: i64,
        /// What to write.
        value: Bytes,
    },
    /// Deletes a file.
    Del {
        /// The file.
        path: String,
        /// As for a SET.
        rev: i64,
    },
    /// A round of consensus for its own sake.
    Nop,
    /// Several changes, or none.
    Txn(Txn),
    /// Opens a session.
    Open {
        /// Its name, never used before.
        session: SessionId,
        /// For how long it lives without being kept alive, in milliseconds.
        ttl_ms: u32,
    },
    /// Keeps a session alive.
    KeepAlive {
        /// Its name.
        session: SessionId,
    },
    /// Ends a session.
    Close {
        /// Its name.
        session: SessionId,
    },
    /// A session's command.
    By(Numbered),
    /// Takes back a queued SET that was asked for on the same connection.
    Cancel {
        /// That SET.
        of: OpId,
        /// Whose it is.
        session: SessionId,
        /// Its number.
        sequence: u64,
        /// Its path.
        path: String,
    },
    /// Reads what is at a path.
    Get {
        /// Any text.
        path: String,
        /// Which state.
        at: ReadAt,
    },
    /// All files that match, with their revisions: LIST, WALK.
    List {
        /// A well-formed glob.
        glob: String,
        /// Which state.
        at: ReadAt,
    },
    /// The first change from a revision on that matches.
    Wait {
        /// A well-formed glob.
        glob: String,
        /// 0 means 1.
        from: u64,
    },
    /// All changes from a revision on that match. A client that goes on with a watch at another member asks anew, from
    /// behind the last event that it has.
    Watch {
        /// A well-formed glob.
        glob: String,
        /// 0 means 1.
        from: u64,
    },
}

/// Which state a read wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAt {
    /// Not older than anything that anybody saw before the read was sent.
    Linearizable,
    /// The member's own, not before this revision.
    Local {
        /// What the client has seen.
        min_rev: u64,
    },
    /// That right after this change.
    Revision(u64),
}

/// What a client hears of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A SET was made: this is the file's revision.
    Set(u64),
    /// A DEL was made, by this change.
    Deleted(u64),
    /// There was no such file to delete.
    Absent,
    /// A no-op has been through.
    Nop,
    /// What became of a command about sessions, or of a transaction.
    Became(Outcome),
    /// A session was kept alive.
    Alive,
    /// A write was applied, and changed nothing.
    Refused(Refusal),
    /// A write has surely not been made, and never will be.
    NotWritten,
    /// A read was given up; nothing is known of any state.
    Unavailable,
    /// The connection was lost first, or the client gave up: a write may or may not be made. Ends a WAIT or WATCH too.
    Unknown,
    /// A file.
    File {
        /// The change that wrote it.
        rev: u64,
        /// What it holds.
        value: Bytes,
    },
    /// Nothing is at that path.
    Missing,
    /// A directory is at that path.
    Directory,
    /// Paths and revisions, in the order of the tree.
    Listing(Vec<(String, u64)>),
    /// That revision is not kept any more. Ends a WAIT or WATCH.
    TooLate,
    /// A change: all that a WAIT brings, one of those that a WATCH brings.
    Event(Event),
    /// Every match up to this revision has been sent to a WATCH.
    Progress(u64),
}

/// A change that a WAIT or WATCH brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub rev: u64,
    /// The file.
    pub path: String,
    /// What was written; None if the file was deleted.
    pub value: Option<Bytes>,
}

impl Request {
    /// Whether it is a write of no session's, or a round of consensus.
    pub fn is_write(&self) -> bool {
        matches!(self, Request::Set { .. } | Request::Del { .. } | Request::Nop | Request::Txn(_))
    }

    /// Whether it has to do with a session.
    pub fn is_of_session(&self) -> bool {
        use Request::{By, Cancel, Close, KeepAlive, Open};
        matches!(self, Open { .. } | KeepAlive { .. } | Close { .. } | By(_) | Cancel { .. })
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Answer {
        match outcome {
            Outcome::Set(rev) => Answer::Set(rev),
            Outcome::Deleted(rev) => Answer::Deleted(rev),
            Outcome::Absent => Answer::Absent,
            Outcome::Nop => Answer::Nop,
            Outcome::Refused(refusal) => Answer::Refused(refusal),
            other => Answer::Became(other),
        }
    }
}

impl Answer {
    /// What became of a write that was applied.
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match *self {
            Answer::Set(rev) => Outcome::Set(rev),
            Answer::Deleted(rev) => Outcome::Deleted(rev),
            Answer::Absent => Outcome::Absent,
            Answer::Nop => Outcome::Nop,
            Answer::Refused(refusal) => Outcome::Refused(refusal),
            Answer::Became(outcome) => outcome,
            _ => return None,
        })
    }
}
