//! Writing a snapshot in chunks, while changes go on; and the format, which `load` reads.
//!
//! All numbers are little-endian. A snapshot is a header (the format, 1 byte; the base and the last
//! revision, u64 each) and then records, each of which begins with its kind (1 byte):
//!
//! | kind | then |
//! |---|---|
//! | 1 FILE | rev (u64), length of the path (u16), length of the value (u32), path, value |
//! | 2 SET | length of the path (u16), length of the value (u32), path, value |
//! | 3 DEL | length of the path (u16), path |
//! | 5 SESSION, 6 QUEUE | see `session::code` |
//! | 4 END | the BLAKE3 hash of everything before it (32 bytes) |
//!
//! The FILE records are the tree at the base revision, in its order. The SET and DEL records are the
//! changes from there to the last revision, one for each: the history. Sessions and queues are as they are at the last
//! revision. Format 1 had none.

use crate::path::cmp_components;
use crate::read::{Cursor, View};
use crate::revision::Revision;
use crate::store::{Pin, Store};

/// The version of the format. What a state digest covers changes with it.
pub(crate) const FORMAT: u8 = 2;

/// Still read.
pub(crate) const FORMAT_WITHOUT_SESSIONS: u8 = 1;

pub(crate) const FILE: u8 = 1;
pub(crate) const SET: u8 = 2;
pub(crate) const DEL: u8 = 3;
pub(crate) const END: u8 = 4;

const CHUNK_RECORDS: usize = 256;
const CHUNK_BYTES: usize = 256 << 10;

/// A snapshot being written: the store as it was when that began. Until it is given back with
/// [`Store::end_snapshot`], the store drops nothing from its history.
#[must_use = "a snapshot that is not given back keeps the history for ever"]
pub struct Snapshot {
    pin: Pin,
    base: Revision,
    last: Revision,
    hasher: blake3::Hasher,
    /// They have no history to be read back from later.
    sessions: Vec<u8>,
    next: Next,
}

/// What comes next.
enum Next {
    Header,
    /// The files after this path.
    Files(Box<str>),
    Change(Revision),
    /// Sessions and queues, from this byte of them on.
    Sessions(usize),
    Nothing,
}

impl Store {
    /// Begins a snapshot of the present state and history.
    pub fn begin_snapshot(&mut self) -> Snapshot {
        let first = self.first();
        let mut sessions = Vec::new();
        self.sessions.encode(&mut sessions);
        Snapshot {
            sessions,
            pin: self.hold(first),
            base: first.previous(),
            last: self.revision(),
            hasher: blake3::Hasher::new(),
            next: Next::Header,
        }
    }

    /// Gives a snapshot back, complete or not.
    pub fn end_snapshot(&mut self, snapshot: Snapshot) {
        self.unpin(snapshot.pin);
    }
}

impl Snapshot {
    /// The revision it is of.
    pub fn revision(&self) -> Revision {
        self.last
    }

    /// Appends the next chunk: at most 256 records and about 256 KiB, or one record if that is larger, or
    /// nothing. False if it was the last one. `store` must be the one the snapshot was begun on.
    pub fn next_chunk(&mut self, store: &Store, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        self.next = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Header => {
                out.push(FORMAT);
                out.extend_from_slice(&self.base.0.to_le_bytes());
                out.extend_from_slice(&self.last.0.to_le_bytes());
                Next::Files("".into())
            }
            Next::Files(after) => self.files(store, &after, out),
            Next::Change(rev) => self.changes(store, rev, out),
            Next::Sessions(from) => self.sessions(from, out),
            Next::Nothing => return false,
        };
        self.hasher.update(&out[start..]);
        if let Next::Change(rev) = self.next
            && rev > self.last
        {
            self.next = Next::Sessions(0);
        }
        if let Next::Sessions(from) = self.next
            && from == self.sessions.len()
        {
            out.push(END);
            self.hasher.update(&[END]);
            out.extend_from_slice(self.hasher.finalize().as_bytes());
            self.next = Next::Nothing;
        }
        !matches!(self.next, Next::Nothing)
    }

    fn files(&self, store: &Store, after: &str, out: &mut Vec<u8>) -> Next {
        let view = View { store, at: Some(self.base) };
        let mut cursor = Cursor::seek(view, |path| cmp_components(path, after).is_le());
        let end = out.len() + CHUNK_BYTES;
        let mut last = None;
        for _ in 0..CHUNK_RECORDS {
            let Some((id, path)) = cursor.head().filter(|_| out.len() < end) else { break };
            if let Some((rev, value)) = view.version(id) {
                put_file(out, rev, path, value);
            }
            last = Some(path);
            cursor.advance();
        }
        match last {
            Some(path) => Next::Files(path.into()),
            None => Next::Change(self.base.next()),
        }
    }

    fn sessions(&self, from: usize, out: &mut Vec<u8>) -> Next {
        let to = self.sessions.len().min(from + CHUNK_BYTES);
        out.extend_from_slice(&self.sessions[from..to]);
        Next::Sessions(to)
    }

    fn changes(&self, store: &Store, first: Revision, out: &mut Vec<u8>) -> Next {
        let end = out.len() + CHUNK_BYTES;
        let mut rev = first;
        for _ in 0..CHUNK_RECORDS {
            if rev > self.last || out.len() >= end {
                break;
            }
            let (path, value) = store.change_at(rev);
            put_change(out, path, value.map(|value| &**value));
            rev = rev.next();
        }
        Next::Change(rev)
    }
}

/// A FILE record: what a state digest is made of, too.
pub(crate) fn put_file(out: &mut Vec<u8>, rev: Revision, path: &str, value: &[u8]) {
    out.push(FILE);
    out.extend_from_slice(&rev.0.to_le_bytes());
    put_body(out, path, Some(value));
}

fn put_change(out: &mut Vec<u8>, path: &str, value: Option<&[u8]>) {
    out.push(if value.is_some() { SET } else { DEL });
    put_body(out, path, value);
}

/// The store holds no path or value that is too long for its length here.
fn put_body(out: &mut Vec<u8>, path: &str, value: Option<&[u8]>) {
    out.extend_from_slice(&(path.len() as u16).to_le_bytes());
    if let Some(value) = value {
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(value.unwrap_or_default());
}
