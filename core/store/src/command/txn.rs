//! TXN: compares and operations that stand or fall together.
//!
//! Behind its kind: how many compares and how many operations (1 byte each), then those. A compare: its kind (1 byte), the
//! path behind its length (u32), and for kind 1 REV and 4 FENCE a revision (i64), for 2 VALUE the value behind its length (u32), for
//! 3 ABSENT nothing. An operation: its kind (1 byte: 1 SET, 2 DEL, 3 ephemeral SET), rev (i64), the path behind its length, and
//! for both SETs the value behind its length.

use super::bytes::Bytes;
use super::{Malformed, TXN, put_text};

/// The most compares, and the most operations, of one transaction.
pub const TXN_MAX: usize = 128;

const REV: u8 = 1;
const VALUE: u8 = 2;
const ABSENT: u8 = 3;
const FENCE: u8 = 4;

const SET: u8 = 1;
const DEL: u8 = 2;
const SET_EPHEMERAL: u8 = 3;

/// All of several changes, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn<'a> {
    /// What must hold.
    pub compares: Vec<Compare<'a>>,
    /// What is done then, in order.
    pub ops: Vec<Op<'a>>,
}

/// Something that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare<'a> {
    /// The file.
    pub path: &'a str,
    /// What it must be.
    pub expected: Expected<'a>,
}

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Of this revision; 0: it must not exist.
    Rev(i64),
    /// With this value.
    Value(&'a [u8]),
    /// Neither a file nor a directory.
    Absent,
    /// A lock that is held by this token; of a file that no session holds, its revision.
    Fence(i64),
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op<'a> {
    /// The file.
    pub path: &'a str,
    /// As for a SET on its own.
    pub rev: i64,
    /// What is done.
    pub change: Change<'a>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Writes the file.
    Set {
        /// What to write.
        value: &'a [u8],
        /// The file goes when the session goes.
        is_ephemeral: bool,
    },
    /// Deletes the file.
    Del,
}

impl<'a> Txn<'a> {
    /// Appends the encoded command.
    ///
    /// # Panics
    /// If it has more compares or operations than [`TXN_MAX`].
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let counts = [self.compares.len(), self.ops.len()];
        assert!(counts.iter().all(|count| *count <= TXN_MAX), "a transaction over its limit: {counts:?}");
        out.push(TXN);
        out.extend(counts.map(|count| count as u8));
        for Compare { path, expected } in &self.compares {
            out.push(match expected {
                Expected::Rev(_) => REV,
                Expected::Value(_) => VALUE,
                Expected::Absent => ABSENT,
                Expected::Fence(_) => FENCE,
            });
            put_text(out, path);
            match expected {
                Expected::Rev(rev) | Expected::Fence(rev) => out.extend_from_slice(&rev.to_le_bytes()),
                Expected::Value(value) => put_value(out, value),
                Expected::Absent => {}
            }
        }
        for Op { path, rev, change } in &self.ops {
            out.push(match change {
                Change::Set { is_ephemeral: false, .. } => SET,
                Change::Set { is_ephemeral: true, .. } => SET_EPHEMERAL,
                Change::Del => DEL,
            });
            out.extend_from_slice(&rev.to_le_bytes());
            put_text(out, path);
            if let Change::Set { value, .. } = change {
                put_value(out, value);
            }
        }
    }

    pub(super) fn decode(mut bytes: Bytes<'a>) -> Result<Txn<'a>, Malformed> {
        let (compares, ops) = (usize::from(bytes.u8()?), usize::from(bytes.u8()?));
        if compares > TXN_MAX || ops > TXN_MAX {
            return Err(Malformed);
        }
        let compares = (0..compares).map(|_| compare(&mut bytes)).collect::<Result<_, _>>()?;
        let ops = (0..ops).map(|_| op(&mut bytes)).collect::<Result<_, _>>()?;
        bytes.end(Txn { compares, ops })
    }
}

/// A value is never so long that its length does not fit; if one were, decoding would refuse it.
fn put_value(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
}

fn compare<'a>(bytes: &mut Bytes<'a>) -> Result<Compare<'a>, Malformed> {
    let (kind, path) = (bytes.u8()?, bytes.text_with_len()?);
    let expected = match kind {
        REV => Expected::Rev(bytes.i64()?),
        VALUE => Expected::Value(bytes.with_len()?),
        ABSENT => Expected::Absent,
        FENCE => Expected::Fence(bytes.i64()?),
        _ => return Err(Malformed),
    };
    Ok(Compare { path, expected })
}

fn op<'a>(bytes: &mut Bytes<'a>) -> Result<Op<'a>, Malformed> {
    let (kind, rev, path) = (bytes.u8()?, bytes.i64()?, bytes.text_with_len()?);
    let change = match kind {
        SET | SET_EPHEMERAL => Change::Set { value: bytes.with_len()?, is_ephemeral: kind == SET_EPHEMERAL },
        DEL => Change::Del,
        _ => return Err(Malformed),
    };
    Ok(Op { path, rev, change })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn the_format_stays() {
        let set = |value, is_ephemeral| Change::Set { value, is_ephemeral };
        let txn = Txn {
            compares: vec![
                Compare { path: "/a", expected: Expected::Rev(3) },
                Compare { path: "/b", expected: Expected::Value(b"v") },
                Compare { path: "/c", expected: Expected::Absent },
                Compare { path: "/d", expected: Expected::Fence(-1) },
            ],
            ops: vec![
                Op { path: "/e", rev: 0, change: set(b"x", false) },
                Op { path: "/f", rev: 1, change: Change::Del },
                Op { path: "/g", rev: 2, change: set(b"", true) },
            ],
        };
        let mut bytes = Vec::new();
        Command::Txn(txn.clone()).encode(&mut bytes);
        let expected: [&[u8]; 8] = [
            b"\x07\x04\x03",
            b"\x01\x02\0\0\0/a\x03\0\0\0\0\0\0\0",
            b"\x02\x02\0\0\0/b\x01\0\0\0v",
            b"\x03\x02\0\0\0/c",
            b"\x04\x02\0\0\0/d\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x01\0\0\0\0\0\0\0\0\x02\0\0\0/e\x01\0\0\0x",
            b"\x02\x01\0\0\0\0\0\0\0\x02\0\0\0/f",
            b"\x03\x02\0\0\0\0\0\0\0\x02\0\0\0/g\0\0\0\0",
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(Command::decode(&bytes), Ok(Command::Txn(txn)));
        for len in 1..bytes.len() {
            assert_eq!(Command::decode(&bytes[..len]), Err(Malformed), "{len}");
        }
        bytes.push(0);
        assert_eq!(Command::decode(&bytes), Err(Malformed));
    }

    #[test]
    fn over_the_limit() {
        let op = Op { path: "/a", rev: -1, change: Change::Del };
        let mut bytes = Vec::new();
        Txn { compares: vec![], ops: vec![op; TXN_MAX] }.encode(&mut bytes);
        assert!(Command::decode(&bytes).is_ok());
        let one = bytes[3..].len() / TXN_MAX;
        let more = [&[TXN, 0, 129][..], &bytes[3..], &bytes[3..3 + one]].concat();
        assert_eq!(Command::decode(&more), Err(Malformed));
    }
}
