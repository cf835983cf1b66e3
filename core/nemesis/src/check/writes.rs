//! Writes against the log: what was acknowledged is there, at its revision, once; what was refused is not; what is there
//! was asked for by somebody.

use std::collections::{BTreeMap, HashMap};

use super::log::Log;
use super::{Violation, is_unrecorded};
use crate::history::{Answer, History, Operation, Request};

const RULE: &str = "writes";

/// Which operation made each change that clients made.
pub type Makers = BTreeMap<i64, usize>;

pub fn check(history: &History, log: &Log<'_>) -> Result<Makers, Violation> {
    let mut makers = Makers::new();
    for (index, operation) in history.operations.iter().enumerate() {
        if let Answer::Made(rev) = operation.answer {
            acknowledged(operation, rev, log)
                .map_err(|broken| broken.operations([index]).revisions([rev]))?;
            if let Some(other) = makers.insert(rev, index) {
                let what = format!("two writes were told that they are revision {rev}");
                return Err(Violation::new(RULE, what).operations([other, index]).revisions([rev]));
            }
        }
    }
    let mut by_value: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, operation) in history.operations.iter().enumerate() {
        if let Request::Set { path, value, .. } = &operation.request {
            by_value.insert((path, value), index);
        }
    }
    let mut deletions: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for change in log.changes().iter().filter(|change| !is_unrecorded(&change.event.path)) {
        let rev = change.event.rev;
        match &change.event.value {
            None if !makers.contains_key(&rev) => deletions.entry(&change.event.path).or_default().push(rev),
            None => {}
            Some(value) => {
                let Some(index) = by_value.get(&(change.event.path.as_str(), value.as_str())) else {
                    return Err(
                        Violation::new(RULE, format!("nobody wrote {}", change.event)).revisions([rev])
                    );
                };
                made(history, log, *index, rev, &mut makers)?;
            }
        }
    }
    for (path, revs) in deletions {
        attribute_deletions(history, log, path, &revs, &mut makers)?;
    }
    Ok(makers)
}

/// The log must hold what was acknowledged, and the condition must have held.
fn acknowledged(operation: &Operation, rev: i64, log: &Log<'_>) -> Result<(), Violation> {
    let lost = |found: String| {
        let said = format!("{} was acknowledged as revision {rev}", operation.request);
        Violation::new(RULE, format!("{said}, which is {found}"))
    };
    let Some(change) = log.change(rev) else { return Err(lost("not in the log".to_owned())) };
    let is_it = match &operation.request {
        Request::Set { path, value, .. } => {
            change.event.path == *path && change.event.value.as_ref() == Some(value)
        }
        Request::Del { path, .. } => change.event.path == *path && change.event.value.is_none(),
        Request::Get { .. } | Request::Wait { .. } => false,
    };
    if !is_it {
        return Err(lost(change.event.to_string()));
    }
    match holds(operation, rev, log) {
        true => Ok(()),
        false => Err(lost(format!("against its condition: {}", before(operation.path(), rev, log)))),
    }
}

fn before(path: &str, rev: i64, log: &Log<'_>) -> String {
    match log.file(path, rev - 1) {
        Some((present, _)) => format!("the file was of revision {present} then"),
        None => "there was no file then".to_owned(),
    }
}

/// Whether the condition of a write held right before a revision.
fn holds(operation: &Operation, rev: i64, log: &Log<'_>) -> bool {
    let present = log.file(operation.path(), rev - 1).map_or(0, |(present, _)| present);
    match &operation.request {
        Request::Set { rev: expected, .. } => *expected == -1 || present <= *expected,
        Request::Del { rev: expected, .. } => present != 0 && (*expected == -1 || present <= *expected),
        Request::Get { .. } | Request::Wait { .. } => false,
    }
}

/// A change holds the value of this write, which no other one has.
fn made(
    history: &History,
    log: &Log<'_>,
    index: usize,
    rev: i64,
    makers: &mut Makers,
) -> Result<(), Violation> {
    let operation = &history.operations[index];
    let broken = |what: String| Err(Violation::new(RULE, what).operations([index]).revisions([rev]));
    match &operation.answer {
        Answer::Made(at) if *at == rev => Ok(()),
        Answer::Made(at) => broken(format!("{} is in the log twice: {at} and {rev}", operation.request)),
        Answer::Unknown(_) => {
            if let Some((first, _)) = makers.iter().find(|(_, maker)| **maker == index) {
                return broken(format!("{} is in the log twice: {first} and {rev}", operation.request));
            }
            if !holds(operation, rev, log) {
                let before = before(operation.path(), rev, log);
                return broken(format!("{} is revision {rev}, though {before}", operation.request));
            }
            makers.insert(rev, index);
            Ok(())
        }
        answer => broken(format!("{} was answered \"{answer}\", and is revision {rev}", operation.request)),
    }
}

/// Finds for each deletion that nobody was told of a DEL with an unknown outcome, each for one at most: a matching, by
/// augmenting paths (Kuhn, *The Hungarian Method for the Assignment Problem*, 1955).
fn attribute_deletions(
    history: &History,
    log: &Log<'_>,
    path: &str,
    revs: &[i64],
    makers: &mut Makers,
) -> Result<(), Violation> {
    let unknown: Vec<usize> = (0..history.operations.len())
        .filter(|index| {
            let Operation { request, answer, .. } = &history.operations[*index];
            matches!(request, Request::Del { path: of, .. } if of == path)
                && matches!(answer, Answer::Unknown(_))
        })
        .collect();
    let can_be = |rev: i64, candidate: usize| {
        let operation = &history.operations[unknown[candidate]];
        log.change(rev).is_some_and(|change| operation.called <= change.at) && holds(operation, rev, log)
    };
    let mut given: Vec<Option<usize>> = vec![None; unknown.len()];
    for deletion in 0..revs.len() {
        let mut tried = vec![false; unknown.len()];
        if !augment(deletion, revs, &can_be, &mut given, &mut tried) {
            let rev = revs[deletion];
            let what = format!("nobody deleted {path}, and revision {rev} does");
            return Err(Violation::new(RULE, what).revisions([rev]).operations(unknown));
        }
    }
    for (candidate, deletion) in given.into_iter().enumerate() {
        if let Some(deletion) = deletion {
            makers.insert(revs[deletion], unknown[candidate]);
        }
    }
    Ok(())
}

fn augment(
    deletion: usize,
    revs: &[i64],
    can_be: &impl Fn(i64, usize) -> bool,
    given: &mut Vec<Option<usize>>,
    tried: &mut Vec<bool>,
) -> bool {
    for candidate in 0..given.len() {
        if tried[candidate] || !can_be(revs[deletion], candidate) {
            continue;
        }
        tried[candidate] = true;
        let is_free = match given[candidate] {
            None => true,
            Some(other) => augment(other, revs, can_be, given, tried),
        };
        if is_free {
            given[candidate] = Some(deletion);
            return true;
        }
    }
    false
}
