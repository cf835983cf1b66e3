//! Writing fields straight into a buffer, without a message object between.
//! Which field has which number is said where the message is.

use bytes::{BufMut, BytesMut};
use prost::encoding::{self, WireType};

use crate::frame::PREFIX_BYTES;

/// Appends a frame whose body `body` writes; its length is filled in afterwards. `expected` is about how many bytes
/// the body will have, so that the buffer grows once.
///
/// # Panics
/// If the body is longer than `i32::MAX`, which no reader would take: the caller has let a value past its limit.
pub(crate) fn frame(buf: &mut BytesMut, expected: usize, body: impl FnOnce(&mut BytesMut)) {
    buf.reserve(PREFIX_BYTES + expected);
    let start = buf.len();
    buf.put_bytes(0, PREFIX_BYTES);
    body(buf);
    let len = buf.len() - start - PREFIX_BYTES;
    assert!(len <= i32::MAX as usize, "a frame of {len} bytes cannot be sent");
    buf[start..start + PREFIX_BYTES].copy_from_slice(&(len as u32).to_be_bytes());
}

pub(crate) fn int32(field: u32, value: Option<i32>, buf: &mut BytesMut) {
    if let Some(value) = value {
        encoding::int32::encode(field, &value, buf);
    }
}

pub(crate) fn int64(field: u32, value: Option<i64>, buf: &mut BytesMut) {
    if let Some(value) = value {
        encoding::int64::encode(field, &value, buf);
    }
}

pub(crate) fn uint32(field: u32, value: Option<u32>, buf: &mut BytesMut) {
    if let Some(value) = value {
        encoding::uint32::encode(field, &value, buf);
    }
}

pub(crate) fn uint64(field: u32, value: Option<u64>, buf: &mut BytesMut) {
    if let Some(value) = value {
        encoding::uint64::encode(field, &value, buf);
    }
}

/// False is what absence means, so only true is written.
pub(crate) fn flag(field: u32, value: bool, buf: &mut BytesMut) {
    if value {
        encoding::bool::encode(field, &value, buf);
    }
}

pub(crate) fn bytes(field: u32, value: Option<&[u8]>, buf: &mut BytesMut) {
    if let Some(value) = value {
        head(field, value.len(), buf);
        buf.put_slice(value);
    }
}

/// What stands before `len` bytes of a field.
pub(crate) fn head(field: u32, len: usize, buf: &mut BytesMut) {
    encoding::encode_key(field, WireType::LengthDelimited, buf);
    encoding::encode_varint(len as u64, buf);
}

/// How many bytes a field of `len` bytes takes, with what stands before it.
pub(crate) fn bytes_len(field: u32, len: usize) -> usize {
    encoding::key_len(field) + encoding::encoded_len_varint(len as u64) + len
}
