//! The files that match a glob as a live map: what is there, always at hand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::mirror::{Files, Mirror};
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::shared::closed;
use crate::types::File;

impl Client {
    /// The files that match `glob`, such as services that were [registered](Client::register), as a map that is kept
    /// current in the background: reading it costs nothing. Returns once it is known what there is, which has a call's usual
    /// time; after that there is no time limit, whatever happens to connections and members meanwhile. While there is no
    /// connection the map is what was known last.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let mut web = client.discover("/services/web/*").await?;
    /// loop {
    ///     println!("{} instances", web.files().len());
    ///     web.changed().await?;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BadGlob`](crate::ErrorKind::BadGlob).
    pub async fn discover(&self, glob: &str) -> Result<Live, Error> {
        let internal = Client::internal(Arc::clone(&self.shared), self.options);
        let mut mirror = Mirror::new(internal, "discover", glob);
        mirror.changed().await?;
        let sender = watch::Sender::new(State { files: Arc::new(mirror.files().clone()), error: None });
        let state = sender.subscribe();
        let mut task = JoinSet::new();
        task.spawn_on(keep(mirror, sender), &self.shared.runtime);
        let keeper = Keeper { glob: glob.to_owned(), _task: task, _client: self.clone() };
        Ok(Live { state, keeper: Arc::new(keeper) })
    }
}

/// A live map of files, see [`Client::discover`]. Cloning is cheap, and all clones are one map; each tells of changes since
/// its own last call, a clone at first of those that the one it was made of had not told. Dropped with its last clone, it is
/// taken back from the member.
#[derive(Clone)]
pub struct Live {
    state: watch::Receiver<State>,
    keeper: Arc<Keeper>,
}

/// What goes with the last clone.
struct Keeper {
    glob: String,
    _task: JoinSet<()>,
    /// Keeps the client open.
    _client: Client,
}

#[derive(Clone)]
struct State {
    files: Arc<Files>,
    /// Why it is not kept current any more.
    error: Option<Error>,
}

impl Live {
    /// The files as they are now, by path. The map itself does not change: each change makes another one.
    pub fn files(&self) -> Arc<BTreeMap<String, File>> {
        Arc::clone(&self.state.borrow().files)
    }

    /// Waits until something has changed since the last call, or since the map was made. A reader that is slow gets several
    /// changes at once. Cancel-safe.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) once the client is; [`PermissionDenied`](crate::ErrorKind::PermissionDenied). The
    /// map stays as it is from then on.
    pub async fn changed(&mut self) -> Result<Arc<BTreeMap<String, File>>, Error> {
        let is_over = self.state.changed().await.is_err();
        let State { files, error } = self.state.borrow_and_update().clone();
        match error {
            Some(error) => Err(error),
            None if is_over => Err(Subject::of("discover", &self.keeper.glob).failed(closed())),
            None => Ok(files),
        }
    }
}

async fn keep(mut mirror: Mirror, state: watch::Sender<State>) {
    loop {
        match mirror.changed().await {
            Ok(()) => {
                let files = Arc::new(mirror.files().clone());
                state.send_replace(State { files, error: None });
            }
            Err(error) => return state.send_modify(|state| state.error = Some(error)),
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.state.borrow().files.len();
        f.debug_struct("Live").field("glob", &self.keeper.glob).field("len", &len).finish_non_exhaustive()
    }
}
