//! What members say to each other.

use bytes::Bytes;
use doozer_paxos::log::Base;
use doozer_paxos::message::Envelope;

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
}
