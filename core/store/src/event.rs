//! Events: the changes again, in order, as a WAIT or a WATCH that starts in the past wants them.

use crate::glob::Glob;
use crate::read::ReadError;
use crate::revision::Revision;
use crate::store::Store;
use crate::{At, Value};
use std::sync::Arc;

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The change's number.
    pub rev: Revision,
    /// The file.
    pub path: Arc<str>,
    /// What was written; None if the file was deleted.
    pub value: Option<Value>,
}

/// How a search of the history went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The first match.
    Found(Event),
    /// No match up to the newest revision: a watch from the next one on misses nothing.
    CaughtUp,
    /// No match among the changes looked at: go on from this revision.
    More(Revision),
    /// The revision to start from is no longer kept.
    TooLate,
}

impl Store {
    /// The change with this number. Fails if it is not kept any more, or yet to come.
    pub fn event(&self, rev: Revision) -> Result<Event, ReadError> {
        self.readable(At::Revision(rev))?;
        Ok(self.event_at(rev))
    }

    /// Looks for the first change on or after `from` that matches, among at most `budget` changes, so that
    /// the caller can let others in between. A glob without wildcards takes one short look-up whatever the
    /// distance.
    pub fn scan(&self, glob: &Glob, from: Revision, budget: usize) -> Scan {
        let from = from.max(Revision(1));
        if from < self.first() {
            return Scan::TooLate;
        }
        if let Some(path) = glob.as_literal() {
            return self.scan_file(path, from);
        }
        let mut rev = from;
        for _ in 0..budget {
            if rev > self.revision() {
                return Scan::CaughtUp;
            }
            if glob.matches(self.files.path(self.log.entry(rev).file)) {
                return Scan::Found(self.event_at(rev));
            }
            rev = rev.next();
        }
        Scan::More(rev)
    }

    fn scan_file(&self, path: &str, from: Revision) -> Scan {
        let Some(id) = self.files.find(path) else { return Scan::CaughtUp };
        match self.log.next_change(self.files.get(id).rev, from.previous()) {
            Some((rev, _)) => Scan::Found(self.event_at(rev)),
            None => Scan::CaughtUp,
        }
    }

    /// The event of a revision that the log has.
    pub(crate) fn event_at(&self, rev: Revision) -> Event {
        let (path, value) = self.change_at(rev);
        Event { rev, path: path.into(), value: value.cloned() }
    }

    /// The path and the value of a change that the log has.
    pub(crate) fn change_at(&self, rev: Revision) -> (&str, Option<&Value>) {
        let entry = self.log.entry(rev);
        let file = self.files.get(entry.file);
        let value = match entry.next {
            Revision::ZERO => file.value.as_ref(),
            next => self.log.entry(next).displaced.as_ref(),
        };
        (&file.path, value)
    }
}
