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
