//! Any text as a URI.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../wire/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::bodies;

fuzz_target!(|text: &str| bodies::uri(text));
