//! The part of the table that knows of the session: writes become its commands, and what is answered to those decides
//! what becomes of them.

use bytes::Bytes;
use doozer_wire::{ErrorKind, Features, OwnedResponse, Request, Retry, Verb};

use super::Table;
use crate::calls::{Answered, Call, Done, Failure, Owner, Past, Phase, Tag};
use crate::clock::Moment;
use crate::peer::Peer;

/// What an answer says of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Its number is used: this is its answer for good.
    Counted,
    /// It was not made, and will not be for that reason.
    Refused,
    /// It was not made for now.
    NotMade,
    /// It was not made, and this member cannot help.
    NotHere,
    /// It may yet be made, and this member cannot say.
    Unknown,
    /// One before it is missing.
    TooEarly,
    /// There is no such session.
    NoSession,
    /// Member and client do not understand each other.
    Broken,
}

fn verdict(call: &Call, response: &OwnedResponse, failure: Option<&Failure>) -> Verdict {
    let Some(failure) = failure.filter(|_| !response.counted) else { return Verdict::Counted };
    match failure.kind {
        ErrorKind::SessionExpired => Verdict::NoSession,
        ErrorKind::OutOfOrder => Verdict::TooEarly,
        ErrorKind::BadSession => Verdict::Broken,
        ErrorKind::ShuttingDown => Verdict::NotHere,
        ErrorKind::NoQuorum if failure.detail.contains("nothing was written") => Verdict::NotHere,
        ErrorKind::NoQuorum => Verdict::Unknown,
        // Whoever asks for more places in queues than there may be could wait for ever, with all that comes behind.
        ErrorKind::Overloaded if call.is_queued() && !call.is_loose() => Verdict::Refused,
        ErrorKind::Overloaded => Verdict::NotMade,
        // Of one that may have been made before, a refusal by one member says nothing yet; and of one that is to be
        // closed, nobody wants to hear.
        kind if kind.retry() == Retry::Safe && (call.is_loose() || call.is_void()) => Verdict::NotMade,
        _ if call.is_void() => Verdict::Broken,
        _ => Verdict::Refused,
    }
}

/// What the refusal of an OPEN means for the writes that wait for it. That of an OPEN may be unknown; theirs is not.
fn not_sent(failure: Failure) -> Failure {
    let detail = match failure.kind {
        ErrorKind::NoQuorum => {
            let said = failure.detail.strip_prefix("no quorum").unwrap_or_default();
            let why = said.strip_prefix(": outcome unknown").unwrap_or(said);
            let why = why.strip_suffix(", nothing was written").unwrap_or(why);
            format!("no quorum: no session could be opened, nothing was written{why}")
        }
        _ => format!("no session could be opened, nothing was written: {}", failure.detail),
    };
    Failure { detail, ..failure }
}

impl Table {
    /// The next call to be sent to a member.
    pub(super) fn next(&mut self, peer: &Peer, now: Moment, done: &mut Done) -> Option<Tag> {
        let has_sessions = peer.features.contains(Features::SESSIONS);
        loop {
            if has_sessions && let Some(tag) = self.next_of_session(now, done) {
                return Some(tag);
            }
            let tag = self.queue.pop_front()?;
            let Some(call) = self.calls.get(&tag).filter(|call| call.phase == Phase::Queued) else {
                continue;
            };
            if has_sessions && call.is_write() && !self.may_command() {
                self.session.parked.push_back(tag);
                continue;
            }
            return Some(tag);
        }
    }

    /// What the session has to send: a chore, then what is to be sent again, then what could not be sent before.
    fn next_of_session(&mut self, now: Moment, done: &mut Done) -> Option<Tag> {
        if let Some((request, owner)) = self.session.chore(now, done) {
            return Some(self.insert(request, owner));
        }
        while self.session.has_queued() && self.may_command() {
            let again = self.session.again.pop_first().map(|(_, tag)| tag);
            let tag = again.or_else(|| self.session.parked.pop_front())?;
            if self.calls.get(&tag).is_some_and(|call| call.phase == Phase::Queued) {
                return Some(tag);
            }
        }
        None
    }

    fn may_command(&mut self) -> bool {
        if self.session.has_stumbled && self.session.is_open() {
            let is_sent = |tag| self.calls.get(&tag).is_some_and(|call: &Call| call.phase == Phase::Sent);
            self.session.has_stumbled = self.session.numbers.prompt().any(is_sent);
        }
        self.session.admits() && !self.session.has_stumbled
    }

    /// Makes a write a command, if the member knows sessions.
    pub(super) fn enrol(&mut self, tag: Tag, peer: &Peer, now: Moment) {
        let Some(call) = self.calls.get_mut(&tag) else { return };
        if !peer.features.contains(Features::SESSIONS) || !(call.is_write() || call.number > 0) {
            return;
        }
        if call.is_given_up() {
            if call.is_queued() {
                // It may wait in the queue already. Only who takes it up again can give the place back.
                self.cancel_next(tag);
            } else {
                call.void();
            }
        }
        if let Some(call) = self.calls.get_mut(&tag) {
            self.session.enrol(tag, call, now);
        }
    }

    fn cancel_next(&mut self, tag: Tag) {
        let verb = Verb::Cancel as i32;
        let request = Request { verb, other_tag: Some(tag.0), ..Request::default() };
        let cancel = self.insert(request, Owner::Cancel(tag));
        self.queue.push_front(cancel);
    }

    /// Takes in the answer to a command.
    pub(super) fn command_answered(
        &mut self,
        tag: Tag,
        response: OwnedResponse,
        failure: Option<Failure>,
        now: Moment,
        done: &mut Done,
    ) {
        let Some(call) = self.calls.get(&tag) else { return };
        let verdict = verdict(call, &response, failure.as_ref());
        let (number, was_next) = (call.number, call.was_next);
        let Some(failure) = failure.filter(|_| verdict != Verdict::Counted) else {
            return self.counted(tag, response, done);
        };
        match verdict {
            Verdict::Counted => {}
            Verdict::Refused => self.refuse_command(tag, failure, done),
            Verdict::NotMade => {
                self.session.numbers.hurry();
                self.session.hold(now);
                self.not_made(tag, failure, done);
            }
            Verdict::NotHere => {
                self.leave(&failure, now);
                self.not_made(tag, failure, done);
            }
            Verdict::Unknown => {
                self.leave(&failure, now);
                self.send_again(tag, Past::Unknown(Box::new(failure)), done);
            }
            Verdict::TooEarly if was_next => {
                // All before it were made, and the cluster does not know of it: it is not what it was.
                self.lose_session("the cluster does not know of commands that it has answered", done);
            }
            Verdict::TooEarly => {
                if self.session.numbers.is_first(number) {
                    // What it waits for is in a queue, and should have come before it. Not at once again.
                    self.session.hold(now);
                }
                self.not_made(tag, failure, done);
            }
            Verdict::NoSession => {
                self.end_session(done);
                self.let_go(tag, done);
                self.session.settle();
            }
            Verdict::Broken => self.lose_session(&failure.detail, done),
        }
    }

    fn counted(&mut self, tag: Tag, response: OwnedResponse, done: &mut Done) {
        let Some(call) = self.calls.remove(&tag) else { return };
        self.session.numbers.heard(call.number);
        self.session.go_on();
        let failure = Failure::of(&response);
        let (is_void, is_queued) = (call.is_void(), call.is_queued());
        match call.owner {
            Owner::Caller(caller) => {
                let generation = Some(self.session.generation);
                match (failure, call.request.path, response.rev) {
                    (Some(failure), ..) => done.answers.push((caller, Err(failure))),
                    // The answer of a NOP: the write before it never was made.
                    (None, _, None) if is_void => {
                        done.answers.push((caller, Err(Failure::never_sent())));
                    }
                    (None, Some(path), Some(rev)) if is_queued => {
                        done.grants.push((caller, Answered { response, generation }, (path, rev)));
                    }
                    (None, ..) => done.answers.push((caller, Ok(Answered { response, generation }))),
                }
            }
            Owner::Nobody if is_queued && failure.is_none() => {
                // Its turn came when nobody waited any more.
                if let (Some(path), Some(rev)) = (call.request.path, response.rev) {
                    self.tidy_away(path, rev, done);
                }
            }
            _ => {}
        }
        self.session.settle();
    }

    /// Deletes the file that was granted to somebody who had gone. If the session has ended, it has gone with that.
    pub fn tidy_away(&mut self, path: Bytes, rev: i64, done: &mut Done) {
        if self.session.is_open() {
            let verb = Verb::Del as i32;
            let request = Request { verb, path: Some(path), rev: Some(rev), ..Request::default() };
            self.submit(request, Owner::Tidying, done);
        }
    }

    /// Sends what deletes a file that is bound to this session, of which nobody wants to hear any more. If the session has
    /// ended, the file has gone with that.
    pub fn tidy(&mut self, request: Request, generation: u64, done: &mut Done) {
        if self.session.is_open() && self.session.generation == generation {
            self.submit(request, Owner::Tidying, done);
        }
    }

    /// Leaves the member, which cannot reach the others or is stopping. Not so often that it does harm.
    fn leave(&mut self, failure: &Failure, now: Moment) {
        self.draining = true;
        if failure.kind != ErrorKind::ShuttingDown {
            self.session.hold(now);
        }
    }

    /// Sends a command again, unless nobody wants it.
    fn not_made(&mut self, tag: Tag, failure: Failure, done: &mut Done) {
        let Some(call) = self.calls.get_mut(&tag) else { return };
        if call.is_loose() {
            return self.send_again(tag, Past::Unknown(Box::new(failure)), done);
        }
        if call.is_given_up() && !call.is_void() {
            done.fail(std::mem::replace(&mut call.owner, Owner::Nobody), Failure::never_sent());
            return self.close_number(tag, done);
        }
        self.send_again(tag, Past::NotMade(Box::new(failure)), done);
    }

    /// Sends a command again, or ends it with a session that has ended.
    pub(super) fn send_again(&mut self, tag: Tag, past: Past, done: &mut Done) {
        let Some(call) = self.calls.get_mut(&tag) else { return };
        (call.phase, call.past) = (Phase::Queued, past);
        if self.session.has_ended() {
            self.let_go(tag, done);
            return self.session.settle();
        }
        self.session.again.insert(call.number, tag);
        self.session.has_stumbled = true;
    }

    /// Ends a command that will not be made for a reason, as far as anybody knows.
    pub(super) fn refuse_command(&mut self, tag: Tag, failure: Failure, done: &mut Done) {
        let Some(call) = self.calls.get_mut(&tag) else { return };
        let failure = if call.is_loose() { Failure::unknown(&failure.detail) } else { failure };
        done.fail(std::mem::replace(&mut call.owner, Owner::Nobody), failure);
        self.close_number(tag, done);
    }

    /// Nobody wants the command any more. Its number is taken back if it is the last one and no copy of the command can
    /// be about; else a NOP takes its place.
    pub(super) fn close_number(&mut self, tag: Tag, done: &mut Done) {
        let Some(call) = self.calls.get_mut(&tag) else { return };
        if !call.is_loose() && self.session.numbers.take_back(call.number) {
            self.session.again.remove(&call.number);
            self.calls.remove(&tag);
            return self.session.settle();
        }
        call.void();
        let past = match std::mem::replace(&mut call.past, Past::None) {
            // It has a number that was seen, unlike a call without a past.
            Past::None => Past::NotMade(Box::new(Failure::never_sent())),
            past => past,
        };
        self.send_again(tag, past, done);
    }

    /// The session has ended. What of it is under way will be answered; the rest ends here.
    pub(super) fn end_session(&mut self, done: &mut Done) {
        self.session.end(done);
        for tag in std::mem::take(&mut self.session.again).into_values() {
            self.let_go(tag, done);
        }
    }

    /// The session is of no use any more: nobody knows what has become of its commands.
    pub(super) fn lose_session(&mut self, why: &str, done: &mut Done) {
        self.session.end(done);
        for tag in self.session.numbers.outstanding() {
            if let Some(call) = self.calls.get_mut(&tag)
                && call.phase == Phase::Sent
            {
                let failure = Failure::new(ErrorKind::SessionExpired, why);
                call.past = Past::Unknown(Box::new(failure));
            }
            self.let_go(tag, done);
        }
        self.session.again.clear();
        self.session.settle();
    }

    /// Ends a command of a session that has ended: it is made under the next one if it surely was not under this one.
    pub(super) fn let_go(&mut self, tag: Tag, done: &mut Done) {
        let Some(mut call) = self.calls.remove(&tag) else { return };
        let number = std::mem::take(&mut call.number);
        self.session.numbers.heard(number);
        match &call.past {
            Past::Unknown(failure) => {
                let why = format!("{}, and the session it belongs to has ended", failure.detail);
                done.fail(call.owner, Failure::unknown(&why));
            }
            _ if call.is_given_up() => done.fail(call.owner, Failure::never_sent()),
            // What it was to delete went with the session.
            _ if matches!(call.owner, Owner::Tidying) => {}
            _ => {
                (call.phase, call.past) = (Phase::Queued, Past::None);
                self.calls.insert(tag, call);
                self.session.returned.insert(number, tag);
            }
        }
    }

    /// The OPEN that was sent then is answered.
    pub(super) fn open_answered(
        &mut self,
        sent: Moment,
        response: &OwnedResponse,
        failure: Option<Failure>,
        now: Moment,
        done: &mut Done,
    ) {
        let Some(failure) = failure else { return self.session.opened(sent, response, done) };
        match failure.kind {
            ErrorKind::Overloaded => self.session.hold(now),
            ErrorKind::NoQuorum | ErrorKind::ShuttingDown => self.leave(&failure, now),
            _ => {
                self.session.not_opened(None);
                for tag in std::mem::take(&mut self.session.parked) {
                    self.refuse(tag, failure.clone(), done);
                }
                return;
            }
        }
        self.session.not_opened(Some(not_sent(failure)));
    }

    /// The keep-alive that was sent then is answered.
    pub(super) fn renewal_answered(
        &mut self,
        sent: Moment,
        failure: Option<Failure>,
        now: Moment,
        done: &mut Done,
    ) {
        match failure.map(|failure| failure.kind) {
            None => self.session.renewed(sent, done),
            Some(ErrorKind::SessionExpired) => {
                self.end_session(done);
                self.session.settle();
            }
            Some(kind) => {
                // Another member may reach the others.
                self.draining |= matches!(kind, ErrorKind::NoQuorum | ErrorKind::ShuttingDown);
                self.session.not_renewed(now);
            }
        }
    }

    /// A connection stands, with this member at its other end.
    pub fn connected(&mut self, peer: &Peer, done: &mut Done) {
        if !peer.features.contains(Features::SESSIONS) {
            self.lose_session("the member that is connected now knows no sessions", done);
            while let Some(tag) = self.session.parked.pop_back() {
                self.queue.push_front(tag);
            }
        }
    }
}
