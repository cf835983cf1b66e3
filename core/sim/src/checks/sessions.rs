//! What clients with sessions do, say and hear, each by the check that its promise belongs to.

use doozer_paxos::Incarnation;
use doozer_store::SessionId;

use super::operations::Operation;
use super::verdict::{Verdict, Violation, ensure};
use super::{Checks, commands, lifetime, once};
use crate::history::{Answer, OpId, Outcome, Refusal, Request, Time};

pub(crate) use commands::is_counted;

impl Checks {
    /// A member's clock takes so many microseconds of true time for a tick.
    pub fn has_clock(&mut self, member: Incarnation, tick_us: u64) {
        self.clocks.insert(member, tick_us);
    }

    /// A client sends once more what was not answered.
    pub fn sent_again(&mut self, op: OpId) {
        if let Some(operation) = self.operations.get_mut(&op) {
            operation.sent += 1;
            if matches!(operation.request, Request::Close { .. }) {
                // Each copy counts, and the second finds no session.
                self.fates.asked(op, &operation.request);
            }
        }
    }

    /// A client sends a NOP in place of a session's command.
    pub fn given_up(&mut self, op: OpId) {
        if let Some(operation) = self.operations.get_mut(&op)
            && !std::mem::replace(&mut operation.is_given_up, true)
        {
            operation.sent += 1;
            self.fates.asked(op, &Request::Nop);
        }
    }

    /// As [`Checks::answered`], for what may have ended before: a CANCEL whose connection broke.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn answered_if_asked(
        &mut self,
        now: Time,
        op: OpId,
        answer: &Answer,
        store: u64,
    ) -> Result<(), Violation> {
        if self.operations.contains_key(&op) { self.answered(now, op, answer, store) } else { Ok(()) }
    }

    /// A client is gone, and with it whatever it waited for.
    pub fn forgotten(&mut self, op: OpId) {
        self.counts.unknown += u64::from(self.operations.remove(&op).is_some());
    }

    /// A member says something to a client, whether that hears it or not.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn said(&mut self, now: Time, op: OpId, answer: &Answer) -> Result<(), Violation> {
        let verdict = self.say(op, answer);
        self.at(now, verdict)
    }

    fn say(&mut self, op: OpId, answer: &Answer) -> Verdict {
        let Checks { operations, commands, lifetime, locks, .. } = self;
        let Some(operation) = operations.get(&op) else { return Ok(()) };
        match (&operation.request, answer) {
            (Request::Open { session, .. }, Answer::Became(Outcome::Opened))
            | (Request::KeepAlive { session }, Answer::Alive) => lifetime.vouched(session, operation.asked),
            (Request::By(numbered), _) => {
                commands.said(operation, numbered, answer)?;
                match (&*numbered.write, answer) {
                    (Request::Set { path, .. }, Answer::Set(token)) if numbered.is_queued => {
                        locks.told(numbered.session, path, *token)
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// A client counts on its session until then.
    pub fn lives(&mut self, session: SessionId, until: Time) {
        self.locks.lives(session, until);
    }

    /// A client takes a file for its own, by this token, from now on.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn holds(&mut self, now: Time, session: SessionId, path: &str, token: u64) -> Result<(), Violation> {
        self.counts.locks += 1;
        let verdict = self.locks.holds(&self.ledger, now, session, path, token);
        self.at(now, verdict)
    }

    /// A client gives a file back, or all of them.
    pub fn frees(&mut self, session: SessionId, path: Option<&str>) {
        self.locks.frees(session, path);
    }

    pub(super) fn judge_session(&mut self, operation: &Operation, answer: &Answer, store: u64) -> Verdict {
        let gone = Answer::Refused(Refusal::NoSession);
        let is_open = |session| self.ledger.model.is_open(session);
        match (&operation.request, answer) {
            (Request::By(numbered), _) => {
                let Checks { ledger, fates, commands, counts, .. } = self;
                commands.answered(ledger, fates, operation, numbered, answer, store)?;
                counts.numbered += 1;
                counts.resent += u64::from(operation.sent > 1);
                counts.not_made += u64::from(operation.is_given_up && *answer == Answer::Nop);
                counts.left += u64::from(*answer == Answer::Became(Outcome::Left));
            }
            (Request::Open { .. }, Answer::Became(Outcome::Opened)) => self.counts.opened += 1,
            (Request::Open { .. }, Answer::Refused(Refusal::Bounds)) => self.counts.refused += 1,
            (Request::KeepAlive { .. }, Answer::Alive) => self.counts.kept += 1,
            (Request::KeepAlive { session } | Request::Close { session }, answer) if *answer == gone => {
                ensure!(
                    !is_open(session),
                    lifetime::NAME,
                    "{operation} was told that it ended, and it lives"
                );
            }
            (Request::Close { session }, Answer::Became(Outcome::Closed)) => {
                ensure!(!is_open(session), lifetime::NAME, "{operation} was answered, and it lives");
            }
            (Request::Cancel { .. }, Answer::Became(Outcome::Left)) | (_, Answer::NotWritten) => {}
            _ => ensure!(false, once::NAME, "{operation} was answered {answer:?}"),
        }
        Ok(())
    }
}
