//! Values that tell who wrote them.

use bytes::{BufMut, Bytes, BytesMut};

use super::OpId;

/// A value that only this operation writes, with at least `len` bytes: `w`, the operation's number, `.`, and filling.
pub fn value_of(op: OpId, len: usize) -> Bytes {
    let head = format!("w{}.", op.0);
    let mut value = BytesMut::with_capacity(len.max(head.len()));
    value.put_slice(head.as_bytes());
    value.resize(len.max(head.len()), b'-');
    value.freeze()
}

/// Whose value it is, if it is one of [`value_of`].
pub fn op_of(value: &[u8]) -> Option<OpId> {
    let digits = value.strip_prefix(b"w")?;
    let len = digits.iter().take(20).position(|byte| *byte == b'.')?;
    let number = digits[..len].iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.filter(|_| len > 0).map(OpId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_tells_its_operation() {
        for (op, len) in [(0, 0), (7, 3), (42, 100), (u64::MAX / 10, 30)] {
            let value = value_of(OpId(op), len);
            assert_eq!(op_of(&value), Some(OpId(op)));
            assert!(value.len() >= len);
        }
        for other in [
            &b""[..],
            b"w",
            b"w.",
            b"wx.",
            b"w1",
            b"uws2ljnfuws2ljnfuws2ljnfuu",
            b"w99999999999999999999999.",
        ] {
            assert_eq!(op_of(other), None, "{other:?}");
        }
    }
}
