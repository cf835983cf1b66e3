//! Messages to bytes, without a copy of anything between. `proto/peer.proto` fixes the numbers.
//! Never here: how many messages make a frame.

use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Envelope, Have, Message, Offer, Proposal, Suffix, Told};

use super::Peer;
use super::fields::{Body, Sink};

/// A `PeerMessage`.
pub(super) struct Whole<'a>(pub &'a Peer);

/// What stands in one of its kinds.
struct Kind<'a>(&'a Peer);

/// A message that says what it says by being there.
struct Nothing;

impl Body for Whole<'_> {
    fn put(&self, out: &mut impl Sink) {
        if let Peer::Paxos(Envelope { epoch, .. }) = self.0 {
            out.number(1, *epoch);
        }
        out.message(kind(self.0), &Kind(self.0));
    }
}

/// The number of a message's kind.
fn kind(peer: &Peer) -> u32 {
    let message = match peer {
        Peer::Paxos(envelope) => &envelope.message,
        Peer::SnapshotGet { .. } => return 16,
        Peer::SnapshotGone { .. } => return 17,
        Peer::SnapshotPiece { .. } => return 18,
        Peer::KeepAlive { .. } => return 19,
        Peer::KeptAlive { .. } => return 20,
    };
    match message {
        Message::Prepare { .. } => 2,
        Message::Promise { .. } => 3,
        Message::AcceptSync { .. } => 4,
        Message::Accept { .. } => 5,
        Message::Accepted { .. } => 6,
        Message::Nack { .. } => 7,
        Message::Follow { .. } => 8,
        Message::Learn { .. } => 9,
        Message::Heartbeat { .. } => 10,
        Message::Beat { .. } => 11,
        Message::Forward { .. } => 12,
        Message::Behind { .. } => 13,
        Message::ReadIndex { .. } => 14,
        Message::ReadReply { .. } => 15,
    }
}

impl Body for Kind<'_> {
    fn put(&self, out: &mut impl Sink) {
        match self.0 {
            Peer::Paxos(envelope) => envelope.message.put(out),
            Peer::SnapshotGet { transfer, offset } => {
                out.number(1, *transfer);
                out.number(2, *offset);
            }
            Peer::SnapshotGone { transfer } => out.number(1, *transfer),
            Peer::SnapshotPiece { transfer, head, offset, bytes, is_last } => {
                out.number(1, *transfer);
                out.message(2, &**head);
                out.number(3, *offset);
                out.bytes(4, bytes);
                out.flag(5, *is_last);
            }
            Peer::KeepAlive { number, sessions } => {
                out.number(1, *number);
                out.bytes(2, sessions.as_flattened());
            }
            Peer::KeptAlive { number, ended, unsure } => {
                out.number(1, *number);
                out.bytes(2, ended.as_flattened());
                out.bytes(3, unsure.as_flattened());
            }
        }
    }
}

impl Body for Message {
    fn put(&self, out: &mut impl Sink) {
        match self {
            Message::Prepare { ballot, have } => {
                out.ballot(1, ballot);
                out.message(2, have);
            }
            Message::Promise { ballot, have, offer, suspect } => {
                out.ballot(1, ballot);
                out.message(2, have);
                match offer {
                    Offer::Nothing => out.message(3, &Nothing),
                    Offer::Suffix(suffix) => out.message(4, suffix),
                    Offer::Snapshot => out.message(5, &Nothing),
                }
                if let Some(suspect) = suspect {
                    out.message(6, suspect);
                }
            }
            Message::AcceptSync { ballot, suffix, told } | Message::Accept { ballot, suffix, told } => {
                out.ballot(1, ballot);
                out.message(2, suffix);
                out.message(3, told);
            }
            Message::Accepted { ballot, last, confirm } => {
                out.ballot(1, ballot);
                out.number(2, last.0);
                out.number(3, *confirm);
            }
            Message::Nack { ballot, promised } => {
                out.ballot(1, ballot);
                out.ballot(2, promised);
            }
            Message::Follow { have } => out.message(1, have),
            Message::Learn { suffix } => out.message(1, suffix),
            Message::Heartbeat { round } => out.number(1, *round),
            Message::Beat { round, beat } => {
                out.number(1, *round);
                out.ballot(2, &beat.ballot);
                out.ballot(3, &beat.leader);
                out.flag(4, beat.happy);
                out.flag(5, beat.counts);
                beat.unheard.iter().for_each(|member| out.fixed(6, &member.0));
            }
            Message::Forward { proposals, is_relayed } => {
                proposals.iter().for_each(|proposal| out.message(1, proposal));
                out.flag(2, *is_relayed);
            }
            Message::Behind { base } => out.number(1, base.0),
            Message::ReadIndex { number, promised } => {
                out.number(1, *number);
                out.ballot(2, promised);
            }
            Message::ReadReply { number, index } => {
                out.number(1, *number);
                out.number(2, index.0);
            }
        }
    }
}

impl Body for Nothing {
    fn put(&self, _: &mut impl Sink) {}
}

impl Body for Have {
    fn put(&self, out: &mut impl Sink) {
        out.ballot(1, &self.acc_ballot);
        out.number(2, self.last.0);
        out.number(3, self.decided.0);
    }
}

impl Body for Suspect {
    fn put(&self, out: &mut impl Sink) {
        out.ballot(1, &self.acc_ballot);
        out.number(2, self.last.0);
    }
}

impl Body for Suffix {
    fn put(&self, out: &mut impl Sink) {
        out.number(1, self.from.0);
        out.fixed(2, &self.previous.0);
        self.entries.iter().for_each(|entry| out.entry(3, entry));
    }
}

impl Body for Told {
    fn put(&self, out: &mut impl Sink) {
        out.number(1, self.decided.0);
        out.number(2, self.durable.0);
        out.number(3, self.confirm);
    }
}

impl Body for Proposal {
    fn put(&self, out: &mut impl Sink) {
        out.bytes(1, &self.command);
        out.flag(2, self.needs_own_slot);
    }
}

impl Body for Base {
    fn put(&self, out: &mut impl Sink) {
        out.number(1, self.slot.0);
        out.fixed(2, &self.hash.0);
        out.number(3, self.wall_ms);
        out.number(4, self.config.epoch);
        self.config.voters.iter().for_each(|voter| out.fixed(5, &voter.0));
    }
}
