//! Waits and reads of a revision against the log, and what no member may answer.

use doozer_store::Glob;

use super::Violation;
use super::log::Log;
use crate::history::{Answer, History, Operation, ReadAt, Request};

pub fn check(history: &History, log: &Log<'_>) -> Result<(), Violation> {
    for (index, operation) in history.operations.iter().enumerate() {
        checked(operation, log).map_err(|broken| broken.operations([index]))?;
    }
    Ok(())
}

fn checked(operation: &Operation, log: &Log<'_>) -> Result<(), Violation> {
    match (&operation.request, &operation.answer) {
        (_, Answer::Wrong(what)) => {
            Err(Violation::new("answers", format!("{} was answered {what}", operation.request)))
        }
        (Request::Set { rev: -1, .. } | Request::Del { rev: -1, .. }, Answer::Mismatch) => {
            let what = format!("{}, which goes for whatever there is, was refused", operation.request);
            Err(Violation::new("answers", what))
        }
        (Request::Get { path, at: ReadAt::Revision(rev) }, answer) => past(path, (*rev).max(1), answer, log),
        (Request::Wait { glob, rev }, Answer::Change(event)) => {
            let glob = Glob::parse(glob.as_bytes())
                .map_err(|error| Violation::new("waits", format!("{glob} is no glob: {error}")))?;
            let first = usize::try_from((*rev).max(1) - 1).unwrap_or_default();
            let rest = log.changes().get(first..).unwrap_or_default();
            let expected = rest.iter().find(|seen| glob.matches(&seen.event.path)).map(|seen| seen.event);
            if expected == Some(event) {
                return Ok(());
            }
            let expected = expected.map_or("nothing".to_owned(), ToString::to_string);
            let what = format!("{} was answered {event}; the log has {expected}", operation.request);
            Err(Violation::new("waits", what).revisions([event.rev]))
        }
        _ => Ok(()),
    }
}

/// A read of a revision shows exactly that state.
fn past(path: &str, rev: i64, answer: &Answer, log: &Log<'_>) -> Result<(), Violation> {
    let found = match answer {
        Answer::File { rev, value } => Some((*rev, value.as_str())),
        Answer::Missing => None,
        _ => return Ok(()),
    };
    let expected = log.file(path, rev);
    if found == expected && rev <= log.newest() {
        return Ok(());
    }
    let what = format!("GET {path} at {rev} was answered \"{answer}\"; the log has {expected:?}");
    Err(Violation::new("past reads", what).revisions(log.near(path, rev)))
}
