//! A few seconds of what nobody should say, and of bytes that are no snapshot, the same in every run.
//!
//! `DOOZER_FUZZ_SEED` sets another seed and `DOOZER_FUZZ_ROUNDS` another number of rounds; both are printed first.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

#[path = "support/bodies.rs"]
mod bodies;
/// Messages, and input that varies.
#[path = "../../wire/tests/support/mod.rs"]
mod wire;

use wire::random::{mutate, random};

#[test]
fn a_stranger_says_what_it_likes() {
    let (mut random, rounds) = random("a stranger");
    (0..rounds / 1_000).for_each(|_| bodies::hears_a_stranger(&mut random));
}

#[test]
fn spoilt_snapshots() {
    let (mut random, rounds) = random("spoilt snapshots");
    let good = bodies::some_snapshot();
    assert!(bodies::snapshot(&good));
    for _ in 0..rounds / 10 {
        let mut bytes = good.clone();
        mutate(&mut bytes, &mut random);
        bodies::snapshot(&bytes);
        bodies::snapshot(&random.bytes());
    }
}
