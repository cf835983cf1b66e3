//! What became of a command, in the checks' own words.

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file has this revision now.
    Set(u64),
    /// The file was deleted by this change.
    Deleted(u64),
    /// There was no such file to delete.
    Absent,
    /// A no-op has been through.
    Nop,
    /// All operations of a transaction were made.
    Txn {
        /// The first revision that they took; 0 if they changed nothing.
        first: u64,
        /// A bit for each operation that changed something.
        made: u128,
    },
    /// A compare of a transaction does not hold.
    Unequal(u8),
    /// An operation of a transaction would be refused.
    TxnRefused(u8, Refusal),
    /// A queued SET waits for its turn.
    Queued,
    /// A place in a queue, or what was granted for it, was taken back.
    Left,
    /// A session is open.
    Opened,
    /// A session has ended.
    Closed,
    /// Nothing was changed.
    Refused(Refusal),
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The file has been changed since.
    RevMismatch,
    /// The path is a directory's.
    IsDir,
    /// The path goes through a file.
    NotDir,
    /// The path is not well formed.
    BadPath,
    /// The value is larger than the cluster allows.
    TooLarge,
    /// No such setting can be made.
    BadSetting,
    /// The bytes are no command.
    Malformed,
    /// It would change who votes in a way that cannot be.
    Voters,
    /// There is no such session.
    NoSession,
    /// A session's command before it is missing.
    OutOfOrder,
    /// The answer was acknowledged, and is gone.
    AnswerGone,
    /// There is no room for more: sessions, answers, places in queues.
    Bounds,
    /// The TTL is out of its bounds.
    BadTtl,
    /// A queued SET with a revision.
    BadQueue,
    /// A file of the cluster's own cannot go with a session.
    NotBindable,
}

/// What became of a command of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was not the next one of its origin, and had no effect.
    Skipped,
    /// A member's life opened.
    Opened,
    /// It counted, with this outcome.
    Done(Outcome),
}

impl Outcome {
    /// The revision of the change, if there was one.
    pub fn change(self) -> Option<u64> {
        match self {
            Outcome::Set(rev) | Outcome::Deleted(rev) => Some(rev),
            _ => None,
        }
    }

    /// The first revision that it took, if it took any.
    pub fn first_change(self) -> Option<u64> {
        match self {
            Outcome::Txn { first, .. } => (first > 0).then_some(first),
            other => other.change(),
        }
    }
}

impl From<doozer_store::Outcome> for Outcome {
    fn from(outcome: doozer_store::Outcome) -> Outcome {
        use doozer_store::Outcome as Store;
        match outcome {
            Store::Set(rev) => Outcome::Set(rev.0),
            Store::Deleted(rev) => Outcome::Deleted(rev.0),
            Store::Absent => Outcome::Absent,
            Store::Nop => Outcome::Nop,
            Store::Refused(refusal) => Outcome::Refused(refusal.into()),
            Store::Txn(changes) => {
                let made: Vec<usize> = (0..128).filter(|op| changes.revision(*op).is_some()).collect();
                let first = made.first().and_then(|op| changes.revision(*op)).map_or(0, |rev| rev.0);
                Outcome::Txn { first, made: made.into_iter().fold(0, |bits, op| bits | 1 << op) }
            }
            Store::Unequal(index) => Outcome::Unequal(index),
            Store::TxnRefused(index, refusal) => Outcome::TxnRefused(index, refusal.into()),
            Store::Queued => Outcome::Queued,
            Store::Left => Outcome::Left,
            Store::Opened => Outcome::Opened,
            Store::Closed => Outcome::Closed,
        }
    }
}

impl From<doozer_store::Refusal> for Refusal {
    fn from(refusal: doozer_store::Refusal) -> Refusal {
        use doozer_store::Refusal as Store;
        match refusal {
            Store::RevMismatch => Refusal::RevMismatch,
            Store::IsDir => Refusal::IsDir,
            Store::NotDir => Refusal::NotDir,
            Store::BadPath(_) => Refusal::BadPath,
            Store::TooLarge { .. } => Refusal::TooLarge,
            Store::BadSetting { .. } => Refusal::BadSetting,
            Store::Malformed => Refusal::Malformed,
            Store::NoSession => Refusal::NoSession,
            Store::OutOfOrder { .. } => Refusal::OutOfOrder,
            Store::AnswerGone => Refusal::AnswerGone,
            Store::Unacknowledged { .. }
            | Store::Sessions { .. }
            | Store::SessionBytes { .. }
            | Store::Places { .. } => Refusal::Bounds,
            Store::BadTtl { .. } => Refusal::BadTtl,
            Store::BadQueue => Refusal::BadQueue,
            Store::NotBindable => Refusal::NotBindable,
        }
    }
}
