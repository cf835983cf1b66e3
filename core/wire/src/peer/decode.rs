//! Bytes to messages. Commands and pieces are slices of what is read, counts are believed as far as bytes bear them out, and
//! what no member says is refused here, so that nobody behind has to think of it.
//! Never here: whether a message makes sense now (the replica, the driver).

use bytes::{Buf, Bytes};
use doozer_paxos::codec::{BALLOT_BYTES, Reader, Short};
use doozer_paxos::election::Beat;
use doozer_paxos::entry::BadEntry;
use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Envelope, Have, Message, Offer, Proposal, Suffix, Told};
use doozer_paxos::{Ballot, Config, Entry, EntryHash, Incarnation, Slot};
use prost::Message as _;
use prost::encoding::{self, DecodeContext};

use super::proto::{self, peer_message::Kind, promise};
use super::{Peer, frame};

/// Messages in one frame, at most: a frame of small ones must not come to many times its length.
pub const FRAME_MESSAGES_MAX: usize = 4096;

/// Slots and ballots are counted from 1 and never come near; whatever is above would overflow somewhere.
const COUNT_MAX: u64 = 1 << 62;

/// Why a frame's body holds no messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadMessage {
    /// It is not protobuf, or a field has another wire type than it should. The text says where.
    #[error("{0}")]
    Protobuf(Box<str>),
    /// A field that must be there is not.
    #[error("no {0}")]
    Missing(&'static str),
    /// An id, a ballot or a hash has another length than it must have.
    #[error("{what} of {len} bytes instead of {due}")]
    Length {
        /// What it should be.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The length it must have.
        due: usize,
    },
    /// A number that no member comes to.
    #[error("{what} {value}, which nobody counts to")]
    TooGreat {
        /// What it counts.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// An entry cannot be read.
    #[error(transparent)]
    Entry(#[from] BadEntry),
    /// Bytes follow an entry.
    #[error("{0} bytes behind the end of an entry")]
    EntryEnd(usize),
    /// Entries do not follow one another.
    #[error("entries from slot {0} on that do not follow one another")]
    NoRun(u64),
    /// There are more messages than a frame may hold.
    #[error("more than {FRAME_MESSAGES_MAX} messages in a frame")]
    TooMany,
}

type Read<T> = Result<T, BadMessage>;

/// What a frame's body held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// The messages, in their order.
    pub messages: Vec<Peer>,
    /// How many messages of a kind unknown here were left out.
    pub skipped: u64,
}

/// Reads the body of a frame, as it stands between counter and MAC. Sender and receiver are those of the connection.
/// Commands and pieces share the memory of `body`: whoever keeps a small one for long should copy it.
///
/// # Errors
/// [`BadMessage`] if one of the messages cannot be what a member sent. Unknown fields and kinds are skipped.
pub fn decode(mut body: Bytes, from: Incarnation, to: Incarnation) -> Read<Decoded> {
    let mut decoded = Decoded::default();
    while body.has_remaining() {
        let (field, wire_type) = encoding::decode_key(&mut body).map_err(protobuf)?;
        let context = DecodeContext::default();
        if field != frame::MESSAGES {
            encoding::skip_field(wire_type, field, &mut body, context).map_err(protobuf)?;
            continue;
        }
        if decoded.messages.len() == FRAME_MESSAGES_MAX {
            return Err(BadMessage::TooMany);
        }
        let mut message = Bytes::new();
        encoding::bytes::merge(wire_type, &mut message, &mut body, context).map_err(protobuf)?;
        match peer(message, from, to)? {
            Some(peer) => decoded.messages.push(peer),
            None => decoded.skipped += 1,
        }
    }
    Ok(decoded)
}

/// Not a `From`, which would make prost's type a part of this crate's edge.
fn protobuf(error: prost::DecodeError) -> BadMessage {
    BadMessage::Protobuf(error.to_string().into())
}

/// One message; `None` if its kind is not known.
fn peer(message: Bytes, from: Incarnation, to: Incarnation) -> Read<Option<Peer>> {
    let proto::PeerMessage { epoch, kind } = proto::PeerMessage::decode(message).map_err(protobuf)?;
    let Some(kind) = kind else { return Ok(None) };
    let message = match kind {
        Kind::SnapshotGet(it) => {
            return Ok(Some(Peer::SnapshotGet { transfer: it.transfer, offset: it.offset }));
        }
        Kind::SnapshotGone(it) => return Ok(Some(Peer::SnapshotGone { transfer: it.transfer })),
        Kind::SnapshotPiece(it) => return piece(it).map(Some),
        Kind::KeepAlive(it) => {
            return Ok(Some(Peer::KeepAlive { number: it.number, sessions: sessions(&it.sessions)? }));
        }
        Kind::KeptAlive(it) => {
            let (ended, unsure) = (sessions(&it.ended)?, sessions(&it.unsure)?);
            return Ok(Some(Peer::KeptAlive { number: it.number, ended, unsure }));
        }
        Kind::Prepare(it) => Message::Prepare { ballot: ballot(&it.ballot)?, have: have(it.have)? },
        Kind::Promise(it) => promise(it)?,
        Kind::AcceptSync(it) => {
            let (ballot, suffix, told) = accept(it)?;
            Message::AcceptSync { ballot, suffix, told }
        }
        Kind::Accept(it) => {
            let (ballot, suffix, told) = accept(it)?;
            Message::Accept { ballot, suffix, told }
        }
        Kind::Accepted(it) => {
            Message::Accepted { ballot: ballot(&it.ballot)?, last: slot(it.last)?, confirm: it.confirm }
        }
        Kind::Nack(it) => Message::Nack { ballot: ballot(&it.ballot)?, promised: ballot(&it.promised)? },
        Kind::Follow(it) => Message::Follow { have: have(it.have)? },
        Kind::Learn(it) => Message::Learn { suffix: suffix(it.suffix)? },
        Kind::Heartbeat(it) => Message::Heartbeat { round: it.round },
        Kind::Beat(it) => Message::Beat { round: it.round, beat: beat(&it)? },
        Kind::Forward(it) => Message::Forward {
            proposals: it.proposals.into_iter().map(proposal).collect(),
            is_relayed: it.is_relayed,
        },
        Kind::Behind(it) => Message::Behind { base: slot(it.base)? },
        Kind::ReadIndex(it) => Message::ReadIndex { number: it.number, promised: ballot(&it.promised)? },
        Kind::ReadReply(it) => Message::ReadReply { number: it.number, index: slot(it.index)? },
    };
    Ok(Some(Peer::Paxos(Envelope { from, to, epoch: count("epoch", epoch, u32::MAX.into())?, message })))
}

fn promise(it: proto::Promise) -> Read<Message> {
    let offer = match there("offer", it.offer)? {
        promise::Offer::Nothing(_) => Offer::Nothing,
        promise::Offer::Suffix(it) => Offer::Suffix(suffix(Some(it))?),
        promise::Offer::Snapshot(_) => Offer::Snapshot,
    };
    let suspect = |it: proto::Suspect| {
        Ok::<_, BadMessage>(Suspect { acc_ballot: ballot(&it.acc_ballot)?, last: slot(it.last)? })
    };
    Ok(Message::Promise {
        ballot: ballot(&it.ballot)?,
        have: have(it.have)?,
        offer,
        suspect: it.suspect.map(suspect).transpose()?,
    })
}

fn accept(it: proto::Accept) -> Read<(Ballot, Suffix, Told)> {
    let told = there("told", it.told)?;
    let told = Told { decided: slot(told.decided)?, durable: slot(told.durable)?, confirm: told.confirm };
    Ok((ballot(&it.ballot)?, suffix(it.suffix)?, told))
}

fn beat(it: &proto::Beat) -> Read<Beat> {
    Ok(Beat {
        ballot: ballot(&it.ballot)?,
        leader: ballot(&it.leader)?,
        happy: it.happy,
        counts: it.counts,
        unheard: it.unheard.iter().map(incarnation).collect::<Read<_>>()?,
    })
}

fn proposal(it: proto::Proposal) -> Proposal {
    Proposal { command: it.command, needs_own_slot: it.needs_own_slot }
}

fn piece(it: proto::SnapshotPiece) -> Read<Peer> {
    let head = there("head", it.head)?;
    let voters = head.voters.iter().map(incarnation).collect::<Read<_>>()?;
    let config = Config { epoch: count("epoch", head.epoch, u32::MAX.into())?, voters };
    let head = Base { slot: slot(head.slot)?, hash: hash(&head.hash)?, wall_ms: head.wall_ms, config };
    Ok(Peer::SnapshotPiece {
        transfer: it.transfer,
        head: Box::new(head),
        offset: it.offset,
        bytes: it.bytes,
        is_last: it.is_last,
    })
}

fn have(it: Option<proto::Have>) -> Read<Have> {
    let it = there("have", it)?;
    Ok(Have { acc_ballot: ballot(&it.acc_ballot)?, last: slot(it.last)?, decided: slot(it.decided)? })
}

/// A run of entries. That each has the hash of the one before is found out by whoever takes them into a log, which hashes
/// them anyway.
fn suffix(it: Option<proto::Suffix>) -> Read<Suffix> {
    let it = there("suffix", it)?;
    let (from, previous) = (slot(it.from)?, hash(&it.previous)?);
    let entries: Vec<Entry> = it.entries.into_iter().map(entry).collect::<Read<_>>()?;
    let is_run = from.0 >= 1
        && entries.first().is_none_or(|first| first.previous == previous)
        && (from.0..).zip(&entries).all(|(slot, entry)| entry.slot.0 == slot);
    if !is_run {
        return Err(BadMessage::NoRun(from.0));
    }
    Ok(Suffix { from, previous, entries })
}

fn entry(mut bytes: Bytes) -> Read<Entry> {
    let entry = Entry::decode(&mut bytes)?;
    if !bytes.is_empty() {
        return Err(BadMessage::EntryEnd(bytes.len()));
    }
    slot(entry.slot.0)?;
    if let Some(config) = &entry.config {
        count("epoch", config.epoch, u32::MAX.into())?;
    }
    Ok(entry)
}

fn there<T>(what: &'static str, field: Option<T>) -> Read<T> {
    field.ok_or(BadMessage::Missing(what))
}

fn count(what: &'static str, value: u64, max: u64) -> Read<u64> {
    if value > max {
        return Err(BadMessage::TooGreat { what, value });
    }
    Ok(value)
}

fn slot(value: u64) -> Read<Slot> {
    count("slot", value, COUNT_MAX).map(Slot)
}

fn ballot(bytes: &Bytes) -> Read<Ballot> {
    let bytes: [u8; BALLOT_BYTES] = fixed("a ballot", bytes)?;
    let read = Reader::new(&bytes).ballot();
    let ballot = read.map_err(|short: Short| BadMessage::Entry(short.into()))?;
    count("ballot", ballot.n, COUNT_MAX)?;
    Ok(ballot)
}

fn incarnation(bytes: &Bytes) -> Read<Incarnation> {
    fixed("a member's id", bytes).map(Incarnation)
}

fn sessions(bytes: &Bytes) -> Read<Vec<[u8; 16]>> {
    let (ids, rest) = bytes.as_chunks();
    if rest.is_empty() {
        Ok(ids.to_vec())
    } else {
        Err(BadMessage::Length { what: "a session's id", len: rest.len(), due: 16 })
    }
}

fn hash(bytes: &Bytes) -> Read<EntryHash> {
    fixed("a hash", bytes).map(EntryHash)
}

/// Bytes of one length.
pub(super) fn fixed<const N: usize>(what: &'static str, bytes: &Bytes) -> Read<[u8; N]> {
    bytes[..].try_into().map_err(|_| BadMessage::Length { what, len: bytes.len(), due: N })
}
