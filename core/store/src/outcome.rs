//! What became of commands, and how that is kept.

use crate::command::Malformed;
use crate::path::PathError;
use crate::revision::Revision;
use crate::session::SessionId;
use crate::settings::{self, Setting};

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file was written: this is its revision now.
    Set(Revision),
    /// The file was deleted, by the change with this number.
    Deleted(Revision),
    /// There was no such file to delete: success, and no change.
    Absent,
    /// A no-op has been through.
    Nop,
    /// All operations of a transaction were made.
    Txn(Changes),
    /// A compare of a transaction does not hold: nothing was changed. Which, from 0.
    Unequal(u8),
    /// An operation of a transaction would be refused: nothing was changed. Which, from 0, and for what.
    TxnRefused(u8, Refusal),
    /// A queued SET waits for its turn. What becomes of it follows as [`Granted`].
    Queued,
    /// A place in a queue was taken back.
    Left,
    /// The session is open.
    Opened,
    /// The session has ended.
    Closed,
    /// Nothing was changed, and no revision taken.
    Refused(Refusal),
}

/// The revisions that the operations of a transaction took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    first: Revision,
    /// A bit for each operation: whether it changed anything.
    made: [u64; 2],
}

impl Changes {
    /// None yet; the first one would be this.
    pub(crate) fn begin(first: Revision) -> Changes {
        Changes { first, made: [0; 2] }
    }

    /// An operation, counted from 0, changed something.
    pub(crate) fn note(&mut self, op: usize) {
        self.made[op / 64] |= 1 << (op % 64);
    }

    /// Whether no operation changed anything.
    pub fn is_empty(&self) -> bool {
        self.made == [0; 2]
    }

    /// The revision that an operation, counted from 0, took: none for a DEL of nothing.
    pub fn revision(&self, op: usize) -> Option<Revision> {
        let bits = u128::from(self.made[1]) << 64 | u128::from(self.made[0]);
        let bit = 1_u128.checked_shl(u32::try_from(op).ok()?)?;
        (bits & bit != 0).then(|| Revision(self.first.0 + u64::from((bits & (bit - 1)).count_ones())))
    }
}

/// What became of a queued SET that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Whose.
    pub session: SessionId,
    /// Its number.
    pub sequence: u64,
    /// As if it had come now.
    pub outcome: Outcome,
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file has been changed since the revision given.
    #[error("the file's revision is not the one expected")]
    RevMismatch,
    /// The path is a directory's.
    #[error("is a directory")]
    IsDir,
    /// The path goes through a file.
    #[error("not a directory")]
    NotDir,
    /// The path is not well formed.
    #[error("{0}")]
    BadPath(PathError),
    /// The value is larger than the cluster allows.
    #[error("value too large: {size} bytes, limit {limit}")]
    TooLarge {
        /// The value's size in bytes.
        size: usize,
        /// The cluster's largest value, in bytes.
        limit: usize,
    },
    /// The file is a setting of the cluster, and the value is nothing it can be set to.
    #[error("{} must be a decimal number of {} from {} to {}", .0.path, .0.unit, .0.min, .0.max)]
    BadSetting(&'static Setting),
    /// The bytes are no command.
    #[error("malformed command")]
    Malformed,
    /// There is no such session.
    #[error("no such session: it has ended, or never was; open another")]
    NoSession,
    /// One before it is missing.
    #[error("out of order: the next of this session is {expected}; send what comes before it first")]
    OutOfOrder {
        /// The number that comes next.
        expected: u64,
    },
    /// It was applied, and its answer was acknowledged.
    #[error("the answer to this command was acknowledged, and is not kept any more")]
    AnswerGone,
    /// The session has as many answers as are kept.
    #[error("{limit} answers of this session are not acknowledged: acknowledge them first")]
    Unacknowledged {
        /// So many.
        limit: usize,
    },
    /// There are as many sessions as there may be.
    #[error("there are {limit} sessions already: try later, or raise {}", settings::SESSIONS.path)]
    Sessions {
        /// So many.
        limit: usize,
    },
    /// All sessions together take as much memory as they may.
    #[error("sessions take {limit} bytes already: try later, or raise {}", settings::SESSION_BYTES.path)]
    SessionBytes {
        /// So much.
        limit: usize,
    },
    /// The session waits in as many queues as it may.
    #[error("this session waits in {limit} queues already")]
    Places {
        /// So many.
        limit: usize,
    },
    /// The TTL is out of its bounds.
    #[error("a session's TTL is from {min} to {max} ms, not {ms}")]
    BadTtl {
        /// What was asked for.
        ms: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A queued SET makes a file that does not exist: its rev is 0.
    #[error("a queued SET must have rev 0")]
    BadQueue,
    /// The cluster's own files belong to no session.
    #[error("files of the cluster's own cannot belong to a session")]
    NotBindable,
}

impl From<Malformed> for Refusal {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// The bytes of one without more to it: its kind, and two numbers that mean what the kind says.
const PLAIN_BYTES: usize = 17;

impl Outcome {
    /// Appends the outcome as it is kept: its kind (1 byte) and two numbers (u64 each); more behind that for kinds 14 and 16.
    /// Of a bad path the text is not kept.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Outcome::Set(rev) => put(out, 0, rev.0, 0),
            Outcome::Deleted(rev) => put(out, 1, rev.0, 0),
            Outcome::Absent => put(out, 2, 0, 0),
            Outcome::Nop => put(out, 3, 0, 0),
            // 4 to 10 are refusals, 11 is the machine's.
            Outcome::Queued => put(out, 12, 0, 0),
            Outcome::Left => put(out, 13, 0, 0),
            Outcome::Txn(Changes { first, made: [low, high] }) => {
                put(out, 14, first.0, low);
                out.extend_from_slice(&high.to_le_bytes());
            }
            Outcome::Unequal(index) => put(out, 15, index.into(), 0),
            Outcome::TxnRefused(index, refusal) => {
                put(out, 16, index.into(), 0);
                let (kind, a, b) = refusal.numbers();
                put(out, kind, a, b);
            }
            Outcome::Opened => put(out, 17, 0, 0),
            Outcome::Closed => put(out, 18, 0, 0),
            Outcome::Refused(refusal) => {
                let (kind, a, b) = refusal.numbers();
                put(out, kind, a, b);
            }
        }
    }

    /// Reads what [`Outcome::encode`] wrote, and nothing else, and leaves the rest.
    pub fn decode(bytes: &mut &[u8]) -> Option<Outcome> {
        let numbers = take(bytes)?;
        Some(match numbers {
            (0, rev, 0) => Outcome::Set(Revision(rev)),
            (1, rev, 0) => Outcome::Deleted(Revision(rev)),
            (2, 0, 0) => Outcome::Absent,
            (3, 0, 0) => Outcome::Nop,
            (12, 0, 0) => Outcome::Queued,
            (13, 0, 0) => Outcome::Left,
            (14, first, low) => {
                let (high, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Outcome::Txn(Changes { first: Revision(first), made: [low, u64::from_le_bytes(*high)] })
            }
            (15, index, 0) => Outcome::Unequal(u8::try_from(index).ok()?),
            (16, index, 0) => {
                let refusal = Refusal::of_numbers(take(bytes)?)?;
                Outcome::TxnRefused(u8::try_from(index).ok()?, refusal)
            }
            (17, 0, 0) => Outcome::Opened,
            (18, 0, 0) => Outcome::Closed,
            _ => Outcome::Refused(Refusal::of_numbers(numbers)?),
        })
    }
}

fn put(out: &mut Vec<u8>, kind: u8, a: u64, b: u64) {
    out.reserve(PLAIN_BYTES);
    out.push(kind);
    out.extend_from_slice(&a.to_le_bytes());
    out.extend_from_slice(&b.to_le_bytes());
}

fn take(bytes: &mut &[u8]) -> Option<(u8, u64, u64)> {
    let (kind, rest) = bytes.split_first()?;
    let (a, rest) = rest.split_first_chunk()?;
    let (b, rest) = rest.split_first_chunk()?;
    *bytes = rest;
    Some((*kind, u64::from_le_bytes(*a), u64::from_le_bytes(*b)))
}

impl Refusal {
    fn numbers(self) -> (u8, u64, u64) {
        match self {
            Refusal::RevMismatch => (4, 0, 0),
            Refusal::IsDir => (5, 0, 0),
            Refusal::NotDir => (6, 0, 0),
            Refusal::BadPath(_) => (7, 0, 0),
            Refusal::TooLarge { size, limit } => (8, size as u64, limit as u64),
            Refusal::BadSetting(setting) => (9, setting.min as u64, setting.max as u64),
            Refusal::Malformed => (10, 0, 0),
            Refusal::NoSession => (32, 0, 0),
            Refusal::OutOfOrder { expected } => (33, expected, 0),
            Refusal::AnswerGone => (34, 0, 0),
            Refusal::Unacknowledged { limit } => (35, limit as u64, 0),
            Refusal::Sessions { limit } => (36, limit as u64, 0),
            Refusal::SessionBytes { limit } => (37, limit as u64, 0),
            Refusal::Places { limit } => (38, limit as u64, 0),
            Refusal::BadTtl { ms, min, max } => (39, ms.into(), u64::from(min) << 32 | u64::from(max)),
            Refusal::BadQueue => (40, 0, 0),
            Refusal::NotBindable => (41, 0, 0),
        }
    }

    fn of_numbers(numbers: (u8, u64, u64)) -> Option<Refusal> {
        let size = |number: u64| usize::try_from(number).ok();
        Some(match numbers {
            (4, 0, 0) => Refusal::RevMismatch,
            (5, 0, 0) => Refusal::IsDir,
            (6, 0, 0) => Refusal::NotDir,
            (7, 0, 0) => Refusal::BadPath(PathError::Empty),
            (8, bytes, limit) => Refusal::TooLarge { size: size(bytes)?, limit: size(limit)? },
            (9, min, max) => Refusal::BadSetting(settings::with_bounds(size(min)?, size(max)?)?),
            (10, 0, 0) => Refusal::Malformed,
            (32, 0, 0) => Refusal::NoSession,
            (33, expected, 0) => Refusal::OutOfOrder { expected },
            (34, 0, 0) => Refusal::AnswerGone,
            (35, limit, 0) => Refusal::Unacknowledged { limit: size(limit)? },
            (36, limit, 0) => Refusal::Sessions { limit: size(limit)? },
            (37, limit, 0) => Refusal::SessionBytes { limit: size(limit)? },
            (38, limit, 0) => Refusal::Places { limit: size(limit)? },
            (39, ms, bounds) => {
                let (min, max) = ((bounds >> 32) as u32, bounds as u32);
                Refusal::BadTtl { ms: u32::try_from(ms).ok()?, min, max }
            }
            (40, 0, 0) => Refusal::BadQueue,
            (41, 0, 0) => Refusal::NotBindable,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_outcomes_come_back() {
        let mut changes = Changes::begin(Revision(40));
        [0, 2, 63, 64, 127].into_iter().for_each(|op| changes.note(op));
        let refusals = [
            Refusal::RevMismatch,
            Refusal::IsDir,
            Refusal::NotDir,
            Refusal::BadPath(PathError::Empty),
            Refusal::TooLarge { size: 7, limit: 5 },
            Refusal::BadSetting(&settings::MAX_VALUE),
            Refusal::BadSetting(&settings::SESSIONS),
            Refusal::BadSetting(&settings::SESSION_BYTES),
            Refusal::Malformed,
            Refusal::NoSession,
            Refusal::OutOfOrder { expected: 9 },
            Refusal::AnswerGone,
            Refusal::Unacknowledged { limit: 4 },
            Refusal::Sessions { limit: 3 },
            Refusal::SessionBytes { limit: 2 },
            Refusal::Places { limit: 1 },
            Refusal::BadTtl { ms: 1, min: 2, max: u32::MAX },
            Refusal::BadQueue,
            Refusal::NotBindable,
        ];
        let plain = [
            Outcome::Set(Revision(3)),
            Outcome::Deleted(Revision(4)),
            Outcome::Absent,
            Outcome::Nop,
            Outcome::Queued,
            Outcome::Left,
            Outcome::Txn(changes),
            Outcome::Unequal(127),
            Outcome::Opened,
            Outcome::Closed,
        ];
        let refused = refusals.into_iter().map(Outcome::Refused);
        let in_txn = refusals.into_iter().map(|refusal| Outcome::TxnRefused(5, refusal));
        for outcome in plain.into_iter().chain(refused).chain(in_txn) {
            let mut bytes = Vec::new();
            outcome.encode(&mut bytes);
            for len in 0..bytes.len() {
                assert_eq!(Outcome::decode(&mut &bytes[..len]), None, "{outcome:?} cut at {len}");
            }
            bytes.push(9);
            let mut rest = &bytes[..];
            assert_eq!(Outcome::decode(&mut rest), Some(outcome));
            assert_eq!(rest, [9]);
            // Nothing else is read as the same.
            for at in 0..bytes.len() - 1 {
                let mut other = bytes.clone();
                other[at] ^= 0x80;
                assert_ne!(Outcome::decode(&mut &other[..]), Some(outcome), "byte {at}");
            }
        }
        assert_eq!(Outcome::decode(&mut &[99; PLAIN_BYTES][..]), None);
    }

    #[test]
    fn each_operation_knows_its_revision() {
        let mut changes = Changes::begin(Revision(40));
        [1, 3, 63, 64, 127].into_iter().for_each(|op| changes.note(op));
        let revisions: Vec<Option<u64>> =
            [0, 1, 2, 3, 63, 64, 127, 128, 1000].map(|op| changes.revision(op).map(|rev| rev.0)).into();
        let expected = [None, Some(40), None, Some(41), Some(42), Some(43), Some(44), None, None];
        assert_eq!(revisions, expected);
    }
}
