//! BY: a write, and around it whose it is and which.
//!
//! Behind its kind: session (16 bytes), sequence (u64), acknowledged (u64), flags (1 byte: 1 ephemeral, 2 queue), how many
//! are unanswered (u16), those (u64 each, growing), the command to the end: a SET, DEL, NOP or TXN.

use super::bytes::Bytes;
use super::{BY, DEL, Malformed, NOP, SET, TXN};
use crate::session::SessionId;

/// What a SET of a session's is beside a SET.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The file goes when the session goes.
    pub const EPHEMERAL: Flags = Flags(1);
    /// If the file exists, this SET waits for its turn to make it. It is ephemeral, too.
    pub const QUEUE: Flags = Flags(2);

    /// Whether these are all in it.
    pub fn has(self, others: Flags) -> bool {
        self.0 & others.0 == others.0
    }
}

/// A write of a session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By<'a> {
    /// Whose.
    pub session: SessionId,
    /// Counts the session's writes, from 1.
    pub sequence: u64,
    /// The client has the answers up to this one, but for those unanswered.
    pub acknowledged: u64,
    /// What a SET is to be, too.
    pub flags: Flags,
    /// The write, encoded: a SET, DEL, NOP or TXN.
    pub command: &'a [u8],
    unanswered: &'a [u8],
}

impl<'a> By<'a> {
    /// A write all of whose predecessors up to `acknowledged` were answered.
    pub fn new(session: SessionId, sequence: u64, acknowledged: u64, command: &'a [u8]) -> By<'a> {
        By { session, sequence, acknowledged, flags: Flags::default(), command, unanswered: &[] }
    }

    /// The same, with these flags.
    #[must_use]
    pub fn flagged(self, flags: Flags) -> By<'a> {
        By { flags, ..self }
    }

    /// Whether the write is a transaction.
    pub fn is_txn(&self) -> bool {
        self.command.first() == Some(&TXN)
    }

    /// Those of the acknowledged that were not answered yet, in their order: they wait in queues.
    pub fn unanswered(&self) -> impl ExactSizeIterator<Item = u64> + use<'a> {
        self.unanswered.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// Appends everything but the command, with these as the unanswered. The command is to follow.
    pub fn encode_head(&self, out: &mut Vec<u8>, unanswered: impl ExactSizeIterator<Item = u64>) {
        out.push(BY);
        out.extend_from_slice(&self.session.0);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.acknowledged.to_le_bytes());
        out.push(self.flags.0);
        // A session has fewer places in queues.
        let count = u16::try_from(unanswered.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&count.to_le_bytes());
        unanswered.take(count.into()).for_each(|sequence| out.extend_from_slice(&sequence.to_le_bytes()));
    }

    pub(super) fn decode(mut bytes: Bytes<'a>) -> Result<By<'a>, Malformed> {
        let (session, sequence, acknowledged) = (bytes.session()?, bytes.u64()?, bytes.u64()?);
        let (flags, count) = (Flags(bytes.u8()?), bytes.u16()?);
        let unanswered = bytes.take(usize::from(count) * 8)?;
        let command = bytes.0;
        let is_known = match command.first() {
            Some(&SET) => flags.0 <= 3,
            Some(&(DEL | NOP | TXN)) => flags.0 == 0,
            _ => false,
        };
        let by = By { session, sequence, acknowledged, flags, command, unanswered };
        if is_known && sequence > 0 && by.unanswered().is_sorted() { Ok(by) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn the_format_stays() {
        let by = By {
            flags: Flags::QUEUE,
            ..By::new(SessionId([9; 16]), 5, 4, b"\x01\0\0\0\0\0\0\0\0\x02\0\0\0/av")
        };
        let mut bytes = Vec::new();
        by.encode_head(&mut bytes, [2, 3].into_iter());
        bytes.extend_from_slice(by.command);
        let expected = [
            &b"\x08"[..],
            &[9; 16],
            b"\x05\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x02\x02\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0",
            by.command,
        ];
        assert_eq!(bytes, expected.concat());
        let decoded = Command::decode(&bytes);
        let Ok(Command::By(read)) = decoded.clone() else { panic!("{decoded:?}") };
        assert_eq!(read.unanswered().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(By { unanswered: &[], ..read }, by);
        let mut again = Vec::new();
        Command::By(read).encode(&mut again);
        assert_eq!(again, bytes);
        let head = bytes.len() - by.command.len();
        for len in 1..=head {
            assert_eq!(Command::decode(&bytes[..len]), Err(Malformed), "{len}");
        }
    }

    #[test]
    fn only_writes_and_only_flags_that_mean_something() {
        let by = |flags, sequence, command: &[u8], unanswered: &[u64]| {
            let (session, mut bytes) = (SessionId([1; 16]), Vec::new());
            let by = By { flags: Flags(flags), ..By::new(session, sequence, 0, command) };
            by.encode_head(&mut bytes, unanswered.iter().copied());
            bytes.extend_from_slice(command);
            Command::decode(&bytes).is_ok()
        };
        assert!(by(3, 1, b"\x01", &[1, 2]), "a SET, whatever follows");
        assert!(by(0, 1, b"\x03", &[]));
        for command in [&b""[..], b"\x04", b"\x05", b"\x06", b"\x08", b"\x09"] {
            assert!(!by(0, 1, command, &[]), "{command:?}");
        }
        assert!(!by(4, 1, b"\x01", &[]), "an unknown flag");
        assert!(!by(1, 1, b"\x02", &[]), "an ephemeral DEL");
        assert!(!by(0, 0, b"\x03", &[]), "numbers begin with 1");
        assert!(!by(0, 1, b"\x03", &[2, 1]), "out of order");
    }
}
