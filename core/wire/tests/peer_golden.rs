//! The bytes of a whole conversation, as `docs/peer-protocol.md` shows them: no later version may say it otherwise and call it
//! version 1. The proofs and the MAC were made once more by other programs (Python's `hmac`, BLAKE3 by its paper).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use bytes::{Bytes, BytesMut};
use doozer_paxos::message::{Envelope, Message};
use doozer_wire::peer::Peer;
use doozer_wire::{OwnedResponse, Request};
use support::members::{Said, shake, side, to};

const HELLO: &str = "\
    0801 1210 07070707070707070707070707070707 1a10 01010101010101010101010101010101 \
    2210 02020202020202020202020202020202 \
    2a20 0101010101010101010101010101010101010101010101010101010101010101 \
    320d 6d656d6265722d313a38303436 3a0d 6d656d6265722d313a38303436 3a0d 6d656d6265722d323a38303436 \
    3a0a 5b3a3a315d3a39303030";
const REPLY: &str = "\
    0801 1210 07070707070707070707070707070707 1a10 02020202020202020202020202020202 \
    2a20 0202020202020202020202020202020202020202020202020202020202020202 \
    320d 6d656d6265722d323a38303436 3a0d 6d656d6265722d313a38303436 3a0d 6d656d6265722d323a38303436 \
    3a0a 5b3a3a315d3a39303030";
const PROOF: &str = "00000022 0a20 4997a8233fccff2c8db64df94092aa47e2bd32c6cf5d5e756d75a85f69e727f6";
const ACCEPT: &str = "00000022 0a20 00103251dc960b2f6677fb67edb53df4ea1cb73845b0ece21170a515ecdb5cad";
const FRAME: &str = "00000021 0000000000000000 0a07 0801 5203 08ac02 dea720c4ee713c2379cc9175e657004c";

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// What counts of a frame: all of it, or what HELLO has for members.
fn said(said: Said, frame: &Bytes) -> Bytes {
    let body = frame.slice(4..);
    match said {
        Said::Hello => Request::decode(body).unwrap().hello.unwrap().peer.unwrap(),
        Said::Reply => OwnedResponse::decode(body).unwrap().hello.unwrap().peer.unwrap(),
        Said::Proof | Said::Accept => frame.clone(),
    }
}

#[test]
fn a_conversation_has_these_bytes() {
    let (one, two) = (side(1, "hush"), side(2, "hush"));
    let mut heard = Vec::new();
    let (dialed, accepted) = shake(&one, &two, to(2), |now, frame| {
        heard.push(said(now, &frame));
        frame
    });
    assert_eq!(heard, [HELLO, REPLY, PROOF, ACCEPT].map(unhex));
    let ((_, mut sealer), (_, mut opener)) = (dialed.unwrap(), accepted.unwrap().unwrap());
    let (from, to) = (one.me.incarnation, two.me.incarnation);
    let message = Peer::Paxos(Envelope { from, to, epoch: 1, message: Message::Heartbeat { round: 300 } });
    let mut out = BytesMut::new();
    sealer.seal([&message], &mut out).unwrap();
    assert_eq!(out, unhex(FRAME));
    assert_eq!(opener.open(out.freeze().slice(4..)).unwrap(), [message]);
}
