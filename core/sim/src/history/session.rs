//! Sessions, their commands, and transactions, in the checks' own words.

use bytes::Bytes;
use doozer_store::{By, Change, Command, Flags, SessionId};

use super::{Outcome, Request};

/// A command of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Whose.
    pub session: SessionId,
    /// Which one, from 1.
    pub sequence: u64,
    /// Everything up to this was answered,
    pub acknowledged: u64,
    /// but for these.
    pub unanswered: Vec<u64>,
    /// What a SET is, too.
    pub is_ephemeral: bool,
    /// Whether a SET waits for its turn.
    pub is_queued: bool,
    /// A SET, DEL, NOP or TXN.
    pub write: Box<Request>,
}

/// Several changes, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Txn {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// What is done then, in order.
    pub ops: Vec<Op>,
}

/// Something that must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The file.
    pub path: String,
    /// What it must be.
    pub expected: Expected,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Of this revision; 0: it must not exist.
    Rev(u64),
    /// With this value.
    Value(Bytes),
    /// Neither a file nor a directory.
    Absent,
    /// Held by this token.
    Fence(u64),
}

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// The file.
    pub path: String,
    /// As for a SET or DEL by itself.
    pub rev: i64,
    /// What to write; `None` deletes it.
    pub value: Option<Bytes>,
    /// The file goes with the session.
    pub is_ephemeral: bool,
}

/// What became of a queued SET that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Whose.
    pub session: SessionId,
    /// Its number.
    pub sequence: u64,
    /// What.
    pub outcome: Outcome,
}

/// A session that came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEvent {
    /// It opened, with this TTL in milliseconds.
    Opened(SessionId, u32),
    /// It ended.
    Ended(SessionId),
}

impl Txn {
    /// The command.
    pub fn command(&self) -> Command<'_> {
        let compares = self.compares.iter().map(|Compare { path, expected }| {
            let expected = match expected {
                Expected::Rev(rev) => doozer_store::Expected::Rev(*rev as i64),
                Expected::Value(value) => doozer_store::Expected::Value(value),
                Expected::Absent => doozer_store::Expected::Absent,
                Expected::Fence(token) => doozer_store::Expected::Fence(*token as i64),
            };
            doozer_store::Compare { path, expected }
        });
        let ops = self.ops.iter().map(|Op { path, rev, value, is_ephemeral }| {
            let set = |value| Change::Set { value, is_ephemeral: *is_ephemeral };
            let change = value.as_deref().map_or(Change::Del, set);
            doozer_store::Op { path, rev: *rev, change }
        });
        Command::Txn(doozer_store::Txn { compares: compares.collect(), ops: ops.collect() })
    }
}

impl Numbered {
    /// The command's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let write = self.write.encode();
        let flag = |is: bool, flag: Flags| if is { flag.0 } else { 0 };
        let flags = flag(self.is_ephemeral, Flags::EPHEMERAL) | flag(self.is_queued, Flags::QUEUE);
        let by = By::new(self.session, self.sequence, self.acknowledged, &write).flagged(Flags(flags));
        let mut bytes = Vec::new();
        by.encode_head(&mut bytes, self.unanswered.iter().copied());
        bytes.extend_from_slice(&write);
        bytes
    }
}

impl Request {
    /// The bytes of the command that a member makes of it; of a read, and of whatever is no command, those of a NOP.
    pub fn encode(&self) -> Vec<u8> {
        let command = match self {
            Request::By(numbered) => return numbered.encode(),
            Request::Set { path, rev, value } => Command::Set { path, rev: *rev, value },
            Request::Del { path, rev } => Command::Del { path, rev: *rev },
            Request::Txn(txn) => txn.command(),
            Request::Open { session, ttl_ms } => {
                Command::Open { session: *session, ttl_ms: *ttl_ms, opened_ms: 0, label: "sim" }
            }
            Request::Close { session } => Command::Close { session: *session },
            Request::Cancel { session, sequence, path, .. } => {
                Command::Leave { session: *session, sequence: *sequence, path }
            }
            _ => Command::Nop,
        };
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        bytes
    }
}

impl From<doozer_store::Granted> for Settled {
    fn from(granted: doozer_store::Granted) -> Settled {
        let doozer_store::Granted { session, sequence, outcome } = granted;
        Settled { session, sequence, outcome: outcome.into() }
    }
}

impl From<doozer_store::SessionChange> for SessionEvent {
    fn from(change: doozer_store::SessionChange) -> SessionEvent {
        match change {
            doozer_store::SessionChange::Opened(session, ttl_ms) => SessionEvent::Opened(session, ttl_ms),
            doozer_store::SessionChange::Ended(session) => SessionEvent::Ended(session),
        }
    }
}
