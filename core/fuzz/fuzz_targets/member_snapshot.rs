//! Any bytes as a snapshot of a member's state.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../member/tests/support/bodies.rs"]
mod bodies;
#[path = "../../wire/tests/support/mod.rs"]
mod wire;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    bodies::snapshot(bytes);
});
