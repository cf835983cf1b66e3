//! Writing protobuf fields as prost would, or counting their bytes, by the same lines of code. Nothing is allocated between.
//! Never here: which message has which fields (`encode`).

use bytes::{BufMut, BytesMut};
use doozer_paxos::codec::{BALLOT_BYTES, put_ballot};
use doozer_paxos::{Ballot, Entry};
use prost::encoding::{WireType, encode_varint, encoded_len_varint};

/// A message: it knows its fields.
pub(super) trait Body {
    /// Puts every field, in the order of their numbers.
    fn put(&self, out: &mut impl Sink);

    /// How many bytes they take.
    fn len(&self) -> usize {
        let mut count = Count(0);
        self.put(&mut count);
        count.0
    }
}

/// Where fields go. A number that is 0, false, and a text or value without bytes is not written: that is what absence means
/// in proto3.
pub(super) trait Sink {
    fn varint(&mut self, value: u64);
    fn slice(&mut self, bytes: &[u8]);
    /// An entry's canonical bytes.
    fn entry_bytes(&mut self, entry: &Entry);
    /// A message's length and its fields.
    fn nested(&mut self, body: &impl Body);

    fn key(&mut self, field: u32, wire_type: WireType) {
        self.varint(u64::from(field << 3 | wire_type as u32));
    }

    fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.key(field, WireType::Varint);
            self.varint(value);
        }
    }

    fn flag(&mut self, field: u32, value: bool) {
        self.number(field, value.into());
    }

    /// Bytes that are there, even if they are none: an element of a list, or of one length anyway.
    fn fixed(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, WireType::LengthDelimited);
        self.varint(bytes.len() as u64);
        self.slice(bytes);
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.fixed(field, bytes);
        }
    }

    fn ballot(&mut self, field: u32, ballot: &Ballot) {
        let mut bytes = [0; BALLOT_BYTES];
        put_ballot(&mut &mut bytes[..], ballot);
        self.fixed(field, &bytes);
    }

    fn entry(&mut self, field: u32, entry: &Entry) {
        self.key(field, WireType::LengthDelimited);
        self.varint(entry.encoded_len() as u64);
        self.entry_bytes(entry);
    }

    fn message(&mut self, field: u32, body: &impl Body) {
        self.key(field, WireType::LengthDelimited);
        self.nested(body);
    }
}

impl Sink for BytesMut {
    fn varint(&mut self, value: u64) {
        encode_varint(value, self);
    }

    fn slice(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }

    fn entry_bytes(&mut self, entry: &Entry) {
        entry.encode(self);
    }

    fn nested(&mut self, body: &impl Body) {
        self.varint(body.len() as u64);
        body.put(self);
    }
}

/// So many bytes.
struct Count(usize);

impl Sink for Count {
    fn varint(&mut self, value: u64) {
        self.0 += encoded_len_varint(value);
    }

    fn slice(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn entry_bytes(&mut self, entry: &Entry) {
        self.0 += entry.encoded_len();
    }

    fn nested(&mut self, body: &impl Body) {
        let before = self.0;
        body.put(self);
        self.varint((self.0 - before) as u64);
    }
}
