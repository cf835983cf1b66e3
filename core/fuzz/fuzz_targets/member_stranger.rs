//! A member that hears what nobody should say.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../member/tests/support/bodies.rs"]
mod bodies;
#[path = "../../wire/tests/support/mod.rs"]
mod wire;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bodies::hears_a_stranger(&mut wire::random::Random::of(bytes)));
