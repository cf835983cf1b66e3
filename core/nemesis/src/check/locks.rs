//! Locks: what their holders counted on, against each other and against the log.

use std::collections::{BTreeMap, HashMap};

use super::Violation;
use super::log::Log;
use crate::history::{History, Hold};

const RULE: &str = "locks";

pub fn check(history: &History, log: &Log<'_>) -> Result<(), Violation> {
    let mut of_paths: BTreeMap<&str, Vec<&Hold>> = BTreeMap::new();
    for hold in &history.holds {
        granted(hold, log)?;
        of_paths.entry(&hold.path).or_default().push(hold);
    }
    for holds in of_paths.values_mut() {
        holds.sort_by_key(|hold| (hold.from, hold.until));
        holds.windows(2).try_for_each(|pair| one_after_the_other(pair[0], pair[1]))?;
    }
    fenced(history, log)
}

/// The token is the change that gave the lock to this holder, and nobody saw it given away before the holder had counted on
/// it for the last time.
fn granted(hold: &Hold, log: &Log<'_>) -> Result<(), Violation> {
    let Hold { path, token, .. } = hold;
    let broken =
        |what: String| Violation::new(RULE, format!("{hold}: {what}")).revisions(log.near(path, *token));
    let Some(change) = log.change(*token) else {
        return Err(broken("there is no such revision".to_owned()));
    };
    if change.event.path != *path || change.event.value.as_ref() != Some(&hold.label) {
        return Err(broken(format!("that is {}", change.event)));
    }
    match next_change(path, *token, log).and_then(|rev| log.change(rev)) {
        Some(next) if next.at < hold.until => {
            Err(broken(format!("{} was seen at {} us", next.event, next.at)))
        }
        _ => Ok(()),
    }
}

/// Nobody held it beside another, and the later one has the greater token.
fn one_after_the_other(first: &Hold, second: &Hold) -> Result<(), Violation> {
    if first.until < second.from && first.token < second.token {
        return Ok(());
    }
    let what = format!("two holders: {first}, and {second}");
    Err(Violation::new(RULE, what).revisions([first.token, second.token]))
}

/// What was written under a fence was written while the lock was its holder's.
fn fenced(history: &History, log: &Log<'_>) -> Result<(), Violation> {
    let writes =
        history.holds.iter().flat_map(|hold| hold.writes.iter().map(move |value| (value.as_str(), hold)));
    let holds: HashMap<&str, &Hold> = writes.collect();
    for change in log.changes() {
        let event = change.event;
        let Some(hold) = event.value.as_deref().and_then(|value| holds.get(value)) else { continue };
        let holder = log.file(&hold.path, event.rev).map(|(rev, _)| rev);
        if holder != Some(hold.token) {
            let what = format!("{event} was made under the fence of {hold}; the lock was of {holder:?} then");
            let revisions = log.near(&hold.path, event.rev).into_iter().chain([event.rev]);
            return Err(Violation::new(RULE, what).revisions(revisions));
        }
    }
    Ok(())
}

/// The first change of a path behind a revision.
fn next_change(path: &str, rev: i64, log: &Log<'_>) -> Option<i64> {
    log.near(path, rev + 1).into_iter().find(|near| *near > rev)
}
