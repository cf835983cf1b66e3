//! What several tests of this crate use.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

pub mod bodies;
pub mod members;
pub mod messages;
pub mod random;
