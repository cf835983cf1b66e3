//! A change, encoded once for all the connections that wait for it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::put;
use crate::response::field;

/// Room for a tag and a store revision, each with its key, at their longest.
const TAG_AND_STORE_REV_BYTES: usize = 11 + 12;

/// The part of a WAIT's or WATCH's answer that is the same for everybody. Cloning it is cheap.
///
/// A watcher's tag and store revision are put around it when it is sent: protobuf lets fields stand in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBody(Bytes);

impl EventBody {
    /// Encodes the change `rev` of the file `path`. `value` is empty and `flags` is [`FLAG_DEL`](crate::FLAG_DEL) if
    /// the file was deleted, else `flags` is [`FLAG_SET`](crate::FLAG_SET).
    pub fn new(path: &[u8], value: &[u8], rev: i64, flags: i32) -> EventBody {
        let mut buf = BytesMut::with_capacity(path.len() + value.len() + 40);
        put::int32(field::FLAGS, Some(flags), &mut buf);
        put::int64(field::REV, Some(rev), &mut buf);
        put::bytes(field::PATH, Some(path), &mut buf);
        put::bytes(field::VALUE, Some(value), &mut buf);
        EventBody(buf.freeze())
    }

    /// Appends the change to `buf` as the answer, length included, to the request with `tag`. `store_rev` is for
    /// connections that have sent HELLO. Beyond `buf` itself nothing is allocated.
    ///
    /// # Panics
    /// If the answer is longer than `i32::MAX` bytes, which no value under any limit makes it.
    pub fn encode_frame(&self, tag: Option<i32>, store_rev: Option<i64>, buf: &mut BytesMut) {
        put::frame(buf, self.0.len() + TAG_AND_STORE_REV_BYTES, |buf| {
            put::int32(field::TAG, tag, buf);
            buf.put_slice(&self.0);
            put::int64(field::STORE_REV, store_rev, buf);
        });
    }
}
