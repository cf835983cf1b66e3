//! The barrier: those who come wait for each other, and again when they leave.
//!
//! Each has an ephemeral file below `members`. Once there are enough, the first of them makes the file `ready`. Whoever was
//! there before `ready` was made, by the revisions, is of its round: who comes later waits for the next one, which begins
//! when `ready` is gone, and `ready` goes when nobody of its round is there any more.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use doozer_wire::ErrorKind;

use super::below;
use super::driven::{driven, out_of_time};
use super::held::Held;
use super::mirror::{Files, Mirror};
use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::verbs::check_path;

impl Client {
    /// A barrier for `n` who wait for each other, in the directory `path`.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let barrier = client.barrier("/barriers/start", 3);
    /// let entered = barrier.enter().await?;
    /// entered.leave().await?;
    /// # Ok(()) }
    /// ```
    pub fn barrier(&self, path: &str, n: usize) -> Barrier {
        Barrier { client: self.clone(), path: path.to_owned(), n }
    }
}

/// See [`Client::barrier`].
#[derive(Clone)]
pub struct Barrier {
    client: Client,
    path: String,
    n: usize,
}

/// Who went through a barrier, see [`Barrier::enter`]. Dropped, or dead, it counts as having left. The time that entering was
/// given is not that of leaving.
#[must_use = "who drops it has left"]
pub struct Entered {
    barrier: Barrier,
    held: Held,
    /// The revision of `ready`, which names the round.
    round: i64,
    /// It has left; others may not have.
    has_left: AtomicBool,
}

impl Barrier {
    /// Waits until `n` have come, this one included. Should there be more by then, they enter too; who comes when some have
    /// entered waits until all of those have left, and for `n` of its own. By default it waits without end.
    ///
    /// Dropped, nobody has come.
    ///
    /// # Errors
    /// As [`Client::set_ephemeral`], except that neither a revision mismatch nor an unknown outcome is one.
    /// [`LockLost`](ErrorKind::LockLost) if the session was lost while it waited; [`NotDir`](ErrorKind::NotDir) if a file
    /// stands there; [`Range`](ErrorKind::Range) for a barrier for nobody.
    pub async fn enter(&self) -> Result<Entered, Error> {
        let (subject, deadline) = (Subject::of("enter", &self.path), self.client.deadline_or(None));
        check_path(&subject, &self.path)?;
        if self.n == 0 {
            return Err(subject.error(ErrorKind::Range, "a barrier for 0: nobody could ever enter"));
        }
        let entering = async {
            let held = self.join(subject).await?;
            let round = self.wait(subject, &held).await?;
            let barrier = Barrier { client: self.client.usual(), ..self.clone() };
            Ok(Entered { barrier, held, round, has_left: AtomicBool::new(false) })
        };
        let entered = deadline.limit(entering).await;
        let entered = entered.unwrap_or_else(|| Err(out_of_time(&self.client, subject, deadline)));
        entered.map_err(|error| error.below(&self.path))
    }

    /// Makes a file that stands for this member.
    async fn join(&self, subject: Subject<'_>) -> Result<Held, Error> {
        let mut name = [0; 16];
        getrandom::fill(&mut name)
            .map_err(|error| subject.error(ErrorKind::Io, format!("no randomness: {error}")))?;
        let path = below(&self.path, &format!("members/{:032x}", u128::from_ne_bytes(name)));
        let (client, value) = (self.client.patient(), self.client.label());
        let work = async move { client.hold_now("enter", &path, value).await };
        driven(&self.client, subject, Deadline::NEVER, work).await
    }

    /// Waits until its round begins. Returns the round's name.
    async fn wait(&self, subject: Subject<'_>, held: &Held) -> Result<i64, Error> {
        let mut files = Mirror::new(self.client.patient(), "enter", &below(&self.path, "**"));
        let ready = below(&self.path, "ready");
        loop {
            tokio::select! {
                changed = files.changed() => changed?,
                () = held.expires() => {}
            }
            held.check(&subject)?;
            let members = self.members(files.files());
            if files.files().get(held.path()).map(|file| file.rev) != Some(held.token()) {
                return Err(held.taken(&subject));
            }
            // One is enough to do what is to be done. If it dies, another one is the first.
            let is_first = members.iter().min() == Some(&held.token());
            match files.files().get(&ready).map(|ready| ready.rev) {
                Some(round) if round > held.token() => return Ok(round),
                Some(before) if is_first && members.iter().all(|rev| *rev > before) => {
                    self.end_round(before).await?;
                }
                None if is_first && members.len() >= self.n => {
                    unless_done(self.client.patient().add(&ready, self.client.label()).await)?;
                }
                _ => {}
            }
        }
    }

    /// The revisions of those who are there.
    fn members(&self, files: &Files) -> Vec<i64> {
        let prefix = below(&self.path, "members/");
        files.iter().filter(|(path, _)| path.starts_with(&prefix)).map(|(_, file)| file.rev).collect()
    }

    async fn end_round(&self, round: i64) -> Result<(), Error> {
        unless_done(self.client.patient().del(&below(&self.path, "ready"), round).await)
    }
}

impl Entered {
    /// Whether it surely counts as inside: false once it has left, or its session may have ended. Asks nobody: that somebody
    /// deleted its file is known only while [`Entered::lost`] is waited for.
    pub fn is_inside(&self) -> bool {
        self.held.is_held()
    }

    /// Waits until it counts as having left, because its session may have ended or somebody deleted its file.
    pub async fn lost(&self) {
        self.held.lost("enter").await;
    }

    /// Leaves, and waits until all who entered together have left. By default it waits without end. It may be dropped at
    /// any moment, and called again: the leaving goes on in the background.
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if it counted as having left before; as [`Client::follow`].
    pub async fn leave(&self) -> Result<(), Error> {
        let (barrier, round) = (&self.barrier, self.round);
        let (subject, deadline) = (Subject::of("leave", &barrier.path), barrier.client.deadline_or(None));
        let leaving = async {
            if !self.has_left.load(Ordering::Acquire) {
                self.held.give_back(subject, Deadline::NEVER).await?;
                self.has_left.store(true, Ordering::Release);
            }
            let mut files = Mirror::new(barrier.client.patient(), "leave", &below(&barrier.path, "**"));
            let ready = below(&barrier.path, "ready");
            loop {
                files.changed().await?;
                if files.files().get(&ready).map(|ready| ready.rev) != Some(round) {
                    return Ok(());
                }
                if barrier.members(files.files()).iter().all(|rev| *rev > round) {
                    return barrier.end_round(round).await;
                }
            }
        };
        let left = deadline.limit(leaving).await;
        let left = left.unwrap_or_else(|| Err(out_of_time(&barrier.client, subject, deadline)));
        left.map_err(|error| error.below(&barrier.path))
    }
}

/// That another one has done it is no error.
fn unless_done<T>(done: Result<T, Error>) -> Result<(), Error> {
    match done {
        Err(error) if error.kind() != ErrorKind::RevMismatch => Err(error),
        _ => Ok(()),
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("path", &self.path).field("n", &self.n).finish_non_exhaustive()
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.barrier.path;
        f.debug_struct("Entered").field("path", path).field("round", &self.round).finish_non_exhaustive()
    }
}
