//! G8: a session's command has an effect at most once, one answer, and none once its session has ended; what was said to be
//! not made is not made; and nobody is left in doubt whose session lives. (Ongaro, *Consensus: Bridging Theory and
//! Practice*, 2014, section 6.3.)

use std::collections::BTreeMap;

use bytes::Bytes;
use doozer_store::{Command, SessionId};

use super::fates::Fates;
use super::ledger::Ledger;
use super::once::{NAME, again};
use super::operations::Operation;
use super::verdict::{Verdict, ensure};
use crate::history::{Answer, Effect, Numbered, Outcome, Refusal, Request, Settled};
use crate::model::{Model, Step};

/// What became of every session's commands.
#[derive(Debug, Default)]
pub(super) struct Commands(BTreeMap<(SessionId, u64), Known>);

#[derive(Debug, Default)]
struct Known {
    /// In order: a queued SET waits first.
    outcomes: Vec<Outcome>,
    /// What a member said of it first.
    said: Option<Outcome>,
    /// It was taken back.
    is_left: bool,
}

/// Before the rules have their say: a command that counted has no effect once more.
pub(super) fn duplicate(model: &Model, command: &Bytes, effect: Effect) -> Verdict {
    let (Ok(Command::By(by)), Effect::Done(outcome)) = (Command::decode(command), effect) else {
        return Ok(());
    };
    let is_again = by.sequence <= model.last_of(&by.session);
    let is_effective = outcome.first_change().is_some_and(|rev| rev > model.revision());
    again(!is_again || !is_effective, || {
        format!("command {} of session {} counts once more: {outcome:?}", by.sequence, by.session)
    })
}

impl Commands {
    /// A command of the log was applied, and brought this.
    pub fn applied(&mut self, command: &Bytes, step: &Step, outcome: Outcome) -> Verdict {
        if let Some((session, sequence)) = step.by {
            let known = self.0.entry((session, sequence)).or_default();
            again(known.outcomes.is_empty(), || {
                format!("command {sequence} of session {session} counts twice: {known:?}, {outcome:?}")
            })?;
            known.outcomes.push(outcome);
        }
        if let (Ok(Command::Leave { session, sequence, .. }), Outcome::Left) =
            (Command::decode(command), outcome)
        {
            self.0.entry((session, sequence)).or_default().is_left = true;
        }
        Ok(())
    }

    /// What became of those who waited.
    pub fn settled(&mut self, settled: &[Settled]) {
        for Settled { session, sequence, outcome } in settled {
            self.0.entry((*session, *sequence)).or_default().outcomes.push(*outcome);
        }
    }

    /// A member says what became of a command, whether its client hears that or not.
    pub fn said(&mut self, operation: &Operation, numbered: &Numbered, answer: &Answer) -> Verdict {
        let Some(outcome) = answer.outcome().filter(|outcome| is_counted(*outcome)) else { return Ok(()) };
        let known = self.0.get_mut(&(numbered.session, numbered.sequence));
        let is_known = known.as_ref().is_some_and(|known| known.tells(outcome));
        ensure!(
            is_known,
            NAME,
            "it was said of {operation} that it came to {outcome:?}, and there is {known:?}"
        );
        let Some(known) = known else { return Ok(()) };
        let first = *known.said.get_or_insert(outcome);
        ensure!(
            first == outcome || known.is_left,
            NAME,
            "it was said of {operation} that it came to {outcome:?}, and before that, to {first:?}"
        );
        Ok(())
    }

    /// A client has the answer to its command.
    pub fn answered(
        &self,
        ledger: &Ledger,
        fates: &mut Fates,
        operation: &Operation,
        numbered: &Numbered,
        answer: &Answer,
        store: u64,
    ) -> Verdict {
        let known = self.0.get(&(numbered.session, numbered.sequence));
        let is_open = ledger.model.is_open(&numbered.session);
        let Some(outcome) = answer.outcome() else {
            ensure!(!is_open, NAME, "{operation} was given up, {answer:?}, and its session lives");
            return Ok(());
        };
        if outcome == Outcome::Refused(Refusal::NoSession) {
            ensure!(!is_open, NAME, "{operation} was told that its session ended, and it lives");
            // Who waited may have had its turn, and lost it with the session.
            if operation.sent == 1 && !numbered.is_queued {
                ensure!(known.is_none(), NAME, "{operation} was told that it was not made: {known:?}");
                return fates.called_off(operation.op, &numbered.write);
            }
            return Ok(());
        }
        ensure!(
            is_counted(outcome) && known.is_some_and(|known| known.tells(outcome)),
            NAME,
            "{operation} was answered {outcome:?}, and came to {known:?}"
        );
        let is_new = outcome.first_change().is_none_or(|rev| rev > operation.observed && rev <= store);
        ensure!(
            is_new && store >= operation.observed && store <= ledger.model.revision(),
            NAME,
            "{operation} was answered {outcome:?} at revision {store}; {} had been seen when it was sent",
            operation.observed
        );
        if outcome == Outcome::Nop && *numbered.write != Request::Nop {
            ensure!(operation.is_given_up, NAME, "{operation} was answered as a NOP is");
            return fates.called_off(operation.op, &numbered.write);
        }
        ensure!(fits(numbered, outcome), NAME, "{operation} was answered {outcome:?}");
        Ok(())
    }
}

impl Known {
    fn tells(&self, outcome: Outcome) -> bool {
        self.outcomes.contains(&outcome) || (outcome == Outcome::Left && self.is_left)
    }
}

/// Whether an answer is a command's own, and uses up its number.
pub(crate) fn is_counted(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Queued
            | Outcome::Refused(
                Refusal::NoSession
                    | Refusal::OutOfOrder
                    | Refusal::AnswerGone
                    | Refusal::Bounds
                    | Refusal::Voters
            )
    )
}

fn fits(numbered: &Numbered, outcome: Outcome) -> bool {
    let is_left = outcome == Outcome::Left && numbered.is_queued;
    is_left
        || matches!(
            (&*numbered.write, outcome),
            (_, Outcome::Refused(_))
                | (Request::Set { .. }, Outcome::Set(_))
                | (Request::Del { .. }, Outcome::Deleted(_) | Outcome::Absent)
                | (Request::Nop, Outcome::Nop)
                | (Request::Txn(_), Outcome::Txn { .. } | Outcome::Unequal(_) | Outcome::TxnRefused(..))
        )
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, caught};
    use super::*;

    fn del(path: &str) -> Request {
        Request::Del { path: path.to_owned(), rev: -1 }
    }

    #[test]
    fn sent_twice_it_counts_once_and_is_answered_alike() {
        let mut story = Story::new(3);
        let one = story.open(1);
        story.write("/a", b"");
        let (op, command) = story.by(one, 1, del("/a"), false);
        let again = story.numbered(Command::decode(&command[41..]).unwrap());
        let made = story.decide(vec![command, again]);
        assert_eq!(made.effects, [Effect::Done(Outcome::Deleted(2)); 2]);
        let now = story.now;
        story.checks.said(now, op, &Answer::Deleted(2)).unwrap();
        caught(story.checks.said(now, op, &Answer::Absent), NAME);
        story.answer(op, &Answer::Deleted(2), 2).unwrap();
        assert_eq!(story.checks.counts().numbered, 1);
    }

    #[test]
    fn a_copy_that_has_an_effect() {
        let mut story = Story::new(3);
        let one = story.open(1);
        story.write("/a", b"");
        let (_, command) = story.by(one, 1, del("/a"), false);
        let again = story.numbered(Command::decode(&command[41..]).unwrap());
        let mut made = story.kept(vec![command, again]);
        made.effects[1] = Effect::Done(Outcome::Deleted(3));
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn an_answer_that_it_did_not_come_to() {
        for answer in [Answer::Absent, Answer::Nop, Answer::Refused(Refusal::AnswerGone)] {
            let mut story = Story::new(3);
            let one = story.open(1);
            story.write("/a", b"");
            let (op, command) = story.by(one, 1, del("/a"), false);
            story.decide(vec![command]);
            caught(story.answer(op, &answer, 2), NAME);
        }
    }

    #[test]
    fn nobody_is_left_in_doubt_whose_session_lives() {
        for answer in [Answer::Unknown, Answer::Refused(Refusal::NoSession)] {
            let mut story = Story::new(3);
            let one = story.open(1);
            let (op, _) = story.by(one, 1, del("/a"), false);
            caught(story.answer(op, &answer, 0), NAME);
            let mut story = Story::new(3);
            let one = story.open(1);
            let close = story.ask(&Request::Close { session: one });
            let ended = story.numbered(Command::Close { session: one });
            story.decide(vec![ended]);
            story.answer(close, &Answer::Became(Outcome::Closed), 0).unwrap();
            let (op, _) = story.by(one, 1, del("/a"), false);
            story.answer(op, &answer, 0).unwrap();
        }
    }

    #[test]
    fn what_was_given_up_is_not_made_any_more() {
        for is_given_up in [true, false] {
            let mut story = Story::new(3);
            let one = story.open(1);
            let nop = story.numbered(Command::By(doozer_store::By::new(one, 1, 0, b"\x03")));
            let (op, command) = story.by(one, 1, del("/a"), false);
            if !is_given_up {
                story.ask(&Request::Nop);
                story.decide(vec![nop, command]);
                caught(story.answer(op, &Answer::Nop, 0), NAME);
                continue;
            }
            story.checks.given_up(op);
            let made = story.decide(vec![nop, command]);
            assert_eq!(made.effects, [Effect::Done(Outcome::Nop); 2]);
            story.answer(op, &Answer::Nop, 0).unwrap();
        }
    }
}
