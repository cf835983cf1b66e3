//! The store by its documented rules (`docs/client-protocol.md`, The data; Verbs), as plainly as can be: for each path all
//! its versions, and all changes in order. So any revision can be asked for, and none is ever forgotten.
//! Never here: code of the store itself, but for the decoding of its commands.

mod glob;
mod logged;
mod read;
mod sessions;
mod txn;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use doozer_paxos::Slot;
use doozer_store::{Command, SessionId};

pub use glob::matches;
pub use logged::{Logged, Number};
pub use read::{Lookup, Pattern};
pub use sessions::Step;
use sessions::{Owner, Sessions};

use crate::history::{Outcome, Refusal};

/// The file that says the largest value, in bytes; without it 1 MiB.
const MAX_VALUE: &str = "/ctl/settings/max-value";

/// The tree, at every revision.
#[derive(Debug, Default)]
pub struct Model {
    ids: BTreeMap<Arc<str>, usize>,
    files: Vec<File>,
    changes: Vec<Change>,
    globs: Vec<Wild>,
    sessions: Sessions,
    step: Step,
}

#[derive(Debug)]
struct File {
    path: Arc<str>,
    /// By revision; None where it was deleted.
    versions: Vec<(u64, Option<Bytes>)>,
}

#[derive(Debug)]
struct Change {
    file: usize,
    value: Option<Bytes>,
    slot: Slot,
}

/// A glob with wildcards that somebody asked for, and which of all paths match it.
#[derive(Debug)]
struct Wild {
    glob: Arc<str>,
    matches: Vec<bool>,
}

impl Model {
    /// The number of the newest change.
    pub fn revision(&self) -> u64 {
        self.changes.len() as u64
    }

    /// Applies a command of the store, which stands in this slot.
    pub fn apply(&mut self, command: &Bytes, slot: Slot) -> Outcome {
        self.step = Step::default();
        let outcome = match Command::decode(command) {
            Ok(Command::By(by)) => self.apply_by(&by, command.slice_ref(by.command), slot),
            Ok(write) => {
                self.step.counted = Some(command.clone());
                self.write(&write, command, None, slot)
            }
            Err(_) => Outcome::Refused(Refusal::Malformed),
        };
        self.grant(slot);
        outcome
    }

    /// A session was not kept alive.
    pub fn expire(&mut self, session: SessionId, slot: Slot) -> Outcome {
        self.step = Step::default();
        let outcome = self.end(session, slot);
        self.grant(slot);
        outcome
    }

    fn write(&mut self, write: &Command<'_>, command: &Bytes, owner: Option<Owner>, slot: Slot) -> Outcome {
        match (write, owner) {
            (Command::Nop, _) => Outcome::Nop,
            (&Command::Set { path, rev, value }, Some(owner)) => {
                self.set_by(path, rev, command.slice_ref(value), owner, slot)
            }
            (&Command::Set { path, rev, value }, None) => {
                self.set_plain(path, rev, command.slice_ref(value), slot)
            }
            (&Command::Del { path, rev }, _) => self.del_plain(path, rev, slot),
            (Command::Txn(txn), _) => self.txn(txn, command, owner, slot),
            (&Command::Open { session, ttl_ms, .. }, _) => self.open(session, ttl_ms),
            (&(Command::Close { session } | Command::Expire { session }), _) => self.end(session, slot),
            (&Command::Leave { session, sequence, path }, _) => self.leave(session, sequence, path, slot),
            (Command::By(_), _) => Outcome::Refused(Refusal::Malformed),
        }
    }

    fn set_plain(&mut self, path: &str, rev: i64, value: Bytes, slot: Slot) -> Outcome {
        let outcome = self.set(path, rev, &value, self.revision());
        if let Outcome::Set(_) = outcome {
            self.change(path, Some(value), slot);
        }
        outcome
    }

    fn del_plain(&mut self, path: &str, rev: i64, slot: Slot) -> Outcome {
        let outcome = self.del(path, rev, self.revision());
        if let Outcome::Deleted(_) = outcome {
            self.change(path, None, slot);
        }
        outcome
    }

    /// What a SET would come to in the state at a revision.
    pub fn set(&self, path: &str, rev: i64, value: &[u8], at: u64) -> Outcome {
        if !glob::is_path(path) {
            return Outcome::Refused(Refusal::BadPath);
        }
        if path == MAX_VALUE && setting(value).is_none() {
            return Outcome::Refused(Refusal::BadSetting);
        }
        if path != MAX_VALUE && value.len() > self.value_bytes_max(at) {
            return Outcome::Refused(Refusal::TooLarge);
        }
        match self.get(path, at) {
            Lookup::Missing if self.is_below_file(path, at) => Outcome::Refused(Refusal::NotDir),
            found => check(found, rev).map_or_else(Outcome::Refused, |()| Outcome::Set(at + 1)),
        }
    }

    /// What a DEL would come to in the state at a revision.
    pub fn del(&self, path: &str, rev: i64, at: u64) -> Outcome {
        if !glob::is_path(path) {
            return Outcome::Refused(Refusal::BadPath);
        }
        let found = self.get(path, at);
        match (check(found, rev), found) {
            (Err(refusal), _) => Outcome::Refused(refusal),
            (Ok(()), Lookup::Missing) => Outcome::Absent,
            (Ok(()), _) => Outcome::Deleted(at + 1),
        }
    }

    /// The path, value and slot of a change; None if it was not made yet, or was not made at all (0).
    pub fn change_at(&self, rev: u64) -> Option<(&Arc<str>, Option<&Bytes>, Slot)> {
        let change = self.changes.get(usize::try_from(rev.checked_sub(1)?).ok()?)?;
        Some((&self.files[change.file].path, change.value.as_ref(), change.slot))
    }

    fn change(&mut self, path: &str, value: Option<Bytes>, slot: Slot) {
        let rev = self.revision() + 1;
        let file = match self.ids.get(path) {
            Some(file) => *file,
            None => self.add_path(path),
        };
        // Whoever writes a file, or deletes it, takes it from the session that it goes with.
        self.sessions.bound.remove(path);
        if value.is_none() {
            self.sessions.freed.insert(path.to_owned());
        }
        self.files[file].versions.push((rev, value.clone()));
        self.changes.push(Change { file, value, slot });
    }

    fn add_path(&mut self, path: &str) -> usize {
        let path: Arc<str> = path.into();
        self.ids.insert(Arc::clone(&path), self.files.len());
        for wild in &mut self.globs {
            wild.matches.push(matches(&wild.glob, &path));
        }
        self.files.push(File { path, versions: Vec::new() });
        self.files.len() - 1
    }

    fn value_bytes_max(&self, at: u64) -> usize {
        self.version(MAX_VALUE, at).and_then(|(_, value)| setting(value)).unwrap_or(1 << 20)
    }
}

/// The rule of all writes: a revision at least the file's, or -1; a directory counts as -2, and cannot be written.
fn check(found: Lookup<'_>, rev: i64) -> Result<(), Refusal> {
    let present = match found {
        Lookup::File { rev, .. } => i64::try_from(rev).unwrap_or(i64::MAX),
        Lookup::Directory => -2,
        Lookup::Missing => 0,
    };
    if rev != -1 && rev < present {
        return Err(Refusal::RevMismatch);
    }
    if matches!(found, Lookup::Directory) { Err(Refusal::IsDir) } else { Ok(()) }
}

/// Whether a file is the cluster's own, and can go with no session.
fn is_own(path: &str) -> bool {
    path.starts_with("/ctl/cal/") || path.starts_with("/ctl/settings/")
}

/// The number of bytes that a value of the setting says: decimal, from 1 to 64 MiB.
fn setting(value: &[u8]) -> Option<usize> {
    let bytes: usize = std::str::from_utf8(value).ok()?.parse().ok()?;
    (bytes.to_string().as_bytes() == value && (1..=64 << 20).contains(&bytes)).then_some(bytes)
}

#[cfg(test)]
mod tests;
