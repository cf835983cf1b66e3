//! Commands as they stand in the log: the store's, and around them who gave them their number. Read once more, so that a
//! fault in the members' reader is not taken over.
//!
//! | kind (1 byte) | then, all numbers little-endian |
//! |---|---|
//! | 1, 2, 3 | a command of the store without a number |
//! | 16 OPEN | origin: incarnation (16 bytes), boot (u64) |
//! | 17 DO | origin, number (u64), acknowledged (u64), the store's command |
//! | 18 REFUSED | origin, number (u64), acknowledged (u64), why (1 byte) |
//! | 19 EXPIRE | ballot: n (u64), epoch (u32), incarnation; session (16 bytes) |

use bytes::Bytes;
use doozer_paxos::{Ballot, Incarnation};
use doozer_store::SessionId;

/// Whose command it is, and which one of that life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// The member.
    pub origin: Incarnation,
    /// Which of its lives.
    pub boot: u64,
    /// Counts from 1.
    pub seq: u64,
}

/// What stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged {
    /// Bytes of no kind known here.
    Malformed,
    /// A command of the store that counts wherever it stands.
    Plain(Bytes),
    /// A member's life begins.
    Open(Incarnation, u64),
    /// A numbered command of the store.
    Do(Number, Bytes),
    /// A numbered command that its proposer refused.
    Refused(Number),
    /// A session was not kept alive, as the proposer of a ballot found.
    Expire(Ballot, SessionId),
}

impl Logged {
    /// Reads what stands in the log.
    pub fn decode(bytes: &Bytes) -> Logged {
        match (bytes.first(), bytes.len()) {
            (Some(16), 25) => Logged::Open(incarnation(bytes), number(bytes, 17)),
            (Some(17), 41..) => Logged::Do(numbers(bytes), bytes.slice(41..)),
            (Some(18), 42) if (1..=7).contains(&bytes[41]) => Logged::Refused(numbers(bytes)),
            (Some(19), 45) => {
                let epoch = bytes[9..13].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
                let ballot = Ballot { n: number(bytes, 1), epoch, incarnation: id(bytes, 13) };
                Logged::Expire(ballot, SessionId(id(bytes, 29).0))
            }
            (Some(16..=19), _) => Logged::Malformed,
            _ => Logged::Plain(bytes.clone()),
        }
    }
}

fn numbers(bytes: &[u8]) -> Number {
    Number { origin: incarnation(bytes), boot: number(bytes, 17), seq: number(bytes, 25) }
}

fn incarnation(bytes: &[u8]) -> Incarnation {
    id(bytes, 1)
}

fn id(bytes: &[u8], at: usize) -> Incarnation {
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[at..at + 16]);
    Incarnation(id)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
