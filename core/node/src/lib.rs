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
//! Map: `node` starts and stops everything; `launch` sets going what a member begins with, and `birth` writes its own
//! files; `drive` is the task around the driver, `host` what that has around it; `journal_thread` and `snapshot` keep
//! what is decided; `boot` finds a cluster by its name; `refound` makes a new cluster of what is left of another; `server`
//! speaks with clients, and `embedded` is the way in for the program around a member. What a member is, is in
//! `doozer-member`.

mod access;
mod birth;
mod boot;
mod config;
#[cfg(test)]
mod crash_tests;
mod drive;
mod embedded;
mod error;
mod host;
mod input;
mod journal_thread;
mod launch;
mod node;
mod pace;
mod peers;
mod refound;
mod server;
mod shared;
mod snapshot;

pub use access::Secrets;
pub use config::{Boot, Config, Data, Limits, TlsFiles};
pub use doozer_client::Tls;
pub use doozer_store::{History, Value};
pub use doozer_wire::{Address, Uri};
pub use embedded::{Embedded, LocalFile};
pub use error::{Failure, StartError};
pub use node::Node;
pub use refound::{RecoverError, RefoundError, Refounded, Survivor};
