//! Commands: the bytes that consensus orders and every member applies.
//!
//! The encoding is stable, since logs keep it. All numbers are little-endian; a text or a value "to the end" has no length
//! of its own:
//!
//! | kind (1 byte) | then |
//! |---|---|
//! | 1 SET | rev (i64), length of the path (u32), the path, the value to the end |
//! | 2 DEL | rev (i64), length of the path (u32), the path, nothing more |
//! | 3 NOP | nothing more |
//! | 4 OPEN | session (16 bytes), TTL in ms (u32), wall clock in ms (u64), the label to the end |
//! | 5 CLOSE | session, nothing more |
//! | 6 EXPIRE | session, nothing more |
//! | 7 TXN | see `txn` |
//! | 8 BY | see `by` |
//! | 9 LEAVE | session, sequence (u64), the path to the end |
//!
//! 16 and more are numbered commands, see the machine of a member.

mod by;
mod bytes;
mod txn;

pub use by::{By, Flags};
pub use txn::{Change, Compare, Expected, Op, TXN_MAX, Txn};

use self::bytes::Bytes;
use crate::session::SessionId;

const SET: u8 = 1;
const DEL: u8 = 2;
const NOP: u8 = 3;
const OPEN: u8 = 4;
const CLOSE: u8 = 5;
const EXPIRE: u8 = 6;
const TXN: u8 = 7;
const BY: u8 = 8;
const LEAVE: u8 = 9;

/// A change of the tree or of sessions, or none. A path is checked where a request comes in, and not again by the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// All of several changes, or none.
    Txn(Txn<'a>),
    /// A write of a session's: it counts once, however often it comes.
    By(By<'a>),
    /// Opens a session. One that is open stays as it is.
    Open {
        /// Its name.
        session: SessionId,
        /// For how long it lives without being kept alive, in milliseconds.
        ttl_ms: u32,
        /// The wall clock of whoever took it in, milliseconds since 1970: for people.
        opened_ms: u64,
        /// Whose it is: for people.
        label: &'a str,
    },
    /// Ends a session, because its client wants it, or an operator.
    Close {
        /// Its name.
        session: SessionId,
    },
    /// Ends a session that was not kept alive.
    Expire {
        /// Its name.
        session: SessionId,
    },
    /// Takes a place in a queue back, or what was granted for it.
    Leave {
        /// Whose place.
        session: SessionId,
        /// The number of the queued SET.
        sequence: u64,
        /// Its path.
        path: &'a str,
    },
}

/// Bytes that are no command of a kind known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed command")]
pub struct Malformed;

impl<'a> Command<'a> {
    /// Appends the encoded command.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Set { path, rev, value } => {
                put_head(out, SET, rev, path);
                out.extend_from_slice(value);
            }
            Self::Del { path, rev } => put_head(out, DEL, rev, path),
            Self::Nop => out.push(NOP),
            Self::Txn(ref txn) => txn.encode(out),
            Self::By(ref by) => {
                by.encode_head(out, by.unanswered());
                out.extend_from_slice(by.command);
            }
            Self::Open { session, ttl_ms, opened_ms, label } => {
                out.push(OPEN);
                out.extend_from_slice(&session.0);
                out.extend_from_slice(&ttl_ms.to_le_bytes());
                out.extend_from_slice(&opened_ms.to_le_bytes());
                out.extend_from_slice(label.as_bytes());
            }
            Self::Close { session } => {
                out.push(CLOSE);
                out.extend_from_slice(&session.0);
            }
            Self::Expire { session } => {
                out.push(EXPIRE);
                out.extend_from_slice(&session.0);
            }
            Self::Leave { session, sequence, path } => {
                out.push(LEAVE);
                out.extend_from_slice(&session.0);
                out.extend_from_slice(&sequence.to_le_bytes());
                out.extend_from_slice(path.as_bytes());
            }
        }
    }

    /// Reads a command, which is all of `bytes`. What a [`By`] carries is read when it is applied.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut bytes = Bytes(bytes);
        match bytes.u8()? {
            SET => {
                let (rev, path) = (bytes.i64()?, bytes.text_with_len()?);
                Ok(Self::Set { path, rev, value: bytes.0 })
            }
            DEL => {
                let (rev, path) = (bytes.i64()?, bytes.text_with_len()?);
                bytes.end(Self::Del { path, rev })
            }
            NOP => bytes.end(Self::Nop),
            OPEN => {
                let (session, ttl_ms, opened_ms) = (bytes.session()?, bytes.u32()?, bytes.u64()?);
                Ok(Self::Open { session, ttl_ms, opened_ms, label: bytes.text()? })
            }
            CLOSE => {
                let session = bytes.session()?;
                bytes.end(Self::Close { session })
            }
            EXPIRE => {
                let session = bytes.session()?;
                bytes.end(Self::Expire { session })
            }
            TXN => Txn::decode(bytes).map(Self::Txn),
            BY => By::decode(bytes).map(Self::By),
            LEAVE => {
                let (session, sequence) = (bytes.session()?, bytes.u64()?);
                Ok(Self::Leave { session, sequence, path: bytes.text()? })
            }
            _ => Err(Malformed),
        }
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, rev: i64, path: &str) {
    out.reserve(13 + path.len());
    out.push(kind);
    out.extend_from_slice(&rev.to_le_bytes());
    put_text(out, path);
}

/// A path is never so long that its length does not fit; if one were, decoding would refuse it.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId([7; 16]);

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
        let session = [7; 16];
        assert_eq!(
            encoded(Command::Open { session: SESSION, ttl_ms: 258, opened_ms: 5, label: "me" }),
            [&b"\x04"[..], &session, b"\x02\x01\0\0\x05\0\0\0\0\0\0\0me"].concat()
        );
        assert_eq!(encoded(Command::Close { session: SESSION }), [&b"\x05"[..], &session].concat());
        assert_eq!(encoded(Command::Expire { session: SESSION }), [&b"\x06"[..], &session].concat());
        assert_eq!(
            encoded(Command::Leave { session: SESSION, sequence: 3, path: "/a" }),
            [&b"\x09"[..], &session, b"\x03\0\0\0\0\0\0\0/a"].concat()
        );
    }

    #[test]
    fn what_is_no_command() {
        let set = encoded(Command::Set { path: "/abc", rev: 7, value: b"" });
        for len in 0..set.len() {
            assert_eq!(Command::decode(&set[..len]), Err(Malformed), "{len}");
        }
        for whole in [
            Command::Del { path: "/abc", rev: 7 },
            Command::Nop,
            Command::Close { session: SESSION },
            Command::Expire { session: SESSION },
        ] {
            let mut more = encoded(whole);
            more.push(0);
            assert_eq!(Command::decode(&more), Err(Malformed));
            for len in 0..more.len() - 1 {
                assert_eq!(Command::decode(&more[..len]), Err(Malformed), "{len}");
            }
        }
        assert_eq!(Command::decode(b"\0"), Err(Malformed));
        assert_eq!(Command::decode(b"\x0a"), Err(Malformed));
        assert_eq!(Command::decode(b"\x02\0\0\0\0\0\0\0\0\x01\0\0\0\xff"), Err(Malformed));
        assert_eq!(Command::decode(&[&[4][..], &[0; 28], &[0xff]].concat()), Err(Malformed));
    }
}
