//! Client operations: asked, and answered, each by the check that its promise belongs to.

use super::fates::Fates;
use super::ledger::Ledger;
use super::verdict::{Verdict, Violation, ensure};
use super::writes::Written;
use super::{Checks, events, once, reads, writes};
use crate::history::{Answer, ClientId, MemberId, OpId, Outcome, ReadAt, Request, Time};
use crate::model::Pattern;

/// A request under way.
#[derive(Debug)]
pub(super) struct Operation {
    pub op: OpId,
    pub client: ClientId,
    pub member: MemberId,
    pub asked: Time,
    /// The greatest revision that anybody had seen then.
    pub observed: u64,
    pub request: Request,
    /// Of a wait or watch: what it is about.
    pub pattern: Option<Pattern>,
    /// Of a wait or watch: everything before this has come.
    pub next: u64,
    /// How often it was sent.
    pub sent: u64,
    /// Of a session's command: a NOP was sent in its place.
    pub is_given_up: bool,
}

impl Checks {
    /// A client sends a request to a member.
    pub fn asked(&mut self, now: Time, op: OpId, client: ClientId, member: MemberId, request: &Request) {
        let Ledger { model, observed, .. } = &mut self.ledger;
        let (pattern, next) = match request {
            Request::Wait { glob, from } | Request::Watch { glob, from } => {
                (Some(model.pattern(glob)), (*from).max(1))
            }
            _ => (None, 0),
        };
        self.fates.asked(op, request);
        self.counts.watches += u64::from(matches!(request, Request::Watch { .. }));
        let (asked, observed, request) = (now, *observed, request.clone());
        let operation = Operation {
            op,
            client,
            member,
            asked,
            observed,
            request,
            pattern,
            next,
            sent: 1,
            is_given_up: false,
        };
        self.operations.insert(op, operation);
    }

    /// A client hears of a request; `store` is the store's revision that the answer carries, 0 if it carries none. The
    /// request has ended with that, unless it is a WATCH and a change or a mark came.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn answered(&mut self, now: Time, op: OpId, answer: &Answer, store: u64) -> Result<(), Violation> {
        let verdict = self.hear(now, op, answer, store);
        self.at(now, verdict)
    }

    fn hear(&mut self, now: Time, op: OpId, answer: &Answer, store: u64) -> Verdict {
        let operation = self.operations.remove(&op);
        ensure!(
            operation.is_some(),
            once::NAME,
            "{op} was answered {answer:?}, and had ended, or was never asked"
        );
        let Some(mut operation) = operation else { return Ok(()) };
        let verdict = self.judge(now, &mut operation, answer, store);
        let goes_on = matches!(answer, Answer::Event(_) | Answer::Progress(_));
        if goes_on && matches!(operation.request, Request::Watch { .. }) {
            self.operations.insert(op, operation);
        }
        verdict?;
        self.ledger.observed = self.ledger.observed.max(store);
        Ok(())
    }

    fn judge(&mut self, now: Time, operation: &mut Operation, answer: &Answer, store: u64) -> Verdict {
        match answer {
            Answer::Unknown if !matches!(operation.request, Request::By(_)) => self.counts.unknown += 1,
            Answer::NotWritten if operation.request.is_write() => {
                self.counts.not_written += 1;
                self.fates.called_off(operation.op, &operation.request)?;
            }
            Answer::Unavailable if is_read(&operation.request) => self.counts.unavailable += 1,
            _ if operation.request.is_write() => self.judge_write(now, operation, answer, store)?,
            _ if operation.request.is_of_session() => self.judge_session(operation, answer, store)?,
            _ if operation.pattern.is_some() => self.judge_stream(operation, answer, store)?,
            _ => {
                reads::answered(&self.ledger, self.options, operation, answer, store)?;
                self.count_read(operation, answer);
            }
        }
        Ok(())
    }

    fn judge_write(&mut self, now: Time, operation: &Operation, answer: &Answer, store: u64) -> Verdict {
        let outcome = answer.outcome();
        ensure!(outcome.is_some(), writes::NAME, "{operation} was answered {answer:?}");
        let Some(outcome) = outcome else { return Ok(()) };
        let Checks { ledger, fates, writes, .. } = self;
        let fates: &Fates = fates;
        writes.answered(ledger, fates, Written { op: operation.op, operation, outcome, store })?;
        match outcome {
            Outcome::Set(_) => self.counts.sets += 1,
            Outcome::Deleted(_) | Outcome::Absent => self.counts.dels += 1,
            Outcome::Nop => self.counts.nops += 1,
            Outcome::Txn { .. } => self.counts.txns += 1,
            _ => self.counts.refused += 1,
        }
        self.counts.cores += u64::from(self.available.served(operation.member, operation.asked, now));
        Ok(())
    }

    fn judge_stream(&mut self, operation: &mut Operation, answer: &Answer, store: u64) -> Verdict {
        let is_watch = matches!(operation.request, Request::Watch { .. });
        match answer {
            Answer::Event(event) => {
                events::came(&self.ledger, operation, event)?;
                if is_watch {
                    self.counts.events += 1;
                } else {
                    self.counts.waits += 1;
                }
            }
            Answer::Progress(rev) if is_watch => events::progressed(&self.ledger, operation, *rev)?,
            Answer::TooLate => {
                events::too_late(self.options, operation, store)?;
                self.counts.too_late += 1;
            }
            _ => ensure!(false, events::NAME, "{operation} was answered {answer:?}"),
        }
        ensure!(
            store <= self.ledger.model.revision(),
            events::NAME,
            "{operation} was answered from revision {store}, which nobody has come to"
        );
        Ok(())
    }

    fn count_read(&mut self, operation: &Operation, answer: &Answer) {
        let (Request::Get { at, .. } | Request::List { at, .. }) = &operation.request else { return };
        match (answer, at) {
            (Answer::TooLate, _) => self.counts.too_late += 1,
            (_, ReadAt::Linearizable) => self.counts.linearizable += 1,
            (_, ReadAt::Local { .. }) => self.counts.local += 1,
            (_, ReadAt::Revision(_)) => self.counts.past += 1,
        }
    }
}

fn is_read(request: &Request) -> bool {
    matches!(request, Request::Get { .. } | Request::List { .. })
}
