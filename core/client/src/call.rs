//! One call: waits for room, is submitted, and ends with an answer, by its deadline, or by being dropped.

use std::time::Duration;

use bytes::Bytes;
use doozer_wire::{ErrorKind, OwnedResponse, Request, SetFlags, Verb};
use tokio::sync::{SemaphorePermit, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::calls::{Abandoned, Answer, Answered, Failure, Tag, is_write};
use crate::error::{Error, Subject};
use crate::shared::{OUTSTANDING_BYTES_MAX, Shared, closed};

/// What a request takes of the budget beside its path and value, in bytes.
const REQUEST_BYTES: usize = 64;

/// When a call must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    /// The time it was set to, for errors.
    pub after: Duration,
}

impl Deadline {
    /// Without end.
    pub const NEVER: Deadline = Deadline { at: None, after: Duration::ZERO };

    /// So long from now; `None`, or longer than a clock can tell, is never.
    pub fn after(timeout: Option<Duration>) -> Deadline {
        let at = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Deadline { at, after: timeout.unwrap_or_default() }
    }

    /// Works until then; `None` if that was not enough.
    pub async fn limit<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.at {
            None => Some(work.await),
            Some(at) => timeout_at(at, work).await.ok(),
        }
    }
}

/// A call that was submitted. Dropped, it is taken back as far as it can be.
pub(crate) struct Pending<'a> {
    shared: &'a Shared,
    subject: Subject<'a>,
    deadline: Deadline,
    is_write: bool,
    _room: Option<SemaphorePermit<'a>>,
    answer: oneshot::Receiver<Answer>,
    /// Until its end is known.
    tag: Option<Tag>,
    /// The path of a SET that waits for its turn.
    queued: Option<Bytes>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let Some(tag) = self.tag else { return };
        let abandoned = self.shared.table(|table, done| table.abandon(tag, done));
        let Some(path) = self.queued.take().filter(|_| abandoned == Abandoned::Answered) else { return };
        // Its turn came, and nobody has heard of it. After this, whoever brings the answer sees that.
        self.answer.close();
        if let Ok(Ok(Answered { response: OwnedResponse { rev: Some(rev), .. }, .. })) =
            self.answer.try_recv()
        {
            self.shared.table(|table, done| table.tidy_away(path, rev, done));
        }
    }
}

/// Waits for room among the outstanding requests and submits one.
pub(crate) async fn start<'a>(
    shared: &'a Shared,
    subject: Subject<'a>,
    deadline: Deadline,
    request: Request,
) -> Result<Pending<'a>, Error> {
    let room = room(shared, &subject, &deadline, &request).await?;
    let is_write = is_write(&request);
    let queued = request.path.clone().filter(|_| request.flags.contains(SetFlags::QUEUE));
    let (tag, answer) = shared.submit(request).map_err(|failure| subject.failed(failure))?;
    Ok(Pending { shared, subject, deadline, is_write, _room: room, answer, tag: Some(tag), queued })
}

/// Waits for room among the outstanding requests.
pub(crate) async fn room<'a>(
    shared: &'a Shared,
    subject: &Subject<'_>,
    deadline: &Deadline,
    request: &Request,
) -> Result<Option<SemaphorePermit<'a>>, Error> {
    if request.verb == Verb::Wait as i32 || request.flags.contains(SetFlags::QUEUE) {
        return Ok(None);
    }
    let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let bytes = REQUEST_BYTES + len(&request.path) + len(&request.value) + len(&request.txn);
    let permits = bytes.min(OUTSTANDING_BYTES_MAX) as u32;
    if let Ok(room) = shared.outstanding.try_acquire_many(permits) {
        return Ok(Some(room));
    }
    match deadline.limit(shared.outstanding.acquire_many(permits)).await {
        Some(Ok(room)) => Ok(Some(room)),
        Some(Err(_)) => Err(subject.error(ErrorKind::Closed, closed().detail)),
        None => Err(match shared.why_down() {
            Some(why) => subject.error(ErrorKind::Disconnected, why),
            None => {
                let detail = format!("not sent within {:?}: too much is outstanding", deadline.after);
                subject.error(ErrorKind::Timeout, detail)
            }
        }),
    }
}

impl Pending<'_> {
    /// Waits for the answer.
    pub async fn answer(self) -> Result<OwnedResponse, Error> {
        self.answered().await.map(|answered| answered.response)
    }

    /// Waits for the answer, and learns of the session that it belongs to.
    pub async fn answered(mut self) -> Result<Answered, Error> {
        let answer = match self.deadline.limit(&mut self.answer).await {
            Some(answer) => answer.unwrap_or_else(|_| Err(closed())),
            None => self.too_late(),
        };
        self.tag = None;
        answer.map_err(|failure| self.subject.failed(failure))
    }

    /// What became of a call whose time is up.
    fn too_late(&mut self) -> Answer {
        let Some(tag) = self.tag.take() else { return Err(closed()) };
        let after = self.deadline.after;
        let down = self.shared.why_down();
        match (self.shared.table(|table, done| table.abandon(tag, done)), down) {
            (Abandoned::Answered, _) => self.answer.try_recv().unwrap_or_else(|_| Err(closed())),
            (Abandoned::Sent(why), _) if self.is_write => {
                let why = why.map_or(String::new(), |why| format!(" ({}: {})", why.kind, why.detail));
                let detail = format!(
                    "timeout: the write was sent, but no answer came within {after:?}{why}; it may or may not have been made"
                );
                Err(Failure::new(ErrorKind::OutcomeUnknown, detail))
            }
            (Abandoned::Sent(_), _) => {
                Err(Failure::new(ErrorKind::Timeout, format!("no answer within {after:?}")))
            }
            (Abandoned::Unsent(Some(why)), _) => {
                let detail = format!("{}; tried for {after:?}", why.detail);
                Err(Failure { detail, ..why })
            }
            (Abandoned::Unsent(None), Some(why)) => Err(Failure::new(ErrorKind::Disconnected, why)),
            (Abandoned::Unsent(None), None) => {
                Err(Failure::new(ErrorKind::Timeout, format!("could not be sent within {after:?}")))
            }
        }
    }
}
