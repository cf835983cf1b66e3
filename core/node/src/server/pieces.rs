//! Long ways through the store in short pieces: a revision is pinned, and the state is let go after every so many
//! entries, so that nobody waits for all of a large directory.

use std::sync::Arc;

use doozer_member::state::Pinned as Pin;
use doozer_store::{At, Glob, ReadError, Revision, Store};

use crate::shared::Shared;

/// Entries looked at while the state is held.
pub(super) const PIECE: usize = 256;

/// A revision that stays readable although the state is let go in between.
pub(super) struct Pinned {
    shared: Arc<Shared>,
    /// `None` once it is given back.
    pin: Option<Pin>,
    rev: Revision,
}

impl Pinned {
    pub fn new(shared: &Arc<Shared>, at: At) -> Result<Self, ReadError> {
        let mut state = shared.state().write();
        let rev = match at {
            At::Now => state.store().revision(),
            At::Revision(rev) => rev,
        };
        let pin = Some(state.pin(rev)?);
        Ok(Pinned { shared: Arc::clone(shared), pin, rev })
    }

    pub fn rev(&self) -> Revision {
        self.rev
    }

    pub fn at(&self) -> At {
        At::Revision(self.rev)
    }

    /// Passes over at most `skip` names of a directory: how many there were, and the last of them.
    pub fn pass_names(&self, path: &str, skip: usize) -> Result<Passed, ReadError> {
        self.pass(skip, |store, after, want| {
            let names = match after {
                Some(after) => store.dir_entries_after(path, after, self.at())?,
                None => store.dir_entries(path, self.at())?,
            };
            Ok(counted(names.take(want)))
        })
    }

    /// Passes over at most `skip` files that match: how many there were, and the last one's path.
    fn pass_files(&self, glob: &Glob, skip: usize) -> Result<Passed, ReadError> {
        self.pass(skip, |store, after, want| {
            let files = store.walk(glob, self.at(), after)?;
            Ok(counted(files.take(want).map(|file| file.path)))
        })
    }

    /// The name before a directory's `offset`-th.
    pub fn name_before(&self, path: &str, offset: i32) -> Result<String, ReadError> {
        last_of(offset, |count| self.pass_names(path, count))
    }

    /// The path before the `offset`-th file that matches.
    pub fn file_before(&self, glob: &Glob, offset: i32) -> Result<String, ReadError> {
        last_of(offset, |count| self.pass_files(glob, count))
    }

    fn pass(
        &self,
        skip: usize,
        mut piece: impl FnMut(&Store, Option<&str>, usize) -> Result<Passed, ReadError>,
    ) -> Result<Passed, ReadError> {
        let mut passed = Passed::default();
        while passed.count < skip {
            let want = PIECE.min(skip - passed.count);
            let found = piece(self.shared.state().read().store(), passed.last.as_deref(), want)?;
            passed.count += found.count;
            passed.last = found.last.or(passed.last);
            if found.count < want {
                break;
            }
        }
        Ok(passed)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(pin) = self.pin.take() {
            self.shared.state().write().unpin(pin);
        }
    }
}

/// How far a way went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub count: usize,
    pub last: Option<String>,
}

/// The last of exactly `count` entries; it is out of range if there are fewer.
fn last_of(count: i32, pass: impl FnOnce(usize) -> Result<Passed, ReadError>) -> Result<String, ReadError> {
    let count = usize::try_from(count).map_err(|_| ReadError::Range)?;
    let passed = pass(count)?;
    passed.last.filter(|_| passed.count == count).ok_or(ReadError::Range)
}

fn counted<'a>(entries: impl Iterator<Item = &'a str>) -> Passed {
    let (count, last) = entries.fold((0, None), |(count, _), entry| (count + 1, Some(entry)));
    Passed { count, last: last.map(str::to_owned) }
}
