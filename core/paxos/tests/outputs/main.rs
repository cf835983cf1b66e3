//! All that a member gives out for one input, in order: each rule of the protocol as one exact answer. The member that
//! is looked at is number 1. `scene` and `words` hold what makes a test short.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod acceptor;
mod candidate;
mod deciding;
mod epochs;
mod full;
mod learner;
mod proposer;
mod reads;
mod scene;
mod snapshots;
mod story;
mod stuck;
mod suspects;
mod words;
