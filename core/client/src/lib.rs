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
//! | a write | is sent again, until its time runs out, and made once however often it comes |
//!
//! Writes are commands of the client's session, numbered and in order, whose answers the cluster keeps until they are
//! heard. So a write has one answer, whatever becomes of connections and members. Only when its time runs out without
//! one, or the session has ended meanwhile, is the outcome of a write that was sent
//! [unknown](ErrorKind::OutcomeUnknown): it may or may not have been made. A member that knows no sessions is talked to
//! all the same; there the outcome is unknown whenever the connection is lost after a write was sent.
//!
//! Reads never go back in time: no answer is older than one this client has seen before, whichever member gives it.
//!
//! | module | what it holds |
//! |---|---|
//! | `client`, `verbs`, `list`, `getdir`, `watch`, `follow` | the calls |
//! | `txn`, `bound`, `sessions` | transactions; files that go with the session; what is known of sessions |
//! | `recipes` | what programs need again and again, made of the calls: locks, elections, services, configuration |
//! | `options`, `types`, `error` | what they take and give back |
//! | `call` | one call: room, deadline, cancellation |
//! | `table`, `calls`, `streams` | all calls and watches, from submission to end; no I/O |
//! | `session` | what makes writes commands: numbers, order, keeping it alive; no I/O |
//! | `clock`, `alarm` | the time that sessions are counted by |
//! | `link`, `watchdog` | a connection at work |
//! | `driver`, `dial`, `network`, `race`, `backoff` | connecting, again and again |
//! | `handshake`, `peer` | the first words, and what they tell of a member |
//! | `transport`, `tls`, `boot` | what connections are made of, and where to |
//! | `plain` | a connection without a client |

mod alarm;
mod backoff;
mod boot;
mod bound;
mod call;
mod calls;
mod client;
mod clock;
mod dial;
mod driver;
mod error;
mod fence;
mod follow;
mod getdir;
mod handshake;
mod link;
mod list;
mod network;
mod options;
mod peer;
mod plain;
mod race;
mod random;
mod recipes;
mod session;
mod sessions;
mod shared;
mod streams;
mod table;
mod tls;
mod transport;
mod txn;
mod types;
mod verbs;
mod watch;
mod watchdog;

pub use bound::Bound;
pub use client::Client;
pub use doozer_store::SessionId;
pub use doozer_wire::{
    Address, ErrorKind, Failed as FailedPart, Retry, Secret, StatusReply as Status, Uri, UriError,
};
pub use error::Error;
pub use fence::Fence;
pub use follow::Follow;
pub use list::List;
pub use options::{CallOptions, Consistency, ListOptions, Options, Timeout, Tls};
pub use plain::Dial;
pub use recipes::{Barrier, Config, Entered, Leader, Live, Lock, Registration};
pub use sessions::{BoundFile, Explained, Place, SessionDetails, SessionInfo, Waiter};
pub use transport::{BoxTransport, Connecting, Connector, Transport};
pub use txn::Txn;
pub use types::{Change, Entry, Event, File, Stat};
pub use watch::Watch;
