//! The lock: a file that its holder's session holds, and a queue of those who wait for it.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use doozer_wire::{ErrorKind, SetFlags};
use tokio::time::sleep;

use super::driven::{driven, out_of_time};
use super::held::Held;
use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::txn::Txn;
use crate::verbs::check_path;

/// Who has waited for so long, and not without end, asks who holds the lock, to say so when its time is up.
const CURIOUS: Duration = Duration::from_millis(5);

impl Client {
    /// Takes a lock: makes the file `path`, bound to the client's session, as soon as it does not exist. Those who wait
    /// stand in a queue of the cluster's: they are served in order, one by one. By default it waits without end.
    ///
    /// The lock is held until it is given back, or its client is closed, or its session ends because nothing was heard of
    /// it for its TTL ([`Options::session_ttl`](crate::Options::session_ttl)): so a process that dies holds it no longer than
    /// that. The holder knows of such a loss before the cluster gives the lock to the next one, see [`Lock::lost`], unless
    /// it stood still meanwhile. So hand the fencing token, [`Lock::rev`], to what the lock protects, if that can refuse a
    /// smaller one than it has seen; for writes to Doozer itself there is [`Lock::fence`].
    ///
    /// The file holds the session's label, for people to look at. It is a lock for everybody who makes it only if it does
    /// not exist. Whoever deletes or overwrites it takes the lock away from its holder.
    ///
    /// The call may be dropped at any moment. Nothing stays behind then: neither a place in the queue nor a lock.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// use doozer_client::Txn;
    ///
    /// let lock = client.lock("/locks/backup").await?;
    /// println!("held with the fencing token {}", lock.rev());
    /// client.txn(lock.fence(Txn::new().set("/backup/last", "today", -1))).await?;
    /// lock.unlock().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::set_queued`], except that an unknown outcome is none. [`Timeout`](ErrorKind::Timeout) names the revision
    /// of the holder's file, if there is one.
    pub async fn lock(&self, path: &str) -> Result<Lock, Error> {
        let (subject, deadline) = (Subject::of("lock", path), self.deadline_or(None));
        let held = self.take(subject, deadline, self.label()).await?;
        Ok(Lock::new(self, held))
    }

    /// Takes a lock if nobody holds it; `None` if somebody does. Otherwise as [`Client::lock`].
    ///
    /// # Errors
    /// As [`Client::set_ephemeral`], except that an unknown outcome is none.
    pub async fn try_lock(&self, path: &str) -> Result<Option<Lock>, Error> {
        let subject = Subject::of("try_lock", path);
        check_path(&subject, path)?;
        let (client, owned, value) = (self.patient(), path.to_owned(), self.label());
        let work = async move { client.hold_now("try_lock", &owned, value).await };
        match driven(self, subject, self.deadline(), work).await {
            Ok(held) => Ok(Some(Lock::new(self, held))),
            Err(error) if error.kind() == ErrorKind::RevMismatch => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a file that does not exist, and holds it. To be driven: dropped, it may leave the file behind.
    pub(super) async fn hold_now(&self, op: &'static str, path: &str, value: Bytes) -> Result<Held, Error> {
        let subject = Subject::of(op, path);
        loop {
            let made = self.bind(subject, Deadline::NEVER, value.clone(), 0, SetFlags::EPHEMERAL).await;
            match made {
                Ok(bound) => return Ok(Held::new(self, path, bound)),
                // Its session has ended, and with it whatever came of this.
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits in the queue of a path until its file is this one's. Dropped, it leaves nothing behind.
    pub(super) async fn take(
        &self,
        subject: Subject<'_>,
        deadline: Deadline,
        value: Bytes,
    ) -> Result<Held, Error> {
        let path = subject.path.unwrap_or_default();
        check_path(&subject, path)?;
        let mut holder = None;
        let turn = async {
            let mut turn = pin!(self.turn(subject, path, value));
            if deadline != Deadline::NEVER {
                tokio::select! {
                    biased;
                    held = &mut turn => return held,
                    stat = async { sleep(CURIOUS).await; self.stat(path, None).await } => {
                        holder = stat.ok().filter(|stat| stat.is_file()).map(|stat| stat.rev);
                    }
                }
            }
            turn.await
        };
        if let Some(held) = deadline.limit(turn).await {
            return held;
        }
        let error = out_of_time(self, subject, deadline);
        match holder.filter(|_| error.kind() == ErrorKind::Timeout) {
            Some(rev) => {
                let detail = format!("not free within {:?}: held since revision {rev}", deadline.after);
                Err(subject.error(ErrorKind::Timeout, detail))
            }
            None => Err(error),
        }
    }

    async fn turn(&self, subject: Subject<'_>, path: &str, value: Bytes) -> Result<Held, Error> {
        let flags = SetFlags::EPHEMERAL | SetFlags::QUEUE;
        loop {
            match self.bind(subject, Deadline::NEVER, value.clone(), 0, flags).await {
                Ok(bound) => {
                    let held = Held::new(self, path, bound);
                    // This process may have stood still since the answer came.
                    if held.is_held() {
                        return Ok(held);
                    }
                }
                // Its session has ended, and with it whatever came of this.
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What the client's session is called in listings.
    pub(super) fn label(&self) -> Bytes {
        self.shared.table(|table, _| table.session.label().clone())
    }
}

/// A lock that is held, see [`Client::lock`]; also a place inside, see [`Client::read_lock`] and [`Client::semaphore`].
/// Dropped, it is given back in the background; [`Lock::unlock`] says whether it was. Its own calls have the client's usual time,
/// whatever the call had that took it.
#[must_use = "a lock that is dropped is given back"]
pub struct Lock {
    held: Held,
    /// Keeps the client open. Behind what it holds, so that this is given back first.
    client: Client,
}

impl Lock {
    pub(super) fn new(client: &Client, held: Held) -> Lock {
        Lock { held, client: client.usual() }
    }

    /// The path of the file.
    pub fn path(&self) -> &str {
        self.held.path()
    }

    /// The fencing token: the revision of the holder's file, which is greater for each holder than for the one before.
    pub fn rev(&self) -> i64 {
        self.held.token()
    }

    /// Whether it surely is held: it was not given back, nor found lost, and the cluster does not end its session yet.
    /// Nothing is asked: that somebody deleted or overwrote the file is known only while [`Lock::lost`] is waited for.
    pub fn is_held(&self) -> bool {
        self.held.is_held()
    }

    /// For how long it surely is held, if it is not given back and nobody deletes or overwrites its file. Nothing once it is
    /// not held any more. Measured by a clock that goes on while the machine sleeps.
    pub fn valid_for(&self) -> Duration {
        self.held.valid_for()
    }

    /// Waits until the lock is not held any more: until the cluster may soon give it to somebody else, because it has
    /// confirmed nothing for too long; or because somebody deleted or overwrote the file, or it was given back. The former
    /// is known before the next one can have it, unless this process stands still. From then on, every call on it is
    /// [`LockLost`](ErrorKind::LockLost).
    pub async fn lost(&self) {
        self.held.lost("lock").await;
    }

    /// Adds the condition that the lock is still held to a transaction: the cluster refuses it otherwise, with
    /// [`CompareFailed`](ErrorKind::CompareFailed), however late it comes.
    pub fn fence(&self, txn: Txn) -> Txn {
        txn.if_fence(self.path(), self.rev())
    }

    /// Gives the lock back: deletes the file, if it is still this holder's. When this returns `Ok`, it is free, or the next
    /// one has it.
    ///
    /// It may be dropped at any moment, and called again: the giving back goes on in the background.
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if it was not this holder's any more, so that somebody else may have held it
    /// meanwhile; [`Closed`](ErrorKind::Closed) if it was given back before. An unknown outcome is none.
    pub async fn unlock(&self) -> Result<(), Error> {
        self.held.give_back(Subject::of("unlock", self.path()), self.client.deadline()).await
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("path", &self.path()).field("rev", &self.rev()).finish_non_exhaustive()
    }
}
