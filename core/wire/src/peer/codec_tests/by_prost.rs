//! Messages as prost would write them: what the encoder by hand is held against.

use bytes::Bytes;
use doozer_paxos::codec::put_ballot;
use doozer_paxos::election::Beat;
use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Have, Message, Offer, Proposal, Suffix, Told};
use doozer_paxos::{Ballot, Entry};
use prost::Message as _;

use crate::peer::Peer;
use crate::peer::proto::{self, peer_message::Kind, promise};

/// The body of a frame.
pub(super) fn body_by_prost(messages: Vec<proto::PeerMessage>) -> Bytes {
    proto::PeerFrame { messages }.encode_to_vec().into()
}

pub(super) fn id(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

pub(super) fn ballot_by_prost(ballot: &Ballot) -> Bytes {
    let mut bytes = Vec::new();
    put_ballot(&mut bytes, ballot);
    bytes.into()
}

pub(super) fn have_by_prost(have: &Have) -> Option<proto::Have> {
    let acc_ballot = ballot_by_prost(&have.acc_ballot);
    Some(proto::Have { acc_ballot, last: have.last.0, decided: have.decided.0 })
}

pub(super) fn entry_by_prost(entry: &Entry) -> Bytes {
    let mut bytes = Vec::new();
    entry.encode(&mut bytes);
    bytes.into()
}

pub(super) fn suffix_by_prost(suffix: &Suffix) -> proto::Suffix {
    proto::Suffix {
        from: suffix.from.0,
        previous: id(&suffix.previous.0),
        entries: suffix.entries.iter().map(entry_by_prost).collect(),
    }
}

pub(super) fn accept_by_prost(ballot: &Ballot, suffix: &Suffix, told: &Told) -> proto::Accept {
    let told = proto::Told { decided: told.decided.0, durable: told.durable.0, confirm: told.confirm };
    proto::Accept { ballot: ballot_by_prost(ballot), suffix: Some(suffix_by_prost(suffix)), told: Some(told) }
}

pub(super) fn promise_by_prost(
    ballot: &Ballot,
    have: &Have,
    offer: &Offer,
    suspect: &Option<Suspect>,
) -> proto::Promise {
    proto::Promise {
        ballot: ballot_by_prost(ballot),
        have: have_by_prost(have),
        offer: Some(match offer {
            Offer::Nothing => promise::Offer::Nothing(proto::Nothing {}),
            Offer::Suffix(suffix) => promise::Offer::Suffix(suffix_by_prost(suffix)),
            Offer::Snapshot => promise::Offer::Snapshot(proto::Nothing {}),
        }),
        suspect: suspect.map(|suspect| proto::Suspect {
            acc_ballot: ballot_by_prost(&suspect.acc_ballot),
            last: suspect.last.0,
        }),
    }
}

pub(super) fn beat_by_prost(round: u64, beat: &Beat) -> proto::Beat {
    proto::Beat {
        round,
        ballot: ballot_by_prost(&beat.ballot),
        leader: ballot_by_prost(&beat.leader),
        happy: beat.happy,
        counts: beat.counts,
        unheard: beat.unheard.iter().map(|member| id(&member.0)).collect(),
    }
}

pub(super) fn forward_by_prost(proposals: &[Proposal], is_relayed: bool) -> proto::Forward {
    let proposal =
        |it: &Proposal| proto::Proposal { command: it.command.clone(), needs_own_slot: it.needs_own_slot };
    proto::Forward { proposals: proposals.iter().map(proposal).collect(), is_relayed }
}

pub(super) fn head_by_prost(head: &Base) -> proto::Head {
    proto::Head {
        slot: head.slot.0,
        hash: id(&head.hash.0),
        wall_ms: head.wall_ms,
        epoch: head.config.epoch,
        voters: head.config.voters.iter().map(|voter| id(&voter.0)).collect(),
    }
}

pub(super) fn kind_by_prost(message: &Message) -> Kind {
    match message {
        Message::Prepare { ballot, have } => {
            Kind::Prepare(proto::Prepare { ballot: ballot_by_prost(ballot), have: have_by_prost(have) })
        }
        Message::Promise { ballot, have, offer, suspect } => {
            Kind::Promise(promise_by_prost(ballot, have, offer, suspect))
        }
        Message::AcceptSync { ballot, suffix, told } => {
            Kind::AcceptSync(accept_by_prost(ballot, suffix, told))
        }
        Message::Accept { ballot, suffix, told } => Kind::Accept(accept_by_prost(ballot, suffix, told)),
        Message::Accepted { ballot, last, confirm } => Kind::Accepted(proto::Accepted {
            ballot: ballot_by_prost(ballot),
            last: last.0,
            confirm: *confirm,
        }),
        Message::Nack { ballot, promised } => {
            Kind::Nack(proto::Nack { ballot: ballot_by_prost(ballot), promised: ballot_by_prost(promised) })
        }
        Message::Follow { have } => Kind::Follow(proto::Follow { have: have_by_prost(have) }),
        Message::Learn { suffix } => Kind::Learn(proto::Learn { suffix: Some(suffix_by_prost(suffix)) }),
        Message::Heartbeat { round } => Kind::Heartbeat(proto::Heartbeat { round: *round }),
        Message::Beat { round, beat } => Kind::Beat(beat_by_prost(*round, beat)),
        Message::Forward { proposals, is_relayed } => Kind::Forward(forward_by_prost(proposals, *is_relayed)),
        Message::Behind { base } => Kind::Behind(proto::Behind { base: base.0 }),
        Message::ReadIndex { number, promised } => {
            Kind::ReadIndex(proto::ReadIndex { number: *number, promised: ballot_by_prost(promised) })
        }
        Message::ReadReply { number, index } => {
            Kind::ReadReply(proto::ReadReply { number: *number, index: index.0 })
        }
    }
}

fn ids_by_prost(ids: &[[u8; 16]]) -> Bytes {
    Bytes::copy_from_slice(ids.as_flattened())
}

pub(super) fn by_prost(peer: &Peer) -> proto::PeerMessage {
    let (epoch, kind) = match peer {
        Peer::Paxos(envelope) => (envelope.epoch, kind_by_prost(&envelope.message)),
        Peer::SnapshotGet { transfer, offset } => {
            (0, Kind::SnapshotGet(proto::SnapshotGet { transfer: *transfer, offset: *offset }))
        }
        Peer::SnapshotGone { transfer } => {
            (0, Kind::SnapshotGone(proto::SnapshotGone { transfer: *transfer }))
        }
        Peer::SnapshotPiece { transfer, head, offset, bytes, is_last } => {
            let piece = proto::SnapshotPiece {
                transfer: *transfer,
                head: Some(head_by_prost(head)),
                offset: *offset,
                bytes: bytes.clone(),
                is_last: *is_last,
            };
            (0, Kind::SnapshotPiece(piece))
        }
        Peer::KeepAlive { number, sessions } => {
            (0, Kind::KeepAlive(proto::KeepAlive { number: *number, sessions: ids_by_prost(sessions) }))
        }
        Peer::KeptAlive { number, ended, unsure } => {
            let (ended, unsure) = (ids_by_prost(ended), ids_by_prost(unsure));
            (0, Kind::KeptAlive(proto::KeptAlive { number: *number, ended, unsure }))
        }
    };
    proto::PeerMessage { epoch, kind: Some(kind) }
}
