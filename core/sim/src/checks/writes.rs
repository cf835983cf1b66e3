//! G1: SETs and DELs are strictly serializable in the order of their revisions. A write that was answered with a revision
//! is that very change; it was allowed by the state right before it; and it comes after everything that anybody had seen
//! when it was sent. (Herlihy, Wing, *Linearizability*, 1990, section 2: an order of all operations that each could have
//! seen alone, and that keeps the order of those that do not overlap. The order is the log, so it need not be searched.)

use std::collections::BTreeMap;

use super::fates::Fates;
use super::ledger::{Ledger, shown};
use super::operations::Operation;
use super::verdict::{Verdict, ensure};
use crate::history::{OpId, Outcome, Refusal, Request, op_of};

pub(super) const NAME: &str = "writes";

/// Which operation was told of each change as its own.
#[derive(Debug, Default)]
pub(super) struct Writes {
    claimed: BTreeMap<u64, OpId>,
}

/// A write that was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub op: OpId,
    pub operation: &'a Operation,
    pub outcome: Outcome,
    /// The store's revision in the answer.
    pub store: u64,
}

impl Writes {
    pub fn answered(&mut self, ledger: &Ledger, fates: &Fates, written: Written<'_>) -> Verdict {
        let Written { op, operation, outcome, store } = written;
        ensure!(fits(&operation.request, outcome), NAME, "{operation} was answered {outcome:?}");
        ensure!(
            store >= operation.observed && store <= ledger.model.revision(),
            NAME,
            "{operation} was answered {outcome:?} at revision {store}; {} had been seen when it was sent, {} is the newest",
            operation.observed,
            ledger.model.revision()
        );
        if let Some(rev) = outcome.change() {
            self.changed(ledger, written, rev)?;
        }
        ensure!(
            outcome.first_change().is_none_or(|rev| rev > operation.observed),
            NAME,
            "{operation} was answered {outcome:?}, and {} had been seen when it was sent",
            operation.observed
        );
        match fates.of(op) {
            Some(taken) => ensure!(
                taken.outcome == outcome && taken.before >= operation.observed,
                NAME,
                "{operation} was answered {outcome:?}, and the log made of it {taken:?}; {} had been seen when it was sent",
                operation.observed
            ),
            None => explained(ledger, written)?,
        }
        Ok(())
    }

    fn changed(&mut self, ledger: &Ledger, written: Written<'_>, rev: u64) -> Verdict {
        let Written { op, operation, outcome, store } = written;
        ensure!(
            rev > operation.observed && rev <= store,
            NAME,
            "{operation} was answered {outcome:?} at revision {store}, and {} had been seen when it was sent{}",
            operation.observed,
            ledger.around(rev)
        );
        let (path, value) = match &operation.request {
            Request::Set { path, value, .. } => (path, Some(value)),
            Request::Del { path, .. } => (path, None),
            _ => return Ok(()),
        };
        let change = ledger.model.change_at(rev).map(|(path, value, _)| (path, value));
        ensure!(
            change.is_some_and(|(at, written)| **at == **path && written == value),
            NAME,
            "{operation} was answered {outcome:?}, and that change is another one{}",
            ledger.around(rev)
        );
        let expected = judged(ledger, &operation.request, rev - 1);
        ensure!(
            expected == outcome,
            NAME,
            "{operation} was answered {outcome:?}, and could not be made where it stands: {expected:?}{}",
            ledger.around(rev)
        );
        let first = *self.claimed.entry(rev).or_insert(op);
        ensure!(
            first == op,
            NAME,
            "{operation} was told of revision {rev} as its own, which was that of {first}"
        );
        Ok(())
    }
}

/// A write that changed nothing, or whose value does not tell whose it is: some state that was the newest one between its
/// being sent and its answer allows for it.
fn explained(ledger: &Ledger, written: Written<'_>) -> Verdict {
    let Written { operation, outcome, store, .. } = written;
    let is_own = match &operation.request {
        Request::Set { value, .. } => op_of(value).is_some(),
        request => matches!(request, Request::Txn(_)),
    };
    // What no state would allow need not be put in the log; nor is a change of voters that its proposer refuses.
    let is_hopeless =
        matches!(outcome, Outcome::Refused(Refusal::BadPath | Refusal::TooLarge | Refusal::Voters));
    ensure!(!is_own || is_hopeless, NAME, "{operation} was answered {outcome:?}, and is nowhere in the log");
    let is_explained = match (outcome, &operation.request) {
        (Outcome::Set(_) | Outcome::Deleted(_) | Outcome::Nop, _) => true,
        (Outcome::Refused(Refusal::Voters), Request::Set { path, .. } | Request::Del { path, .. }) => {
            path == "/ctl/cal" || path.starts_with("/ctl/cal/")
        }
        (_, request) => (operation.observed..=store).rev().any(|at| judged(ledger, request, at) == outcome),
    };
    ensure!(
        is_explained,
        NAME,
        "{operation} was answered {outcome:?}, and no state from {} to {store} gives a reason{}",
        operation.observed,
        ledger.around(store)
    );
    Ok(())
}

/// What a write comes to in the state at a revision.
fn judged(ledger: &Ledger, request: &Request, at: u64) -> Outcome {
    match request {
        Request::Set { path, rev, value } => ledger.model.set(path, *rev, value, at),
        Request::Del { path, rev } => ledger.model.del(path, *rev, at),
        _ => Outcome::Nop,
    }
}

fn fits(request: &Request, outcome: Outcome) -> bool {
    matches!(
        (request, outcome),
        (Request::Set { .. }, Outcome::Set(_) | Outcome::Refused(_))
            | (Request::Del { .. }, Outcome::Deleted(_) | Outcome::Absent | Outcome::Refused(_))
            | (Request::Nop, Outcome::Nop)
            | (
                Request::Txn(_),
                Outcome::Txn { .. } | Outcome::Unequal(_) | Outcome::TxnRefused(..) | Outcome::Refused(_)
            )
    )
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Operation { op, client, member, asked, .. } = self;
        write!(f, "{op} (")?;
        match &self.request {
            Request::Set { path, rev, value } => write!(f, "SET {path} {rev} {}", shown(value))?,
            other => write!(f, "{other:?}")?,
        }
        write!(f, ", asked by {client} of {member} at {asked})")
    }
}

#[cfg(test)]
mod tests {
    use doozer_store::Command;

    use super::super::story::{Made, Story, caught};
    use super::*;
    use crate::history::{Answer, Effect, value_of};

    fn del(story: &mut Story, path: &str, rev: i64) -> (OpId, Made) {
        let op = story.ask(&Request::Del { path: path.into(), rev });
        let command = story.numbered(Command::Del { path, rev });
        (op, story.decide(vec![command]))
    }

    #[test]
    fn writes_as_they_should_be() {
        let mut story = Story::new(3);
        assert_eq!(story.set("/a"), 1);
        let (op, command) = story.ask_set("/a", 0);
        story.decide(vec![command]);
        story.answer(op, &Answer::Refused(Refusal::RevMismatch), 1).unwrap();
        let (op, made) = del(&mut story, "/a", 1);
        story.answer(op, &Answer::Deleted(2), made.after).unwrap();
        let (op, made) = del(&mut story, "/a", -1);
        story.answer(op, &Answer::Absent, made.after).unwrap();
        let op = story.ask(&Request::Nop);
        let command = story.numbered(Command::Nop);
        story.decide(vec![command]);
        story.answer(op, &Answer::Nop, 2).unwrap();
        let (op, _) = story.ask_set("/never", -1);
        story.answer(op, &Answer::NotWritten, 0).unwrap();
        let (op, _) = story.ask_set("/who-knows", -1);
        story.answer(op, &Answer::Unknown, 0).unwrap();
        let (op, _) = story.ask_set("//", -1);
        story.answer(op, &Answer::Refused(Refusal::BadPath), 2).unwrap();
        let counts = story.checks.counts();
        let writes =
            (counts.sets, counts.dels, counts.nops, counts.refused, counts.not_written, counts.unknown);
        assert_eq!(writes, (1, 2, 1, 2, 1, 1));
        assert_eq!(counts.operations(), 7);
        story.finish(&[]).unwrap();
    }

    #[test]
    fn an_answer_with_the_revision_of_another_change() {
        let mut story = Story::new(3);
        let (op, command) = story.ask_set("/a", -1);
        let other = story.numbered(Command::Set { path: "/a", rev: -1, value: b"other" });
        story.decide(vec![command, other]);
        let violation = caught(story.answer(op, &Answer::Set(2), 2), NAME);
        assert!(violation.what.contains("1  /a  value of op 1"), "{violation}");
        let mut story = Story::new(3);
        let (op, _) = story.ask_set("/a", -1);
        caught(story.answer(op, &Answer::Set(1), 1), NAME);
    }

    #[test]
    fn a_change_that_two_were_told_of() {
        let mut story = Story::new(3);
        story.set("/a");
        let second = story.ask(&Request::Del { path: "/a".into(), rev: -1 });
        let (first, _) = del(&mut story, "/a", -1);
        story.answer(first, &Answer::Deleted(2), 2).unwrap();
        caught(story.answer(second, &Answer::Deleted(2), 2), NAME);
    }

    #[test]
    fn a_write_before_something_that_had_been_seen() {
        let mut story = Story::new(3);
        story.set("/a");
        let stale = story.numbered(Command::Del { path: "/a", rev: -1 });
        let early = story.ask(&Request::Del { path: "/a".into(), rev: -1 });
        story.decide(vec![stale]);
        story.answer(early, &Answer::Unknown, 0).unwrap();
        story.set("/b");
        let op = story.ask(&Request::Del { path: "/a".into(), rev: -1 });
        caught(story.answer(op, &Answer::Deleted(2), 3), NAME);
        let op = story.ask(&Request::Nop);
        caught(story.answer(op, &Answer::Nop, 2), NAME);
    }

    #[test]
    fn a_write_that_its_revision_did_not_allow() {
        let mut story = Story::new(3);
        story.set("/a");
        // The command that was put in the log is not the one that was asked for.
        let op = story.ask(&Request::Del { path: "/a".into(), rev: 0 });
        story.ask(&Request::Del { path: "/a".into(), rev: -1 });
        let command = story.numbered(Command::Del { path: "/a", rev: -1 });
        story.decide(vec![command]);
        caught(story.answer(op, &Answer::Deleted(2), 2), NAME);
    }

    #[test]
    fn a_refusal_without_a_reason() {
        let mut story = Story::new(3);
        story.set("/a");
        for (answer, rev) in [
            (Answer::Refused(Refusal::RevMismatch), 1),
            (Answer::Refused(Refusal::IsDir), -1),
            (Answer::Refused(Refusal::Voters), -1),
            (Answer::Absent, -1),
        ] {
            let op = story.ask(&Request::Del { path: "/a".into(), rev });
            caught(story.answer(op, &answer, 1), NAME);
        }
        let (op, command) = story.ask_set("/a", -1);
        story.decide(vec![command]);
        caught(story.answer(op, &Answer::Refused(Refusal::RevMismatch), 2), NAME);
        let (op, _) = story.ask_set("/a", 0);
        caught(story.answer(op, &Answer::Refused(Refusal::RevMismatch), 2), NAME);
    }

    #[test]
    fn a_refusal_may_be_explained_by_any_state_since_it_was_sent() {
        let mut story = Story::new(3);
        let op = story.ask(&Request::Del { path: "/a".into(), rev: 0 });
        assert_eq!((story.write("/a", b""), story.write("/b", b"")), (1, 2));
        let command = story.numbered(Command::Del { path: "/a", rev: 0 });
        story.decide(vec![command]);
        story.ask(&Request::Del { path: "/a".into(), rev: 1 });
        let command = story.numbered(Command::Del { path: "/a", rev: 1 });
        story.decide(vec![command]);
        story.answer(op, &Answer::Refused(Refusal::RevMismatch), 3).unwrap();
    }

    #[test]
    fn what_was_surely_not_written_is_never_found() {
        for is_told_first in [true, false] {
            let mut story = Story::new(3);
            let (op, command) = story.ask_set("/a", -1);
            let made = story.form(vec![command], None);
            (0..3).for_each(|member| story.keep(member, &made).unwrap());
            if is_told_first {
                story.answer(op, &Answer::NotWritten, 0).unwrap();
                caught(story.apply(0, &made), NAME);
            } else {
                story.apply(0, &made).unwrap();
                caught(story.answer(op, &Answer::NotWritten, 0), NAME);
            }
        }
        let mut story = Story::new(3);
        let (op, _) = del(&mut story, "/a", -1);
        caught(story.answer(op, &Answer::NotWritten, 0), NAME);
    }

    #[test]
    fn nothing_is_made_up() {
        for (path, value) in
            [("/a", value_of(OpId(77), 0)), ("/b", value_of(OpId(1), 0)), ("/a", value_of(OpId(1), 9))]
        {
            let mut story = Story::new(3);
            story.ask_set("/a", -1);
            let command = super::super::story::numbered(0, 1, Command::Set { path, rev: -1, value: &value });
            let made = story.form(vec![command], None);
            (0..3).for_each(|member| story.keep(member, &made).unwrap());
            assert_eq!(made.effects, [Effect::Done(Outcome::Set(1))]);
            caught(story.apply(0, &made), NAME);
        }
    }

    #[test]
    fn an_answer_of_another_kind() {
        for answer in [Answer::Nop, Answer::Deleted(1), Answer::Missing, Answer::TooLate, Answer::Unavailable]
        {
            let mut story = Story::new(3);
            let (op, command) = story.ask_set("/a", -1);
            story.decide(vec![command]);
            caught(story.answer(op, &answer, 1), NAME);
        }
    }
}
