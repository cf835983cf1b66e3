//! Every call of a client, from its submission to its end. No I/O and no time belong here.
//!
//! A call is *queued* until its frame is handed to a connection and *sent* from then on. The connection counts the
//! bytes the transport has taken. When it stalls or dies, the frames of which no byte was taken are queued again:
//! nobody can have seen them. Of the rest, reads are queued again when the connection is lost, and so are writes that
//! are commands of a session; the outcome of other writes is unknown.

mod commands;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use bytes::BytesMut;
use doozer_wire::{ErrorKind, Features, OwnedResponse, Request, Verb};

use crate::calls::{Abandoned, Answered, Call, Done, Failure, Owner, Past, Phase, Tag, WatchId};
use crate::clock::Moment;
use crate::peer::Peer;
use crate::random::Random;
use crate::session::{Session, Terms, farewell};
use crate::streams::{Step, Streams};

/// A connection is handed about so many bytes at a time; the rest stays queued, where it can still be taken back.
const BATCH_BYTES: usize = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Table {
    calls: HashMap<Tag, Call>,
    /// Calls to be sent, in order. Some may be gone by now.
    queue: VecDeque<Tag>,
    /// The frames handed to the connection, with the place in the stream where each begins, until their first byte
    /// is known to be taken.
    handed: VecDeque<(u64, Tag)>,
    last_tag: i32,
    pub streams: Streams,
    pub session: Session,
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
    pub fn new(terms: Terms, random: Random) -> Table {
        Table {
            calls: HashMap::new(),
            queue: VecDeque::new(),
            handed: VecDeque::new(),
            last_tag: 0,
            streams: Streams::default(),
            session: Session::new(terms, random),
            store_rev: 0,
            draining: false,
            answered: 0,
            waker: None,
        }
    }

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
                free.insert(Call::new(request, owner));
                return tag;
            }
        }
    }

    /// Takes a call back, as far as it can be.
    pub fn abandon(&mut self, tag: Tag, done: &mut Done) -> Abandoned {
        let Some(call) = self.calls.get_mut(&tag) else { return Abandoned::Answered };
        if call.phase == Phase::Queued && call.number == 0 {
            let why = self.session.why_not().filter(|_| call.is_write());
            self.calls.remove(&tag);
            self.tidy_queue();
            return Abandoned::Unsent(why);
        }
        call.owner = Owner::Nobody;
        match (call.phase, &call.past) {
            (Phase::Queued, Past::NotMade(failure)) => {
                let why = Some(Failure::clone(failure));
                self.close_number(tag, done);
                Abandoned::Unsent(why)
            }
            (phase, past) => {
                let why = past.why().cloned();
                call.let_go_of_value();
                if phase == Phase::Sent && call.may_block(self.store_rev) {
                    self.cancel(tag, done);
                }
                Abandoned::Sent(why)
            }
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
    pub fn fill(
        &mut self,
        peer: &Peer,
        now: Moment,
        taken: u64,
        out: &mut BytesMut,
        waker: &Waker,
        done: &mut Done,
    ) {
        self.forget_taken(taken);
        while !self.draining && out.len() < BATCH_BYTES {
            let Some(tag) = self.next(peer, now, done) else { break };
            let Some(call) = self.calls.get_mut(&tag) else { continue };
            if let Owner::Watch(id) = call.owner {
                self.streams.prepare(id, peer, &mut call.request);
            }
            if let Err(failure) = peer.admits(&call.request) {
                match call.number {
                    0 => self.refuse(tag, failure, done),
                    _ => self.refuse_command(tag, failure, done),
                }
                continue;
            }
            self.enrol(tag, peer, now);
            let Some(call) = self.calls.get_mut(&tag) else { continue };
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
            Some(Owner::Watch(id)) => self.streams.end(id, failure, done),
            Some(owner) => done.fail(owner, failure),
            None => {}
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
            let Some(call) = self.calls.get_mut(&tag) else { continue };
            call.phase = Phase::Queued;
            match call.past {
                // Nobody has seen its number.
                Past::None if call.number > 0 => {
                    self.session.numbers.take_back(std::mem::take(&mut call.number));
                    self.session.parked.push_front(tag);
                }
                Past::None => self.queue.push_front(tag),
                Past::NotMade(_) | Past::Unknown(_) => {
                    self.session.again.insert(call.number, tag);
                    continue;
                }
            }
            // Its caller was told that it may have been sent; now it never will be.
            if call.is_given_up() {
                self.refuse(tag, Failure::never_sent(), done);
            }
        }
        first
    }

    /// Takes an answer in. One that nobody waits for is ignored.
    pub fn answer(&mut self, response: OwnedResponse, now: Moment, done: &mut Done) {
        self.store_rev = self.store_rev.max(response.store_rev.unwrap_or_default());
        let failure = Failure::of(&response);
        let is_leaving = failure.as_ref().is_some_and(|failure| failure.kind == ErrorKind::ShuttingDown);
        let Some(tag) = response.tag.map(Tag) else {
            // A goodbye: what it has been sent it still answers, be it with a refusal.
            self.draining |= is_leaving;
            return;
        };
        let Some(call) = self.calls.get_mut(&tag).filter(|call| call.phase == Phase::Sent) else { return };
        if call.number > 0 {
            self.answered += 1;
            return self.command_answered(tag, response, failure, now, done);
        }
        if is_leaving && matches!(call.owner, Owner::Caller(_) | Owner::Watch(_)) {
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
            Some(Owner::Caller(caller)) => {
                let answer = match failure {
                    Some(failure) => Err(failure),
                    None => Ok(Answered { response, generation: None }),
                };
                done.answers.push((caller, answer));
            }
            Some(Owner::Cancel(target)) => self.cancelled(target, done),
            Some(Owner::Open(sent)) => self.open_answered(sent, &response, failure, now, done),
            Some(Owner::KeepAlive(sent)) => self.renewal_answered(sent, failure, now, done),
            _ => {}
        }
    }

    /// Nothing more comes for this call.
    fn cancelled(&mut self, target: Tag, done: &mut Done) {
        let Some(call) = self.calls.get(&target).filter(|call| matches!(call.owner, Owner::Nobody)) else {
            return;
        };
        match (call.number, call.phase) {
            (0, _) => {
                self.calls.remove(&target);
            }
            (_, Phase::Sent) => {
                // Its answer should have come before; its number is not to be left open.
                let failure = Failure::new(ErrorKind::Protocol, "it was cancelled, and not answered");
                self.send_again(target, Past::Unknown(Box::new(failure)), done);
            }
            (_, Phase::Queued) => {}
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
    pub fn lost(&mut self, taken: u64, why: &str, now: Moment, done: &mut Done) {
        self.give_back(taken, done);
        self.draining = false;
        self.answered = 0;
        self.waker = None;
        let mut again = Vec::new();
        let calls = std::mem::take(&mut self.calls);
        for (tag, mut call) in calls {
            match (&call.owner, call.phase) {
                (_, Phase::Queued) if call.number > 0 => {}
                (_, Phase::Sent) if call.number > 0 => {
                    call.past = Past::Unknown(Box::new(Failure::new(ErrorKind::Disconnected, why)));
                    self.session.again.insert(call.number, tag);
                }
                (Owner::Nobody | Owner::Cancel(_) | Owner::Ping, _) => continue,
                (Owner::Open(_) | Owner::KeepAlive(_) | Owner::Close(_), _) => continue,
                (_, Phase::Sent) if call.is_write() => {
                    done.fail(call.owner, Failure::unknown(why));
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
        self.session.disconnected(now);
        if self.session.has_ended() {
            self.end_session(done);
            self.session.settle();
        }
        self.tidy_queue();
    }

    /// Ends everything: calls that were sent and may have changed something with an unknown outcome, the rest with
    /// `failure`. Returns the request that ends the session, if there is one.
    pub fn fail_all(&mut self, failure: &Failure, done: &mut Done) -> Option<Request> {
        self.queue.clear();
        self.handed.clear();
        for (_, call) in std::mem::take(&mut self.calls) {
            let is_change = call.is_write() || call.number > 0;
            let may_be_made = is_change && (call.phase == Phase::Sent || call.is_loose());
            let failure = if may_be_made { Failure::unknown(&failure.detail) } else { failure.clone() };
            done.fail(call.owner, failure);
        }
        self.streams.end_all(failure, done);
        self.session.forget(done).map(farewell)
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
        let has_queued = !self.queue.is_empty() || self.session.has_queued();
        if !has_queued {
            self.waker = Some(waker.clone());
        }
        has_queued
    }

    /// When there may be something to send although nothing has happened.
    pub fn alarm(&self) -> Option<Moment> {
        self.session.alarm().filter(|_| !self.draining)
    }

    /// Whether the member is stopping and no write that was sent to it waits for its answer: time to leave.
    pub fn has_drained(&self) -> bool {
        self.draining && !self.calls.values().any(|call| call.phase == Phase::Sent && call.is_prompt_write())
    }

    /// How many calls were answered on this connection.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Takes the dead out of the queue once they are many.
    fn tidy_queue(&mut self) {
        for queue in [&mut self.queue, &mut self.session.parked] {
            if queue.len() > 2 * self.calls.len() {
                queue.retain(|tag| self.calls.get(tag).is_some_and(|call| call.phase == Phase::Queued));
            }
        }
    }
}

/// Whether it reads whatever is there now.
fn is_current_read(request: &Request) -> bool {
    const READS: [Verb; 5] = [Verb::Get, Verb::Stat, Verb::Getdir, Verb::Walk, Verb::List];
    request.rev.is_none() && READS.iter().any(|verb| *verb as i32 == request.verb)
}

#[cfg(test)]
mod tests;
