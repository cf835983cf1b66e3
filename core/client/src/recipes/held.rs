//! An ephemeral file that somebody holds: given back once, or lost. Whatever a recipe holds is one of these.

use std::time::Duration;

use doozer_wire::ErrorKind;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::config::Config;
use super::driven::out_of_time;
use crate::bound::Bound;
use crate::call::Deadline;
use crate::calls::{Answer, Failure};
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::shared::closed;
use crate::txn::Txn;

const EXPIRED: &str = "its session has ended, or may have";
const TAKEN: &str = "somebody else deleted or overwrote the file";

/// See the module. Dropped, the file is deleted in the background.
pub(super) struct Held {
    /// Does not keep the client open: what is held goes when the client is closed.
    client: Client,
    path: String,
    token: i64,
    bound: Bound,
    progress: Mutex<Progress>,
    /// What will be answered to the deletion, once that is under way.
    answer: tokio::sync::Mutex<Option<oneshot::Receiver<Answer>>>,
}

#[derive(Debug, Clone, Copy)]
enum Progress {
    Held,
    /// Its deletion is under way, whether or not anybody waits for it.
    Leaving,
    GivenBack,
    /// Why.
    Lost(&'static str),
}

impl Held {
    /// Of a file that was made with this token as its revision.
    pub fn new(client: &Client, path: &str, bound: Bound) -> Held {
        let (client, path, token) = (client.patient(), path.to_owned(), bound.rev());
        let (progress, answer) = (Mutex::new(Progress::Held), tokio::sync::Mutex::new(None));
        Held { client, path, token, bound, progress, answer }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn token(&self) -> i64 {
        self.token
    }

    /// Which of the client's sessions holds it.
    pub fn generation(&self) -> u64 {
        self.bound.generation()
    }

    /// The same step that made something else deleted the file.
    pub fn handed_on(self) {
        self.goes(Progress::GivenBack);
    }

    pub fn valid_for(&self) -> Duration {
        if self.is_held() { self.bound.valid_for() } else { Duration::ZERO }
    }

    /// Whether it surely is held, as far as the session goes.
    pub fn is_held(&self) -> bool {
        self.check(&Subject::new("")).is_ok()
    }

    /// Why it cannot be used any more, if it cannot. Once lost, it stays lost, whatever becomes of the session.
    pub fn check(&self, subject: &Subject<'_>) -> Result<(), Error> {
        let progress = *self.progress.lock();
        match progress {
            Progress::Held if self.bound.is_valid() => Ok(()),
            Progress::Held if self.client.shared.is_closed() => Err(subject.failed(closed())),
            Progress::Held => {
                self.expired();
                Err(lost(subject, EXPIRED))
            }
            Progress::Lost(why) => Err(lost(subject, why)),
            Progress::Leaving | Progress::GivenBack => {
                Err(subject.error(ErrorKind::Closed, "it was given back before"))
            }
        }
    }

    /// It is taken for lost. If the session lives after all, the file is not to stay.
    fn expired(&self) {
        if self.goes(Progress::Lost(EXPIRED)) {
            self.tidy();
        }
    }

    /// It is not held any more. Whether it was until now.
    fn goes(&self, to: Progress) -> bool {
        let mut progress = self.progress.lock();
        let was_held = matches!(*progress, Progress::Held);
        if was_held {
            *progress = to;
        }
        was_held
    }

    /// The cluster says that it is somebody else's.
    pub fn taken(&self, subject: &Subject<'_>) -> Error {
        self.goes(Progress::Lost(TAKEN));
        lost(subject, TAKEN)
    }

    /// Waits until the session may have ended.
    pub async fn expires(&self) {
        if self.is_held() {
            self.bound.lost().await;
            self.expired();
        }
    }

    /// Waits until it is not held any more, for whatever reason. Only as long as somebody waits here is the file looked at.
    pub async fn lost(&self, op: &'static str) {
        if self.is_held() {
            tokio::select! {
                () = self.expires() => {}
                () = self.changes_hands(op) => drop(self.goes(Progress::Lost(TAKEN))),
            }
        }
    }

    /// Gives it back. Once begun, that goes on to its end, though nobody waits for it; another call waits for the same end.
    pub async fn give_back(&self, subject: Subject<'_>, deadline: Deadline) -> Result<(), Error> {
        let given_back = deadline.limit(self.leave(&subject)).await;
        given_back.unwrap_or_else(|| Err(out_of_time(&self.client, subject, deadline)))
    }

    /// Cancel-safe: the deletion is submitted, and its answer kept, before it is waited for.
    async fn leave(&self, subject: &Subject<'_>) -> Result<(), Error> {
        let mut kept = self.answer.lock().await;
        if kept.is_none() {
            *kept = Some(self.begin_to_leave(subject)?);
        }
        let answer = match kept.as_mut() {
            Some(answer) => answer.await.unwrap_or_else(|_| Err(closed())),
            None => Err(closed()),
        };
        *kept = None;
        let (progress, result) = self.left(answer.err(), subject);
        *self.progress.lock() = progress;
        result
    }

    fn begin_to_leave(&self, subject: &Subject<'_>) -> Result<oneshot::Receiver<Answer>, Error> {
        self.check(subject)?;
        let submitted = self.client.shared.submit(self.deletion().request());
        let (_, answer) = submitted.map_err(|failure| subject.failed(failure))?;
        self.goes(Progress::Leaving);
        Ok(answer)
    }

    /// What has become of it now that the deletion is answered.
    fn left(&self, failure: Option<Failure>, subject: &Subject<'_>) -> (Progress, Result<(), Error>) {
        let lost = |why| (Progress::Lost(why), Err(lost(subject, why)));
        let Some(failure) = failure else { return (Progress::GivenBack, Ok(())) };
        match failure.kind {
            ErrorKind::CompareFailed => lost(TAKEN),
            _ if self.client.shared.is_closed() => (Progress::Held, Err(subject.failed(closed()))),
            // Without a time limit nothing else makes it so.
            ErrorKind::OutcomeUnknown => lost(EXPIRED),
            _ => (Progress::Held, Err(subject.failed(failure))),
        }
    }

    /// Deletes the file if it is this holder's still, whoever of it wrote it last.
    fn deletion(&self) -> Txn {
        Txn::new().if_fence(&self.path, self.token).del(&self.path, -1)
    }

    /// Has the file deleted, without waiting for that.
    fn tidy(&self) {
        let (request, generation) = (self.deletion().request(), self.generation());
        self.client.shared.table(|table, done| table.tidy(request, generation, done));
    }

    /// Waits until the file is not this holder's any more.
    async fn changes_hands(&self, op: &'static str) {
        let mut file = Config::new(self.client.clone(), op, &self.path);
        while let Some(Ok(file)) = file.next().await {
            if file.value.is_none() {
                return;
            }
            // It may have been written again by this holder: the token tells.
            if file.rev != self.token {
                match self.client.explain(&self.path).await {
                    Ok(lock) if lock.token == self.token => {}
                    _ => return,
                }
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if matches!(*self.progress.get_mut(), Progress::Held) {
            self.tidy();
        }
    }
}

fn lost(subject: &Subject<'_>, why: &str) -> Error {
    subject.error(ErrorKind::LockLost, why)
}
