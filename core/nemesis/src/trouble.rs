//! Why a run cannot be: the machine's fault or the command line's, not the cluster's.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(
        "there is no doozerd at {}: run `cargo build --release --bin doozerd`, or name one with DOOZERD=PATH",
        .0.display()
    )]
    NoDoozerd(PathBuf),
    #[error("`{command}` failed: {why}")]
    Command { command: String, why: String },
    #[error("no network namespaces here: {0}; use --wires relay")]
    NoNamespaces(String),
    #[error("the relay finds no free addresses in 127.0.0.0/8: {0}")]
    NoRelay(io::Error),
    #[error("{0}")]
    Nothing(String),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

/// Says what an I/O error was about.
pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Trouble {
    let what = what.into();
    move |source| Trouble::Io { what, source }
}
