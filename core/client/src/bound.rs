//! Files that go with the client's session, and how long they surely stay.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doozer_store::SessionId;
use doozer_wire::{Request, SetFlags, Verb};
use tokio::time::sleep;

use crate::call::{Deadline, start};
use crate::calls::Answered;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::session::Tenure;
use crate::shared::Shared;
use crate::verbs::{change, check_path};

impl Client {
    /// Writes a file as [`Client::set`] does, and binds it to the client's session: when that ends, the file is deleted,
    /// unless somebody else wrote it since. A session ends when the client is closed, and some time after the client was
    /// last heard of, see [`Options::session_ttl`](crate::Options::session_ttl).
    ///
    /// # Errors
    /// As [`Client::set`]; [`UnknownVerb`](crate::ErrorKind::UnknownVerb) from a member that has no sessions;
    /// [`Overloaded`](crate::ErrorKind::Overloaded) if there are as many as there may be.
    pub async fn set_ephemeral(&self, path: &str, value: impl Into<Bytes>, rev: i64) -> Result<Bound, Error> {
        self.shared.table(|table, _| table.session.bind());
        let subject = Subject::of("set", path);
        self.bind(subject, self.deadline(), value.into(), rev, SetFlags::EPHEMERAL).await
    }

    /// Makes a file that does not exist, as soon as it does not, and binds it to the client's session. Whoever asks so
    /// for the same path waits in one queue: when the file is deleted, by whatever it may be, the first one has it in
    /// the same step. By default it waits without end. It is taken back by dropping it: nothing stays behind.
    ///
    /// This is what locks are made of. The revision is the fencing token. Whoever does not need the file any more
    /// deletes it.
    ///
    /// # Errors
    /// As [`Client::set_ephemeral`]; [`Overloaded`](crate::ErrorKind::Overloaded) if the session waits in as many queues as it
    /// may.
    pub async fn set_queued(&self, path: &str, value: impl Into<Bytes>) -> Result<Bound, Error> {
        let subject = Subject::of("set", path);
        let flags = SetFlags::EPHEMERAL | SetFlags::QUEUE;
        self.bind(subject, self.deadline_or(None), value.into(), 0, flags).await
    }

    /// Writes a file that is bound to the session.
    pub(crate) async fn bind(
        &self,
        subject: Subject<'_>,
        deadline: Deadline,
        value: Bytes,
        rev: i64,
        flags: SetFlags,
    ) -> Result<Bound, Error> {
        let path = subject.path.unwrap_or_default();
        check_path(&subject, path)?;
        let hold = Hold::new(&self.shared);
        let request = Request { value: Some(value), flags, ..change(Verb::Set, path, rev) };
        let answered = start(&self.shared, subject, deadline, request).await?.answered().await?;
        let Answered { response, generation: Some(generation) } = answered else {
            return Err(subject.garbled("is no session's"));
        };
        let rev = response.rev.ok_or_else(|| subject.garbled("lacks a revision"))?;
        Ok(Bound::new(rev, generation, hold))
    }

    /// The public id of the session that the client's writes belong to now; `None` if it has none: one is opened with the
    /// first write, and closed when it has not been needed for long.
    pub fn session_id(&self) -> Option<SessionId> {
        self.shared.tenure.borrow().map(|tenure| tenure.id)
    }
}

/// A file that is bound to the client's session. Dropped, it changes nothing about the file.
pub struct Bound {
    rev: i64,
    generation: u64,
    hold: Hold,
}

impl Bound {
    /// Of a file that was written as a command of this session, which `hold` has kept open since before.
    pub(crate) fn new(rev: i64, generation: u64, hold: Hold) -> Bound {
        Bound { rev, generation, hold }
    }

    /// Which of the client's sessions it is bound to.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The file's revision.
    pub fn rev(&self) -> i64 {
        self.rev
    }

    /// How long the cluster surely does not end the session: nothing, once that cannot be said any more. Measured by a
    /// clock that goes on while the machine sleeps, and from the sending of what the cluster confirmed.
    pub fn valid_for(&self) -> Duration {
        let shared = &self.hold.0;
        self.tenure().map_or(Duration::ZERO, |tenure| shared.now().until(tenure.valid_until))
    }

    /// Whether the session surely lives. If so, the file is there still unless somebody deleted or overwrote it.
    pub fn is_valid(&self) -> bool {
        !self.valid_for().is_zero()
    }

    /// Waits until the session may have ended: it has, or the cluster has not confirmed it for so long that it might.
    /// That is known before the cluster can give the file's path to somebody else, unless this process stands still.
    pub async fn lost(&self) {
        let shared = &self.hold.0;
        let mut tenures = shared.tenure.subscribe();
        loop {
            let Some(tenure) = self.of_generation(*tenures.borrow_and_update()) else { return };
            let left = shared.now().until(tenure.valid_until);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                // In parts: the timer stands still while the machine sleeps.
                () = sleep(left.min(tenure.ttl / 8)) => {}
                changed = tenures.changed() => if changed.is_err() { return },
            }
        }
    }

    fn tenure(&self) -> Option<Tenure> {
        self.of_generation(*self.hold.0.tenure.borrow())
    }

    fn of_generation(&self, tenure: Option<Tenure>) -> Option<Tenure> {
        tenure.filter(|tenure| tenure.generation == self.generation)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("rev", &self.rev).field("is_valid", &self.is_valid()).finish()
    }
}

/// Keeps the client's session open although nothing may be written for long.
pub(crate) struct Hold(Arc<Shared>);

impl Hold {
    pub fn new(shared: &Arc<Shared>) -> Hold {
        shared.table(|table, _| table.session.hold_open());
        Hold(Arc::clone(shared))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.table(|table, _| table.session.release());
    }
}
