//! A Doozer member as a state machine: the replica, the replicated state and the journal, joined by the driver.
//! Never here: threads, clocks, sockets, randomness, an asynchronous runtime. Its host has those: `doozer-node` in the
//! world, the simulator in virtual time.
//!
//! | module | what it holds |
//! |---|---|
//! | [`driver`] | the one owner of replica and state: what comes in, what is to be done |
//! | [`machine`] | the replicated state: what the log's commands come to |
//! | [`state`], [`outbox`], [`local`] | the state as others look at it, and who waits in it |
//! | [`keeper`] | the driver's orders, carried out on the journal |
//! | [`snapshot`] | a member's own snapshots |
//! | [`recovery`] | what a member begins with |
//! | [`refound`] | a new cluster from what one survivor of another has |
//! | [`peer`] | what members say to each other |
#![forbid(unsafe_code)]

pub mod driver;
pub mod keeper;
pub mod local;
pub mod machine;
pub mod outbox;
pub mod recovery;
pub mod refound;
pub mod snapshot;
pub mod state;

pub use doozer_wire::peer;
