//! The whole cluster in one thread and virtual time, with faults drawn from a seed, and a check for each of its promises.
//! Never here: a wall clock, a thread inside a seed, randomness but the seed's, iteration over a hash map.
#![forbid(unsafe_code)]

pub mod checks;
pub mod history;
pub mod model;
