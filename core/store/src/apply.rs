//! Applying: commands in, outcomes and fired watches out.
//! The same on every member: no outcome may depend on options, watches or how much history there is.

use crate::command::{Command, Malformed};
use crate::files::FileId;
use crate::order::Position;
use crate::path::{PathError, is_below, stem, validate};
use crate::revision::Revision;
use crate::settings::{self, MAX_VALUE_PATH, VALUE_BYTES_MAX};
use crate::store::Store;
use crate::watch::Fired;

/// What applying a batch of commands brought. Meant to be used again for the next one.
#[derive(Debug, Default)]
pub struct Applied {
    /// One for each command, in their order.
    pub outcomes: Vec<Outcome>,
    /// The watches that the changes concern, in the order of the revisions.
    pub fired: Vec<Fired>,
}

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
    /// Nothing was changed, and no revision taken.
    Refused(Refusal),
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
    #[error("{path} must be a decimal number of bytes from {min} to {max}")]
    BadSetting {
        /// The setting's file.
        path: &'static str,
        /// The least it can be.
        min: usize,
        /// The most it can be.
        max: usize,
    },
    /// The bytes are no command.
    #[error("malformed command")]
    Malformed,
}

impl From<Malformed> for Refusal {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// What a write finds at its path.
pub(crate) enum Target {
    File(FileId),
    Directory,
    BelowFile,
    /// Nothing; a file of this path belongs here among the live ones.
    Missing(Position),
}

impl Store {
    /// Applies encoded commands one after the other. `out` is emptied first.
    pub fn apply(&mut self, commands: impl IntoIterator<Item: AsRef<[u8]>>, out: &mut Applied) {
        out.outcomes.clear();
        out.fired.clear();
        for command in commands {
            let outcome = self.apply_one(command.as_ref(), &mut out.fired);
            out.outcomes.push(outcome.unwrap_or_else(Outcome::Refused));
        }
    }

    /// What applying a command now would be refused for, if it would be.
    ///
    /// # Errors
    /// That.
    pub fn check(&self, command: &[u8]) -> Result<(), Refusal> {
        match Command::decode(command)? {
            Command::Set { path, rev, value } => {
                let target = self.target(path)?;
                self.check_value(path, value)?;
                self.check_target(&target, rev)
            }
            Command::Del { path, rev } => match self.target(path)? {
                // There is nothing to delete, whatever is above.
                Target::BelowFile => check_rev(rev, 0),
                target => self.check_target(&target, rev),
            },
            Command::Nop => Ok(()),
        }
    }

    fn check_target(&self, target: &Target, rev: i64) -> Result<(), Refusal> {
        match target {
            Target::File(id) => check_rev(rev, self.files.get(*id).rev.to_raw()),
            Target::Missing(_) => check_rev(rev, 0),
            Target::Directory => Err(on_directory(rev)),
            Target::BelowFile => Err(Refusal::NotDir),
        }
    }

    fn apply_one(&mut self, command: &[u8], fired: &mut Vec<Fired>) -> Result<Outcome, Refusal> {
        match Command::decode(command)? {
            Command::Set { path, rev, value } => {
                let id = self.set(path, rev, value)?;
                let file = self.files.get(id);
                self.watches.fire(file.rev, path, file.value.as_ref(), fired);
                Ok(Outcome::Set(file.rev))
            }
            Command::Del { path, rev } => Ok(match self.del(path, rev)? {
                None => Outcome::Absent,
                Some(rev) => {
                    self.watches.fire(rev, path, None, fired);
                    Outcome::Deleted(rev)
                }
            }),
            Command::Nop => Ok(Outcome::Nop),
        }
    }

    fn set(&mut self, path: &str, rev: i64, value: &[u8]) -> Result<FileId, Refusal> {
        let target = self.target(path)?;
        self.check_value(path, value)?;
        match target {
            Target::File(id) => {
                check_rev(rev, self.files.get(id).rev.to_raw())?;
                self.replace(id, value.into());
                Ok(id)
            }
            Target::Missing(place) => {
                check_rev(rev, 0)?;
                Ok(self.create(path, place, value.into()))
            }
            Target::Directory => Err(on_directory(rev)),
            Target::BelowFile => Err(Refusal::NotDir),
        }
    }

    /// None if there was nothing to delete.
    fn del(&mut self, path: &str, rev: i64) -> Result<Option<Revision>, Refusal> {
        match self.target(path)? {
            Target::File(id) => {
                check_rev(rev, self.files.get(id).rev.to_raw())?;
                Ok(Some(self.delete(id)))
            }
            Target::Directory => Err(on_directory(rev)),
            Target::BelowFile | Target::Missing(_) => check_rev(rev, 0).map(|()| None),
        }
    }

    /// One look-up for a file that exists: its path, known since it was made, needs no check. Anything else
    /// takes one search in the order of the live files: what is below a path directly follows it, and a file
    /// above it, having nothing below, directly precedes it.
    pub(crate) fn target(&self, path: &str) -> Result<Target, Refusal> {
        if let Some(id) = self.files.find(path)
            && self.files.get(id).value.is_some()
        {
            return Ok(Target::File(id));
        }
        validate(path.as_bytes()).map_err(Refusal::BadPath)?;
        let Some(stem) = stem(path).filter(|stem| !stem.is_empty()) else { return Ok(Target::Directory) };
        let place = self.live.seek_after(&self.files, stem);
        if self.live.get(place).is_some_and(|id| is_below(self.files.path(id), stem)) {
            return Ok(Target::Directory);
        }
        if self.live.before(place).is_some_and(|id| is_below(path, self.files.path(id))) {
            return Ok(Target::BelowFile);
        }
        Ok(Target::Missing(place))
    }

    fn check_value(&self, path: &str, value: &[u8]) -> Result<(), Refusal> {
        // Before the size: a limit of one byte must not keep itself from being raised.
        if path == MAX_VALUE_PATH {
            let refusal = Refusal::BadSetting { path: MAX_VALUE_PATH, min: 1, max: VALUE_BYTES_MAX };
            return settings::parse(value).map(|_| ()).ok_or(refusal);
        }
        // Nor must it keep a voter from being named.
        if path.starts_with("/ctl/cal/") && value.len() <= VOTER_BYTES_MAX {
            return Ok(());
        }
        let (size, limit) = (value.len(), self.value_bytes_max);
        if size > limit { Err(Refusal::TooLarge { size, limit }) } else { Ok(()) }
    }
}

/// The id of a member is shorter.
const VOTER_BYTES_MAX: usize = 64;

/// The rule of all writes: a revision at least the present one, or -1 for any.
fn check_rev(rev: i64, present: i64) -> Result<(), Refusal> {
    if rev == -1 || rev >= present { Ok(()) } else { Err(Refusal::RevMismatch) }
}

/// A directory has, as far as that rule goes, revision -2.
fn on_directory(rev: i64) -> Refusal {
    check_rev(rev, -2).err().unwrap_or(Refusal::IsDir)
}
