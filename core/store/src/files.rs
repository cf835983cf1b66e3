//! The slab of files, and the hash index from a path to its file.
//! The index is only ever looked up: nothing here depends on the order in which a hash map goes.

use crate::Value;
use crate::revision::Revision;
use crate::session::SessionId;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

const CHUNK: usize = 1024;

/// A place in the slab. It stays the file's own for as long as the file is live or in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId(u32);

/// A file: its newest version. Older ones are in the undo log.
#[derive(Debug)]
pub(crate) struct File {
    pub path: Box<str>,
    /// The change that made this version.
    pub rev: Revision,
    /// None: that change deleted it, and it stays only for the history's sake.
    pub value: Option<Value>,
    /// The session that it goes with. Few files have one.
    pub holder: Option<Box<SessionId>>,
}

/// All files, live or deleted within the history.
pub(crate) struct Files {
    /// Chunks of a fixed size: growth neither moves what is there nor leaves half of the memory unused.
    chunks: Vec<Vec<File>>,
    /// Places ever used; the free ones among them.
    used: usize,
    free: Vec<FileId>,
    table: HashTable<FileId>,
    hasher: FixedState,
}

impl Files {
    pub fn new(hash_seed: u64) -> Self {
        let hasher = FixedState::with_seed(hash_seed);
        Self { chunks: Vec::new(), used: 0, free: Vec::new(), table: HashTable::new(), hasher }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn get(&self, id: FileId) -> &File {
        let at = id.0 as usize;
        &self.chunks[at / CHUNK][at % CHUNK]
    }

    pub fn get_mut(&mut self, id: FileId) -> &mut File {
        let at = id.0 as usize;
        &mut self.chunks[at / CHUNK][at % CHUNK]
    }

    pub fn path(&self, id: FileId) -> &str {
        &self.get(id).path
    }

    pub fn find(&self, path: &str) -> Option<FileId> {
        self.table.find(self.hasher.hash_one(path), |id| self.path(*id) == path).copied()
    }

    /// Adds a file that does not exist yet in any version. It starts as deleted before the first change.
    pub fn insert(&mut self, path: &str) -> FileId {
        let file = File { path: path.into(), rev: Revision::ZERO, value: None, holder: None };
        let id = self.place(file);
        let Self { chunks, table, hasher, .. } = self;
        table.insert_unique(hasher.hash_one(path), id, |id| {
            let at = id.0 as usize;
            hasher.hash_one(&*chunks[at / CHUNK][at % CHUNK].path)
        });
        id
    }

    /// Forgets a file in all its versions.
    pub fn remove(&mut self, id: FileId) {
        let hash = self.hasher.hash_one(self.path(id));
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
            *self.get_mut(id) = File { path: Box::default(), rev: Revision::ZERO, value: None, holder: None };
            self.free.push(id);
        }
    }

    fn place(&mut self, file: File) -> FileId {
        if let Some(id) = self.free.pop() {
            *self.get_mut(id) = file;
            return id;
        }
        let at = self.used;
        if at.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[at / CHUNK].push(file);
        self.used += 1;
        #[allow(
            clippy::expect_used,
            reason = "2^32 files need hundreds of gigabytes before they overflow this"
        )]
        FileId(u32::try_from(at).expect("fewer than 2^32 files"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_reuses_places() {
        let mut files = Files::new(7);
        let ids: Vec<_> = (0..3000).map(|i| files.insert(&format!("/f{i}"))).collect();
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(files.find(&format!("/f{i}")), Some(*id));
        }
        files.remove(ids[1500]);
        assert_eq!((files.find("/f1500"), files.len()), (None, 2999));
        assert_eq!(files.insert("/new"), ids[1500]);
        assert_eq!(files.path(ids[1500]), "/new");
    }
}
