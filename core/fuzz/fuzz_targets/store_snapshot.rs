//! Any bytes as a snapshot of the store, and as one whose hash is right whatever they are.
#![no_main]
#![allow(dead_code, reason = "each target calls its part")]

#[path = "../../store/tests/bodies/mod.rs"]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    bodies::snapshot(bytes);
    bodies::snapshot_of_records(bytes);
});
