//! Elections: a lock whose file says who leads.

use std::fmt;

use bytes::Bytes;
use doozer_wire::ErrorKind;

use super::config::Config;
use super::held::Held;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::txn::Txn;

impl Client {
    /// Stands for election: waits until the file `path` is this candidate's, which then leads. The file holds `value`, for
    /// everybody to see. Candidates are elected in the order in which they came. Otherwise as [`Client::lock`].
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let leader = client.elect("/leader", "10.0.0.1:9000").await?;
    /// leader.proclaim("10.0.0.1:9000 ready").await?;
    /// leader.lost().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::lock`]; [`TooLarge`](ErrorKind::TooLarge).
    pub async fn elect(&self, path: &str, value: impl Into<Bytes>) -> Result<Leader, Error> {
        let (subject, deadline) = (Subject::of("elect", path), self.deadline_or(None));
        let held = self.take(subject, deadline, value.into()).await?;
        Ok(Leader { held, client: self.usual() })
    }

    /// Who leads, and who leads next, as a live value: what the leader said last. While nobody does, there is no file.
    ///
    /// # Errors
    /// As [`Client::config`].
    pub fn observe(&self, path: &str) -> Config {
        Config::new(self.clone(), "observe", path)
    }
}

/// Who was elected, see [`Client::elect`]. Dropped, it resigns in the background. Its own calls have the client's usual time,
/// whatever the call had that elected it.
#[must_use = "a leader that is dropped resigns"]
pub struct Leader {
    held: Held,
    /// Keeps the client open. Behind what it holds, so that this is given back first.
    client: Client,
}

impl Leader {
    /// The path of the file.
    pub fn path(&self) -> &str {
        self.held.path()
    }

    /// The fencing token: greater for each leader than for the one before, and the same however often it proclaims.
    pub fn token(&self) -> i64 {
        self.held.token()
    }

    /// Whether it surely leads, as [`Lock::is_held`](crate::Lock::is_held).
    pub fn is_leading(&self) -> bool {
        self.held.is_held()
    }

    /// Waits until it does not lead any more, as [`Lock::lost`](crate::Lock::lost).
    pub async fn lost(&self) {
        self.held.lost("elect").await;
    }

    /// Adds the condition that it still leads to a transaction, as [`Lock::fence`](crate::Lock::fence).
    pub fn fence(&self, txn: Txn) -> Txn {
        txn.if_fence(self.path(), self.token())
    }

    /// Says something else from now on. Returns the revision of that; the token stays. Dropped, it may have been said, or
    /// not.
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if it does not lead any more; [`Closed`](ErrorKind::Closed) if it has resigned;
    /// and as [`Client::set`].
    pub async fn proclaim(&self, value: impl Into<Bytes>) -> Result<i64, Error> {
        let subject = Subject::of("proclaim", self.path());
        self.held.check(&subject)?;
        let txn = self.fence(Txn::new()).set_ephemeral(self.path(), value, -1);
        match self.client.make(subject, self.client.deadline(), &txn).await {
            Ok(made) => {
                let rev = made.revs.first().copied().flatten();
                let rev = rev.ok_or_else(|| subject.garbled("lacks a revision"))?;
                if made.generation == Some(self.held.generation()) {
                    return Ok(rev);
                }
                // Its session was given up, not ended, and the file passed to the next one, of which no leader knows.
                let path = Bytes::copy_from_slice(self.path().as_bytes());
                self.client.shared.table(|table, done| table.tidy_away(path, rev, done));
                Err(self.held.taken(&subject))
            }
            Err(error) if error.kind() == ErrorKind::CompareFailed => Err(self.held.taken(&subject)),
            Err(error) => Err(error),
        }
    }

    /// Leads no longer; the next candidate does. As [`Lock::unlock`](crate::Lock::unlock).
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if it did not lead any more; [`Closed`](ErrorKind::Closed) if it has resigned
    /// before.
    pub async fn resign(&self) -> Result<(), Error> {
        self.held.give_back(Subject::of("resign", self.path()), self.client.deadline()).await
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("path", &self.path())
            .field("token", &self.token())
            .finish_non_exhaustive()
    }
}
