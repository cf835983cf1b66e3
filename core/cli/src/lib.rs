//! The programs `doozerd` and `doozer`: what they take on the command line and what they print.
//! No rule of the store, the log or the protocol belongs here; `doozer-node` and `doozer-client` have them.

pub mod doozer;
pub mod doozerd;
mod line;
