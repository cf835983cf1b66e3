//! The whole cluster in one thread and virtual time, with faults drawn from a seed, and a check for each of its promises.
//! Never here: a wall clock, a thread inside a seed, randomness but the seed's, iteration over a hash map.
//!
//! | module | what it holds |
//! |---|---|
//! | [`plan`] | what a seed draws; every number has a name and can be set |
//! | [`world`] | one seed's cluster: machines, network, clients, faults, from birth to end |
//! | [`checks`], [`model`], [`history`] | what is right, and the words in which the world tells what happens |
//! | [`run`], [`many`], [`shrink`], [`regressions`], [`planted`] | one seed, many, one that failed made smaller |
//! | [`report`], [`trace`] | what is told: sums, stories, a hash by which two runs are compared |
#![forbid(unsafe_code)]

pub mod args;
pub mod checks;
mod client;
pub mod faults;
pub mod history;
mod holder;
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
