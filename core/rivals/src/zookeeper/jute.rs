//! Jute, ZooKeeper's encoding: big-endian numbers, texts and byte strings with their length in front.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use doozer_bench::LoadError;

/// The bytes of a frame's length.
const PREFIX_BYTES: usize = 4;

/// Appends a frame, whose body `fill` writes.
pub fn frame(out: &mut BytesMut, fill: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_i32(0);
    fill(out);
    let length = length(out.len() - start - PREFIX_BYTES);
    out[start..start + PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
}

/// Takes the first whole frame away from the front of what has come; its body.
pub fn next_frame(input: &mut BytesMut) -> Result<Option<Bytes>, LoadError> {
    let Some(prefix) = input.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
    let length =
        usize::try_from(i32::from_be_bytes(*prefix)).map_err(|_| LoadError::Nonsense("its length"))?;
    if input.len() < PREFIX_BYTES + length {
        return Ok(None);
    }
    input.advance(PREFIX_BYTES);
    Ok(Some(input.split_to(length).freeze()))
}

/// Appends a text or a byte string.
pub fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_i32(length(bytes.len()));
    out.put_slice(bytes);
}

/// Takes a 32-bit number away.
pub fn take_i32(body: &mut Bytes) -> Result<i32, LoadError> {
    body.try_get_i32().map_err(|_| LoadError::Nonsense("it ends too early"))
}

/// Takes a 64-bit number away.
pub fn take_i64(body: &mut Bytes) -> Result<i64, LoadError> {
    body.try_get_i64().map_err(|_| LoadError::Nonsense("it ends too early"))
}

/// Takes a text or a byte string away; one that there is not is empty.
pub fn take_bytes(body: &mut Bytes) -> Result<Bytes, LoadError> {
    let length = usize::try_from(take_i32(body)?).unwrap_or(0);
    if body.len() < length {
        return Err(LoadError::Nonsense("it ends too early"));
    }
    Ok(body.split_to(length))
}

/// What a length is on the wire; nothing that a load sends comes near the largest.
fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8),
            piece in 1_usize..20,
        ) {
            let mut sent = BytesMut::new();
            for body in &bodies {
                frame(&mut sent, |out| out.put_slice(body));
            }
            let (mut input, mut found) = (BytesMut::new(), Vec::new());
            for piece in sent.chunks(piece) {
                input.put_slice(piece);
                while let Some(body) = next_frame(&mut input).unwrap() {
                    found.push(body.to_vec());
                }
            }
            prop_assert_eq!(found, bodies);
            prop_assert!(input.is_empty());
        }
    }

    #[test]
    fn numbers_and_texts() {
        let mut out = BytesMut::new();
        put_bytes(&mut out, b"/a");
        assert_eq!(&out[..], b"\0\0\0\x02/a");
        let mut sent = out.freeze();
        assert_eq!(take_bytes(&mut sent).unwrap(), "/a");
        assert!(take_bytes(&mut Bytes::from_static(b"\0\0\0\x02/")).is_err(), "it is cut off");
        assert_eq!(take_bytes(&mut Bytes::from_static(&[0xff; 4])).unwrap(), "", "there is none");
        let mut body = Bytes::from_static(&[0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 1, 0, 9]);
        assert_eq!(take_i32(&mut body).unwrap(), -2);
        assert_eq!(take_i64(&mut body).unwrap(), 256);
        assert!(take_i32(&mut body).is_err(), "one byte is left");
        assert!(next_frame(&mut BytesMut::from(&[0xff, 0, 0, 0][..])).is_err(), "a negative length");
    }
}
