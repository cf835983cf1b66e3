//! A call as the table keeps it, who its answer is for, and what is handed over once the table is let go.

use std::task::Waker;

use bytes::Bytes;
use doozer_wire::{ErrorKind, Failed, OwnedResponse, Request, SetFlags, Verb};
use tokio::sync::oneshot;

use crate::clock::Moment;
use crate::session::Tenure;

/// Names a call on the wire, for as long as anything may come for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(pub i32);

/// Names a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WatchId(pub u64);

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub kind: ErrorKind,
    pub detail: String,
    /// The part of a transaction that refused it.
    pub part: Option<Failed>,
}

impl Failure {
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Failure {
        Failure { kind, detail: detail.into(), part: None }
    }

    /// An answer that is an error.
    pub fn of(response: &OwnedResponse) -> Option<Failure> {
        let (kind, detail) = response.failure()?;
        // The original has no kind of its own for this.
        let denied = kind == ErrorKind::Other && detail == "permission denied";
        let kind = if denied { ErrorKind::PermissionDenied } else { kind };
        let part = response.txn.as_ref().and_then(|txn| txn.failed);
        Some(Failure { kind, detail: detail.to_owned(), part })
    }

    pub fn unknown(why: &str) -> Failure {
        let detail =
            format!("the write was sent, but no answer came: {why}; it may or may not have been made");
        Failure::new(ErrorKind::OutcomeUnknown, detail)
    }

    pub fn never_sent() -> Failure {
        Failure::new(ErrorKind::Cancelled, "it was never sent")
    }
}

/// What a caller gets: an answer that is no error, or a failure.
pub(crate) type Answer = Result<Answered, Failure>;

/// An answer that is no error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub response: OwnedResponse,
    /// The session that the write belongs to, if to one: what it bound goes with that.
    pub generation: Option<u64>,
}

/// Who a call's answers are for.
#[derive(Debug)]
pub(crate) enum Owner {
    Caller(oneshot::Sender<Answer>),
    /// A watch, which has many.
    Watch(WatchId),
    /// The caller went away after the call was sent: its tag stays taken until it is answered.
    Nobody,
    /// Nobody waits for it, but it has to be done: it deletes what was granted to somebody who had gone.
    Tidying,
    /// It is the CANCEL of this call.
    Cancel(Tag),
    /// It asks whether the member is still there.
    Ping,
    /// It opens a session, and was sent then.
    Open(Moment),
    /// It keeps the session alive, and was sent then.
    KeepAlive(Moment),
    /// It closes a session. Whoever waits for that hears when this is dropped.
    Close(#[allow(dead_code, reason = "its drop is the message")] Option<oneshot::Sender<()>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued,
    Sent,
}

/// What is known of the times a command of the session's was sent before the one under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Past {
    /// It was not.
    None,
    /// It was not made, for the reason that the last one gave.
    NotMade(Box<Failure>),
    /// It may have been made, or may yet be: no answer came, or one that does not tell. The last reason.
    Unknown(Box<Failure>),
}

impl Past {
    /// Why it is sent again.
    pub fn why(&self) -> Option<&Failure> {
        match self {
            Past::None => None,
            Past::NotMade(failure) | Past::Unknown(failure) => Some(failure),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Call {
    pub request: Request,
    pub phase: Phase,
    pub owner: Owner,
    /// Its sequence number within the session, from 1, once its frame was made; 0 before, and for what is no command.
    pub number: u64,
    /// Every command before it had been answered when it was sent.
    pub was_next: bool,
    pub past: Past,
}

impl Call {
    pub fn new(request: Request, owner: Owner) -> Call {
        let phase = Phase::Queued;
        Call { request, phase, owner, number: 0, was_next: false, past: Past::None }
    }

    /// Whether it changes something. Not so the NOP that took the place of a write.
    pub fn is_write(&self) -> bool {
        is_write(&self.request)
    }

    /// Whether it is a SET that waits for its turn.
    pub fn is_queued(&self) -> bool {
        self.request.flags.contains(SetFlags::QUEUE)
    }

    /// Whether it is a command of the session's whose answer comes soon.
    pub fn is_prompt_write(&self) -> bool {
        (self.is_write() || self.number > 0) && !self.is_queued()
    }

    /// Whether the member may keep it for long, and so should be told that nobody waits for it any more. Not so a
    /// read of a revision that has come.
    pub fn may_block(&self, store_rev: i64) -> bool {
        let waits = [Verb::Wait, Verb::Watch].iter().any(|verb| *verb as i32 == self.request.verb);
        let reads = !self.is_write() && self.number == 0;
        waits || self.is_queued() || (reads && self.request.rev.is_none_or(|rev| rev > store_rev))
    }

    /// Whether it may have been made, or may yet be, as far as the times before the one under way go.
    pub fn is_loose(&self) -> bool {
        matches!(self.past, Past::Unknown(_))
    }

    /// Whether nobody wants it to be made any more.
    pub fn is_given_up(&self) -> bool {
        matches!(self.owner, Owner::Nobody)
    }

    /// Nobody wants it: if it has to be sent again, then as a NOP. Not so one that waits its turn, which has to be named
    /// to be taken back.
    pub fn let_go_of_value(&mut self) {
        if self.number > 0 && !self.is_queued() {
            (self.request.value, self.request.txn) = (None, None);
        }
    }

    /// Leaves nothing of it but its number: a NOP, whose answer is what became of it.
    pub fn void(&mut self) {
        let (tag, verb) = (self.request.tag, Verb::Nop as i32);
        self.request = Request { tag, verb, ..Request::default() };
    }

    /// Whether it is such a NOP.
    pub fn is_void(&self) -> bool {
        self.number > 0 && self.request.verb == Verb::Nop as i32
    }
}

pub(crate) fn is_write(request: &Request) -> bool {
    [Verb::Set, Verb::Del, Verb::Txn].iter().any(|verb| *verb as i32 == request.verb)
}

/// How a call stood when its caller gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Abandoned {
    /// It was never sent, and will not be. If that was refused for the time being: why.
    Unsent(Option<Failure>),
    /// It was sent. If it was more than once: why that was.
    Sent(Option<Failure>),
    /// It has its answer.
    Answered,
}

/// What is to be done once the table is let go.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// The answers to queued SETs whose turn has come, each with the path and the revision of the file.
    pub grants: Vec<(oneshot::Sender<Answer>, Answered, (Bytes, i64))>,
    pub wakers: Vec<Waker>,
    /// What has become of the client's session, if anything has.
    pub tenure: Option<Option<Tenure>>,
}

impl Done {
    pub fn fail(&mut self, owner: Owner, failure: Failure) {
        if let Owner::Caller(caller) = owner {
            self.answers.push((caller, Err(failure)));
        }
    }

    /// Hands everything over. Never while the table is locked: whoever is woken will want it. Returns the files that were
    /// granted to somebody who has gone.
    pub fn deliver(&mut self) -> Vec<(Bytes, i64)> {
        for (caller, answer) in self.answers.drain(..) {
            let _ = caller.send(answer);
        }
        let give = |(caller, answered, file): (oneshot::Sender<Answer>, _, _)| {
            caller.send(Ok(answered)).is_err().then_some(file)
        };
        let unwanted = self.grants.drain(..).filter_map(give).collect();
        self.wakers.drain(..).for_each(Waker::wake);
        unwanted
    }
}
