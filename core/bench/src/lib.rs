//! Benchmarks of Doozer beside the floor of the machine: a load generator, and what it takes to compare its figures.
//! No bar is ever enforced here: figures depend on the machine, so a missed bar is shown and nothing fails.
//!
//! | module | what it holds |
//! |---|---|
//! | [`connection`] | what a load needs of a system, so that others are measured by the same load |
//! | [`exchange`] | a TCP connection read and written in large pieces |
//! | `pipe`, `numbered` | Doozer's connections, and their sessions |
//! | [`load`], `drive`, `patience` | requests over many connections with many in flight, as fast as they are answered |
//! | [`probe`] | a write every few milliseconds, whatever happens |
//! | [`fanout`] | one writer and many watchers |
//! | [`lock`], [`handover`] | what locks need of a system, and contenders that pass one around |
//! | `contender` | Doozer's lock |
//! | [`keys`] | the files that a load works on |
//! | [`waits`] | WAITs that stay outstanding |
//! | [`floor`] | what a round trip and a sync cost without Doozer |
//! | [`cluster`], [`doozer`] | three members of whatever system, and of Doozer |
//! | [`measure`] | what is measured of a cluster |
//! | [`server`] | a real `doozerd`, started and stopped |
//! | [`child`], [`process`], [`ports`] | a process, its memory and processor time, its ports |
//! | [`report`] | rounds of figures as a table |
//! | [`compare`], [`plot`] | the same of several systems, side by side, as a table and as pictures |

pub mod bare;
pub mod child;
pub mod cluster;
pub mod compare;
pub mod connection;
mod contender;
pub mod doozer;
mod drive;
pub mod exchange;
pub mod fanout;
pub mod floor;
pub mod handover;
pub mod keys;
pub mod load;
pub mod lock;
pub mod measure;
mod numbered;
mod patience;
mod pipe;
pub mod plot;
pub mod ports;
pub mod probe;
pub mod process;
pub mod report;
pub mod server;
pub mod waits;

pub use connection::LoadError;
pub use contender::Contender;
pub use keys::Keys;
pub use load::{Kind, Load, Measured, Stop};
pub use pipe::{Pipe, Target};
