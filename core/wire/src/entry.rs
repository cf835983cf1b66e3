//! The files a LIST answers with.

use bytes::{Bytes, BytesMut};
use prost::encoding;

use crate::{proto, put};

const PATH: u32 = 1;
const VALUE: u32 = 2;
const REV: u32 = 3;
const LEN: u32 = 4;

/// One file of a LIST, as a member sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The file's path.
    pub path: &'a [u8],
    /// Its value; `None` if the client asked for the paths only.
    pub value: Option<&'a [u8]>,
    /// The revision that wrote it.
    pub rev: i64,
    /// The value's length in bytes, sent or not.
    pub len: i32,
}

/// One file of a LIST, as a client gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedEntry {
    /// The file's path.
    pub path: Bytes,
    /// Its value; `None` if the request asked for the paths only.
    pub value: Option<Bytes>,
    /// The revision that wrote it.
    pub rev: i64,
    /// The value's length in bytes, sent or not.
    pub len: i32,
}

impl Entry<'_> {
    /// How many bytes of a frame the entry takes in [`Response::entries`](crate::Response::entries): a member adds
    /// these up to cut a LIST before its answer grows over the frame limit.
    pub fn frame_bytes(&self) -> usize {
        put::bytes_len(crate::response::field::ENTRIES, self.body_len())
    }

    fn body_len(&self) -> usize {
        put::bytes_len(PATH, self.path.len())
            + self.value.map_or(0, |value| put::bytes_len(VALUE, value.len()))
            + encoding::int64::encoded_len(REV, &self.rev)
            + encoding::int32::encoded_len(LEN, &self.len)
    }

    /// Writes the entry as a field of a response.
    pub(crate) fn put(&self, buf: &mut BytesMut) {
        put::head(crate::response::field::ENTRIES, self.body_len(), buf);
        put::bytes(PATH, Some(self.path), buf);
        put::bytes(VALUE, self.value, buf);
        put::int64(REV, Some(self.rev), buf);
        put::int32(LEN, Some(self.len), buf);
    }
}

impl From<proto::Entry> for OwnedEntry {
    fn from(entry: proto::Entry) -> OwnedEntry {
        let (rev, len) = (entry.rev(), entry.len());
        OwnedEntry { path: entry.path.unwrap_or_default(), value: entry.value, rev, len }
    }
}
