//! Any stream of bytes between a client and a member, and any message of one.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../wire/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::bodies;

fuzz_target!(|bytes: &[u8]| {
    bodies::stream(bytes);
    bodies::message_of_client(bytes);
});
