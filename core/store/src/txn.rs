//! Transactions: whether all operations could be made one after the other, found out before any of them is.

use std::collections::BTreeMap;

use crate::At;
use crate::apply::{Target, check_rev, on_directory};
use crate::command::{Change, Compare, Expected, Op, Txn};
use crate::outcome::{Changes, Outcome, Refusal};
use crate::path::{is_below, stem};
use crate::read::Lookup;
use crate::revision::Revision;
use crate::settings::{self, Settings};
use crate::store::Store;

/// The tree as the operations so far would leave it.
struct Trial<'a> {
    store: &'a Store,
    /// The files that they change, and the revision of those that they leave.
    changed: BTreeMap<&'a str, Option<Revision>>,
    /// The revision of the last change.
    revision: Revision,
    /// What the settings would say.
    settings: Settings,
}

/// What an operation would find at its path.
enum Found {
    File(Revision),
    Directory,
    BelowFile,
    Nothing,
}

impl Store {
    /// What a transaction, of a session or of none, would come to, if nothing came between: [`Outcome::Txn`], or why not.
    pub(crate) fn try_txn(&self, txn: &Txn<'_>, has_session: bool) -> Outcome {
        let is_ephemeral = |op: &Op<'_>| matches!(op.change, Change::Set { is_ephemeral: true, .. });
        if !has_session && txn.ops.iter().any(is_ephemeral) {
            return Outcome::Refused(Refusal::Malformed);
        }
        if let Some(unequal) = txn.compares.iter().position(|compare| !self.holds(compare)) {
            return Outcome::Unequal(unequal as u8);
        }
        let (revision, settings) = (self.revision(), self.settings);
        let mut trial = Trial { store: self, changed: BTreeMap::new(), revision, settings };
        let mut changes = Changes::begin(self.revision().next());
        for (index, op) in txn.ops.iter().enumerate() {
            match trial.make(op) {
                Ok(true) => changes.note(index),
                Ok(false) => {}
                Err(refusal) => return Outcome::TxnRefused(index as u8, refusal),
            }
        }
        Outcome::Txn(changes)
    }

    fn holds(&self, compare: &Compare<'_>) -> bool {
        let found = self.get(compare.path, At::Now);
        match (compare.expected, found) {
            (Expected::Rev(0) | Expected::Absent, Ok(Lookup::Missing)) => true,
            (Expected::Rev(expected), Ok(Lookup::File { rev, .. })) => rev.to_raw() == expected,
            (Expected::Value(expected), Ok(Lookup::File { value, .. })) => **value == *expected,
            (Expected::Fence(expected), Ok(Lookup::File { .. })) => {
                self.lock(compare.path).is_some_and(|lock| lock.token.to_raw() == expected)
            }
            _ => false,
        }
    }
}

impl<'a> Trial<'a> {
    /// Whether an operation would change anything.
    fn make(&mut self, op: &Op<'a>) -> Result<bool, Refusal> {
        let written = match op.change {
            Change::Set { value, is_ephemeral } => {
                if is_ephemeral {
                    settings::check_bindable(op.path)?;
                }
                Some(value)
            }
            Change::Del => None,
        };
        let found = self.find(op.path)?;
        if let Some(value) = written {
            self.settings.check_value(op.path, value)?;
        }
        let present = match found {
            Found::File(rev) => rev.to_raw(),
            Found::Nothing => 0,
            Found::Directory => return Err(on_directory(op.rev)),
            // There is nothing to delete, whatever is above.
            Found::BelowFile if written.is_none() => 0,
            Found::BelowFile => return Err(Refusal::NotDir),
        };
        check_rev(op.rev, present)?;
        if written.is_none() && present == 0 {
            return Ok(false);
        }
        self.revision = self.revision.next();
        self.changed.insert(op.path, written.map(|_| self.revision));
        self.settings.changed(op.path, written);
        Ok(true)
    }

    fn find(&self, path: &str) -> Result<Found, Refusal> {
        match self.changed.get(path) {
            Some(Some(rev)) => return Ok(Found::File(*rev)),
            // Below a file that was there is nothing but what came since.
            Some(None) if self.has_new_below(path) => return Ok(Found::Directory),
            Some(None) => return Ok(self.at_nothing(path)),
            None => {}
        }
        Ok(match self.store.target(path)? {
            Target::File(id) => Found::File(self.store.files.get(id).rev),
            _ if self.has_new_below(path) || self.has_old_below(path) => Found::Directory,
            _ => self.at_nothing(path),
        })
    }

    /// Where neither a file nor a directory is.
    fn at_nothing(&self, path: &str) -> Found {
        let is_file = |above: &str| match self.changed.get(above) {
            Some(change) => change.is_some(),
            None => matches!(self.store.target(above), Ok(Target::File(_))),
        };
        let mut above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
        if above.any(is_file) { Found::BelowFile } else { Found::Nothing }
    }

    fn has_new_below(&self, path: &str) -> bool {
        let stem = stem(path).unwrap_or_default();
        self.changed.iter().any(|(new, rev)| rev.is_some() && is_below(new, stem))
    }

    fn has_old_below(&self, path: &str) -> bool {
        let (store, stem) = (self.store, stem(path).unwrap_or_default());
        let mut place = store.live.seek_after(&store.files, stem);
        while let Some(id) = store.live.get(place) {
            let old = store.files.path(id);
            if !is_below(old, stem) {
                break;
            }
            if self.changed.get(old) != Some(&None) {
                return true;
            }
            place = store.live.next(place);
        }
        // The root is there without anything in it.
        stem.is_empty()
    }
}
