//! The cluster's settings that applying depends on: files like any other, so that all members agree on them.

use crate::Value;

/// The file that holds the largest value's size.
pub const MAX_VALUE_PATH: &str = "/ctl/settings/max-value";

/// The most that setting can say, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 << 20;

/// What holds while the file does not exist, in bytes.
pub const VALUE_BYTES_DEFAULT: usize = 1 << 20;

/// The size that a value of the setting says, if it may say that: plain decimal digits, no leading zero.
pub(crate) fn parse(value: &[u8]) -> Option<usize> {
    let is_plain = value.iter().all(u8::is_ascii_digit) && value.first() != Some(&b'0');
    let size = std::str::from_utf8(value).ok()?.parse().ok()?;
    (is_plain && (1..=VALUE_BYTES_MAX).contains(&size)).then_some(size)
}

/// Takes note of a change, if it was one of a setting.
pub(crate) fn changed(path: &str, value: Option<&Value>, value_bytes_max: &mut usize) {
    if path == MAX_VALUE_PATH {
        *value_bytes_max = value.and_then(|value| parse(value)).unwrap_or(VALUE_BYTES_DEFAULT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_in_range() {
        assert_eq!(parse(b"1"), Some(1));
        assert_eq!(parse(b"67108864"), Some(VALUE_BYTES_MAX));
        for bad in
            [&b""[..], b"0", b"67108865", b"01", b"+1", b"-1", b" 1", b"1\n", b"1M", b"\xff", &[b'9'; 30]]
        {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
