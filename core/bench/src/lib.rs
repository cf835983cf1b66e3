//! Benchmarks of Doozer beside the floor of the machine: a load generator, and what it takes to compare its figures.
//! No bar is ever enforced here: figures depend on the machine, so a missed bar is shown and nothing fails.
//!
//! | module | what it holds |
//! |---|---|
//! | [`load`] | requests over many connections with many in flight, as fast as they are answered |
//! | [`keys`] | the files that a load works on |
//! | [`waits`] | WAITs that stay outstanding |
//! | [`floor`] | what a round trip and a sync cost without Doozer |
//! | [`server`] | a real `doozerd`, started and stopped |
//! | [`process`] | memory and processor time of a process |
//! | [`report`] | rounds of figures as a table |

pub mod floor;
pub mod keys;
pub mod load;
mod pipe;
pub mod process;
pub mod report;
pub mod server;
pub mod waits;

pub use keys::Keys;
pub use load::{Kind, Load, Measured};
pub use pipe::{LoadError, Stop, Target};
