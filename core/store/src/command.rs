//! Commands: the bytes that consensus orders and every member applies.
//!
//! The encoding is stable, since logs keep it. All numbers are little-endian:
//!
//! | kind (1 byte) | then |
//! |---|---|
//! | 1 SET | rev (i64), length of the path (u32), the path, the value to the end |
//! | 2 DEL | rev (i64), length of the path (u32), the path, nothing more |
//! | 3 NOP | nothing more |

const SET: u8 = 1;
const DEL: u8 = 2;
const NOP: u8 = 3;

/// A change of the tree, or none. A path is checked where a request comes in, and not again by the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Writes a file, if `rev` allows it.
    Set {
        /// The file.
        path: &'a str,
        /// At least the file's revision, 0 for one that must not exist, or -1 for whatever is there.
        rev: i64,
        /// What to write.
        value: &'a [u8],
    },
    /// Deletes a file, if `rev` allows it.
    Del {
        /// The file.
        path: &'a str,
        /// As for a SET.
        rev: i64,
    },
    /// Nothing: a round of consensus for its own sake.
    Nop,
}

/// Bytes that are no command of a kind known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed command")]
pub struct Malformed;

impl<'a> Command<'a> {
    /// Appends the encoded command.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut head = |kind, rev: i64, path: &str| {
            out.reserve(13 + path.len());
            out.push(kind);
            out.extend_from_slice(&rev.to_le_bytes());
            // A path is never that long; if one were, decoding would refuse it.
            out.extend_from_slice(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(path.as_bytes());
        };
        match *self {
            Self::Set { path, rev, value } => {
                head(SET, rev, path);
                out.extend_from_slice(value);
            }
            Self::Del { path, rev } => head(DEL, rev, path),
            Self::Nop => out.push(NOP),
        }
    }

    /// Reads a command, which is all of `bytes`.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (kind, rest) = bytes.split_first().ok_or(Malformed)?;
        match *kind {
            SET => decode_head(rest).map(|(rev, path, value)| Self::Set { path, rev, value }),
            DEL => match decode_head(rest)? {
                (rev, path, []) => Ok(Self::Del { path, rev }),
                _ => Err(Malformed),
            },
            NOP if rest.is_empty() => Ok(Self::Nop),
            _ => Err(Malformed),
        }
    }
}

fn decode_head(bytes: &[u8]) -> Result<(i64, &str, &[u8]), Malformed> {
    let (rev, bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
    let (len, bytes) = bytes.split_first_chunk().ok_or(Malformed)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Malformed)?;
    let (path, rest) = bytes.split_at_checked(len).ok_or(Malformed)?;
    Ok((i64::from_le_bytes(*rev), std::str::from_utf8(path).map_err(|_| Malformed)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(command: Command<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        assert_eq!(Command::decode(&bytes), Ok(command));
        bytes
    }

    #[test]
    fn the_format_stays() {
        assert_eq!(
            encoded(Command::Set { path: "/é", rev: -1, value: b"v\0" }),
            b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\x03\0\0\0/\xc3\xa9v\0"
        );
        assert_eq!(encoded(Command::Del { path: "/a", rev: 258 }), b"\x02\x02\x01\0\0\0\0\0\0\x02\0\0\0/a");
        assert_eq!(encoded(Command::Nop), b"\x03");
        encoded(Command::Set { path: "", rev: i64::MIN, value: b"" });
    }

    #[test]
    fn what_is_no_command() {
        let set = encoded(Command::Set { path: "/abc", rev: 7, value: b"" });
        for len in 0..set.len() {
            assert_eq!(Command::decode(&set[..len]), Err(Malformed), "{len}");
        }
        let mut del = encoded(Command::Del { path: "/abc", rev: 7 });
        del.push(0);
        assert_eq!(Command::decode(&del), Err(Malformed));
        assert_eq!(Command::decode(b"\x03\0"), Err(Malformed));
        assert_eq!(Command::decode(b"\0"), Err(Malformed));
        assert_eq!(Command::decode(b"\x04"), Err(Malformed));
        assert_eq!(Command::decode(b"\x02\0\0\0\0\0\0\0\0\x01\0\0\0\xff"), Err(Malformed));
    }
}
