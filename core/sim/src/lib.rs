//! The whole cluster in one thread and virtual time, with faults drawn from a seed, and a check for each of its promises.
//! Never here: a wall clock, a thread inside a seed, randomness but the seed's, iteration over a hash map.
#![forbid(unsafe_code)]

pub mod args;
pub mod checks;
mod client;
pub mod faults;
pub mod history;
mod host;
pub mod many;
pub mod model;
pub mod network;
pub mod plan;
pub mod planted;
pub mod queue;
pub mod random;
pub mod regressions;
pub mod report;
pub mod run;
mod serve;
pub mod shrink;
pub mod trace;
pub mod workload;
pub mod world;
