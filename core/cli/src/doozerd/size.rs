//! Sizes in bytes as people write them: `4096`, `256k`, `64MiB`, `1GB`.

use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub u64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SizeError {
    #[error("not a size: write a number of bytes, or one with a unit such as 256k, 64MiB or 1G")]
    Form,
    #[error("too large")]
    TooLarge,
}

/// What a unit stands for. A bare letter is the power of 1024, as everywhere where memory is meant; whoever writes the
/// B without the i gets the power of 1000.
fn factor(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    })
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Size, SizeError> {
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        if digits.is_empty() {
            return Err(SizeError::Form);
        }
        let factor = factor(unit).ok_or(SizeError::Form)?;
        // Digits alone fail to parse only when there are too many of them.
        let number: u64 = digits.parse().map_err(|_| SizeError::TooLarge)?;
        number.checked_mul(factor).map(Size).ok_or(SizeError::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let cases = [
            ("0", 0),
            ("4096", 4096),
            ("1b", 1),
            ("256k", 256 << 10),
            ("256K", 256 << 10),
            ("1KiB", 1024),
            ("1kB", 1000),
            ("64MiB", 64 << 20),
            ("64m", 64 << 20),
            ("5MB", 5_000_000),
            ("2G", 2 << 30),
            ("1tib", 1 << 40),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, bytes) in cases {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size() {
        for text in ["", "k", "-1", "+1", "1.5M", "1 M", "1x", "1MiBB", "0x10", "ten"] {
            assert_eq!(text.parse::<Size>(), Err(SizeError::Form), "{text}");
        }
        for text in ["18446744073709551616", "18446744073709551615k", "99999999999999999999M"] {
            assert_eq!(text.parse::<Size>(), Err(SizeError::TooLarge), "{text}");
        }
    }
}
