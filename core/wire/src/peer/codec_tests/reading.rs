//! What is written is read back; what is not known is skipped; nothing is copied.

use bytes::{Bytes, BytesMut};
use doozer_paxos::log::Base;
use doozer_paxos::message::{Envelope, Message, Proposal, Told};
use doozer_paxos::{Config, EntryHash, Slot};
use proptest::collection::vec;
use proptest::prelude::*;

use super::any::peers;
use super::by_prost::{body_by_prost, by_prost};
use super::{BALLOT, FROM, TO, body, paxos, read, two_entries};
use crate::peer::Peer;
use crate::peer::decode::{Decoded, decode};

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
