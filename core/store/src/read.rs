//! Reading: files, directories and their entries, now or at any kept revision.

use crate::Value;
use crate::files::FileId;
use crate::order::Position;
use crate::path::{cmp_components, is_below, stem};
use crate::revision::{At, Revision};
use crate::store::Store;
use std::cmp::Ordering;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// That revision is not kept any more.
    #[error("the revision is too old: it is not kept any more")]
    TooLate,
    /// That revision is yet to come. Who wants it must wait.
    #[error("the revision is yet to come")]
    Future,
    /// There is no such directory.
    #[error("no such directory")]
    NoEntry,
    /// It is a file.
    #[error("not a directory")]
    NotDirectory,
    /// There is no entry with this number.
    #[error("offset out of range")]
    Range,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Nothing.
    Missing,
    /// A file.
    File {
        /// The change that wrote it.
        rev: Revision,
        /// What was written.
        value: &'a Value,
    },
    /// A directory.
    Directory,
}

/// The size of what is at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The file's revision; -2 for a directory, 0 for nothing.
    pub rev: i64,
    /// The file's length in bytes, or the number of a directory's entries.
    pub len: u64,
}

impl Store {
    /// What is at a path. Any text will do as a path: if no file can have it, there is none.
    ///
    /// A file takes one look-up, anything else one search in the order of the files. Whether there was a
    /// directory at an old revision may take a look at every file that is or was below it.
    pub fn get(&self, path: &str, at: At) -> Result<Lookup<'_>, ReadError> {
        let view = self.view(at)?;
        if let Some((rev, value)) = self.files.find(path).and_then(|id| view.version(id)) {
            return Ok(Lookup::File { rev, value });
        }
        Ok(if view.is_directory(path) { Lookup::Directory } else { Lookup::Missing })
    }

    /// The size of what is at a path, which may be any text. Takes time in proportion to the entries of a
    /// directory.
    pub fn stat(&self, path: &str, at: At) -> Result<Stat, ReadError> {
        Ok(match self.get(path, at)? {
            Lookup::Missing => Stat::default(),
            Lookup::File { rev, value } => Stat { rev: rev.to_raw(), len: value.len() as u64 },
            Lookup::Directory => Stat { rev: -2, len: self.dir_entries(path, at)?.count() as u64 },
        })
    }

    /// The name of a directory's n-th entry, from 0.
    pub fn dir_entry(&self, path: &str, offset: i64, at: At) -> Result<&str, ReadError> {
        let mut entries = self.dir_entries(path, at)?;
        usize::try_from(offset).ok().and_then(|offset| entries.nth(offset)).ok_or(ReadError::Range)
    }

    /// The names of a directory's entries, in the order of their bytes. Takes one step for each file and
    /// one search for each directory among them.
    pub fn dir_entries<'a, 'p>(&'a self, path: &'p str, at: At) -> Result<DirEntries<'a, 'p>, ReadError> {
        let (view, stem) = self.directory(path, at)?;
        Ok(view.entries(stem))
    }

    /// The same, but only the entries after `name`, which need not be one. Takes one search, where counting from
    /// the start would take a step for each.
    pub fn dir_entries_after<'a, 'p>(
        &'a self,
        path: &'p str,
        name: &str,
        at: At,
    ) -> Result<DirEntries<'a, 'p>, ReadError> {
        let (view, stem) = self.directory(path, at)?;
        let passed = format!("{stem}/{name}");
        let is_passed =
            |path: &str| cmp_components(path, &passed) != Ordering::Greater || is_below(path, &passed);
        Ok(DirEntries { cursor: Cursor::seek(view, is_passed), stem })
    }

    fn directory<'p>(&self, path: &'p str, at: At) -> Result<(View<'_>, &'p str), ReadError> {
        match self.get(path, at)? {
            Lookup::Missing => Err(ReadError::NoEntry),
            Lookup::File { .. } => Err(ReadError::NotDirectory),
            Lookup::Directory => Ok((self.view(at)?, stem(path).unwrap_or_default())),
        }
    }

    /// The tree as it was, or is, then.
    pub(crate) fn view(&self, at: At) -> Result<View<'_>, ReadError> {
        self.readable(at)?;
        let at = match at {
            At::Revision(rev) if rev < self.revision() => Some(rev),
            _ => None,
        };
        Ok(View { store: self, at })
    }
}

/// One state of the tree.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub store: &'a Store,
    /// None: the newest one.
    pub at: Option<Revision>,
}

impl<'a> View<'a> {
    /// A file's version in this state, if it exists there.
    pub fn version(self, id: FileId) -> Option<(Revision, &'a Value)> {
        let file = self.store.files.get(id);
        let (rev, value) = match self.at.and_then(|at| self.store.log.next_change(file.rev, at)) {
            Some((_, displacer)) => (displacer.prev, displacer.displaced.as_ref()),
            None => (file.rev, file.value.as_ref()),
        };
        value.map(|value| (rev, value))
    }

    fn is_directory(self, path: &str) -> bool {
        stem(path).is_some_and(|stem| stem.is_empty() || self.entries(stem).next().is_some())
    }

    fn entries<'p>(self, stem: &'p str) -> DirEntries<'a, 'p> {
        let cursor = Cursor::seek(self, |path| cmp_components(path, stem) != Ordering::Greater);
        DirEntries { cursor, stem }
    }
}

/// The names of a directory's entries: see [`Store::dir_entries`].
pub struct DirEntries<'a, 'p> {
    cursor: Cursor<'a>,
    stem: &'p str,
}

impl<'a> Iterator for DirEntries<'a, '_> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let (id, path) = self.cursor.head()?;
            if !is_below(path, self.stem) {
                return None;
            }
            if self.cursor.view.version(id).is_none() {
                self.cursor.advance();
                continue;
            }
            let start = self.stem.len() + 1;
            match path[start..].find('/') {
                None => {
                    self.cursor.advance();
                    return Some(&path[start..]);
                }
                Some(len) => {
                    self.cursor.skip_below(&path[..start + len]);
                    return Some(&path[start..start + len]);
                }
            }
        }
    }
}

/// Goes through the files in the order of the tree: the live ones and, for an old state, with them those
/// that the history knows. Whether a file exists in that state is for the caller to ask.
pub(crate) struct Cursor<'a> {
    pub view: View<'a>,
    live: Position,
    dead: Position,
    head: Option<Head<'a>>,
}

#[derive(Clone, Copy)]
struct Head<'a> {
    id: FileId,
    path: &'a str,
    is_live: bool,
}

impl<'a> Cursor<'a> {
    /// Begins at the first path that is not `before`.
    pub fn seek(view: View<'a>, before: impl Fn(&str) -> bool) -> Self {
        let start = Position::default();
        let mut cursor = Self { view, live: start, dead: start, head: None };
        cursor.jump(before);
        cursor
    }

    pub fn head(&self) -> Option<(FileId, &'a str)> {
        self.head.map(|head| (head.id, head.path))
    }

    pub fn advance(&mut self) {
        match self.head {
            None => return,
            Some(Head { is_live: true, .. }) => self.live = self.view.store.live.next(self.live),
            Some(_) => self.dead = self.view.store.dead.next(self.dead),
        }
        self.settle();
    }

    /// Goes on behind everything below a directory that the head is in.
    pub fn skip_below(&mut self, stem: &str) {
        self.advance();
        // The next one is often outside already.
        if self.head.is_some_and(|head| is_below(head.path, stem)) {
            self.jump(|path| cmp_components(path, stem) != Ordering::Greater || is_below(path, stem));
        }
    }

    fn jump(&mut self, before: impl Fn(&str) -> bool) {
        let Store { files, live, dead, .. } = self.view.store;
        self.live = live.seek(files, &before);
        if self.view.at.is_some() {
            self.dead = dead.seek(files, &before);
        }
        self.settle();
    }

    fn settle(&mut self) {
        let Store { files, live, dead, .. } = self.view.store;
        let head = |id: Option<FileId>, is_live| id.map(|id| Head { id, path: files.path(id), is_live });
        let dead = self.view.at.and_then(|_| head(dead.get(self.dead), false));
        self.head = match (head(live.get(self.live), true), dead) {
            (Some(live), Some(dead)) if cmp_components(dead.path, live.path) == Ordering::Less => Some(dead),
            (live, dead) => live.or(dead),
        };
    }
}
