//! G5: a WAIT brings the first change from its revision on that matches its glob, a WATCH all of them: the log, filtered, in
//! order, without a gap, without a repetition, from whichever member. A client that goes on elsewhere asks from behind the
//! last event that it has, so that its streams, one after the other, are one.

use super::Options;
use super::ledger::Ledger;
use super::operations::Operation;
use super::verdict::{Verdict, ensure};
use crate::history::{Event, OpId};

pub(super) const NAME: &str = "events";

/// A change came. What comes next is behind it.
pub(super) fn came(ledger: &Ledger, operation: &mut Operation, event: &Event) -> Verdict {
    let Event { rev, path, value } = event;
    let change = ledger.model.change_at(*rev).map(|(path, value, _)| (path, value));
    ensure!(
        change.is_some_and(|(at, written)| **at == **path && written == value.as_ref()),
        NAME,
        "{operation} was told of {event:?}, and that change is another one, or not made{}",
        ledger.around(*rev)
    );
    let is_match = operation.pattern.as_ref().is_some_and(|pattern| ledger.model.is_match(pattern, *rev));
    ensure!(is_match, NAME, "{operation} was told of {event:?}, which does not match");
    ensure!(
        *rev >= operation.next,
        NAME,
        "{operation} was told of {event:?}, and waits for changes from {} on",
        operation.next
    );
    complete(ledger, operation, *rev)?;
    operation.next = rev + 1;
    Ok(())
}

/// It was said that everything up to a revision has come.
pub(super) fn progressed(ledger: &Ledger, operation: &mut Operation, rev: u64) -> Verdict {
    ensure!(
        rev <= ledger.model.revision(),
        NAME,
        "{operation} was told that it has everything up to {rev}, and {} is the newest",
        ledger.model.revision()
    );
    complete(ledger, operation, rev + 1)?;
    operation.next = operation.next.max(rev + 1);
    Ok(())
}

/// It ended because what comes next is not kept any more.
pub(super) fn too_late(options: Options, operation: &Operation, store: u64) -> Verdict {
    ensure!(
        operation.next + options.history_revisions_min <= store,
        NAME,
        "{operation} was told that it is too late for revision {}, at {store}; the last {} are kept",
        operation.next,
        options.history_revisions_min
    );
    Ok(())
}

/// At the end, nothing that matches is owed.
pub(super) fn finish(ledger: &Ledger, op: OpId, operation: &Operation) -> Verdict {
    ensure!(operation.pattern.is_some(), NAME, "{op} is no wait and no watch: {operation}");
    complete(ledger, operation, u64::MAX)
}

/// Nothing that matches is missing before `end`.
fn complete(ledger: &Ledger, operation: &Operation, end: u64) -> Verdict {
    let Some(pattern) = &operation.pattern else { return Ok(()) };
    let missed = ledger.model.first_match(pattern, operation.next, end);
    if let Some(missed) = missed {
        ensure!(
            false,
            NAME,
            "{operation} was not told of revision {missed}; it has everything before {}{}",
            operation.next,
            ledger.around(missed)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, caught};
    use super::*;
    use crate::checks::Violation;
    use crate::history::{Answer, Request};

    /// Changes 1 to 6: /a /b /a /c/d /a /b, the last one seen.
    fn story() -> Story {
        let mut story = Story::new(3);
        for (path, value) in [("/a", "1"), ("/b", "2"), ("/a", "3"), ("/c/d", "4"), ("/a", "5"), ("/b", "6")]
        {
            story.write(path, value.as_bytes());
        }
        story
    }

    fn watch(story: &mut Story, glob: &str, from: u64) -> OpId {
        story.ask(&Request::Watch { glob: glob.into(), from })
    }

    fn wait(story: &mut Story, glob: &str, from: u64) -> OpId {
        story.ask(&Request::Wait { glob: glob.into(), from })
    }

    fn tell(story: &mut Story, op: OpId, rev: u64) -> Result<(), Violation> {
        let event = story.event(rev);
        story.answer(op, &Answer::Event(event), rev)
    }

    #[test]
    fn streams_are_the_log_filtered() {
        let mut story = story();
        let (all, a, below) =
            (watch(&mut story, "/**", 0), watch(&mut story, "/a", 2), watch(&mut story, "/c/*", 1));
        for rev in 1..=6 {
            tell(&mut story, all, rev).unwrap();
        }
        for rev in [3, 5] {
            tell(&mut story, a, rev).unwrap();
        }
        tell(&mut story, below, 4).unwrap();
        story.answer(below, &Answer::Progress(6), 6).unwrap();
        // The connection is lost, and another one made, from behind what has come.
        story.answer(all, &Answer::Unknown, 0).unwrap();
        let next = watch(&mut story, "/**", 7);
        assert_eq!(story.set("/b"), 7);
        tell(&mut story, next, 7).unwrap();
        story.finish(&[a, below, next]).unwrap();
        let counts = story.checks.counts();
        assert_eq!((counts.events, counts.watches, counts.streams_complete), (10, 4, 3));
    }

    #[test]
    fn a_wait_brings_the_first_one() {
        let mut story = story();
        for (glob, from, rev) in [("/a", 0, 1), ("/a", 2, 3), ("/*", 4, 5), ("/b", 3, 6)] {
            let op = wait(&mut story, glob, from);
            tell(&mut story, op, rev).unwrap();
        }
        assert_eq!(story.checks.counts().waits, 4);
        let op = wait(&mut story, "/a", 2);
        caught(tell(&mut story, op, 5), NAME);
    }

    #[test]
    fn a_change_that_is_left_out_or_comes_twice_or_out_of_order() {
        for revs in [&[1, 5][..], &[3], &[1, 3, 3], &[1, 3, 1], &[2]] {
            let mut story = story();
            let op = watch(&mut story, "/a", 1);
            let (last, before) = revs.split_last().unwrap();
            before.iter().for_each(|rev| tell(&mut story, op, *rev).unwrap());
            caught(tell(&mut story, op, *last), NAME);
        }
    }

    #[test]
    fn a_change_from_before_or_that_was_never_made() {
        let mut story = story();
        let op = watch(&mut story, "/a", 4);
        caught(tell(&mut story, op, 3), NAME);
        for change in [
            |event: &mut Event| event.rev = 7,
            |event: &mut Event| event.path = "/x".into(),
            |event: &mut Event| event.value = None,
        ] {
            let mut story = self::story();
            let op = watch(&mut story, "/**", 6);
            let mut event = story.event(6);
            change(&mut event);
            caught(story.answer(op, &Answer::Event(event), 6), NAME);
        }
    }

    #[test]
    fn a_mark_that_promises_too_much() {
        let mut story = story();
        let op = watch(&mut story, "/a", 1);
        caught(story.answer(op, &Answer::Progress(1), 6), NAME);
        let op = watch(&mut story, "/x", 1);
        caught(story.answer(op, &Answer::Progress(7), 6), NAME);
        let op = watch(&mut story, "/x", 1);
        story.answer(op, &Answer::Progress(4), 6).unwrap();
        let op = wait(&mut story, "/x", 1);
        caught(story.answer(op, &Answer::Progress(4), 6), NAME);
    }

    #[test]
    fn a_stream_that_is_owed_something_at_the_end() {
        let mut story = story();
        let op = watch(&mut story, "/b", 1);
        tell(&mut story, op, 2).unwrap();
        let violation = caught(story.finish(&[op]), NAME);
        assert!(violation.what.contains("not told of revision 6"), "{violation}");
        let mut story = self::story();
        let op = wait(&mut story, "/c/d", 2);
        caught(story.finish(&[op]), NAME);
    }

    #[test]
    fn too_late_is_only_said_of_what_is_long_gone() {
        let mut story = story();
        let op = wait(&mut story, "/b", 1);
        caught(story.answer(op, &Answer::TooLate, 6), NAME);
        for rev in 7..=110 {
            assert_eq!(story.write("/a", b""), rev);
        }
        let op = wait(&mut story, "/x", 10);
        story.answer(op, &Answer::TooLate, 110).unwrap();
        let op = wait(&mut story, "/x", 11);
        caught(story.answer(op, &Answer::TooLate, 110), NAME);
    }
}
