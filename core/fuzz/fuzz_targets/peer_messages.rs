//! Any bytes as the messages of a frame between members.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../wire/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::bodies;

fuzz_target!(|bytes: &[u8]| {
    bodies::peer_messages(bytes.to_vec().into());
});
