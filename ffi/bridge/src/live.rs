//! The handle of a live map of files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use doozer_client::{Error, File, Live as Core};
use parking_lot::Mutex;

use crate::cancel::CancelToken;
use crate::feed::Next;
use crate::kept::Kept;
use crate::op::{Op, Subject};

/// The files of a map, by path.
pub type Files = Arc<BTreeMap<String, File>>;

/// Files that are kept current in the background. Dropped, or closed, that ends. In the child of a fork it is `Forked`.
pub struct Live {
    glob: String,
    kept: Kept<Map>,
    closed: CancelToken,
}

struct Map {
    state: Mutex<State>,
    /// Tells of changes; `None` once it is closed.
    reader: tokio::sync::Mutex<Option<Core>>,
    /// What changes came to, until it is taken.
    come: Mutex<Option<Files>>,
}

enum State {
    Open(Core),
    /// The files as they were then.
    Closed(Files),
}

impl Live {
    /// Made within the runtime.
    pub(crate) fn new(glob: String, core: Core, poisoned: Arc<AtomicBool>) -> Live {
        let reader = tokio::sync::Mutex::new(Some(core.clone()));
        let map = Map { state: Mutex::new(State::Open(core)), reader, come: Mutex::default() };
        Live { glob, kept: Kept::new(map, poisoned), closed: CancelToken::default() }
    }

    /// What it is a map of.
    pub fn glob(&self) -> &str {
        &self.glob
    }

    /// The files as they are now. Asks nobody.
    ///
    /// # Errors
    /// `Forked` in the child of a fork.
    pub fn files(&self) -> Result<Files, Error> {
        Ok(self.kept.get().ok_or_else(|| self.subject().forked())?.files())
    }

    /// Waits until something has changed since the last call that said so, or since the map was made; then gives the files.
    /// `None` once it is closed. Has no time limit of its own. Given up while it waits, it loses nothing; a host that may
    /// give it up when it has its result already uses [`Live::ready`] and [`Live::take`].
    ///
    /// # Errors
    /// As [`Core::changed`]; `Forked` in the child of a fork.
    pub fn changed(&self) -> Op<Option<Files>> {
        self.wait(|map| async move {
            // Another one may have taken it.
            while map.fill().await? {
                if let Some(files) = map.come.lock().take() {
                    return Ok(Some(files));
                }
            }
            Ok(None)
        })
    }

    /// Waits until [`Live::take`] has something to give, an end included. Given up, it loses nothing. Has no time limit of its
    /// own.
    ///
    /// # Errors
    /// As [`Live::changed`].
    pub fn ready(&self) -> Op<()> {
        self.wait(|map| async move { map.fill().await.map(Some) }).map(|_| ())
    }

    /// Takes the files, if a change has come. Does not wait.
    ///
    /// # Errors
    /// `Forked` in the child of a fork.
    pub fn take(&self) -> Result<Next<Files>, Error> {
        let map = self.kept.get().ok_or_else(|| self.subject().forked())?;
        if self.closed.is_cancelled() {
            return Ok(Next::End);
        }
        Ok(map.come.lock().take().map_or(Next::NotYet, Next::Item))
    }

    /// A wait, which ends with `None` once the map is closed.
    fn wait<T, F>(&self, work: impl FnOnce(Arc<Map>) -> F + Send + 'static) -> Op<Option<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<Option<T>, Error>> + Send + 'static,
    {
        let closed = self.closed.clone();
        self.kept.call(self.subject(), |map| async move {
            let _last = LetGo(&map, &closed);
            tokio::select! {
                biased;
                () = closed.cancelled() => Ok(None),
                done = work(Arc::clone(&map)) => done,
            }
        })
    }

    /// Ends it: it is taken back from the member, and whoever waits wakes up. The files stay as they are.
    pub fn close(&self) {
        self.kept.let_go(|map| {
            self.closed.cancel();
            map.close();
        });
    }

    /// Whether it was closed, here.
    pub fn is_closed(&self) -> bool {
        self.kept.get().is_none() || self.closed.is_cancelled()
    }

    fn subject(&self) -> Subject {
        Subject::new("discover", Some(&self.glob))
    }
}

impl Map {
    fn files(&self) -> Files {
        match &*self.state.lock() {
            State::Open(core) => core.files(),
            State::Closed(files) => Arc::clone(files),
        }
    }

    /// Moves over what has changed, waiting for it. False once it is closed. Cancel-safe: it is moved in the step that gets it.
    async fn fill(&self) -> Result<bool, Error> {
        let mut reader = self.reader.lock().await;
        let Some(core) = reader.as_mut() else { return Ok(false) };
        if self.come.lock().is_none() {
            let files = core.changed().await?;
            *self.come.lock() = Some(files);
        }
        Ok(true)
    }

    /// Lets go of the client's map, unless somebody who will is at it.
    fn close(&self) {
        let files = self.files();
        let before = std::mem::replace(&mut *self.state.lock(), State::Closed(files));
        drop(before);
        if let Ok(mut reader) = self.reader.try_lock() {
            *reader = None;
        }
    }
}

/// Lets go of a closed map at the end of a wait, which may be given up: whoever closed it meanwhile could not.
struct LetGo<'a>(&'a Map, &'a CancelToken);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if self.1.is_cancelled() {
            self.0.close();
        }
    }
}
