//! The lock of the talk: a file that exists while somebody holds it.

use std::fmt;

use doozer_wire::ErrorKind;
use tokio::sync::Mutex;

use crate::call::Deadline;
use crate::claim::Claim;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::live::Config;
use crate::options::{CallOptions, Timeout};
use crate::verbs::check_path;

impl Client {
    /// Takes a lock: makes the file `path`, which must not exist, waiting for whoever holds it to delete it. By default
    /// it waits without end.
    ///
    /// This is the simple lock: a SET of a file that must not exist, a wait, and a DEL. It will do until there are
    /// sessions. So what a process held that died, or was cut off for good, stays locked until somebody deletes the
    /// file. Waiters are not served in order: all of them try when it is free, and one succeeds. Whoever deletes or
    /// overwrites the file takes the lock away from its holder, who learns of it in [`Lock::unlock`] only. So hand the
    /// fencing token, [`Lock::rev`], to what the lock protects, if that can refuse a smaller one than it has seen.
    ///
    /// The file holds the holder's name, for people to look at: `pid-4711 ` and 32 random hexadecimal digits, other
    /// ones each time.
    ///
    /// The call may be dropped at any moment. Nothing stays behind then: what was not sent never is, and a file that
    /// was made all the same is deleted in the background, on the runtime the client was opened on. The background
    /// cannot do it if by then the process or that runtime has ended, the client was closed, or the connection was lost
    /// and the lost SET arrives more than two minutes later.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let lock = client.lock("/locks/backup").await?;
    /// println!("held with the fencing token {}", lock.rev());
    /// lock.unlock().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::set`], except that neither a revision mismatch nor an unknown outcome is one.
    /// [`Timeout`](ErrorKind::Timeout) names the revision of the holder's file, if there is one.
    pub async fn lock(&self, path: &str) -> Result<Lock, Error> {
        let subject = Subject::of("lock", path);
        check_path(&subject, path)?;
        let deadline = self.deadline_or(None);
        let mut claim = Claim::new(self.clone(), path, name(subject)?);
        let mut holder = None;
        match deadline.limit(take(self, &mut claim, subject, &mut holder)).await {
            Some(rev) => {
                let (client, path) = (self.clone(), path.to_owned());
                Ok(Lock { client, path, rev: rev?, claim: Mutex::new(claim) })
            }
            None => Err(out_of_time(self, subject, deadline, holder)),
        }
    }
}

/// A lock that is held, see [`Client::lock`]. Dropped, it is given back in the background, as far as that can be done;
/// [`Lock::unlock`] says whether it was.
#[must_use = "a lock that is dropped is given back"]
pub struct Lock {
    client: Client,
    path: String,
    rev: i64,
    claim: Mutex<Claim>,
}

impl Lock {
    /// The path of the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fencing token: the revision of the holder's file, which is greater for each holder than for the one before.
    pub fn rev(&self) -> i64 {
        self.rev
    }

    /// Gives the lock back: deletes the file, if it is still this holder's. When this returns `Ok`, it is free.
    ///
    /// It may be dropped, and called again, at any moment: after another error than those below the lock is still to be
    /// given back, by a further call or by dropping the lock. Several calls at once are served one after the other.
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if the file was not this holder's any more, so that somebody else may have
    /// held the lock meanwhile; [`Closed`](ErrorKind::Closed) if the lock was given back, or found lost, before. An
    /// unknown outcome is not one: the deletion is sent again, which does no harm.
    pub async fn unlock(&self) -> Result<(), Error> {
        let subject = Subject::of("unlock", &self.path);
        let deadline = self.client.deadline();
        let work = async { self.claim.lock().await.give_back(subject).await };
        let given_back = deadline.limit(work).await;
        given_back.unwrap_or_else(|| Err(out_of_time(&self.client, subject, deadline, None)))
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("path", &self.path).field("rev", &self.rev).finish_non_exhaustive()
    }
}

/// Asks until the file is the claim's. Returns its revision.
async fn take(
    client: &Client,
    claim: &mut Claim,
    subject: Subject<'_>,
    holder: &mut Option<i64>,
) -> Result<i64, Error> {
    let path = subject.path.unwrap_or_default();
    let patient = client.with(CallOptions { timeout: Timeout::Never, ..client.options });
    let mut config = None;
    loop {
        match claim.ask(subject).await {
            Ok(rev) => return Ok(rev),
            Err(error) => match error.kind() {
                ErrorKind::RevMismatch => {}
                // No change would tell of a file that was not made.
                ErrorKind::OutcomeUnknown => config = None,
                _ => return Err(error),
            },
        }
        let config = config.get_or_insert_with(|| Config::new(patient.clone(), subject.op, path));
        loop {
            let Some(file) = config.next().await.transpose()? else {
                return Err(subject.error(ErrorKind::Closed, "the file is not followed any more"));
            };
            match file.value {
                Some(value) if claim.is_named(&value) => {
                    claim.found(file.rev);
                    return Ok(file.rev);
                }
                Some(_) => *holder = Some(file.rev),
                None => {
                    *holder = None;
                    break;
                }
            }
        }
    }
}

/// A name that nobody else has, wherever they run.
fn name(subject: Subject<'_>) -> Result<String, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| subject.error(ErrorKind::Io, format!("no randomness: {error}")))?;
    Ok(format!("pid-{} {:032x}", std::process::id(), u128::from_ne_bytes(random)))
}

fn out_of_time(client: &Client, subject: Subject<'_>, deadline: Deadline, holder: Option<i64>) -> Error {
    let after = deadline.after;
    match (client.shared.why_down(), holder) {
        (Some(why), _) => subject.error(ErrorKind::Disconnected, why),
        (None, Some(rev)) => {
            subject.error(ErrorKind::Timeout, format!("not free within {after:?}: held since revision {rev}"))
        }
        (None, None) => subject.error(ErrorKind::Timeout, format!("no answer within {after:?}")),
    }
}
