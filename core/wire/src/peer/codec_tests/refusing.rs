//! What no member says is refused, each with its line.

use bytes::Bytes;
use doozer_paxos::election::Beat;
use doozer_paxos::entry::BadEntry;
use doozer_paxos::message::{Have, Message, Suffix};
use doozer_paxos::{Ballot, Config, Entry, Slot};

use super::by_prost::{
    ballot_by_prost, beat_by_prost, body_by_prost, entry_by_prost, have_by_prost, id, suffix_by_prost,
};
use super::{BALLOT, body, paxos, read, two_entries};
use crate::peer::Peer;
use crate::peer::decode::{BadMessage, FRAME_MESSAGES_MAX};
use crate::peer::proto::{self, peer_message::Kind};

/// What this crate makes of a message that prost wrote.
fn read_kind(kind: Kind) -> Result<Vec<Peer>, BadMessage> {
    read(body_by_prost(vec![proto::PeerMessage { epoch: 1, kind: Some(kind) }]))
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
    let kind = Some(Kind::Heartbeat(proto::Heartbeat { round: 1 }));
    let late = read(body_by_prost(vec![proto::PeerMessage { epoch: 1 << 32, kind }]));
    assert_eq!(late, Err(BadMessage::TooGreat { what: "epoch", value: 1 << 32 }));
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
