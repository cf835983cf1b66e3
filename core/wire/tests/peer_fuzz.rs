//! A few seconds of random, mutated and cut-off messages between members, the same in every run.
//!
//! `DOOZER_FUZZ_SEED` sets another seed and `DOOZER_FUZZ_ROUNDS` another number of rounds; both are printed first.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_wire::peer::{Decoded, decode};
use support::bodies::{FROM, TO, peer_frames, peer_handshake, peer_messages, sealed, some_messages};
use support::random::{mutate, random};

#[test]
fn random_bodies() {
    let (mut random, rounds) = random("random bodies");
    for _ in 0..rounds {
        peer_messages(random.bytes());
    }
}

#[test]
fn mutated_bodies() {
    let (mut random, rounds) = random("mutated bodies");
    let mut readable = 0;
    for _ in 0..rounds {
        let messages = some_messages(&mut random);
        let bytes = sealed(&messages);
        assert_eq!(decode(bytes.clone(), FROM, TO), Ok(Decoded { messages, skipped: 0 }));
        let mut bytes = bytes.to_vec();
        mutate(&mut bytes, &mut random);
        readable += usize::from(peer_messages(bytes.into()));
    }
    println!("{readable} of {rounds} mutated bodies can be read");
    assert!(readable > rounds / 20, "nearly everything is refused at the door");
}

#[test]
fn spoilt_frames() {
    let (mut random, rounds) = random("spoilt frames");
    let whole = (0..rounds / 20).filter(|_| peer_frames(&mut random)).count();
    println!("{whole} of {} streams were taken to their end", rounds / 20);
    assert!(whole > rounds / 200 && whole < rounds / 25);
}

#[test]
fn spoilt_handshakes() {
    let (mut random, rounds) = random("spoilt handshakes");
    let done = (0..rounds / 10).filter(|_| peer_handshake(&mut random)).count();
    println!("{done} of {} handshakes were done", rounds / 10);
    assert!(done > rounds / 500);
}
