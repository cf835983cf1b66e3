//! What every host language needs of Doozer, once: a runtime, handles, deadlines, cancellation, forks, panics.
//! What one language alone needs, and what a call does, never belongs here: shims convert, the client decides.
//!
//! A host calls a method of a handle ([`Client`], [`Feed`], [`Lock`], [`Node`] and others) and gets an [`Op`], which it waits for
//! on its own thread ([`Op::block`], or [`Op::poll_for`] in pieces between which it looks for signals), hands to the
//! runtime with a completion ([`Op::spawn`]), or drops, which cancels it. Nothing here ever calls into a host with a
//! lock held, and no panic leaves: it becomes an error of kind `Panic`, and its handle is of no more use.
//!
//! | module | what it holds |
//! |---|---|
//! | `client`, `feed`, `node` | the handles that calls begin with |
//! | `lock`, `leader`, `registration`, `live`, `entered` | the handles of what recipes give; `kept`: what they share |
//! | `op`, `blocking`, `cancel` | one call under way: waited for, completed, cancelled |
//! | `completions` | finished calls behind a pollable file descriptor, for event loops |
//! | `runtime`, `fork` | the process's one runtime, and what a fork makes of everything |
//! | `panics` | the boundary no panic crosses |

mod blocking;
mod cancel;
mod client;
mod completions;
mod entered;
mod feed;
mod fork;
mod kept;
mod leader;
mod live;
mod lock;
mod node;
mod op;
mod panics;
mod registration;
mod runtime;

pub use cancel::CancelToken;
pub use client::{Client, default_uri};
pub use completions::Completions;
pub use doozer_client::{
    CallOptions, Change, Consistency, Entry, Error, ErrorKind, Event, FailedPart, Fence, File, ListOptions,
    Options, Retry, Secret, Stat, Timeout, Tls, Txn,
};
pub use doozer_node::{Config as NodeConfig, Data, History, Limits, LocalFile, Secrets, TlsFiles, Value};
pub use entered::Entered;
pub use feed::{Feed, Next};
pub use leader::Leader;
pub use live::{Files, Live};
pub use lock::Lock;
pub use node::Node;
pub use op::{Op, Running};
pub use panics::guard;
pub use registration::Registration;
pub use runtime::{noop, noop_async, shutdown};

/// The version of this library. A package compares it with its own when it is loaded.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
