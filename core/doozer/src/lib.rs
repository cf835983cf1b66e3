//! Doozer for Rust programs: a client of the cluster, and a member to run inside a program.
//! There is no code here, only what other crates of the workspace offer, under one name.
//!
//! Doozer keeps a small tree of files on several machines and agrees about every change of it. Each change has a
//! number, its revision; a write says which revision it has seen and fails if somebody was faster; and anybody can
//! wait for the next change. Configuration, service addresses, locks and elections are made of that.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use doozer::node::{Config, Node};
//! use doozer::{Client, ErrorKind};
//!
//! // A member of its own, in memory; otherwise this is where a doozerd listens.
//! let node = Node::start(Config { listen: Some("127.0.0.1:0".into()), ..Config::default() }).await?;
//! let address = node.address().ok_or("it listens nowhere")?;
//!
//! let client = Client::connect(&address.to_string()).await?;
//! let rev = client.set("/myapp.conf", "debug = true", 0).await?;
//!
//! // Somebody else changes it; whoever waits hears of it, and whoever had not heard cannot overwrite it.
//! let (event, second) = tokio::join!(
//!     client.wait("/myapp.conf", rev + 1),
//!     client.set("/myapp.conf", "debug = false", rev),
//! );
//! assert_eq!(event?.rev, second?);
//! let stale = client.set("/myapp.conf", "debug = true", rev).await;
//! assert_eq!(stale.map_err(|error| error.kind()), Err(ErrorKind::RevMismatch));
//!
//! client.close().await;
//! node.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Start with [`Client`]; [`node::Node`] is the member. `examples/` holds a configuration that is reloaded when it
//! changes, and a lock.

pub use doozer_client::*;

/// The member, for programs that run one themselves.
pub mod node {
    pub use doozer_node::*;
}

/// The blocks of README.md are tested with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
