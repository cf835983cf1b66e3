//! What a caller has of a lock, or may have: asked for, written, given back, and cleared away once nobody wants it.
//! When to ask, and for how long to wait, is no matter of this module.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doozer_wire::{ErrorKind, Request, Retry, Verb};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::warn;

use crate::backoff::Backoff;
use crate::call::{Deadline, room};
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::options::{CallOptions, Timeout};
use crate::random::Random;
use crate::shared::closed;
use crate::table::{Answer, Failure, Tag};
use crate::types::File;
use crate::verbs::change;

/// For so long a SET whose answer was lost may still reach a member: longer than a system goes on sending what a closed
/// connection left unsent.
const STRAY: Duration = Duration::from_secs(120);

/// Clearing away keeps the client open for so long; from then on it goes on only while somebody else does.
const LINGER: Duration = Duration::from_secs(10);

/// One caller's claim to a path. Dropped, it is cleared away in the background, whatever state it is in.
pub(crate) struct Claim {
    client: Client,
    path: String,
    /// What the file holds if it is this claim's. Nobody else's ever does.
    name: Bytes,
    state: State,
    /// For each SET whose answer was lost, and that is not known to have been made: until when it still may be.
    strays: VecDeque<Instant>,
    /// It is being cleared away. If that ends early, so did the runtime, and nothing more can be done.
    is_clearing: bool,
}

enum State {
    /// Nothing is there, as far as is known.
    Nothing,
    /// A SET is under way.
    Asked(Tag, oneshot::Receiver<Answer>),
    Written(Written),
}

/// A file that is this claim's.
struct Written {
    rev: i64,
    /// A DEL was sent, and what became of it is not known.
    may_be_deleted: bool,
}

/// What became of a file that was to be deleted.
enum Deleted {
    ByUs,
    /// By somebody else, before: what was found there.
    Before(&'static str),
}

impl Claim {
    pub fn new(client: Client, path: &str, name: String) -> Claim {
        let (path, name) = (path.to_owned(), Bytes::from(name));
        Claim { client, path, name, state: State::Nothing, strays: VecDeque::new(), is_clearing: false }
    }

    /// Whether a file with this value is the claim's.
    pub fn is_named(&self, value: &Bytes) -> bool {
        *value == self.name
    }

    /// Tries once to make the file. Returns its revision. Cancel-safe: whatever is sent is part of the claim before it
    /// is waited for.
    ///
    /// # Errors
    /// [`RevMismatch`](ErrorKind::RevMismatch) if there is a file, and whatever a write can end with.
    pub async fn ask(&mut self, subject: Subject<'_>) -> Result<i64, Error> {
        let client = self.client.clone();
        let request = Request { value: Some(self.name.clone()), ..change(Verb::Set, &self.path, 0) };
        let _room = room(&client.shared, &subject, &Deadline::NEVER, &request).await?;
        let submitted = client.shared.submit(request);
        let (tag, answer) = submitted.map_err(|failure| subject.error(failure.kind, failure.detail))?;
        self.state = State::Asked(tag, answer);
        self.answered().await.map_err(|failure| subject.error(failure.kind, failure.detail))
    }

    /// Waits for the SET that is under way.
    async fn answered(&mut self) -> Result<i64, Failure> {
        let State::Asked(_, answer) = &mut self.state else { return Err(closed()) };
        let answer = answer.await.unwrap_or_else(|_| Err(closed()));
        let no_revision = || Failure::new(ErrorKind::Protocol, "the answer lacks a revision");
        let outcome = answer.and_then(|answer| answer.rev.ok_or_else(no_revision));
        match &outcome {
            Ok(rev) => self.state = State::Written(Written { rev: *rev, may_be_deleted: false }),
            Err(failure) => {
                self.state = State::Nothing;
                if may_have_been_made(failure.kind) {
                    self.strays.push_back(Instant::now() + STRAY);
                }
            }
        }
        outcome
    }

    /// The file of this revision turned out to be the claim's: a SET whose answer was lost has made it.
    pub fn found(&mut self, rev: i64) {
        self.strays.pop_front();
        self.state = State::Written(Written { rev, may_be_deleted: false });
    }

    /// Deletes the file. Cancel-safe, and may be called again after an error.
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost) if the file was not there any more; [`Closed`](ErrorKind::Closed) if one of
    /// these was the end of an earlier call; and whatever a write can end with but an unknown outcome.
    pub async fn give_back(&mut self, subject: Subject<'_>) -> Result<(), Error> {
        let State::Written(file) = &mut self.state else {
            return Err(subject.error(ErrorKind::Closed, "the lock was given back, or found lost, before"));
        };
        let rev = file.rev;
        let deleted = file.delete(&self.client, &self.path, subject).await?;
        self.state = State::Nothing;
        self.leave();
        match deleted {
            Deleted::ByUs => Ok(()),
            Deleted::Before(found) => {
                let detail = format!("somebody else took away the file of revision {rev}: {found}");
                Err(subject.error(ErrorKind::LockLost, detail))
            }
        }
    }

    /// Lets go of what there may be, and has it cleared away in the background.
    fn leave(&mut self) {
        let has_strays = self.strays.back().is_some_and(|until| *until > Instant::now());
        if self.is_clearing || (matches!(self.state, State::Nothing) && !has_strays) {
            return;
        }
        if let State::Asked(tag, _) = self.state {
            self.client.shared.table(|table, done| table.withdraw(tag, done));
        }
        let remains = Claim {
            client: self.client.clone(),
            path: self.path.clone(),
            name: self.name.clone(),
            state: std::mem::replace(&mut self.state, State::Nothing),
            strays: std::mem::take(&mut self.strays),
            is_clearing: true,
        };
        let runtime = self.client.shared.runtime.clone();
        drop(runtime.spawn(remains.clear()));
    }

    async fn clear(mut self) {
        let options = CallOptions { timeout: Timeout::Never, ..CallOptions::default() };
        let patient = Client::internal(Arc::clone(&self.client.shared), options);
        let open = std::mem::replace(&mut self.client, patient);
        let mut work = Box::pin(self.clear_all());
        if timeout(LINGER, &mut work).await.is_err() {
            drop(open);
            work.await;
        }
    }

    async fn clear_all(mut self) {
        if let State::Asked(..) = self.state {
            // Whatever it was, the state tells.
            let _ = self.answered().await;
        }
        self.remove().await;
        if let Some(until) = self.strays.back().copied() {
            let _ = timeout_at(until, self.remove_strays()).await;
            // What was found at the last moment.
            self.remove().await;
        }
    }

    /// Deletes the file as often as it appears.
    async fn remove_strays(&mut self) {
        let mut backoff = Backoff::new(Random::new());
        let mut config = self.client.config(&self.path);
        while !self.strays.is_empty()
            && let Some(file) = config.next().await
        {
            match file {
                Ok(File { value: Some(value), rev }) if self.is_named(&value) => {
                    self.found(rev);
                    self.remove().await;
                }
                Ok(_) => {}
                Err(error) if may_pass(error.kind()) => {
                    sleep(backoff.pause()).await;
                    config = self.client.config(&self.path);
                }
                Err(_) => return,
            }
        }
    }

    /// Deletes the file, if there is one, however long that takes.
    async fn remove(&mut self) {
        let State::Written(file) = &mut self.state else { return };
        let subject = Subject::of("unlock", &self.path);
        let mut backoff = Backoff::new(Random::new());
        while let Err(error) = file.delete(&self.client, &self.path, subject).await {
            if !may_pass(error.kind()) {
                warn!(%error, rev = file.rev, "a lock that nobody holds stays locked");
                break;
            }
            sleep(backoff.pause()).await;
        }
        self.state = State::Nothing;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Written {
    /// Deletes the file. A DEL whose outcome is unknown is sent again: files that others make later have greater
    /// revisions. Cancel-safe.
    async fn delete(&mut self, client: &Client, path: &str, subject: Subject<'_>) -> Result<Deleted, Error> {
        loop {
            // It stays so if this is dropped while it waits.
            let may_be_deleted = std::mem::replace(&mut self.may_be_deleted, true);
            let found = match client.ask(subject, Deadline::NEVER, change(Verb::Del, path, self.rev)).await {
                // Members that say which revision they saw also say which one a deletion made.
                Ok(answer) if answer.rev.is_none() && answer.store_rev.is_some() => "there was none any more",
                Ok(_) => return Ok(Deleted::ByUs),
                Err(error) => match error.kind() {
                    ErrorKind::OutcomeUnknown => continue,
                    ErrorKind::RevMismatch => "there was a later one",
                    ErrorKind::IsDir => "there was a directory",
                    kind => {
                        self.may_be_deleted = may_be_deleted || may_have_been_made(kind);
                        return Err(error);
                    }
                },
            };
            // A DEL of unknown outcome explains what was found.
            return Ok(if may_be_deleted { Deleted::ByUs } else { Deleted::Before(found) });
        }
    }
}

/// Whether trying again can help, although nothing else has changed.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind.retry(), Retry::Safe | Retry::Unknown)
}

/// Whether a write that failed so may have been made after all, or may yet be.
fn may_have_been_made(kind: ErrorKind) -> bool {
    // These two are of requests that were not sent.
    let unsent = [ErrorKind::Cancelled, ErrorKind::Disconnected];
    kind.retry() == Retry::Unknown && !unsent.contains(&kind)
}
