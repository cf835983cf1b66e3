//! The asynchronous client of Doozer.
//! What a member does, and what any language but Rust needs, does not belong here.
//!
//! One [`Client`] holds one connection, which any number of tasks use at once. It reconnects by itself, to whichever
//! member can be reached, and then takes up what was outstanding:
//!
//! | when the connection is lost | then |
//! |---|---|
//! | a read, a [`wait`](Client::wait) | is sent again, until its time runs out |
//! | a [`watch`](Client::watch) | goes on after the last revision it has seen: nothing is missed or repeated |
//! | a write of which no byte was sent | is sent again, until its time runs out |
//! | a write that was sent | ends with [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): it may or may not have been made |
//!
//! Reads never go back in time: no answer is older than one this client has seen before, whichever member gives it.
//!
//! | module | what it holds |
//! |---|---|
//! | `client`, `verbs`, `list`, `getdir`, `watch` | the calls |
//! | `lock`, `claim`, `live` | the recipes: a lock, and a file as a live value, made of the calls |
//! | `options`, `types`, `error` | what they take and give back |
//! | `call` | one call: room, deadline, cancellation |
//! | `table`, `streams` | all calls and watches, from submission to end; no I/O |
//! | `link`, `watchdog` | a connection at work |
//! | `driver`, `dial`, `network`, `race`, `backoff` | connecting, again and again |
//! | `handshake`, `peer` | the first words, and what they tell of a member |
//! | `transport`, `tls`, `boot` | what connections are made of, and where to |
//! | `plain` | a connection without a client |

mod backoff;
mod boot;
mod call;
mod claim;
mod client;
mod dial;
mod driver;
mod error;
mod getdir;
mod handshake;
mod link;
mod list;
mod live;
mod lock;
mod network;
mod options;
mod peer;
mod plain;
mod race;
mod random;
mod shared;
mod streams;
mod table;
mod tls;
mod transport;
mod types;
mod verbs;
mod watch;
mod watchdog;

pub use client::Client;
pub use doozer_wire::{Address, ErrorKind, Retry, Secret, StatusReply as Status, Uri, UriError};
pub use error::Error;
pub use list::List;
pub use live::Config;
pub use lock::Lock;
pub use options::{CallOptions, Consistency, ListOptions, Options, Timeout, Tls};
pub use plain::Dial;
pub use transport::{BoxTransport, Connecting, Connector, Transport};
pub use types::{Change, Entry, Event, File, Stat};
pub use watch::Watch;
