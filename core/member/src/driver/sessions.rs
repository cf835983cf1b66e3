//! Sessions, as far as they are not replicated: keep-alives on their way, at the proposer when each is over, and whoever waits
//! in a queue. docs/sessions.md has the rules and why they are safe.

use doozer_paxos::message::Proposal;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::{Ballot, Incarnation};
use doozer_store::{Revision, SessionChange, SessionId};
use doozer_wire::peer::Peer;

use super::Driver;
use super::ports::{Answer, Host, KeepAlive, Reader, Reply};
use super::renewals::Relayed;
use crate::machine::{Logged, Outcome};

/// Ticks between two looks at who is gone that waited in a queue.
const SWEEP_TICKS: u64 = 500;

/// Who began a linearizable read.
#[derive(Debug)]
pub(super) enum Asking<R> {
    /// Somebody who wants to know something.
    Reader(R),
    /// This member, a proposer, to learn whether it still is one.
    Keep(Question),
}

/// A question about sessions that are kept alive.
#[derive(Debug)]
pub(super) struct Question {
    from: Incarnation,
    number: u64,
    sessions: Vec<SessionId>,
    /// What this member led under when it came.
    ballot: Ballot,
    /// And when that was, in ticks.
    at: u64,
}

impl<H: Host> Driver<H> {
    /// A client keeps a session alive.
    pub fn keep_alive(&mut self, session: SessionId, client: H::KeepAlive) {
        self.renewals.heard(session, client, self.ticks);
        self.ask_about_sessions();
    }

    /// This member's process was held for longer than a few rounds: what clients sent meanwhile is yet to be read.
    pub fn held(&mut self) {
        self.leases.extend(self.ticks);
    }

    /// How many ticks it is until sessions need something.
    pub(super) fn ticks_to_sessions(&self) -> Option<u64> {
        let has_sessions = || self.local.state.read().store().sessions_len() > 0;
        if self.replica.open_ballot() != self.leases.ballot() && has_sessions() {
            // Nobody's deadline is known yet: at rest, none would ever come.
            return Some(1);
        }
        let (now, parked) = (self.ticks, (!self.parked.is_empty()).then_some(SWEEP_TICKS));
        [self.leases.ticks_to_next(now), self.renewals.ticks_to_next(now, self.answer_within_ticks), parked]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn tick_sessions(&mut self) {
        self.look_at_lead();
        if let Some(ballot) = self.leases.ballot() {
            for session in self.leases.expire(self.ticks) {
                let command = Logged::Expire(ballot, session).encode();
                self.replica.propose(Proposal { command, needs_own_slot: false });
            }
        }
        self.ask_about_sessions();
        if self.ticks.is_multiple_of(SWEEP_TICKS) {
            self.parked.sweep();
        }
    }

    /// Deadlines are a proposer's, once it has applied what it began with.
    fn look_at_lead(&mut self) {
        let ballot = self.replica.open_ballot();
        if ballot == self.leases.ballot() {
            return;
        }
        match ballot {
            None => self.leases.stop(),
            Some(ballot) => {
                let state = self.local.state.read();
                let sessions = state.store().sessions(None).map(|session| (session.id, session.ttl_ms()));
                self.leases.begin(ballot, sessions, self.ticks);
            }
        }
    }

    fn ask_about_sessions(&mut self) {
        if self.renewals.is_empty() {
            return;
        }
        let Some(to) = self.replica.way_to_proposer() else { return };
        let Some((number, sessions)) = self.renewals.ask(self.ticks) else { return };
        if to == self.me() {
            self.asked_to_keep(to, number, sessions);
        } else {
            let sessions = sessions.into_iter().map(|session| session.0).collect();
            self.host.send(to, Peer::KeepAlive { number, sessions });
        }
    }

    /// Sessions are kept alive, as another member heard, or this one.
    pub(super) fn asked_to_keep(&mut self, from: Incarnation, number: u64, sessions: Vec<SessionId>) {
        if let Some(ballot) = self.replica.leading_ballot() {
            let question = Question { from, number, sessions, ballot, at: self.ticks };
            if is_planted(Planted::KeptUnconfirmed) {
                return self.answer_question(question);
            }
            // If it may be answered, nobody else led when the question came.
            let token = self.reads.begin(Asking::Keep(question), self.ticks);
            self.replica.read(token);
        } else if from != self.me() && self.replica.hears_proposer() {
            self.renewals.relay(from, number, sessions);
            self.ask_about_sessions();
        }
    }

    /// A linearizable read may be answered.
    pub(super) fn readable(&mut self, asking: Asking<H::Reader>) {
        match asking {
            Asking::Reader(reader) => reader.answer(Ok(()), &mut self.wakes),
            Asking::Keep(question) => self.answer_question(question),
        }
    }

    fn answer_question(&mut self, question: Question) {
        let Question { from, number, sessions, ballot, at } = question;
        self.look_at_lead();
        if self.leases.ballot() != Some(ballot) {
            // Another one led meanwhile, or leads. Whoever asked asks again.
            return;
        }
        let (mut ended, mut unsure) = (Vec::new(), Vec::new());
        {
            let state = self.local.state.read();
            for session in sessions {
                if state.store().session(&session).is_none() {
                    ended.push(session);
                } else if !self.leases.renew(&session, at) && !is_planted(Planted::KeptWhileEnding) {
                    unsure.push(session);
                }
            }
        }
        if from == self.me() {
            self.kept_alive(number, &ended, &unsure);
        } else {
            self.send_kept(Relayed { to: from, number, ended, unsure });
        }
    }

    /// The proposer has answered.
    pub(super) fn kept_alive(&mut self, number: u64, ended: &[SessionId], unsure: &[SessionId]) {
        let (told, relayed) = self.renewals.answered(number, ended, unsure);
        told.into_iter().for_each(|(client, kept)| client.answer(kept, &mut self.wakes));
        relayed.into_iter().for_each(|answer| self.send_kept(answer));
    }

    fn send_kept(&mut self, answer: Relayed) {
        let raw = |ids: Vec<SessionId>| ids.into_iter().map(|id| id.0).collect();
        let Relayed { to, number, ended, unsure } = answer;
        self.host.send(to, Peer::KeptAlive { number, ended: raw(ended), unsure: raw(unsure) });
    }

    /// An entry was applied: what it did to sessions, and to those who wait in queues.
    pub(super) fn note_sessions(&mut self, seen: Revision) {
        for change in self.applied.sessions.drain(..) {
            match change {
                SessionChange::Opened(session, ttl_ms) => self.leases.opened(session, ttl_ms, self.ticks),
                SessionChange::Ended(session) => self.leases.ended(&session),
            }
        }
        for granted in self.applied.granted.drain(..) {
            let outcome = Outcome::Store(granted.outcome);
            for reply in self.parked.granted(&granted) {
                reply.answer(Answer::Applied(&outcome, seen), &mut self.wakes);
            }
        }
    }

    /// Another state took the place of this member's, which does not lead.
    pub(super) fn find_sessions(&mut self) {
        let state = self.local.state.read();
        let seen = state.store().revision();
        for (outcome, replies) in self.parked.found(state.store()) {
            for reply in replies {
                reply.answer(Answer::Applied(&Outcome::Store(outcome), seen), &mut self.wakes);
            }
        }
    }
}
