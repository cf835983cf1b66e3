//! Frames behind the handshake: many messages, a counter and a MAC, so that nothing can be changed, repeated, left out or put
//! in by whoever does not know the key.
//! Never here: what the messages say.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use doozer_paxos::Incarnation;

use super::decode::{BadMessage, Decoded, FRAME_MESSAGES_MAX, decode};
use super::encode::Whole;
use super::fields::Body;
use super::proof::{FrameKey, MAC_BYTES};
use super::{Peer, introduction::Introduction};
use crate::frame::PREFIX_BYTES;
use crate::put;

/// The longest frame between members in bytes, without the four of its length: what a [`crate::Decoder`] is to take.
///
/// A message is never cut in parts, and one that brings a log to another ballot holds all that is undecided: eight slots,
/// each of one command at least, which may be of 64 MiB, and what is kept of the log beside.
pub const PEER_FRAME_BYTES_MAX: usize = 1 << 30;

/// A frame's body holds no more bytes than this, or one message.
pub const FRAME_BODY_BYTES: usize = 8 << 20;

/// The field of a frame's body in which messages stand.
pub(super) const MESSAGES: u32 = 1;

const COUNTER_BYTES: usize = size_of::<u64>();
/// What stands beside the body.
const BESIDE_BODY_BYTES: usize = COUNTER_BYTES + MAC_BYTES;

/// Makes frames of messages, for one connection.
pub struct Sealer {
    key: FrameKey,
    from: Incarnation,
    to: Incarnation,
    counter: u64,
    limits: Limits,
}

/// Takes messages out of frames, for one connection.
pub struct Opener {
    key: FrameKey,
    from: Incarnation,
    to: Incarnation,
    counter: u64,
    skipped: u64,
}

/// A message that is longer than the longest frame: it cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {len} bytes cannot be sent to a member: the longest frame has {limit}")]
pub struct TooLong {
    /// Its length in bytes.
    pub len: usize,
    /// What would fit, in bytes.
    pub limit: usize,
}

/// What is wrong with a frame. The connection it came on is to be closed: nothing behind it can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadFrame {
    /// It has no room for counter and MAC.
    #[error("a peer frame of {0} bytes, too short for its counter and MAC")]
    Short(usize),
    /// The MAC is not that of its bytes.
    #[error(
        "the MAC of a peer frame does not match: it was garbled, or is not from that member on this connection"
    )]
    Mac,
    /// The MAC is right, the place is not.
    #[error("peer frame {got} came where {due} was due: one was repeated or is lost")]
    Counter {
        /// The frame's counter.
        got: u64,
        /// What it must have been.
        due: u64,
    },
    /// It is from that member, and cannot be read.
    #[error("a peer frame that cannot be read: {0}")]
    Message(#[from] BadMessage),
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    frame_bytes_max: usize,
    body_bytes: usize,
    messages_max: usize,
}

const LIMITS: Limits = Limits {
    frame_bytes_max: PEER_FRAME_BYTES_MAX,
    body_bytes: FRAME_BODY_BYTES,
    messages_max: FRAME_MESSAGES_MAX,
};

/// A frame that is being written: where it starts, and how many messages are in it.
struct Begun {
    start: usize,
    messages: usize,
}

impl Sealer {
    pub(super) fn new(key: FrameKey, from: &Introduction, to: &Introduction) -> Sealer {
        Sealer { key, from: from.incarnation, to: to.incarnation, counter: 0, limits: LIMITS }
    }

    /// Appends frames with all the messages, in their order, to `out`, which is ready to be written then. As many messages
    /// as fit share a frame. Nothing is allocated but `out`'s room.
    ///
    /// # Errors
    /// [`TooLong`] for a message that no frame holds. It is left out, the others are there.
    ///
    /// # Panics
    /// If a message of the replica is from another member than the connection's dialer, or for another one than its
    /// acceptor: it would be taken for one of theirs.
    pub fn seal<'a>(
        &mut self,
        messages: impl IntoIterator<Item = &'a Peer>,
        out: &mut BytesMut,
    ) -> Result<(), TooLong> {
        let (mut begun, mut result) = (None, Ok(()));
        for message in messages {
            self.assert_way(message);
            let bytes = Whole(message).len();
            let len = put::bytes_len(MESSAGES, bytes);
            let limit = self.limits.frame_bytes_max - BESIDE_BODY_BYTES;
            if len > limit {
                result = Err(TooLong { len, limit });
                continue;
            }
            if let Some(full) = begun.take_if(|begun| self.is_full(begun, out, len)) {
                self.end(&full, out);
            }
            let begun = begun.get_or_insert_with(|| self.begin(out, len));
            out.reserve(len + MAC_BYTES);
            put::head(MESSAGES, bytes, out);
            Whole(message).put(out);
            begun.messages += 1;
        }
        if let Some(begun) = begun {
            self.end(&begun, out);
        }
        result
    }

    fn assert_way(&self, message: &Peer) {
        if let Peer::Paxos(envelope) = message {
            let way = (envelope.from, envelope.to);
            assert_eq!(way, (self.from, self.to), "a message is on another member's connection");
        }
    }

    fn is_full(&self, begun: &Begun, out: &BytesMut, len: usize) -> bool {
        let body = out.len() - begun.start - PREFIX_BYTES - COUNTER_BYTES;
        body + len > self.limits.body_bytes || begun.messages == self.limits.messages_max
    }

    fn begin(&self, out: &mut BytesMut, len: usize) -> Begun {
        out.reserve(PREFIX_BYTES + BESIDE_BODY_BYTES + len);
        let start = out.len();
        out.put_bytes(0, PREFIX_BYTES);
        out.put_u64(self.counter);
        Begun { start, messages: 0 }
    }

    fn end(&mut self, begun: &Begun, out: &mut BytesMut) {
        let signed = begun.start + PREFIX_BYTES;
        let mac = self.key.mac(&out[signed..]);
        out.put_slice(&mac);
        let len = out.len() - signed;
        out[begun.start..signed].copy_from_slice(&(len as u32).to_be_bytes());
        self.counter += 1;
    }
}

impl Opener {
    pub(super) fn new(key: FrameKey, from: &Introduction, to: &Introduction) -> Opener {
        Opener { key, from: from.incarnation, to: to.incarnation, counter: 0, skipped: 0 }
    }

    /// Takes the messages out of the next frame, given without its length. Commands and pieces share `body`'s memory.
    ///
    /// # Errors
    /// [`BadFrame`]: close the connection.
    pub fn open(&mut self, body: Bytes) -> Result<Vec<Peer>, BadFrame> {
        if body.len() < BESIDE_BODY_BYTES {
            return Err(BadFrame::Short(body.len()));
        }
        let (signed, mac) = body.split_at(body.len() - MAC_BYTES);
        if !self.key.is_mac(signed, mac) {
            return Err(BadFrame::Mac);
        }
        let got = signed.first_chunk().copied().map_or(0, u64::from_be_bytes);
        if got != self.counter {
            return Err(BadFrame::Counter { got, due: self.counter });
        }
        self.counter += 1;
        let Decoded { messages, skipped } =
            decode(body.slice(COUNTER_BYTES..signed.len()), self.from, self.to)?;
        self.skipped += skipped;
        Ok(messages)
    }

    /// How many messages of an unknown kind have been left out so far: the other member is newer.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl fmt::Debug for Sealer {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sealer { from, to, counter, .. } = self;
        f.debug_struct("Sealer")
            .field("from", from)
            .field("to", to)
            .field("counter", counter)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Opener {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Opener { from, to, counter, .. } = self;
        f.debug_struct("Opener")
            .field("from", from)
            .field("to", to)
            .field("counter", counter)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
