//! Writes that are made only as long as somebody holds a lock.

use bytes::Bytes;
use doozer_wire::ErrorKind;

use crate::client::Client;
use crate::error::{Error, Subject};
use crate::recipes::{Leader, Lock};
use crate::txn::Txn;
use crate::verbs::check_path;

/// What a write depends on: that the file of a lock still has its holder's token, whoever asks and however late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The lock's file.
    pub path: String,
    /// The fencing token, such as [`Lock::rev`](crate::Lock::rev).
    pub token: i64,
}

impl From<&Lock> for Fence {
    fn from(lock: &Lock) -> Fence {
        Fence { path: lock.path().to_owned(), token: lock.rev() }
    }
}

impl From<&Leader> for Fence {
    fn from(leader: &Leader) -> Fence {
        Fence { path: leader.path().to_owned(), token: leader.token() }
    }
}

impl Client {
    /// As [`Client::set`], provided that a lock is still held: the cluster looks at that and writes in one step, so that
    /// what a holder asked for comes to nothing once somebody else may hold the lock.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let lock = client.lock("/locks/backup").await?;
    /// client.set_fenced("/backup/last", "today", -1, &lock).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if it is not held any more; as [`Client::set`];
    /// [`UnknownVerb`](ErrorKind::UnknownVerb) from a member that has no transactions.
    pub async fn set_fenced(
        &self,
        path: &str,
        value: impl Into<Bytes>,
        rev: i64,
        fence: impl Into<Fence>,
    ) -> Result<i64, Error> {
        let subject = Subject::of("set", path);
        let made = self.fenced(subject, path, fence.into(), |txn| txn.set(path, value, rev)).await?;
        made.ok_or_else(|| subject.garbled("lacks a revision"))
    }

    /// As [`Client::del`], provided that a lock is still held, see [`Client::set_fenced`].
    ///
    /// # Errors
    /// As [`Client::set_fenced`].
    pub async fn del_fenced(
        &self,
        path: &str,
        rev: i64,
        fence: impl Into<Fence>,
    ) -> Result<Option<i64>, Error> {
        self.fenced(Subject::of("del", path), path, fence.into(), |txn| txn.del(path, rev)).await
    }

    async fn fenced(
        &self,
        subject: Subject<'_>,
        path: &str,
        fence: Fence,
        change: impl FnOnce(Txn) -> Txn,
    ) -> Result<Option<i64>, Error> {
        check_path(&subject, path)?;
        check_path(&Subject::of(subject.op, &fence.path), &fence.path)?;
        let txn = change(Txn::new().if_fence(&fence.path, fence.token));
        match self.make(subject, self.deadline(), &txn).await {
            Ok(made) => Ok(made.revs.first().copied().flatten()),
            Err(error) if error.kind() == ErrorKind::CompareFailed => {
                let detail = format!("{} is not held with the token {} any more", fence.path, fence.token);
                Err(subject.error(ErrorKind::LockLost, detail))
            }
            // It is of the one change there is.
            Err(error) => Err(subject.error(error.kind(), error.detail())),
        }
    }
}
