//! One writer, and many connections that watch what it writes: how long it takes until the last one has been told.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connection::{Connect, Connection, LoadError, Request, ask};

/// Connections that all watch one file. They end when this is dropped.
#[derive(Debug)]
pub struct FanOut {
    watchers: Vec<mpsc::Sender<()>>,
    told: mpsc::Receiver<Result<Told, LoadError>>,
    /// Owns the watchers' tasks.
    _tasks: JoinSet<()>,
    path: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Watching,
    Changed,
}

impl FanOut {
    /// Opens this many connections to the target. Must be called in a runtime; the file must exist.
    ///
    /// # Errors
    /// The first that cannot be made, or does not find the file.
    pub async fn connect(target: &impl Connect, path: Bytes, count: usize) -> Result<FanOut, LoadError> {
        let (tell, told) = mpsc::channel(count.max(1));
        let mut fan_out = FanOut { watchers: Vec::with_capacity(count), told, _tasks: JoinSet::new(), path };
        for number in 0..count {
            let mut connection = target.connect(number).await?;
            // A linearizable read: from now on the member has all that was written before.
            ask(&mut connection, Request::Get(fan_out.path.clone())).await?;
            let (watch_again, again) = mpsc::channel(1);
            fan_out.watchers.push(watch_again);
            fan_out._tasks.spawn(watch(connection, fan_out.path.clone(), again, tell.clone()));
        }
        Ok(fan_out)
    }

    /// Writes the file over this connection once all watch it: the time until the last one has been told. Nobody else may
    /// write it.
    ///
    /// # Errors
    /// If a connection breaks.
    pub async fn write(&mut self, writer: &mut impl Connection, value: Bytes) -> Result<Duration, LoadError> {
        for watcher in &self.watchers {
            watcher.send(()).await.map_err(|_| LoadError::Nonsense("a watcher has ended"))?;
        }
        self.all(Told::Watching).await?;
        let sent = Instant::now();
        let write = ask(writer, Request::Set { path: self.path.clone(), value });
        let (written, told) = tokio::join!(write, self.all(Told::Changed));
        written?;
        told.map(|last| last.saturating_duration_since(sent))
    }

    /// When the last watcher has said this.
    async fn all(&mut self, expected: Told) -> Result<Instant, LoadError> {
        for _ in 0..self.watchers.len() {
            let told = self.told.recv().await.ok_or(LoadError::Nonsense("all watchers have ended"))??;
            if told != expected {
                return Err(LoadError::Nonsense("a watcher was told too early"));
            }
        }
        Ok(Instant::now())
    }
}

/// Watches the file each time it is asked to, and tells of that and of the change.
async fn watch(
    mut connection: impl Connection,
    path: Bytes,
    mut again: mpsc::Receiver<()>,
    tell: mpsc::Sender<Result<Told, LoadError>>,
) {
    let mut answers = Vec::new();
    while again.recv().await.is_some() {
        connection.send(0, Request::Watch(path.clone()));
        let mut expected = [Told::Watching, Told::Changed].into_iter();
        while expected.len() > 0 {
            if let Err(broken) = connection.receive(&mut answers).await {
                // There is room, or nobody listens.
                let _ = tell.send(Err(broken)).await;
                return;
            }
            for answer in answers.drain(..) {
                let next = expected.next().ok_or(LoadError::Nonsense("a watcher was told twice"));
                if tell.send(answer.outcome.and(next)).await.is_err() {
                    return;
                }
            }
        }
    }
}
