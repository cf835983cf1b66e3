//! Why doozerd ends otherwise than it was told to.

use std::io;

use doozer_node::{Failure, RecoverError, StartError};
use doozer_wire::UriError;

use super::secrets::SecretError;

/// Why doozerd ends. Each message is one line that names the thing and says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("{from}: {source}")]
    Boot { from: &'static str, source: UriError },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{variable} is no log filter: {problem}; write a level such as info, or module=level,...")]
    LogFilter { variable: &'static str, problem: String },
    #[error("the system refused {what}: {source}")]
    System { what: &'static str, source: io::Error },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("recover: {0}")]
    Recover(#[from] RecoverError),
    #[error("recover: cannot write: {0}")]
    Output(io::Error),
    #[error(transparent)]
    Failed(Failure),
    #[error("stopped at once: a second signal came before everything was done")]
    Hurried { signal: i32 },
}

impl Problem {
    /// The exit status: 1 if it ran and its disk failed, 128 and the signal's number if that cut its stop short, 2 if
    /// it never ran.
    pub fn status(&self) -> u8 {
        match self {
            Problem::Failed(_) => 1,
            Problem::Hurried { signal } => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            _ => 2,
        }
    }
}
