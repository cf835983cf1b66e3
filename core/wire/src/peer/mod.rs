//! What members say to each other, as bytes, and how two of them make sure of each other.
//! Never here: sockets, clocks, randomness (nonces are passed in), and whom a member wants to talk to.
//!
//! `docs/peer-protocol.md` describes all of it, and what an attacker can do.
//!
//! | module | what it holds |
//! |---|---|
//! | `introduction` | [`Introduction`], [`Call`]: what each says of itself |
//! | `dialer` | [`Dialer`], then [`Proving`]: the side that opened the connection |
//! | `acceptor` | [`Acceptor`], then [`Greeted`], then [`Proven`]: the other side |
//! | `refused` | [`Refused`]: why there is no connection, in one line |
//! | `proof` | the proofs, and the key of the frames |
//! | `frame` | [`Sealer`] and [`Opener`]: messages in frames that cannot be changed, repeated or left out |
//! | `encode`, `decode` | [`Peer`] to bytes and back; [`decode()`], [`BadMessage`] |
//! | `fields` | writing protobuf fields, or counting their bytes |
//!
//! One connection carries messages one way, from its dialer to its acceptor:
//!
//! ```
//! use bytes::BytesMut;
//! use doozer_paxos::{ClusterId, Incarnation, message::{Envelope, Message}};
//! use doozer_wire::peer::{Acceptor, Call, Dialer, Introduction, PEER_FRAME_BYTES_MAX, Peer, Purpose};
//! use doozer_wire::{Decoder, Hello, HelloReply, OwnedResponse, Secret};
//!
//! let member = |id: u8, address: &str| -> Result<Introduction, doozer_wire::UriError> {
//!     let cluster = Some(ClusterId([7; 16]));
//!     Ok(Introduction { cluster, incarnation: Incarnation([id; 16]), address: address.parse()?, listed: vec![], name: None, only_joins: false })
//! };
//! let secret = Secret::from(b"hush".to_vec());
//! let (one, two) = (member(1, "one:8046")?, member(2, "two:8046")?);
//!
//! // The dialer's HELLO, and its answer.
//! let call = Call { to: Some(two.incarnation), purpose: Purpose::Messages };
//! let (dialer, request) = Dialer::new(&secret, one.clone(), call, [3; 32]);
//! let hello: Hello = request.hello.ok_or("no HELLO")?;
//! let (greeted, reply) = Acceptor::new(&secret, two.clone(), &hello)?.greet([4; 32]);
//! let response = OwnedResponse {
//!     hello: Some(HelloReply { peer: Some(reply), ..HelloReply::default() }),
//!     ..OwnedResponse::default()
//! };
//!
//! // Two frames: each proves that it knows the secret.
//! let mut decoder = Decoder::new(PEER_FRAME_BYTES_MAX);
//! let mut frame = |bytes: &[u8]| decoder.next(&mut BytesMut::from(bytes)).map(Option::unwrap_or_default);
//! let (proving, proof) = dialer.on_reply(&response)?;
//! let (accept, from, mut opener) = greeted.on_proof(frame(&proof)?)?.accept();
//! let (to, mut sealer) = proving.on_accept(frame(&accept)?)?;
//! assert_eq!((from, to), (one.clone(), two.clone()));
//!
//! // Messages.
//! let (from, to) = (one.incarnation, two.incarnation);
//! let message = Peer::Paxos(Envelope { from, to, epoch: 1, message: Message::Heartbeat { round: 9 } });
//! let mut out = BytesMut::new();
//! sealer.seal([&message], &mut out)?;
//! assert_eq!(opener.open(frame(&out)?)?, [message]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acceptor;
mod decode;
mod dialer;
mod encode;
mod fields;
mod frame;
mod introduction;
mod proof;
#[path = "../generated/peer.rs"]
#[allow(dead_code, clippy::all, reason = "written by prost-build, which declares more than is used")]
mod proto;
mod refused;

#[cfg(test)]
mod codec_tests;

use bytes::Bytes;
use doozer_paxos::log::Base;
use doozer_paxos::message::Envelope;

pub use acceptor::{Acceptor, Greeted, Proven};
pub use decode::{BadMessage, Decoded, FRAME_MESSAGES_MAX, decode};
pub use dialer::{Dialer, Proving};
pub use frame::{BadFrame, FRAME_BODY_BYTES, Opener, PEER_FRAME_BYTES_MAX, Sealer, TooLong};
pub use introduction::{Call, HANDSHAKE_BYTES_MAX, Introduction, PEER_VERSION, Purpose};
pub use refused::Refused;

/// A message between members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Of the replica.
    Paxos(Envelope),
    /// Give me a snapshot, from this byte on. A transfer begins at 0, and whoever asks names it.
    SnapshotGet {
        /// Names the transfer.
        transfer: u64,
        /// The next byte that is missing.
        offset: u64,
    },
    /// This transfer is not known here, or cannot be gone on with: begin another one.
    SnapshotGone {
        /// The transfer.
        transfer: u64,
    },
    /// A piece of a snapshot.
    SnapshotPiece {
        /// The transfer it belongs to.
        transfer: u64,
        /// What the snapshot is of.
        head: Box<Base>,
        /// Where the piece stands.
        offset: u64,
        /// The piece.
        bytes: Bytes,
        /// There is nothing behind it.
        is_last: bool,
    },
    /// Clients keep these sessions alive, as the sender heard.
    KeepAlive {
        /// Names the question.
        number: u64,
        /// Their ids.
        sessions: Vec<[u8; 16]>,
    },
    /// The proposer's answer: all of them live on, but for these.
    KeptAlive {
        /// The question's.
        number: u64,
        /// They have ended, or never were.
        ended: Vec<[u8; 16]>,
        /// It is about to end them: ask again.
        unsure: Vec<[u8; 16]>,
    },
}
