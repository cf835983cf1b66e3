//! Frames between members cannot be changed, repeated, left out, reordered or brought from elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use bytes::{Bytes, BytesMut};
use doozer_paxos::Incarnation;
use doozer_wire::Decoder;
use doozer_wire::peer::{BadFrame, FRAME_BODY_BYTES, Opener, PEER_FRAME_BYTES_MAX, Peer, Sealer};
use support::members::{Side, connected, side};
use support::messages::{KINDS, accept, message};
use support::random::random;

const ONE: Incarnation = Incarnation([1; 16]);
const TWO: Incarnation = Incarnation([2; 16]);

fn both() -> (Sealer, Opener) {
    connected(&side(1, "hush"), &side(2, "hush"))
}

/// One of each kind.
fn all() -> Vec<Peer> {
    let mut random = random("messages").0;
    (0..KINDS).map(|kind| message(kind, ONE, TWO, &mut random)).collect()
}

/// The bodies of frames, each of one of the messages.
fn frames(sealer: &mut Sealer, messages: &[Peer]) -> Vec<Bytes> {
    let mut out = BytesMut::new();
    messages.iter().for_each(|message| sealer.seal([message], &mut out).unwrap());
    let mut decoder = Decoder::new(PEER_FRAME_BYTES_MAX);
    std::iter::from_fn(|| decoder.next(&mut out).unwrap()).collect()
}

#[test]
fn every_kind_comes_through_in_order() {
    let (mut sealer, mut opener) = both();
    for _ in 0..3 {
        let mut out = BytesMut::new();
        sealer.seal(&all(), &mut out).unwrap();
        let frame = Decoder::new(PEER_FRAME_BYTES_MAX).next(&mut out).unwrap().unwrap();
        assert!(out.is_empty());
        assert_eq!(opener.open(frame).unwrap(), all());
    }
    assert_eq!(opener.skipped(), 0);
}

/// A message longer than a frame should be goes alone, and what is around it stays where it was.
#[test]
fn a_long_message_goes_alone() {
    let (mut sealer, mut opener) = both();
    let short = || accept(ONE, TWO, 1, 1, 10);
    let long = accept(ONE, TWO, 2, 1, FRAME_BODY_BYTES);
    let mut out = BytesMut::new();
    sealer.seal(&[short(), long.clone(), short(), short()], &mut out).unwrap();
    let mut decoder = Decoder::new(PEER_FRAME_BYTES_MAX);
    let frames: Vec<Bytes> = std::iter::from_fn(|| decoder.next(&mut out).unwrap()).collect();
    let opened: Vec<Vec<Peer>> = frames.into_iter().map(|frame| opener.open(frame).unwrap()).collect();
    assert!(opened == [vec![short()], vec![long], vec![short(), short()]]);
}

#[test]
fn no_byte_of_a_frame_can_be_changed() {
    for text in ["hush", ""] {
        let mut out = BytesMut::new();
        let (mut sealer, mut opener) = connected(&side(1, text), &side(2, text));
        sealer.seal(&all()[..6], &mut out).unwrap();
        for place in 0..out.len() {
            for bit in 0..8 {
                let mut changed = out.clone();
                changed[place] ^= 1 << bit;
                // A changed length is a frame that is too long or never comes, or one that ends elsewhere.
                if let Ok(Some(frame)) = Decoder::new(PEER_FRAME_BYTES_MAX).next(&mut changed) {
                    let refused = opener.open(frame).unwrap_err();
                    assert!(matches!(refused, BadFrame::Mac | BadFrame::Short(_)), "{place}: {refused}");
                }
            }
        }
        // As it was, it is taken.
        assert_eq!(opener.open(out.freeze().slice(4..)).unwrap(), all()[..6]);
    }
}

#[test]
fn a_cut_frame_is_refused() {
    let (mut sealer, _) = both();
    let frame = frames(&mut sealer, &all()[..1]).remove(0);
    for len in 0..frame.len() {
        let refused = both().1.open(frame.slice(..len)).unwrap_err();
        assert_eq!(refused, if len < 24 { BadFrame::Short(len) } else { BadFrame::Mac });
    }
}

#[test]
fn a_frame_counts_once_and_in_its_place() {
    let messages = all();
    let (mut sealer, mut opener) = both();
    let frames = frames(&mut sealer, &messages[..4]);
    assert_eq!(opener.open(frames[0].clone()).unwrap(), messages[..1]);
    assert_eq!(opener.open(frames[0].clone()), Err(BadFrame::Counter { got: 0, due: 1 }));
    assert_eq!(opener.open(frames[2].clone()), Err(BadFrame::Counter { got: 2, due: 1 }));
    assert_eq!(opener.open(frames[1].clone()).unwrap(), messages[1..2]);
    assert_eq!(opener.open(frames[1].clone()), Err(BadFrame::Counter { got: 1, due: 2 }));
}

#[test]
fn a_frame_of_another_connection_is_refused() {
    let messages = all();
    let frame = |dialer: &Side, acceptor: &Side| {
        let (mut sealer, _) = connected(dialer, acceptor);
        let (from, to) = (dialer.me.incarnation, acceptor.me.incarnation);
        let mut random = random("another connection").0;
        frames(&mut sealer, &[message(10, from, to, &mut random)]).remove(0)
    };
    let opener = || both().1;
    assert!(opener().open(frames(&mut both().0, &messages[..1]).remove(0)).is_ok());
    // Of an earlier connection of the same two: other nonces.
    let earlier = Side { nonce: [9; 32], ..side(1, "hush") };
    assert_eq!(opener().open(frame(&earlier, &side(2, "hush"))), Err(BadFrame::Mac));
    let earlier = Side { nonce: [9; 32], ..side(2, "hush") };
    assert_eq!(opener().open(frame(&side(1, "hush"), &earlier)), Err(BadFrame::Mac));
    // Of the other way: its own frames, sent back.
    assert_eq!(opener().open(frame(&side(2, "hush"), &side(1, "hush"))), Err(BadFrame::Mac));
    // Of another pair, and of who knows another secret.
    assert_eq!(opener().open(frame(&side(3, "hush"), &side(2, "hush"))), Err(BadFrame::Mac));
    assert_eq!(opener().open(frame(&side(1, "guess"), &side(2, "guess"))), Err(BadFrame::Mac));
}

#[test]
fn each_fault_has_its_line() {
    let line = |fault: BadFrame| fault.to_string();
    assert_eq!(line(BadFrame::Short(3)), "a peer frame of 3 bytes, too short for its counter and MAC");
    assert_eq!(
        line(BadFrame::Mac),
        "the MAC of a peer frame does not match: it was garbled, or is not from that member on this connection"
    );
    assert_eq!(
        line(BadFrame::Counter { got: 4, due: 6 }),
        "peer frame 4 came where 6 was due: one was repeated or is lost"
    );
    let fault =
        doozer_wire::peer::decode(Bytes::from_static(b"\x0a\x04\x08\x01\x12\x00"), ONE, TWO).unwrap_err();
    assert_eq!(
        line(BadFrame::from(fault)),
        "a peer frame that cannot be read: a ballot of 0 bytes instead of 28"
    );
}
