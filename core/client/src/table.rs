//! Every call of a client, from its submission to its end. No I/O and no time belong here.
//!
//! A call is *queued* until its frame is handed to a connection and *sent* from then on. The connection counts the
//! bytes the transport has taken. When it stalls or dies, the frames of which no byte was taken are queued again:
//! nobody can have seen them. Of the rest, reads are queued again when the connection is lost, and the outcome of
//! writes is unknown.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use bytes::BytesMut;
use doozer_wire::{ErrorKind, Features, OwnedResponse, Request, Verb};
use tokio::sync::oneshot;

use crate::peer::Peer;
use crate::streams::{Step, Streams};

/// A connection is handed about so many bytes at a time; the rest stays queued, where it can still be taken back.
const BATCH_BYTES: usize = 64 << 10;

/// Names a call on the wire, for as long as anything may come for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(pub i32);

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub kind: ErrorKind,
    pub detail: String,
}

impl Failure {
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Failure {
        Failure { kind, detail: detail.into() }
    }
}

/// What a caller gets: an answer that is no error, or a failure.
pub(crate) type Answer = Result<OwnedResponse, Failure>;

/// Who a call's answers are for.
#[derive(Debug)]
pub(crate) enum Owner {
    Caller(oneshot::Sender<Answer>),
    /// A watch, which has many.
    Watch(WatchId),
    /// The caller went away after the call was sent: its tag stays taken until it is answered.
    Nobody,
    /// It is the CANCEL of this call.
    Cancel(Tag),
    /// It asks whether the member is still there.
    Ping,
}

/// Names a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WatchId(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Sent,
}

#[derive(Debug)]
struct Call {
    request: Request,
    phase: Phase,
    owner: Owner,
    /// Its caller wants it no more, and only to hear what became of it: it is not sent again.
    withdrawn: bool,
}

impl Call {
    fn is_write(&self) -> bool {
        self.request.verb == Verb::Set as i32 || self.request.verb == Verb::Del as i32
    }

    /// Whether the member may keep it for long, and so should be told that nobody waits for it any more. Not so a
    /// read of a revision that has come.
    fn may_block(&self, store_rev: i64) -> bool {
        let waits = [Verb::Wait, Verb::Watch].iter().any(|verb| *verb as i32 == self.request.verb);
        waits || (!self.is_write() && self.request.rev.is_none_or(|rev| rev > store_rev))
    }
}

/// How a call stood when its caller gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abandoned {
    /// It was never sent, and will not be.
    Unsent,
    /// It was sent.
    Sent,
    /// It has its answer.
    Answered,
}

/// What is to be done once the table is let go.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    pub wakers: Vec<Waker>,
}

impl Done {
    /// Hands everything over. Never while the table is locked: whoever is woken will want it.
    pub fn deliver(&mut self) {
        for (caller, answer) in self.answers.drain(..) {
            let _ = caller.send(answer);
        }
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Table {
    calls: HashMap<Tag, Call>,
    /// Calls to be sent, in order. Some may be gone by now.
    queue: VecDeque<Tag>,
    /// The frames handed to the connection, with the place in the stream where each begins, until their first byte
    /// is known to be taken.
    handed: VecDeque<(u64, Tag)>,
    last_tag: i32,
    pub streams: Streams,
    /// The greatest store revision any answer saw.
    store_rev: i64,
    /// The member is stopping: nothing more is sent to it.
    draining: bool,
    /// Calls answered on this connection.
    answered: u64,
    /// The connection, if it sleeps until there is something to send.
    waker: Option<Waker>,
}

impl Table {
    /// Queues a call.
    pub fn submit(&mut self, request: Request, owner: Owner, done: &mut Done) -> Tag {
        let tag = self.insert(request, owner);
        self.queue.push_back(tag);
        done.wakers.extend(self.waker.take());
        tag
    }

    fn insert(&mut self, request: Request, owner: Owner) -> Tag {
        loop {
            self.last_tag = self.last_tag.checked_add(1).unwrap_or(1);
            let tag = Tag(self.last_tag);
            if let Entry::Vacant(free) = self.calls.entry(tag) {
                let request = Request { tag: Some(tag.0), ..request };
                free.insert(Call { request, phase: Phase::Queued, owner, withdrawn: false });
                return tag;
            }
        }
    }

    /// Takes a call back, as far as it can be.
    pub fn abandon(&mut self, tag: Tag, done: &mut Done) -> Abandoned {
        let Some(call) = self.calls.get_mut(&tag) else { return Abandoned::Answered };
        if call.phase == Phase::Queued {
            self.calls.remove(&tag);
            self.tidy_queue();
            return Abandoned::Unsent;
        }
        call.owner = Owner::Nobody;
        if call.may_block(self.store_rev) {
            self.cancel(tag, done);
        }
        Abandoned::Sent
    }

    /// Makes sure that a call that was not sent never is. Its caller hears what became of it all the same: of one that
    /// was sent, in its time.
    pub fn withdraw(&mut self, tag: Tag, done: &mut Done) {
        let Some(call) = self.calls.get_mut(&tag) else { return };
        call.withdrawn = true;
        if call.phase == Phase::Queued {
            self.refuse(tag, never_sent(), done);
            self.tidy_queue();
        }
    }

    fn cancel(&mut self, tag: Tag, done: &mut Done) {
        let verb = Verb::Cancel as i32;
        let request = Request { verb, other_tag: Some(tag.0), ..Request::default() };
        self.submit(request, Owner::Cancel(tag), done);
    }

    /// Asks the member whether it is still there, before anything else is sent.
    pub fn ping(&mut self, peer: &Peer) {
        let verb = if peer.features.contains(Features::PING) { Verb::Ping } else { Verb::Rev };
        let tag = self.insert(Request { verb: verb as i32, ..Request::default() }, Owner::Ping);
        self.queue.push_front(tag);
    }

    /// Encodes queued calls behind what `out` holds. `taken` is how many bytes of the stream the transport has taken
    /// so far; `out` is what follows them. If nothing is left to send, `waker` is woken when there is again.
    pub fn fill(&mut self, peer: &Peer, taken: u64, out: &mut BytesMut, waker: &Waker, done: &mut Done) {
        self.forget_taken(taken);
        while !self.draining && out.len() < BATCH_BYTES {
            let Some(tag) = self.queue.pop_front() else { break };
            let Some(call) = self.calls.get_mut(&tag).filter(|call| call.phase == Phase::Queued) else {
                continue;
            };
            if let Owner::Watch(id) = call.owner {
                self.streams.prepare(id, peer, &mut call.request);
            }
            if let Err(failure) = peer.admits(&call.request) {
                self.refuse(tag, failure, done);
                continue;
            }
            if peer.features.contains(Features::LOCAL_READS) && is_current_read(&call.request) {
                call.request.min_rev = Some(self.store_rev).filter(|rev| *rev > 0);
            }
            self.handed.push_back((taken + out.len() as u64, tag));
            call.request.encode_frame(out);
            call.phase = Phase::Sent;
        }
        if out.is_empty() {
            self.waker = Some(waker.clone());
        }
    }

    fn refuse(&mut self, tag: Tag, failure: Failure, done: &mut Done) {
        match self.calls.remove(&tag).map(|call| call.owner) {
            Some(Owner::Caller(caller)) => done.answers.push((caller, Err(failure))),
            Some(Owner::Watch(id)) => self.streams.end(id, failure, done),
            Some(Owner::Nobody | Owner::Cancel(_) | Owner::Ping) | None => {}
        }
    }

    fn forget_taken(&mut self, taken: u64) {
        while self.handed.front().is_some_and(|(start, _)| *start < taken) {
            self.handed.pop_front();
        }
    }

    /// Queues the frames again of which no byte was taken. Returns the place in the stream where the first of them
    /// began: what was handed over from there on is void.
    pub fn give_back(&mut self, taken: u64, done: &mut Done) -> Option<u64> {
        self.forget_taken(taken);
        let first = self.handed.front().map(|(start, _)| *start);
        while let Some((_, tag)) = self.handed.pop_back() {
            match self.calls.get_mut(&tag) {
                // Its caller was told that it may have been sent; now it never will be.
                Some(Call { owner: Owner::Nobody, .. }) => {
                    self.calls.remove(&tag);
                }
                Some(Call { withdrawn: true, .. }) => self.refuse(tag, never_sent(), done),
                Some(call) => {
                    call.phase = Phase::Queued;
                    self.queue.push_front(tag);
                }
                None => {}
            }
        }
        first
    }

    /// Takes an answer in. One that nobody waits for is ignored.
    pub fn answer(&mut self, response: OwnedResponse, done: &mut Done) {
        self.store_rev = self.store_rev.max(response.store_rev.unwrap_or_default());
        let failure = failure(&response);
        let Some(tag) = response.tag.map(Tag) else {
            // A goodbye: what it has been sent it still answers, be it with a refusal.
            self.draining |= failure.is_some_and(|failure| failure.kind == ErrorKind::ShuttingDown);
            return;
        };
        let Some(call) = self.calls.get_mut(&tag).filter(|call| call.phase == Phase::Sent) else { return };
        if failure.as_ref().is_some_and(|failure| failure.kind == ErrorKind::ShuttingDown)
            && matches!(call.owner, Owner::Caller(_) | Owner::Watch(_))
            && !call.withdrawn
        {
            // It was not done, and may be done elsewhere.
            call.phase = Phase::Queued;
            self.queue.push_back(tag);
            self.draining = true;
            return;
        }
        self.answered += 1;
        if let Owner::Watch(id) = call.owner {
            return self.watch_answered(tag, id, response, failure, done);
        }
        match self.calls.remove(&tag).map(|call| call.owner) {
            Some(Owner::Caller(caller)) => done.answers.push((caller, failure.map_or(Ok(response), Err))),
            Some(Owner::Cancel(target)) => self.cancelled(target),
            _ => {}
        }
    }

    /// Nothing more comes for this call.
    fn cancelled(&mut self, target: Tag) {
        if self.calls.get(&target).is_some_and(|call| matches!(call.owner, Owner::Nobody)) {
            self.calls.remove(&target);
        }
    }

    fn watch_answered(
        &mut self,
        tag: Tag,
        id: WatchId,
        response: OwnedResponse,
        failure: Option<Failure>,
        done: &mut Done,
    ) {
        if let Some(failure) = failure {
            self.calls.remove(&tag);
            return self.streams.end(id, failure, done);
        }
        match self.streams.take_in(id, response, done) {
            Step::GoOn => {}
            Step::AskAgain => {
                if let Some(call) = self.calls.get_mut(&tag) {
                    call.phase = Phase::Queued;
                    self.queue.push_back(tag);
                }
            }
            Step::Finish => {
                self.calls.remove(&tag);
            }
            Step::Stop => {
                if let Some(call) = self.calls.get_mut(&tag) {
                    call.owner = Owner::Nobody;
                    self.cancel(tag, done);
                }
            }
        }
    }

    /// The connection has ended after the transport took `taken` bytes of it.
    pub fn lost(&mut self, taken: u64, why: &str, done: &mut Done) {
        self.give_back(taken, done);
        self.draining = false;
        self.answered = 0;
        self.waker = None;
        let mut again = Vec::new();
        let calls = std::mem::take(&mut self.calls);
        for (tag, mut call) in calls {
            match (&call.owner, call.phase) {
                (Owner::Nobody | Owner::Cancel(_) | Owner::Ping, _) => continue,
                (Owner::Caller(_), Phase::Sent) if call.is_write() => {
                    let failure = unknown(why);
                    if let Owner::Caller(caller) = call.owner {
                        done.answers.push((caller, Err(failure)));
                    }
                    continue;
                }
                (_, Phase::Sent) => again.push(tag),
                (_, Phase::Queued) => {}
            }
            call.phase = Phase::Queued;
            self.calls.insert(tag, call);
        }
        again.sort_unstable();
        for tag in again.into_iter().rev() {
            self.queue.push_front(tag);
        }
        self.tidy_queue();
    }

    /// Ends everything: calls that were sent and may have changed something with an unknown outcome, the rest with
    /// `failure`.
    pub fn fail_all(&mut self, failure: &Failure, done: &mut Done) {
        self.queue.clear();
        self.handed.clear();
        for (_, call) in std::mem::take(&mut self.calls) {
            let sent_write = call.is_write() && call.phase == Phase::Sent;
            if let Owner::Caller(caller) = call.owner {
                let failure = if sent_write { unknown(&failure.detail) } else { failure.clone() };
                done.answers.push((caller, Err(failure)));
            }
        }
        self.streams.end_all(failure, done);
    }

    /// Opens a watch of every change from `from` on.
    pub fn open_watch(&mut self, glob: &str, from: i64, done: &mut Done) -> WatchId {
        let id = self.streams.open(glob, from);
        self.resume_watch(id, done);
        id
    }

    /// Asks for a watch's next events if nothing does.
    pub fn resume_watch(&mut self, id: WatchId, done: &mut Done) {
        if self.streams.is_paused(id) {
            let tag = self.submit(Request::default(), Owner::Watch(id), done);
            self.streams.resumed(id, tag);
        }
    }

    /// Closes a watch.
    pub fn close_watch(&mut self, id: WatchId, done: &mut Done) {
        if let Some(tag) = self.streams.close(id) {
            self.abandon(tag, done);
        }
    }

    /// Whether an answer is due, or something is to be sent.
    pub fn is_busy(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Whether something is to be sent; if not, `waker` is woken when there is.
    pub fn has_queued(&mut self, waker: &Waker) -> bool {
        self.tidy_queue();
        if self.queue.is_empty() {
            self.waker = Some(waker.clone());
        }
        !self.queue.is_empty()
    }

    /// Whether the member is stopping and no write that was sent to it waits for its answer: time to leave.
    pub fn has_drained(&self) -> bool {
        self.draining && !self.calls.values().any(|call| call.phase == Phase::Sent && call.is_write())
    }

    /// How many calls were answered on this connection.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Takes the dead out of the queue once they are many.
    fn tidy_queue(&mut self) {
        if self.queue.len() > 2 * self.calls.len() {
            self.queue.retain(|tag| self.calls.get(tag).is_some_and(|call| call.phase == Phase::Queued));
        }
    }
}

fn unknown(why: &str) -> Failure {
    Failure::new(
        ErrorKind::OutcomeUnknown,
        format!("the write was sent, but no answer came: {why}; it may or may not have been made"),
    )
}

fn never_sent() -> Failure {
    Failure::new(ErrorKind::Cancelled, "it was never sent")
}

/// Whether it reads whatever is there now.
fn is_current_read(request: &Request) -> bool {
    const READS: [Verb; 5] = [Verb::Get, Verb::Stat, Verb::Getdir, Verb::Walk, Verb::List];
    request.rev.is_none() && READS.iter().any(|verb| *verb as i32 == request.verb)
}

/// An answer that is an error.
fn failure(response: &OwnedResponse) -> Option<Failure> {
    let (kind, detail) = response.failure()?;
    // The original has no kind of its own for this.
    let denied = kind == ErrorKind::Other && detail == "permission denied";
    Some(Failure::new(if denied { ErrorKind::PermissionDenied } else { kind }, detail))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
