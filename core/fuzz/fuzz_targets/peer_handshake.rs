//! Handshakes of members that somebody spoils.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../wire/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::bodies;
use support::random::Random;

fuzz_target!(|bytes: &[u8]| {
    bodies::peer_handshake(&mut Random::of(bytes));
});
