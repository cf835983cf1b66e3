//! Service records: a file that is there for as long as the process is.

use std::fmt;

use bytes::Bytes;
use doozer_wire::{ErrorKind, SetFlags};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;

use super::driven::out_of_time;
use crate::backoff::Backoff;
use crate::bound::Bound;
use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::random::Random;
use crate::shared::closed;
use crate::verbs::check_path;

impl Client {
    /// Registers a service, or whatever there is as long as this process is: writes the file `path`, bound to the client's
    /// session, whatever was there before, and writes it again whenever the session was lost. Returns once it is there.
    /// Give each instance a path of its own.
    ///
    /// When the process dies, the file goes within the session's TTL and a margin. After an outage of the cluster, or of the
    /// way to it, the file is there again a moment after. A file that somebody else deletes or overwrites is left alone: so
    /// an instance can be taken out by hand.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let registration = client.register("/services/web/1", "10.0.0.1:8080").await?;
    /// // Until the process ends, or:
    /// registration.deregister().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::set_ephemeral`], except that neither a revision mismatch nor an unknown outcome is one. Nothing stays
    /// behind then, nor if the call is dropped.
    pub async fn register(&self, path: &str, value: impl Into<Bytes>) -> Result<Registration, Error> {
        let (subject, deadline) = (Subject::of("register", path), self.deadline());
        check_path(&subject, path)?;
        let (sender, rev) = watch::channel(None);
        let record =
            Record { client: self.patient(), path: path.to_owned(), value: value.into(), rev: sender };
        let ((begun, begins), (stop, stopped)) = (oneshot::channel(), oneshot::channel());
        let task = self.shared.runtime.spawn(record.keep(begun, stopped));
        let client = self.usual();
        let registration = Registration { path: path.to_owned(), rev, stop, task, client };
        match deadline.limit(begins).await {
            Some(Ok(Ok(()))) => Ok(registration),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(subject.failed(closed())),
            None => Err(out_of_time(self, subject, deadline)),
        }
    }
}

/// A file that is there for as long as this is, see [`Client::register`]. Dropped, it is deleted in the background.
#[must_use = "a registration that is dropped is taken back"]
pub struct Registration {
    path: String,
    rev: watch::Receiver<Option<i64>>,
    /// Its drop is the message.
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
    client: Client,
}

impl Registration {
    /// The file's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file's revision; `None` while it may be gone with a session that was lost, and is to be written again.
    pub fn rev(&self) -> Option<i64> {
        *self.rev.borrow()
    }

    /// Waits until [`Registration::rev`] has changed since the last call. Cancel-safe. Returns it; `None` also once the client
    /// is closed.
    pub async fn changed(&mut self) -> Option<i64> {
        if self.rev.changed().await.is_err() {
            return None;
        }
        *self.rev.borrow_and_update()
    }

    /// Takes it back. When this returns `Ok`, the file is gone, or is somebody else's. Dropped, or out of time, that goes
    /// on in the background.
    ///
    /// # Errors
    /// Those of a write, but for a revision mismatch and an unknown outcome.
    pub async fn deregister(self) -> Result<(), Error> {
        let Registration { path, stop, task, client, .. } = self;
        let (subject, deadline) = (Subject::of("deregister", &path), client.deadline());
        drop(stop);
        match deadline.limit(task).await {
            // Whatever failed was part of this call.
            Some(Ok(gone)) => gone.map_err(|error| subject.error(error.kind(), error.detail())),
            Some(Err(_)) => Err(subject.failed(closed())),
            None => Err(out_of_time(&client, subject, deadline)),
        }
    }
}

/// What is to be there.
struct Record {
    /// Does not keep the client open.
    client: Client,
    path: String,
    value: Bytes,
    rev: watch::Sender<Option<i64>>,
}

impl Record {
    /// Writes the file, and again under the next session, until `stopped` is; then deletes it.
    async fn keep(
        self,
        begun: oneshot::Sender<Result<(), Error>>,
        mut stopped: oneshot::Receiver<()>,
    ) -> Result<(), Error> {
        let mut bound = match self.write().await {
            Ok(bound) => bound,
            Err(error) => {
                let _ = begun.send(Err(error.clone()));
                return Err(error);
            }
        };
        self.rev.send_replace(Some(bound.rev()));
        // If nobody waits for it any more, it is stopped too.
        let _ = begun.send(Ok(()));
        let mut backoff = Backoff::new(Random::new());
        loop {
            tokio::select! {
                _ = &mut stopped => return self.delete(bound.rev()).await,
                () = bound.lost() => {}
            }
            self.rev.send_replace(None);
            loop {
                match self.write().await {
                    Ok(written) => break bound = written,
                    Err(error) if error.kind() == ErrorKind::Closed => return Err(error),
                    Err(error) => warn!(%error, "a registration cannot be renewed for now"),
                }
                tokio::select! {
                    _ = &mut stopped => return self.delete(bound.rev()).await,
                    () = sleep(backoff.pause()) => {}
                }
            }
            backoff.reset();
            self.rev.send_replace(Some(bound.rev()));
        }
    }

    /// Not to be dropped halfway: it may leave a file behind.
    async fn write(&self) -> Result<Bound, Error> {
        let subject = Subject::of("register", &self.path);
        loop {
            let flags = SetFlags::EPHEMERAL;
            match self.client.bind(subject, Deadline::NEVER, self.value.clone(), -1, flags).await {
                // Its session has ended, and with it whatever came of this.
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                written => return written,
            }
        }
    }

    async fn delete(self, rev: i64) -> Result<(), Error> {
        match self.client.del(&self.path, rev).await {
            Err(error) => match error.kind() {
                // Somebody else's now; or it went with its session.
                ErrorKind::RevMismatch | ErrorKind::IsDir | ErrorKind::OutcomeUnknown => Ok(()),
                _ => Err(error),
            },
            Ok(_) => Ok(()),
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("path", &self.path)
            .field("rev", &self.rev())
            .finish_non_exhaustive()
    }
}
