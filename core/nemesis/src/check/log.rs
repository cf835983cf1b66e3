//! The log, as the watches of all members saw it, and the tree at each of its revisions.

use std::collections::HashMap;

use super::Violation;
use crate::history::{Event, History, Micros, Stream};

const RULE: &str = "events";

/// All changes, by revision.
#[derive(Debug, Default)]
pub struct Log<'a> {
    changes: Vec<Seen<'a>>,
    /// The revisions that changed each path.
    paths: HashMap<&'a str, Vec<i64>>,
}

/// A change, and when anybody saw it first.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub event: &'a Event,
    pub at: Micros,
    /// At which member.
    pub place: usize,
}

/// What a read, or a refusal, says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown<'a> {
    File {
        rev: i64,
        value: &'a str,
    },
    Missing,
    /// There is a file, and its revision is greater.
    NewerThan(i64),
}

impl<'a> Log<'a> {
    /// Every stream is dense, and all of them are of one opinion.
    pub fn of(history: &'a History) -> Result<Log<'a>, Violation> {
        let mut log = Log::default();
        for stream in &history.streams {
            log.add(stream)?;
        }
        for (index, change) in log.changes.iter().enumerate() {
            log.paths.entry(&change.event.path).or_default().push(index as i64 + 1);
        }
        Ok(log)
    }

    fn add(&mut self, stream: &'a Stream) -> Result<(), Violation> {
        let place = stream.place;
        for (index, (at, event)) in stream.events.iter().enumerate() {
            let expected = index as i64 + 1;
            if event.rev != expected {
                let what = format!("the watch at member {place} showed {event} where {expected} had to come");
                return Err(Violation::new(RULE, what).revisions([expected, event.rev]));
            }
            let seen = Seen { event, at: *at, place };
            match self.changes.get_mut(index) {
                None => self.changes.push(seen),
                Some(known) if known.event != event => {
                    let what = format!(
                        "the watch at member {place} showed {event}, that at member {} {}",
                        known.place, known.event
                    );
                    return Err(Violation::new(RULE, what).revisions([expected]));
                }
                Some(known) if known.at > *at => *known = seen,
                Some(_) => {}
            }
        }
        if let Some(error) = stream.errors.first() {
            return Err(Violation::new(RULE, format!("the watch at member {place} was ended: {error}")));
        }
        let last = stream.events.len() as i64;
        match stream.until {
            Some(until) if last < until => {
                let what =
                    format!("the watch at member {place} stood still at {last}; {until} was acknowledged");
                Err(Violation::new(RULE, what).revisions([last, until]))
            }
            _ => Ok(()),
        }
    }

    pub fn newest(&self) -> i64 {
        self.changes.len() as i64
    }

    pub fn change(&self, rev: i64) -> Option<&Seen<'a>> {
        self.changes.get(usize::try_from(rev.checked_sub(1)?).ok()?)
    }

    /// All changes, in order.
    pub fn changes(&self) -> &[Seen<'a>] {
        &self.changes
    }

    /// All paths that ever were.
    pub fn paths(&self) -> impl Iterator<Item = &'a str> {
        self.paths.keys().copied()
    }

    /// The file at a path in the state right after a revision.
    pub fn file(&self, path: &str, at: i64) -> Option<(i64, &'a str)> {
        let revs = self.paths.get(path)?;
        let rev = *revs.get(revs.partition_point(|rev| *rev <= at).checked_sub(1)?)?;
        Some((rev, self.change(rev)?.event.value.as_deref()?))
    }

    /// The first revision from `from` on at which the path is as shown.
    pub fn first_showing(&self, path: &str, shown: Shown<'_>, from: i64) -> Option<i64> {
        let is_so = |at: i64| match (shown, self.file(path, at)) {
            (Shown::Missing, found) => found.is_none(),
            (Shown::File { rev, value }, found) => found == Some((rev, value)),
            (Shown::NewerThan(rev), found) => found.is_some_and(|(present, _)| present > rev),
        };
        let revs = self.paths.get(path).map_or(&[][..], Vec::as_slice);
        let later = &revs[revs.partition_point(|rev| *rev <= from)..];
        [from].into_iter().chain(later.iter().copied()).find(|at| is_so(*at))
    }

    /// The revisions around one that changed this path, to be shown.
    pub fn near(&self, path: &str, rev: i64) -> Vec<i64> {
        let revs = self.paths.get(path).map_or(&[][..], Vec::as_slice);
        let at = revs.partition_point(|known| *known < rev);
        revs[at.saturating_sub(1)..(at + 2).min(revs.len())].to_vec()
    }
}
