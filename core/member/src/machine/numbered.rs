//! Commands as they stand in the log: the store's, and around them who gave them their number.
//!
//! The encoding is stable, since logs keep it. All numbers are little-endian:
//!
//! | kind (1 byte) | then |
//! |---|---|
//! | below 16 | a command of the store without a number: it is applied wherever it stands |
//! | 16 OPEN | origin |
//! | 17 DO | origin, number (u64), acknowledged (u64), the store's command |
//! | 18 REFUSED | origin, number (u64), acknowledged (u64), why (1 byte) |
//! | 19 EXPIRE | ballot (28 bytes), session (16 bytes) |
//!
//! An origin is an incarnation (16 bytes) and how often it was started (u64).

use bytes::{BufMut, Bytes, BytesMut};
use doozer_paxos::codec::{BALLOT_BYTES, Reader, put_ballot};
use doozer_paxos::{Ballot, Incarnation};
use doozer_store::SessionId;

use super::Refusal;

const OPEN: u8 = 16;
const DO: u8 = 17;
const REFUSED: u8 = 18;
const EXPIRE: u8 = 19;

/// Bytes around the store's command.
const HEAD: usize = 1 + ORIGIN + 16;
const ORIGIN: usize = 24;

/// Who numbers commands: one life of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The member.
    pub incarnation: Incarnation,
    /// How often it was started, this time included.
    pub boot: u64,
}

/// A command's number, and what its origin needs no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Whose number it is.
    pub origin: Origin,
    /// Counts the origin's commands, from 1.
    pub number: u64,
    /// The origin has the outcomes of its commands up to this one.
    pub acknowledged: u64,
}

/// What stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged<'a> {
    /// A command of the store, applied wherever it stands.
    Plain(&'a [u8]),
    /// A member's life begins: its commands count from here on, those of its lives before do not any more.
    Open(Origin),
    /// A numbered command of the store.
    Do(Number, &'a [u8]),
    /// A numbered command that its proposer refused when it judged it: it has no effect but this outcome.
    Refused(Number, Refusal),
    /// A session was not kept alive, as the proposer of this ballot found. It counts only in a slot that was born under
    /// that: one that comes into the log by way of a later proposer may have been outrun by a keep-alive.
    Expire(Ballot, SessionId),
}

/// Bytes of a kind that this version does not know, or cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed command in the log")]
pub struct Malformed;

impl Logged<'_> {
    /// The bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(HEAD + self.command_bytes());
        match self {
            Logged::Plain(command) => out.put_slice(command),
            Logged::Open(origin) => {
                out.put_u8(OPEN);
                put_origin(&mut out, origin);
            }
            Logged::Do(number, command) => {
                put_number(&mut out, DO, number);
                out.put_slice(command);
            }
            Logged::Refused(number, why) => {
                put_number(&mut out, REFUSED, number);
                out.put_u8(why.code());
            }
            Logged::Expire(ballot, session) => {
                out.put_u8(EXPIRE);
                put_ballot(&mut out, ballot);
                out.put_slice(&session.0);
            }
        }
        out.freeze()
    }

    fn command_bytes(&self) -> usize {
        match self {
            Logged::Plain(command) | Logged::Do(_, command) => command.len(),
            Logged::Open(_) | Logged::Refused(..) => 1,
            Logged::Expire(..) => BALLOT_BYTES,
        }
    }
}

impl<'a> Logged<'a> {
    /// Reads what stands in the log.
    ///
    /// # Errors
    /// [`Malformed`] if it is nothing that this version writes. A command that the store does not know is found out by
    /// the store.
    pub fn decode(bytes: &'a [u8]) -> Result<Logged<'a>, Malformed> {
        match bytes.first() {
            Some(&OPEN) => {
                let (origin, rest) = take_origin(&bytes[1..])?;
                if rest.is_empty() { Ok(Logged::Open(origin)) } else { Err(Malformed) }
            }
            Some(&DO) => take_number(&bytes[1..]).map(|(number, rest)| Logged::Do(number, rest)),
            Some(&REFUSED) => match take_number(&bytes[1..])? {
                (number, [code]) => Ok(Logged::Refused(number, Refusal::of_code(*code).ok_or(Malformed)?)),
                _ => Err(Malformed),
            },
            Some(&EXPIRE) => {
                let (ballot, session) = bytes[1..].split_at_checked(BALLOT_BYTES).ok_or(Malformed)?;
                let ballot = Reader::new(ballot).ballot().map_err(|_| Malformed)?;
                let session = session.try_into().map_err(|_| Malformed)?;
                Ok(Logged::Expire(ballot, SessionId(session)))
            }
            _ => Ok(Logged::Plain(bytes)),
        }
    }
}

fn put_origin(out: &mut BytesMut, origin: &Origin) {
    out.put_slice(&origin.incarnation.0);
    out.put_u64_le(origin.boot);
}

fn put_number(out: &mut BytesMut, kind: u8, number: &Number) {
    out.put_u8(kind);
    put_origin(out, &number.origin);
    out.put_u64_le(number.number);
    out.put_u64_le(number.acknowledged);
}

fn take_origin(bytes: &[u8]) -> Result<(Origin, &[u8]), Malformed> {
    let (id, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
    let (boot, rest) = take_u64(rest)?;
    Ok((Origin { incarnation: Incarnation(*id), boot }, rest))
}

fn take_number(bytes: &[u8]) -> Result<(Number, &[u8]), Malformed> {
    let (origin, rest) = take_origin(bytes)?;
    let (number, rest) = take_u64(rest)?;
    let (acknowledged, rest) = take_u64(rest)?;
    Ok((Number { origin, number, acknowledged }, rest))
}

fn take_u64(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
    Ok((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const ORIGIN: Origin = Origin { incarnation: Incarnation([7; 16]), boot: 258 };
    const BALLOT: Ballot = Ballot::of(2, 3, Incarnation([7; 16]));
    const NUMBER: Number = Number { origin: ORIGIN, number: 9, acknowledged: 8 };

    #[test]
    fn the_format_stays() {
        let origin = [&[7; 16][..], &[2, 1, 0, 0, 0, 0, 0, 0]].concat();
        let number = [&origin[..], &[9, 0, 0, 0, 0, 0, 0, 0], &[8, 0, 0, 0, 0, 0, 0, 0]].concat();
        for (logged, bytes) in [
            (Logged::Plain(b"\x03"), vec![3]),
            (Logged::Open(ORIGIN), [&[16][..], &origin].concat()),
            (Logged::Do(NUMBER, b"\x03"), [&[17][..], &number, &[3]].concat()),
            (Logged::Refused(NUMBER, Refusal::LastVoter), [&[18][..], &number, &[5]].concat()),
            (
                Logged::Expire(BALLOT, SessionId([4; 16])),
                [&[19, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0][..], &[7; 16], &[4; 16]].concat(),
            ),
        ] {
            assert_eq!(logged.encode(), bytes, "{logged:?}");
            assert_eq!(Logged::decode(&bytes), Ok(logged));
        }
    }

    #[test]
    fn what_is_cut_is_malformed() {
        let expire = Logged::Expire(BALLOT, SessionId([4; 16]));
        for logged in [Logged::Open(ORIGIN), Logged::Refused(NUMBER, Refusal::NotAlone), expire] {
            let bytes = logged.encode();
            for len in 1..bytes.len() {
                assert_eq!(Logged::decode(&bytes[..len]), Err(Malformed), "{logged:?} cut at {len}");
            }
        }
        let bytes = Logged::Do(NUMBER, b"").encode();
        assert_eq!(Logged::decode(&bytes), Ok(Logged::Do(NUMBER, b"")));
        assert_eq!(Logged::decode(&bytes[..bytes.len() - 1]), Err(Malformed));
    }
}
