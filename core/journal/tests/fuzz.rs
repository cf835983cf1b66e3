//! Any bytes in any file: a start answers, it never panics, and never with what was not written.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use support::bodies::{Choices, Start, start_from_any_bytes};
use support::*;

#[test]
fn any_bytes_get_an_answer() {
    let mut starts = BTreeMap::new();
    for seed in seeds(6000) {
        with_seed(seed, |seed| {
            *starts.entry(start_from_any_bytes(&mut Choices::seeded(seed))).or_insert(0) += 1;
        });
    }
    println!("{starts:?}");
    let count = |start| starts.get(&start).copied().unwrap_or(0);
    let is_varied = count(Start::Whole) > 500 && count(Start::Suspect) > 50 && count(Start::Refused) > 500;
    assert!(is_varied || seeds(6000).len() == 1, "{starts:?}");
}
