//! Data directories with anything in their files.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../journal/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::bodies::{Choices, start_from_any_bytes};

fuzz_target!(|bytes: &[u8]| {
    start_from_any_bytes(&mut Choices::of(bytes));
});
