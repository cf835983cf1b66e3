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
            Outcome::Absent | Outcome::Nop | Outcome::Refused(_) => None,
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
        }
    }
}
