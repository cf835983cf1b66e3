//! A Doozer member: the driver that joins log, store and journal, and the server its clients talk to. It runs in
//! `doozerd`, or inside any program that has a tokio runtime.
//!
//! ```no_run
//! # async fn example() -> Result<(), doozer_node::StartError> {
//! use doozer_node::{Config, Data, Node};
//!
//! let node = Node::start(Config {
//!     listen: Some("127.0.0.1:8046".into()),
//!     data: Data::Directory("local-8046.doozer".into()),
//!     ..Config::default()
//! })
//! .await?;
//! println!("serving on {:?}", node.address());
//! node.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Map: `node` starts and stops everything; `recovery` and `birth` make the state a member begins with, and `launch`
//! sets it going; `driver` decides and applies writes; `journal_thread` and `snapshot` keep them; `state` is the store
//! with its waiters; `server` speaks with clients, and `embedded` is the way in for the program around a member.

mod access;
mod birth;
mod config;
#[cfg(test)]
mod crash_tests;
mod driver;
mod embedded;
mod error;
mod journal_thread;
mod launch;
mod node;
mod recovery;
mod server;
mod shared;
mod snapshot;
mod state;

pub use access::Secrets;
pub use config::{Config, Data, Limits, TlsFiles};
pub use doozer_store::{History, Value};
pub use embedded::{Embedded, LocalFile};
pub use error::{Failure, StartError};
pub use node::Node;
