//! How messages are spread over frames. That frames cannot be changed is shown from outside (`tests/peer_frames.rs`).

use doozer_paxos::message::{Envelope, Message, Proposal};

use super::*;
use crate::Decoder;
use crate::peer::proof::Transcript;

const FROM: Incarnation = Incarnation([1; 16]);
const TO: Incarnation = Incarnation([2; 16]);

fn key() -> FrameKey {
    Transcript::new(Vec::new().into(), Bytes::new(), Bytes::new()).frame_key()
}

fn sealer(limits: Limits) -> Sealer {
    Sealer { key: key(), from: FROM, to: TO, counter: 0, limits }
}

/// A message of so many bytes, as a field of a frame's body.
fn message(bytes: usize) -> Peer {
    let forward = |command: Vec<u8>| {
        let proposals = vec![Proposal { command: command.into(), needs_own_slot: false }];
        Peer::Paxos(Envelope {
            from: FROM,
            to: TO,
            epoch: 1,
            message: Message::Forward { proposals, is_relayed: true },
        })
    };
    let beside = put::bytes_len(MESSAGES, Whole(&forward(vec![0])).len()) - 1;
    let message = forward(vec![7; bytes - beside]);
    assert_eq!(put::bytes_len(MESSAGES, Whole(&message).len()), bytes, "lengths of one byte");
    message
}

/// How many messages stand in each frame of `out`; together they must be `messages`.
fn frames(mut out: BytesMut, messages: &[Peer]) -> Vec<usize> {
    let mut opener = Opener { key: key(), from: FROM, to: TO, counter: 0, skipped: 0 };
    let (mut decoder, mut got, mut counts) = (Decoder::new(PEER_FRAME_BYTES_MAX), Vec::new(), Vec::new());
    while let Some(body) = decoder.next(&mut out).unwrap() {
        let opened = opener.open(body).unwrap();
        counts.push(opened.len());
        got.extend(opened);
    }
    assert!(out.is_empty());
    assert_eq!(got, messages);
    counts
}

#[test]
fn a_frame_holds_messages_up_to_its_bytes_or_one_that_is_longer() {
    let messages = [60, 40, 41, 60, 101, 20, 101, 102, 99].map(message);
    let mut out = BytesMut::new();
    sealer(Limits { body_bytes: 100, ..LIMITS }).seal(&messages, &mut out).unwrap();
    assert_eq!(frames(out, &messages), [2, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn a_frame_holds_so_many_messages() {
    let messages = vec![message(30); 7];
    let mut out = BytesMut::new();
    sealer(Limits { messages_max: 3, ..LIMITS }).seal(&messages, &mut out).unwrap();
    assert_eq!(frames(out, &messages), [3, 3, 1]);
}

#[test]
fn what_no_frame_holds_is_left_out_and_said() {
    let limits = Limits { frame_bytes_max: 100 + BESIDE_BODY_BYTES, ..LIMITS };
    let (mut sealer, mut out) = (sealer(limits), BytesMut::new());
    let sealed = sealer.seal(&[100, 101, 50].map(message), &mut out);
    assert_eq!(sealed, Err(TooLong { len: 101, limit: 100 }));
    sealer.seal(&[message(49)], &mut out).unwrap();
    assert_eq!(frames(out, &[100, 50, 49].map(message)), [2, 1]);
}

#[test]
fn frames_are_appended_and_no_messages_are_no_frame() {
    let (mut sealer, mut out) = (sealer(LIMITS), BytesMut::from(&b"before"[..]));
    sealer.seal([], &mut out).unwrap();
    assert_eq!(out, b"before"[..]);
    for _ in 0..3 {
        sealer.seal([&message(30), &message(31)], &mut out).unwrap();
    }
    let out = out.split_off(6);
    assert_eq!(frames(out, &[30, 31, 30, 31, 30, 31].map(message)), [2, 2, 2]);
}

#[test]
fn room_is_made_once_for_a_message() {
    let mut out = BytesMut::new();
    sealer(LIMITS).seal([&message(120)], &mut out).unwrap();
    assert!(out.capacity() < out.len() + 100, "{} bytes for {}", out.capacity(), out.len());
}

#[test]
#[should_panic(expected = "another member's connection")]
fn a_message_of_another_connection_is_not_sent() {
    let elsewhere = Incarnation([3; 16]);
    let envelope = Envelope { from: FROM, to: elsewhere, epoch: 1, message: Message::Heartbeat { round: 1 } };
    let _ = sealer(LIMITS).seal([&Peer::Paxos(envelope)], &mut BytesMut::new());
}

#[test]
fn messages_of_an_unknown_kind_are_counted_over_all_frames() {
    let mut opener = Opener { key: key(), from: FROM, to: TO, counter: 0, skipped: 0 };
    for counter in 0..3_u64 {
        // A message of kind 99, one of kind 100, and one that every member knows.
        let mut frame = BytesMut::from(&counter.to_be_bytes()[..]);
        frame.put_slice(&[0x0a, 3, 0x9a, 0x06, 0, 0x0a, 3, 0xa2, 0x06, 0, 0x0a, 2, 0x52, 0]);
        let mac = key().mac(&frame);
        frame.put_slice(&mac);
        assert_eq!(opener.open(frame.freeze()).unwrap().len(), 1);
        assert_eq!(opener.skipped(), 2 * (counter + 1));
    }
}
