//! The handle of a member within the host's process.

use std::net::SocketAddr;
use std::sync::Arc;

use doozer_client::{Error, ErrorKind, Options};
use doozer_node::{Config, Embedded, LocalFile, Node as Core, StartError};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::client::Client;
use crate::fork::PerProcess;
use crate::op::{Op, Subject};
use crate::runtime::on_runtime;

/// A member within this process. Dropped without [`Node::stop`] it ends as if it had crashed, which loses nothing
/// either. In the child of a fork everything but what never changes gives `Forked`: the member stays with the parent.
pub struct Node {
    id: String,
    cluster_name: String,
    address: Option<SocketAddr>,
    running: PerProcess<Running>,
}

struct Running {
    /// `None` once it was stopped.
    core: Mutex<Option<Core>>,
    embedded: Embedded,
    handle: Handle,
}

impl Node {
    /// Starts a member. The call ends when it serves.
    ///
    /// # Errors
    /// `Io`, with what stood in the way: an address in use, a directory that cannot be made, is in use or damaged.
    pub fn start(config: Config) -> Op<Node> {
        Op::new(Subject::new("start", None), Arc::default(), |handle| {
            let handle = handle.clone();
            async move {
                // Not on the host's thread, which may be an event loop's: it reads files.
                let starting = async { Core::start(config).await.map_err(|error| refused(&error)) };
                let core = on_runtime(&handle, starting).await?;
                Ok(Node {
                    id: core.id().to_owned(),
                    cluster_name: core.cluster_name().to_owned(),
                    address: core.address(),
                    running: PerProcess::new(Running {
                        embedded: core.embedded().clone(),
                        core: Mutex::new(Some(core)),
                        handle,
                    }),
                })
            }
        })
    }

    /// Its id, as SELF answers it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name its cluster was born with.
    pub fn cluster_name(&self) -> &str {
        &self.cluster_name
    }

    /// Where it listens, with the port it got; `None` if it does not.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// A client of it, without a socket.
    ///
    /// # Errors
    /// `Closed` if it was stopped; `Forked`.
    pub fn client(&self, options: Options) -> Op<Client> {
        let subject = Subject::new("connect", None);
        match self.running("connect", None) {
            Err(error) => Op::ready(subject, Err(error)),
            Ok(running) if running.core.lock().is_none() => {
                let error = subject.error(ErrorKind::Closed, "the member was stopped");
                Op::ready(subject, Err(error))
            }
            Ok(running) => Client::embedded(&running.embedded, options),
        }
    }

    /// Reads a file from this member's state as it is, or was at a revision: see [`Embedded::get`]. Never waits.
    ///
    /// # Errors
    /// `IsDir`; `BadPath`; `TooLate`; `Range` if the revision is negative; `Timeout` if it has not come yet; `Closed`;
    /// `Forked`.
    pub fn get_local(&self, path: &str, rev: Option<i64>) -> Result<LocalFile, Error> {
        let running = self.running("get_local", Some(path))?;
        running.embedded.get(path, rev).map_err(|kind| Error::new(kind, "get_local", Some(path), ""))
    }

    /// The revision of this member's state.
    ///
    /// # Errors
    /// `Closed` if it was stopped; `Forked`.
    pub fn revision(&self) -> Result<i64, Error> {
        let revision = self.running("rev", None)?.embedded.revision();
        revision.ok_or_else(|| Error::new(ErrorKind::Closed, "rev", None, "the member was stopped"))
    }

    /// Takes no more requests, answers what is under way, makes everything durable, and ends. Again, it does nothing.
    ///
    /// # Errors
    /// `Forked`.
    pub fn stop(&self) -> Op<()> {
        let subject = Subject::new("stop", None);
        let Some(running) = self.running.get() else {
            let error = subject.forked();
            return Op::ready(subject, Err(error));
        };
        let Some(core) = running.core.lock().take() else { return Op::ready(subject, Ok(())) };
        // On a task of its own: once begun, a stop goes on though nobody waits for it any more.
        let stopping = running.handle.spawn(core.stop());
        Op::new(subject, Arc::default(), |_| async move {
            let _ = stopping.await;
            Ok(())
        })
    }

    fn running(&self, op: &'static str, path: Option<&str>) -> Result<&Running, Error> {
        self.running.get().ok_or_else(|| Subject::new(op, path).forked())
    }
}

/// Everything that keeps a member from starting is the system's, or the configuration's.
fn refused(error: &StartError) -> Error {
    Error::new(ErrorKind::Io, "start", None, with_causes(error))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text = format!("{text}: {why}");
        }
        cause = error.source();
    }
    text
}

impl Drop for Running {
    fn drop(&mut self) {
        let _context = self.handle.enter();
        *self.core.get_mut() = None;
    }
}
