//! Any bytes as a glob, and a text that it may match.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../store/tests/bodies/mod.rs"]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bodies::glob(bytes));
