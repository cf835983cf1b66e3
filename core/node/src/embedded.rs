//! What the program around a member gets of it without a socket: connections in memory, and its state as it is.

use std::io;
use std::sync::{Arc, Weak};

use doozer_store::{At, Lookup, ReadError, Value, validate};
use doozer_wire::ErrorKind;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use crate::shared::Shared;

/// Bytes that may stand unread in either direction of a connection in memory.
const BUFFER_BYTES: usize = 64 << 10;

/// The way to a member in the same process. Cloning is cheap; it does not keep the member running.
#[derive(Clone)]
pub struct Embedded {
    shared: Weak<Shared>,
    connections: mpsc::UnboundedSender<DuplexStream>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

/// A file as this member has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalFile {
    /// What it holds; `None` if there is no such file.
    pub value: Option<Value>,
    /// The revision that wrote it; 0 if there is no such file.
    pub rev: i64,
}

impl Embedded {
    /// Its connections come out where `connections` leads.
    pub(crate) fn new(shared: &Arc<Shared>, connections: mpsc::UnboundedSender<DuplexStream>) -> Embedded {
        Embedded { shared: Arc::downgrade(shared), connections }
    }

    /// Opens a connection in memory. It may do everything: whoever runs a member has its secrets.
    ///
    /// `doozer_client::Client::over` takes `move || std::future::ready(embedded.connect())`.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the member was stopped.
    pub fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(BUFFER_BYTES);
        let stopped = |_| io::Error::new(io::ErrorKind::NotConnected, "the member was stopped");
        self.connections.send(theirs).map_err(stopped)?;
        Ok(ours)
    }

    /// Reads a file from this member's state as it is, or was at a revision. Never waits, sends nothing, and takes a
    /// look-up's time. In a cluster of several members others may be ahead of this state; it never goes back.
    ///
    /// # Errors
    /// [`IsDir`](ErrorKind::IsDir); [`BadPath`](ErrorKind::BadPath); [`Range`](ErrorKind::Range) if the revision is
    /// negative; [`TooLate`](ErrorKind::TooLate) if it is not kept any more; [`Timeout`](ErrorKind::Timeout) if it has
    /// not come yet; [`Closed`](ErrorKind::Closed) if the member was stopped.
    pub fn get(&self, path: &str, rev: Option<i64>) -> Result<LocalFile, ErrorKind> {
        if rev.is_some_and(|rev| rev < 0) {
            return Err(ErrorKind::Range);
        }
        let shared = self.shared.upgrade().ok_or(ErrorKind::Closed)?;
        let state = shared.state().read();
        match state.store().get(path, At::from_raw(rev)) {
            Ok(Lookup::Missing) if validate(path.as_bytes()).is_err() => Err(ErrorKind::BadPath),
            Ok(Lookup::Missing) => Ok(LocalFile::default()),
            Ok(Lookup::File { rev, value }) => {
                Ok(LocalFile { value: Some(Arc::clone(value)), rev: rev.to_raw() })
            }
            Ok(Lookup::Directory) => Err(ErrorKind::IsDir),
            Err(ReadError::TooLate) => Err(ErrorKind::TooLate),
            Err(ReadError::Future) => Err(ErrorKind::Timeout),
            Err(ReadError::NoEntry | ReadError::NotDirectory | ReadError::Range) => Err(ErrorKind::Other),
        }
    }

    /// Whether [`Embedded::get`] is linearizable: no acknowledged write can be missing from what it sees. So it is
    /// while this member is its whole cluster.
    pub fn is_linearizable(&self) -> bool {
        self.shared.upgrade().is_some_and(|shared| shared.reads_alone())
    }

    /// The revision of its state; `None` if it was stopped.
    pub fn revision(&self) -> Option<i64> {
        Some(self.shared.upgrade()?.state().read().store().revision().to_raw())
    }
}
