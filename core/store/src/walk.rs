//! Walking: the files that match a glob, in the order of the tree.

use crate::Value;
use crate::glob::{Glob, Names, Verdict};
use crate::path::cmp_components;
use crate::read::{Cursor, Lookup, ReadError};
use crate::revision::{At, Revision};
use crate::store::Store;
use std::cmp::Ordering;

/// A file that a walk came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRef<'a> {
    /// Its path.
    pub path: &'a str,
    /// The change that wrote it.
    pub rev: Revision,
    /// What was written.
    pub value: &'a Value,
}

impl Store {
    /// The matching files, ordered name by name; only those after the path `after`, if one is given, which
    /// need not exist.
    ///
    /// Looks at what begins like the glob up to its first wildcard, and leaves out directories whose names
    /// cannot match. One step of the iterator may still pass over many files.
    pub fn walk<'a>(&'a self, glob: &'a Glob, at: At, after: Option<&str>) -> Result<Walk<'a>, ReadError> {
        let is_before = |path: &str, start: &str| cmp_components(path, start) == Ordering::Less;
        let is_passed = |path: &str| after.is_some_and(|after| !is_before(after, path));
        if let Some(path) = glob.as_literal() {
            let only = match self.get(path, at)? {
                Lookup::File { rev, value } if !is_passed(path) => Some(FileRef { path, rev, value }),
                _ => None,
            };
            return Ok(Walk { glob, search: Search::Only(only) });
        }
        let start = glob.literal_prefix();
        let cursor = Cursor::seek(self.view(at)?, |path| is_before(path, start) || is_passed(path));
        Ok(Walk { glob, search: Search::Tree(cursor, Names::leading(glob)) })
    }
}

/// The files that match: see [`Store::walk`].
pub struct Walk<'a> {
    glob: &'a Glob,
    search: Search<'a>,
}

enum Search<'a> {
    Only(Option<FileRef<'a>>),
    Tree(Cursor<'a>, Names),
}

impl<'a> Iterator for Walk<'a> {
    type Item = FileRef<'a>;

    fn next(&mut self) -> Option<FileRef<'a>> {
        let (cursor, names) = match &mut self.search {
            Search::Only(file) => return file.take(),
            Search::Tree(cursor, names) => (cursor, names),
        };
        loop {
            let (id, path) = cursor.head()?;
            if !path.starts_with(self.glob.literal_prefix()) {
                return None;
            }
            match names.judge(self.glob, path) {
                Verdict::SkipBelow(end) if end < path.len() => cursor.skip_below(&path[..end]),
                Verdict::SkipBelow(_) | Verdict::Other => cursor.advance(),
                Verdict::Match => {
                    cursor.advance();
                    if let Some((rev, value)) = cursor.view.version(id) {
                        return Some(FileRef { path, rev, value });
                    }
                }
            }
        }
    }
}
