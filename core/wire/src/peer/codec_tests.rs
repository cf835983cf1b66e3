//! Messages between members against prost's own encoder, and everything that is refused while reading them.

use bytes::{Bytes, BytesMut};
use doozer_paxos::codec::put_ballot;
use doozer_paxos::election::Beat;
use doozer_paxos::entry::BadEntry;
use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Envelope, Have, Message, Offer, Proposal, Suffix, Told};
use doozer_paxos::{Ballot, Config, Entry, EntryHash, Incarnation, Slot};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use prost::Message as _;

use super::decode::{BadMessage, Decoded, FRAME_MESSAGES_MAX, decode};
use super::encode::Whole;
use super::fields::Body;
use super::proto::{self, peer_message::Kind, promise};
use super::{Peer, frame};
use crate::put;

const FROM: Incarnation = Incarnation([1; 16]);
const TO: Incarnation = Incarnation([2; 16]);

/// Zero is not written, and each further seven bits take a byte.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
}

fn slot() -> impl Strategy<Value = Slot> {
    number().prop_map(|number| Slot(number.min(1 << 62)))
}

fn incarnation() -> impl Strategy<Value = Incarnation> {
    any::<[u8; 16]>().prop_map(Incarnation)
}

fn hash() -> impl Strategy<Value = EntryHash> {
    any::<[u8; 32]>().prop_map(EntryHash)
}

fn blob() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 0..5), vec(any::<u8>(), 120..140)].prop_map(Bytes::from)
}

fn ballot() -> impl Strategy<Value = Ballot> {
    let parts = (slot(), any::<u32>(), incarnation());
    parts.prop_map(|(n, epoch, incarnation)| Ballot { n: n.0, epoch, incarnation })
}

fn have() -> impl Strategy<Value = Have> {
    (ballot(), slot(), slot()).prop_map(|(acc_ballot, last, decided)| Have { acc_ballot, last, decided })
}

fn suspect() -> impl Strategy<Value = Suspect> {
    (ballot(), slot()).prop_map(|(acc_ballot, last)| Suspect { acc_ballot, last })
}

fn told() -> impl Strategy<Value = Told> {
    (slot(), slot(), number()).prop_map(|(decided, durable, confirm)| Told { decided, durable, confirm })
}

fn config() -> impl Strategy<Value = Config> {
    let parts = (any::<u32>(), vec(incarnation(), 0..4));
    parts.prop_map(|(epoch, voters)| Config { epoch: epoch.into(), voters })
}

fn entry() -> impl Strategy<Value = Entry> {
    let parts = (ballot(), hash(), number(), of(config()), vec(blob(), 0..4));
    parts.prop_map(|(birth, previous, wall_ms, config, commands)| Entry {
        slot: Slot(0),
        birth,
        previous,
        wall_ms,
        config,
        commands,
    })
}

fn suffix() -> impl Strategy<Value = Suffix> {
    let from = number().prop_map(|number| number.clamp(1, 1 << 61));
    (from, hash(), vec(entry(), 0..4)).prop_map(|(from, previous, mut entries)| {
        (from..).zip(&mut entries).for_each(|(slot, entry)| entry.slot = Slot(slot));
        entries.iter_mut().take(1).for_each(|first| first.previous = previous);
        Suffix { from: Slot(from), previous, entries }
    })
}

fn offer() -> impl Strategy<Value = Offer> {
    prop_oneof![Just(Offer::Nothing), suffix().prop_map(Offer::Suffix), Just(Offer::Snapshot)]
}

fn beat() -> impl Strategy<Value = Beat> {
    let parts = (ballot(), ballot(), any::<bool>(), any::<bool>(), vec(incarnation(), 0..4));
    parts.prop_map(|(ballot, leader, happy, counts, unheard)| Beat { ballot, leader, happy, counts, unheard })
}

fn proposal() -> impl Strategy<Value = Proposal> {
    (blob(), any::<bool>()).prop_map(|(command, needs_own_slot)| Proposal { command, needs_own_slot })
}

fn messages() -> impl Strategy<Value = Message> {
    let accept = || (ballot(), suffix(), told());
    prop_oneof![
        (ballot(), have()).prop_map(|(ballot, have)| Message::Prepare { ballot, have }),
        (ballot(), have(), offer(), of(suspect()))
            .prop_map(|(ballot, have, offer, suspect)| Message::Promise { ballot, have, offer, suspect }),
        accept().prop_map(|(ballot, suffix, told)| Message::AcceptSync { ballot, suffix, told }),
        accept().prop_map(|(ballot, suffix, told)| Message::Accept { ballot, suffix, told }),
        (ballot(), slot(), number()).prop_map(|(ballot, last, confirm)| Message::Accepted {
            ballot,
            last,
            confirm
        }),
        (ballot(), ballot()).prop_map(|(ballot, promised)| Message::Nack { ballot, promised }),
        have().prop_map(|have| Message::Follow { have }),
        suffix().prop_map(|suffix| Message::Learn { suffix }),
        number().prop_map(|round| Message::Heartbeat { round }),
        (number(), beat()).prop_map(|(round, beat)| Message::Beat { round, beat }),
        (vec(proposal(), 0..4), any::<bool>())
            .prop_map(|(proposals, is_relayed)| Message::Forward { proposals, is_relayed }),
        slot().prop_map(|base| Message::Behind { base }),
        number().prop_map(|number| Message::ReadIndex { number }),
        (number(), slot()).prop_map(|(number, index)| Message::ReadReply { number, index }),
    ]
}

fn peers() -> impl Strategy<Value = Peer> {
    let base = (slot(), hash(), number(), config());
    let head = base.prop_map(|(slot, hash, wall_ms, config)| Box::new(Base { slot, hash, wall_ms, config }));
    let paxos = (any::<u32>(), messages()).prop_map(|(epoch, message)| {
        Peer::Paxos(Envelope { from: FROM, to: TO, epoch: epoch.into(), message })
    });
    prop_oneof![
        14 => paxos,
        1 => (number(), number()).prop_map(|(transfer, offset)| Peer::SnapshotGet { transfer, offset }),
        1 => number().prop_map(|transfer| Peer::SnapshotGone { transfer }),
        1 => (number(), head, number(), blob(), any::<bool>()).prop_map(|(transfer, head, offset, bytes, is_last)| {
            Peer::SnapshotPiece { transfer, head, offset, bytes, is_last }
        }),
    ]
}

/// The body of a frame with these messages.
fn body(peers: &[Peer]) -> Bytes {
    let mut out = BytesMut::new();
    for peer in peers {
        put::head(frame::MESSAGES, Whole(peer).len(), &mut out);
        Whole(peer).put(&mut out);
    }
    out.freeze()
}

fn body_by_prost(messages: Vec<proto::PeerMessage>) -> Bytes {
    proto::PeerFrame { messages }.encode_to_vec().into()
}

fn read(body: Bytes) -> Result<Vec<Peer>, BadMessage> {
    let Decoded { messages, skipped } = decode(body, FROM, TO)?;
    assert_eq!(skipped, 0);
    Ok(messages)
}

/// What this crate makes of a message that prost wrote.
fn read_kind(kind: Kind) -> Result<Vec<Peer>, BadMessage> {
    read(body_by_prost(vec![proto::PeerMessage { epoch: 1, kind: Some(kind) }]))
}

proptest! {
    #[test]
    fn messages_are_what_prost_writes_and_read_back(peers in vec(peers(), 0..4)) {
        let body = body(&peers);
        prop_assert_eq!(&body, &body_by_prost(peers.iter().map(by_prost).collect()));
        prop_assert_eq!(read(body).unwrap(), peers);
    }

    #[test]
    fn cut_anywhere_they_are_an_error_or_fewer(peers in vec(peers(), 1..3), cut: prop::sample::Index) {
        let body = body(&peers);
        if let Ok(fewer) = read(body.slice(..cut.index(body.len()))) {
            prop_assert!(fewer.len() < peers.len());
            prop_assert!(peers.starts_with(&fewer));
        }
    }

    #[test]
    fn any_bytes_are_messages_or_an_error(bytes in vec(any::<u8>(), 0..300)) {
        let _ = decode(bytes.into(), FROM, TO);
    }
}

fn id(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn ballot_by_prost(ballot: &Ballot) -> Bytes {
    let mut bytes = Vec::new();
    put_ballot(&mut bytes, ballot);
    bytes.into()
}

fn have_by_prost(have: &Have) -> Option<proto::Have> {
    let acc_ballot = ballot_by_prost(&have.acc_ballot);
    Some(proto::Have { acc_ballot, last: have.last.0, decided: have.decided.0 })
}

fn entry_by_prost(entry: &Entry) -> Bytes {
    let mut bytes = Vec::new();
    entry.encode(&mut bytes);
    bytes.into()
}

fn suffix_by_prost(suffix: &Suffix) -> proto::Suffix {
    proto::Suffix {
        from: suffix.from.0,
        previous: id(&suffix.previous.0),
        entries: suffix.entries.iter().map(entry_by_prost).collect(),
    }
}

fn accept_by_prost(ballot: &Ballot, suffix: &Suffix, told: &Told) -> proto::Accept {
    let told = proto::Told { decided: told.decided.0, durable: told.durable.0, confirm: told.confirm };
    proto::Accept { ballot: ballot_by_prost(ballot), suffix: Some(suffix_by_prost(suffix)), told: Some(told) }
}

fn promise_by_prost(
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

fn beat_by_prost(round: u64, beat: &Beat) -> proto::Beat {
    proto::Beat {
        round,
        ballot: ballot_by_prost(&beat.ballot),
        leader: ballot_by_prost(&beat.leader),
        happy: beat.happy,
        counts: beat.counts,
        unheard: beat.unheard.iter().map(|member| id(&member.0)).collect(),
    }
}

fn forward_by_prost(proposals: &[Proposal], is_relayed: bool) -> proto::Forward {
    let proposal =
        |it: &Proposal| proto::Proposal { command: it.command.clone(), needs_own_slot: it.needs_own_slot };
    proto::Forward { proposals: proposals.iter().map(proposal).collect(), is_relayed }
}

fn head_by_prost(head: &Base) -> proto::Head {
    proto::Head {
        slot: head.slot.0,
        hash: id(&head.hash.0),
        wall_ms: head.wall_ms,
        epoch: head.config.epoch,
        voters: head.config.voters.iter().map(|voter| id(&voter.0)).collect(),
    }
}

fn kind_by_prost(message: &Message) -> Kind {
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
        Message::ReadIndex { number } => Kind::ReadIndex(proto::ReadIndex { number: *number }),
        Message::ReadReply { number, index } => {
            Kind::ReadReply(proto::ReadReply { number: *number, index: index.0 })
        }
    }
}

fn by_prost(peer: &Peer) -> proto::PeerMessage {
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
    };
    proto::PeerMessage { epoch, kind: Some(kind) }
}

const BALLOT: Ballot = Ballot { n: 3, epoch: 2, incarnation: Incarnation([9; 16]) };

fn two_entries() -> Suffix {
    let entry = |slot, command: &'static [u8]| Entry {
        slot: Slot(slot),
        birth: BALLOT,
        previous: EntryHash([5; 32]),
        wall_ms: 1,
        config: None,
        commands: vec![Bytes::from_static(command)],
    };
    Suffix {
        from: Slot(8),
        previous: EntryHash([5; 32]),
        entries: vec![entry(8, b"eight"), entry(9, b"nine")],
    }
}

fn paxos(message: Message) -> Peer {
    Peer::Paxos(Envelope { from: FROM, to: TO, epoch: 1, message })
}

#[test]
fn commands_and_pieces_are_slices_of_the_frame() {
    let told = Told { decided: Slot(1), durable: Slot(1), confirm: 1 };
    let proposal = Proposal { command: Bytes::from_static(b"forwarded"), needs_own_slot: false };
    let head = Base {
        slot: Slot(1),
        hash: EntryHash::NONE,
        wall_ms: 0,
        config: Config { epoch: 1, voters: vec![] },
    };
    let body = body(&[
        paxos(Message::Accept { ballot: BALLOT, suffix: two_entries(), told }),
        paxos(Message::Forward { proposals: vec![proposal], is_relayed: false }),
        Peer::SnapshotPiece {
            transfer: 1,
            head: head.into(),
            offset: 0,
            bytes: Bytes::from_static(b"piece"),
            is_last: true,
        },
    ]);
    let messages = read(body.clone()).unwrap();
    let mut found = Vec::new();
    for message in messages {
        match message {
            Peer::Paxos(Envelope { message: Message::Accept { suffix, .. }, .. }) => {
                found.extend(suffix.entries.into_iter().flat_map(|entry| entry.commands));
            }
            Peer::Paxos(Envelope { message: Message::Forward { proposals, .. }, .. }) => {
                found.extend(proposals.into_iter().map(|proposal| proposal.command));
            }
            Peer::SnapshotPiece { bytes, .. } => found.push(bytes),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(found, [&b"eight"[..], b"nine", b"forwarded", b"piece"]);
    let range = body.as_ptr_range();
    assert!(found.iter().all(|bytes| range.contains(&bytes.as_ptr())), "something was copied");
}

#[test]
fn unknown_kinds_are_skipped_and_counted_and_unknown_fields_are_skipped() {
    let heartbeat = || paxos(Message::Heartbeat { round: 7 });
    let mut out = BytesMut::from(&body(&[heartbeat()])[..]);
    // Kind 99, with something in it.
    out.extend_from_slice(&[0x0a, 8, 0x08, 1, 0x9a, 0x06, 3, 1, 2, 3]);
    // A heartbeat of round 8 with a field 2 and, beside it, a field 100; then a field 3 of the frame.
    out.extend_from_slice(&[0x0a, 11, 0x08, 1, 0x52, 4, 0x08, 8, 0x10, 5, 0xa0, 0x06, 1]);
    out.extend_from_slice(&[0x1a, 2, 7, 7]);
    out.extend_from_slice(&body(&[heartbeat()]));
    let messages = vec![heartbeat(), paxos(Message::Heartbeat { round: 8 }), heartbeat()];
    assert_eq!(decode(out.freeze(), FROM, TO), Ok(Decoded { messages, skipped: 1 }));
}

#[test]
fn counts_are_not_believed() {
    // An entry that says it has four billion commands, or voters.
    let entry = entry_by_prost(&Entry { commands: vec![], ..two_entries().entries[0].clone() });
    let mut commands = entry.to_vec();
    commands.splice(entry.len() - 4.., [0xff; 4]);
    let mut voters = entry[..76].to_vec();
    voters.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    for entry in [commands, voters] {
        let suffix = proto::Suffix { from: 8, previous: id(&[5; 32]), entries: vec![entry.into()] };
        let read = read_kind(Kind::Learn(proto::Learn { suffix: Some(suffix) }));
        assert!(matches!(read, Err(BadMessage::Entry(BadEntry::Short(_)))), "{read:?}");
    }
    // A message that says it is longer than the frame.
    let read = read(Bytes::from_static(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x07]));
    assert!(matches!(read, Err(BadMessage::Protobuf(_))), "{read:?}");
}

#[test]
fn a_frame_holds_so_many_messages() {
    let most = vec![paxos(Message::Heartbeat { round: 0 }); FRAME_MESSAGES_MAX];
    assert_eq!(read(body(&most)), Ok(most.clone()));
    let more = [body(&most), body(&most[..1])].concat();
    assert_eq!(read(more.into()), Err(BadMessage::TooMany));
}

/// A message with something wrong, and what is said of it.
fn refused(kind: Kind, line: &str) {
    let error = read_kind(kind).expect_err(line);
    assert_eq!(error.to_string(), line);
}

#[test]
fn what_is_missing_is_refused() {
    let ballot = ballot_by_prost(&BALLOT);
    let have = || have_by_prost(&Have { acc_ballot: BALLOT, last: Slot(1), decided: Slot(1) });
    refused(Kind::Prepare(proto::Prepare { ballot: ballot.clone(), have: None }), "no have");
    refused(Kind::Follow(proto::Follow { have: None }), "no have");
    refused(Kind::Learn(proto::Learn { suffix: None }), "no suffix");
    let told = Some(proto::Told::default());
    refused(Kind::Accept(proto::Accept { ballot: ballot.clone(), suffix: None, told }), "no suffix");
    let suffix = Some(suffix_by_prost(&two_entries()));
    let untold = proto::Accept { ballot: ballot.clone(), suffix, told: None };
    refused(Kind::Accept(untold.clone()), "no told");
    refused(Kind::AcceptSync(untold), "no told");
    let promise = proto::Promise { ballot, have: have(), offer: None, suspect: None };
    refused(Kind::Promise(promise), "no offer");
    refused(Kind::SnapshotPiece(proto::SnapshotPiece::default()), "no head");
}

#[test]
fn what_has_another_length_is_refused() {
    let ballot = ballot_by_prost(&BALLOT);
    let nack = |ballot: Bytes, promised: Bytes| Kind::Nack(proto::Nack { ballot, promised });
    refused(nack(ballot.slice(1..), ballot.clone()), "a ballot of 27 bytes instead of 28");
    refused(nack(ballot.clone(), Bytes::new()), "a ballot of 0 bytes instead of 28");
    let beat = Beat { ballot: BALLOT, leader: BALLOT, happy: true, counts: true, unheard: vec![] };
    let unheard = vec![id(&[1; 16]), id(&[1; 17])];
    refused(
        Kind::Beat(proto::Beat { unheard, ..beat_by_prost(1, &beat) }),
        "a member's id of 17 bytes instead of 16",
    );
    let suffix = proto::Suffix { previous: id(&[1; 31]), ..suffix_by_prost(&two_entries()) };
    refused(Kind::Learn(proto::Learn { suffix: Some(suffix) }), "a hash of 31 bytes instead of 32");
}

#[test]
fn what_nobody_counts_to_is_refused() {
    let above = (1 << 62) + 1;
    refused(Kind::Behind(proto::Behind { base: above }), "slot 4611686018427387905, which nobody counts to");
    let ballot = ballot_by_prost(&Ballot { n: u64::MAX, ..BALLOT });
    refused(
        Kind::Accepted(proto::Accepted { ballot, last: 1, confirm: 1 }),
        "ballot 18446744073709551615, which nobody counts to",
    );
    let head = proto::Head { epoch: 1 << 32, hash: id(&[0; 32]), ..proto::Head::default() };
    let piece = proto::SnapshotPiece { head: Some(head), ..proto::SnapshotPiece::default() };
    refused(Kind::SnapshotPiece(piece), "epoch 4294967296, which nobody counts to");
    let mut suffix = two_entries();
    suffix.entries[1].config = Some(Config { epoch: 1 << 32, voters: vec![] });
    let suffix = Some(suffix_by_prost(&suffix));
    refused(Kind::Learn(proto::Learn { suffix }), "epoch 4294967296, which nobody counts to");
}

#[test]
fn entries_that_are_no_run_are_refused() {
    let learn = |change: fn(&mut Suffix)| {
        let mut suffix = two_entries();
        change(&mut suffix);
        Kind::Learn(proto::Learn { suffix: Some(suffix_by_prost(&suffix)) })
    };
    assert!(read_kind(learn(|_| ())).is_ok());
    refused(learn(|it| it.from = Slot(7)), "entries from slot 7 on that do not follow one another");
    refused(
        learn(|it| it.entries[1].slot = Slot(8)),
        "entries from slot 8 on that do not follow one another",
    );
    refused(learn(|it| it.entries.swap(0, 1)), "entries from slot 8 on that do not follow one another");
    refused(learn(|it| it.previous.0[31] = 0), "entries from slot 8 on that do not follow one another");
    let from_zero = learn(|it| {
        it.from = Slot(0);
        it.entries.clear();
    });
    refused(from_zero, "entries from slot 0 on that do not follow one another");
    let mut suffix = suffix_by_prost(&two_entries());
    suffix.entries[1] = [&suffix.entries[1][..], b"more"].concat().into();
    refused(Kind::Learn(proto::Learn { suffix: Some(suffix) }), "4 bytes behind the end of an entry");
}
