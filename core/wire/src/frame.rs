//! Framing: each message is preceded by its length, four bytes, big-endian.
//! What a frame holds is no business of this module.

use bytes::{Buf, Bytes, BytesMut};

/// No frame limit is smaller, in bytes: clients may rely on sending and getting this much.
pub const FRAME_BYTES_MIN_LIMIT: usize = 4 << 20;

/// Room for a message's other fields beside the largest value, in bytes.
const BESIDE_VALUE_BYTES: u64 = 64 << 10;

pub(crate) const PREFIX_BYTES: usize = 4;

/// The longest body in bytes, both ways, where values have at most `value_bytes_max` bytes.
/// Never more than `i32::MAX`, beyond which a length would read as negative.
pub fn frame_limit(value_bytes_max: u64) -> usize {
    let wanted = value_bytes_max.saturating_add(BESIDE_VALUE_BYTES).min(i32::MAX as u64);
    usize::try_from(wanted).unwrap_or(usize::MAX).max(FRAME_BYTES_MIN_LIMIT)
}

/// A length no frame may have. What follows it cannot be told apart any more: the connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is negative when read as the signed number the original takes it for.
    #[error("a frame of negative length {0}")]
    Negative(i32),
    /// The length is over the limit.
    #[error("a frame of {len} bytes, over the limit of {limit}")]
    TooLong {
        /// The length the frame claims, in bytes.
        len: usize,
        /// The decoder's limit, in bytes.
        limit: usize,
    },
}

/// Cuts a stream of bytes into the bodies of frames. It never allocates: bodies are slices of the buffer read into.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
}

impl Decoder {
    /// A decoder that takes bodies of at most `limit` bytes.
    pub fn new(limit: usize) -> Decoder {
        Decoder { limit }
    }

    /// Changes the limit, in bytes, for the frames whose length has not been seen yet.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Splits the first whole frame off the front of `buf` and returns its body, which may be empty; `None` if `buf`
    /// holds only a part. The body shares `buf`'s memory: whoever keeps some of it for long should copy it.
    ///
    /// # Errors
    /// A length that is negative or over the limit fails as soon as the length itself is there, before the body is.
    /// `buf` is left as it was, so that calling again fails again.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(&prefix) = buf.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let signed = i32::from_be_bytes(prefix);
        let len = usize::try_from(signed).map_err(|_| FrameError::Negative(signed))?;
        if len > self.limit {
            return Err(FrameError::TooLong { len, limit: self.limit });
        }
        if buf.len() - PREFIX_BYTES < len {
            return Ok(None);
        }
        buf.advance(PREFIX_BYTES);
        Ok(Some(buf.split_to(len).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(bytes: &[u8]) -> BytesMut {
        BytesMut::from(bytes)
    }

    #[test]
    fn whole_frames_are_split_off_and_a_part_is_left() {
        let mut decoder = Decoder::new(10);
        let mut buf = buffer(b"\0\0\0\x03abc\0\0\0\0\0\0\0\x02d");
        assert_eq!(decoder.next(&mut buf), Ok(Some(Bytes::from_static(b"abc"))));
        assert_eq!(decoder.next(&mut buf), Ok(Some(Bytes::new())));
        assert_eq!(decoder.next(&mut buf), Ok(None));
        assert_eq!(buf, &b"\0\0\0\x02d"[..]);
        buf.extend_from_slice(b"e");
        assert_eq!(decoder.next(&mut buf), Ok(Some(Bytes::from_static(b"de"))));
        assert!(buf.is_empty());
    }

    #[test]
    fn a_part_of_a_length_is_waited_for() {
        for len in 0..PREFIX_BYTES {
            let mut buf = buffer(&[0x7f; PREFIX_BYTES][..len]);
            assert_eq!(Decoder::new(10).next(&mut buf), Ok(None));
            assert_eq!(buf.len(), len);
        }
    }

    #[test]
    fn a_bad_length_fails_before_the_body_arrives_and_keeps_failing() {
        let mut decoder = Decoder::new(10);
        let mut long = buffer(&[0, 0, 0, 11]);
        let mut negative = buffer(&[0xff, 0xff, 0xff, 0xff]);
        for _ in 0..2 {
            assert_eq!(decoder.next(&mut long), Err(FrameError::TooLong { len: 11, limit: 10 }));
            assert_eq!(decoder.next(&mut negative), Err(FrameError::Negative(-1)));
        }
        let mut largest = buffer(&[0x7f, 0xff, 0xff, 0xff]);
        assert_eq!(
            decoder.next(&mut largest),
            Err(FrameError::TooLong { len: i32::MAX as usize, limit: 10 })
        );
    }

    #[test]
    fn the_limit_is_the_longest_body_that_passes_and_can_change() {
        let mut decoder = Decoder::new(3);
        assert_eq!(decoder.next(&mut buffer(b"\0\0\0\x03abc")), Ok(Some(Bytes::from_static(b"abc"))));
        let mut buf = buffer(b"\0\0\0\x04abcd");
        assert_eq!(decoder.next(&mut buf), Err(FrameError::TooLong { len: 4, limit: 3 }));
        decoder.set_limit(4);
        assert_eq!(decoder.next(&mut buf), Ok(Some(Bytes::from_static(b"abcd"))));
    }

    #[test]
    fn a_body_is_a_slice_of_the_buffer() {
        let mut buf = buffer(b"\0\0\0\x03abc");
        let at = buf[PREFIX_BYTES..].as_ptr();
        let body = Decoder::new(3).next(&mut buf).unwrap().unwrap();
        assert_eq!(body.as_ptr(), at);
    }

    #[test]
    fn frame_limits() {
        assert_eq!(frame_limit(0), 4 << 20);
        assert_eq!(frame_limit(1 << 20), 4 << 20);
        assert_eq!(frame_limit((4 << 20) - (64 << 10)), 4 << 20);
        assert_eq!(frame_limit(4 << 20), (4 << 20) + (64 << 10));
        assert_eq!(frame_limit(u64::MAX), i32::MAX as usize);
    }
}
