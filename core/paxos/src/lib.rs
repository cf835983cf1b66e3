//! The replicated log of Doozer: identifiers, log entries and their hash chain, and the replica that decides them.
//! Never here: I/O, threads, clocks, randomness, or what a command means (commands are opaque bytes).
//!
//! Map: [`id`] names members and clusters, [`ballot`] orders attempts to lead, [`entry`] is one slot of the log with its
//! canonical bytes and hash, [`log`] the part of the log that is in memory, [`append`] a change of the durable one;
//! [`message`] is what members say to each other, [`election`] who is to lead, [`quorum`] how many decide; [`replica`] is the
//! state machine that a driver steps.
#![forbid(unsafe_code)]

pub mod append;
pub mod ballot;
pub mod codec;
pub mod election;
pub mod entry;
pub mod id;
pub mod log;
pub mod message;
pub mod planted;
pub mod quorum;
pub mod replica;

pub use append::Append;
pub use ballot::Ballot;
pub use entry::{Config, Entry, EntryHash, Slot};
pub use id::{ClusterId, Incarnation};
pub use replica::Replica;
