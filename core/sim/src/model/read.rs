//! Reading the model: what is at a path, which files match, which change comes first.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::{File, Model, Wild, matches};

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Nothing.
    Missing,
    /// A file: its revision and what it holds.
    File {
        /// The change that wrote it.
        rev: u64,
        /// What was written.
        value: &'a Bytes,
    },
    /// A directory.
    Directory,
}

/// A glob that is asked for again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// One path.
    Path(Arc<str>),
    /// A glob with wildcards, by its number.
    Wild(usize),
}

impl Model {
    /// What was at a path in the state right after a change.
    pub fn get(&self, path: &str, at: u64) -> Lookup<'_> {
        if let Some((rev, value)) = self.version(path, at) {
            return Lookup::File { rev, value };
        }
        if self.is_directory(path, at) { Lookup::Directory } else { Lookup::Missing }
    }

    /// The files that matched in the state right after a change, with their revisions, in the order of the tree.
    pub fn list(&self, glob: &str, at: u64) -> Vec<(&str, u64)> {
        let live = self.files.iter().filter_map(|file| file.at(at).map(|(rev, _)| (&*file.path, rev)));
        let mut found: Vec<(&str, u64)> = live.filter(|(path, _)| matches(glob, path)).collect();
        found.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        found
    }

    /// Takes note of a glob.
    pub fn pattern(&mut self, glob: &str) -> Pattern {
        if !glob.contains(['*', '?']) {
            return Pattern::Path(glob.into());
        }
        let known = self.globs.iter().position(|wild| *wild.glob == *glob);
        Pattern::Wild(known.unwrap_or_else(|| {
            let matches = self.files.iter().map(|file| matches(glob, &file.path)).collect();
            self.globs.push(Wild { glob: glob.into(), matches });
            self.globs.len() - 1
        }))
    }

    /// Whether a change is one of a path that matches.
    pub fn is_match(&self, pattern: &Pattern, rev: u64) -> bool {
        let Some(change) = rev.checked_sub(1).and_then(|index| self.changes.get(index as usize)) else {
            return false;
        };
        match pattern {
            Pattern::Path(path) => self.files[change.file].path == *path,
            Pattern::Wild(number) => self.globs[*number].matches[change.file],
        }
    }

    /// The first change from `from` on, and before `end`, that matches.
    pub fn first_match(&self, pattern: &Pattern, from: u64, end: u64) -> Option<u64> {
        let end = end.min(self.revision() + 1);
        if let Pattern::Path(path) = pattern {
            let versions = &self.files[*self.ids.get(path)?].versions;
            let first = versions.partition_point(|(rev, _)| *rev < from);
            return versions.get(first).map(|(rev, _)| *rev).filter(|rev| *rev < end);
        }
        (from.max(1)..end).find(|rev| self.is_match(pattern, *rev))
    }

    pub(super) fn version(&self, path: &str, at: u64) -> Option<(u64, &Bytes)> {
        self.files[*self.ids.get(path)?].at(at)
    }

    pub(super) fn is_below_file(&self, path: &str, at: u64) -> bool {
        let above = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(end, _)| &path[..end]);
        above.into_iter().any(|file| self.version(file, at).is_some())
    }

    fn is_directory(&self, path: &str, at: u64) -> bool {
        if path == "/" || path.is_empty() {
            return path == "/";
        }
        let start = format!("{path}/");
        below(&self.ids, &start).any(|file| self.files[file].at(at).is_some())
    }
}

fn below<'a>(ids: &'a BTreeMap<Arc<str>, usize>, start: &'a str) -> impl Iterator<Item = usize> + 'a {
    let from = ids.range::<str, _>((Bound::Included(start), Bound::Unbounded));
    from.take_while(move |(path, _)| path.starts_with(start)).map(|(_, file)| *file)
}

impl File {
    /// The version in the state right after a change, if the file existed there.
    fn at(&self, at: u64) -> Option<(u64, &Bytes)> {
        let behind = match self.versions.last() {
            Some((rev, _)) if *rev <= at => self.versions.len(),
            _ => self.versions.partition_point(|(rev, _)| *rev <= at),
        };
        let (rev, value) = self.versions.get(behind.checked_sub(1)?)?;
        value.as_ref().map(|value| (*rev, value))
    }
}
