//! A few seconds of random, mutated and cut-off messages between members, the same in every run.
//!
//! `DOOZER_FUZZ_SEED` sets another seed and `DOOZER_FUZZ_ROUNDS` another number of rounds; both are printed first.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use bytes::{Bytes, BytesMut};
use doozer_paxos::Incarnation;
use doozer_paxos::message::{Message, Offer};
use doozer_wire::peer::{Acceptor, Call, Decoded, Dialer, FRAME_MESSAGES_MAX, Peer, Purpose, Sealer, decode};
use doozer_wire::{Hello, OwnedResponse};
use support::members::{answer, body, connected, member, secret, side};
use support::messages::{KINDS, message};
use support::random::{Random, mutate, random};

const FROM: Incarnation = Incarnation([1; 16]);
const TO: Incarnation = Incarnation([2; 16]);

fn some(random: &mut Random) -> Vec<Peer> {
    (0..random.below(4)).map(|_| message(random.below(KINDS), FROM, TO, random)).collect()
}

/// What stands between counter and MAC.
fn sealed(sealer: &mut Sealer, messages: &[Peer]) -> Bytes {
    let mut out = BytesMut::new();
    sealer.seal(messages, &mut out).unwrap();
    let out = out.freeze();
    if out.is_empty() { out } else { out.slice(12..out.len() - 16) }
}

/// Reads a body; what can be read is checked, and must be read the same again once it is written.
fn read(sealer: &mut Sealer, bytes: Bytes) -> bool {
    let Ok(Decoded { messages, .. }) = decode(bytes.clone(), FROM, TO) else { return false };
    assert!(messages.len() <= FRAME_MESSAGES_MAX);
    let held: usize = messages.iter().map(held).sum();
    assert!(held <= bytes.len(), "{held} bytes held of {}", bytes.len());
    let again = sealed(sealer, &messages);
    assert_eq!(decode(again, FROM, TO), Ok(Decoded { messages, skipped: 0 }));
    true
}

/// Bytes that messages hold of the frame, and the least that each part of a list takes there.
fn held(peer: &Peer) -> usize {
    let message = match peer {
        Peer::SnapshotPiece { bytes, head, .. } => return bytes.len() + 18 * head.config.voters.len(),
        Peer::SnapshotGet { .. } | Peer::SnapshotGone { .. } => return 0,
        Peer::Paxos(envelope) => &envelope.message,
    };
    let suffix = match message {
        Message::Promise { offer: Offer::Suffix(suffix), .. }
        | Message::AcceptSync { suffix, .. }
        | Message::Accept { suffix, .. }
        | Message::Learn { suffix } => suffix,
        Message::Beat { beat, .. } => return 18 * beat.unheard.len(),
        Message::Forward { proposals, .. } => {
            return proposals.iter().map(|proposal| 2 + proposal.command.len()).sum();
        }
        _ => return 0,
    };
    suffix.entries.iter().map(|entry| 2 + entry.encoded_len()).sum()
}

#[test]
fn random_bodies() {
    let (mut random, rounds) = random("random bodies");
    let (mut sealer, _) = connected(&side(1, ""), &side(2, ""));
    for _ in 0..rounds {
        let bytes = random.bytes();
        read(&mut sealer, bytes);
    }
}

#[test]
fn mutated_bodies() {
    let (mut random, rounds) = random("mutated bodies");
    let (mut sealer, _) = connected(&side(1, ""), &side(2, ""));
    let mut readable = 0;
    for _ in 0..rounds {
        let messages = some(&mut random);
        let bytes = sealed(&mut sealer, &messages);
        assert_eq!(decode(bytes.clone(), FROM, TO), Ok(Decoded { messages, skipped: 0 }));
        let mut bytes = bytes.to_vec();
        mutate(&mut bytes, &mut random);
        readable += usize::from(read(&mut sealer, bytes.into()));
    }
    println!("{readable} of {rounds} mutated bodies can be read");
    assert!(readable > rounds / 20, "nearly everything is refused at the door");
}

#[test]
fn mutated_frames_are_refused() {
    let (mut random, rounds) = random("mutated frames");
    for _ in 0..rounds / 20 {
        let (mut sealer, mut opener) = connected(&side(1, "s"), &side(2, "s"));
        let messages = some(&mut random);
        let mut out = BytesMut::new();
        sealer.seal(&messages, &mut out).unwrap();
        if out.is_empty() {
            continue;
        }
        let whole = out.freeze().slice(4..);
        let mut bytes = whole.to_vec();
        mutate(&mut bytes, &mut random);
        let opened = opener.open(bytes.clone().into());
        assert_eq!(opened.is_ok(), bytes == whole, "{opened:?}");
    }
}

/// Whatever somebody says in a handshake, nobody panics, and nobody believes what is not what was said.
#[test]
fn mutated_handshakes() {
    let (mut random, rounds) = random("mutated handshakes");
    let call = Call { to: Some(TO), purpose: Purpose::Messages };
    let mut proven = 0;
    for _ in 0..rounds / 10 {
        let (dialer, request) = Dialer::new(&secret("s"), member(1), call, random.array());
        let said = request.hello.unwrap();
        let heard = Hello { peer: said.peer.clone().map(|peer| perhaps(peer, &mut random)), ..said.clone() };
        let Ok(acceptor) = Acceptor::new(&secret("s"), member(2), &heard) else { continue };
        let (greeted, reply) = acceptor.greet(random.array());
        let heard_reply = perhaps(reply.clone(), &mut random);
        let response = OwnedResponse::decode(body(answer(Some(heard_reply.clone()))).unwrap()).unwrap();
        let Ok((proving, proof)) = dialer.on_reply(&response) else { continue };
        let proof = body(proof).unwrap();
        let is_proven = greeted.on_proof(perhaps(proof.clone(), &mut random)).is_ok();
        assert!(!is_proven || (heard, heard_reply) == (said, reply));
        assert!(proving.on_accept(perhaps(proof, &mut random)).is_err());
        proven += usize::from(is_proven);
    }
    println!("{proven} of {} handshakes were left alone", rounds / 10);
    assert!(proven > 0);
}

/// The bytes, or something like them.
fn perhaps(bytes: Bytes, random: &mut Random) -> Bytes {
    let mut bytes = bytes.to_vec();
    if random.flag() {
        mutate(&mut bytes, random);
    }
    bytes.into()
}
