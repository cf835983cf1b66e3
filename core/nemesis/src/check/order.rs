//! Real time: what was called after something had returned takes no earlier place, and shows no earlier state (Herlihy, Wing,
//! *Linearizability*, 1990). The order of the writes is the log's, so no order is searched: each read is given the earliest
//! revision that it can have seen, which leaves all others the most room, in the order of the calls. One client's local
//! reads never go backwards, by the same rule within that client.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::Violation;
use super::log::{Log, Shown};
use super::writes::Makers;
use crate::history::{Answer, ClientId, History, Micros, Operation, ReadAt, Request};

/// What an operation says of the order.
enum Place<'a> {
    /// It is this change.
    Made(i64),
    /// It saw this.
    Saw(Shown<'a>),
    /// It has seen a state at least as new, and may have asked for an older one.
    AtLeast(i64),
}

/// How far something had come, and who showed that.
#[derive(Debug, Clone, Copy, Default)]
struct Floor {
    rev: i64,
    by: Witness,
}

#[derive(Debug, Clone, Copy, Default)]
enum Witness {
    #[default]
    Nobody,
    Operation(usize),
    Watch(usize),
}

impl Floor {
    fn raise(&mut self, rev: i64, by: Witness) {
        if rev > self.rev {
            *self = Floor { rev, by };
        }
    }
}

pub fn check(history: &History, log: &Log<'_>, makers: &Makers) -> Result<(), Violation> {
    let made_by: HashMap<usize, i64> = makers.iter().map(|(rev, index)| (*index, *rev)).collect();
    let mut calls: Vec<usize> = (0..history.operations.len()).collect();
    calls.sort_by_key(|index| history.operations[*index].called);
    let mut pass = Pass::new(log, later_writes(history, makers));
    for index in calls {
        let operation = &history.operations[index];
        let Some(place) = place(operation, made_by.get(&index).copied()) else { continue };
        pass.advance(operation.called);
        let rev = pass.put(history, index, &place)?;
        // A write of unknown outcome was not heard of, whenever it was made.
        if !matches!(operation.answer, Answer::Unknown(_)) {
            pass.under_way.push(Reverse((operation.returned, index, rev, operation.client)));
        }
    }
    Ok(())
}

/// None if it says nothing.
fn place(operation: &Operation, made: Option<i64>) -> Option<Place<'_>> {
    let Operation { request, answer, .. } = operation;
    match (request, answer) {
        (Request::Set { .. } | Request::Del { .. }, Answer::Made(_) | Answer::Unknown(_)) => {
            made.map(Place::Made)
        }
        (Request::Set { rev, .. } | Request::Del { rev, .. }, Answer::Mismatch) => {
            Some(Place::Saw(Shown::NewerThan(*rev)))
        }
        (Request::Get { at: ReadAt::Revision(rev), .. }, Answer::File { .. } | Answer::Missing) => {
            Some(Place::AtLeast(*rev))
        }
        (Request::Get { .. }, Answer::File { rev, value }) => {
            Some(Place::Saw(Shown::File { rev: *rev, value }))
        }
        (Request::Get { .. } | Request::Del { .. }, Answer::Missing) => Some(Place::Saw(Shown::Missing)),
        (Request::Wait { .. }, Answer::Change(event)) => Some(Place::AtLeast(event.rev)),
        _ => None,
    }
}

/// One way through all calls.
struct Pass<'a, 'l> {
    log: &'l Log<'a>,
    everyone: Floor,
    clients: HashMap<ClientId, Floor>,
    /// By their ends: which one, what it has shown, and whom.
    under_way: BinaryHeap<Reverse<(Micros, usize, i64, ClientId)>>,
    /// By the time of a call: the least revision of the writes that were called then or later.
    writes: Vec<(Micros, i64)>,
    /// Revisions by the time when a watch showed them first, the last one first.
    watched: Vec<(Micros, i64)>,
}

impl<'a, 'l> Pass<'a, 'l> {
    fn new(log: &'l Log<'a>, writes: Vec<(Micros, i64)>) -> Pass<'a, 'l> {
        let mut watched: Vec<_> = log.changes().iter().map(|seen| (seen.at, seen.event.rev)).collect();
        watched.sort_by_key(|seen| Reverse(*seen));
        Pass {
            log,
            everyone: Floor::default(),
            clients: HashMap::new(),
            under_way: BinaryHeap::new(),
            writes,
            watched,
        }
    }

    /// Takes note of everything that had been shown before this moment.
    fn advance(&mut self, now: Micros) {
        while let Some(Reverse((returned, index, rev, client))) = self.under_way.peek().copied()
            && returned < now
        {
            self.under_way.pop();
            self.everyone.raise(rev, Witness::Operation(index));
            self.clients.entry(client).or_default().raise(rev, Witness::Operation(index));
        }
        while let Some((at, rev)) = self.watched.last().copied()
            && at < now
        {
            self.watched.pop();
            let place = self.log.change(rev).map_or(0, |seen| seen.place);
            self.everyone.raise(rev, Witness::Watch(place));
        }
    }

    /// The least revision of the writes that were called after this moment: whatever had returned shows none of them.
    fn first_later(&self, moment: Micros) -> i64 {
        let first = self.writes.partition_point(|(called, _)| *called <= moment);
        self.writes.get(first).map_or(i64::MAX, |(_, rev)| *rev)
    }

    /// The earliest revision that it can have been at.
    fn put(&self, history: &History, index: usize, place: &Place<'_>) -> Result<i64, Violation> {
        let operation = &history.operations[index];
        let is_local = matches!(operation.request, Request::Get { at: ReadAt::Local, .. });
        let floor = match is_local {
            true => self.clients.get(&operation.client).copied().unwrap_or_default(),
            false => self.everyone,
        };
        match *place {
            Place::AtLeast(rev) => Ok(rev.min(self.log.newest())),
            Place::Made(rev) if rev > floor.rev => Ok(rev),
            Place::Made(rev) => {
                let said = format!("{} is revision {rev}", operation.request);
                Err(late("real time", said, index, floor).revisions([rev]))
            }
            Place::Saw(shown) => {
                let path = operation.path();
                let said = format!("{} was answered \"{}\"", operation.request, operation.answer);
                match self.log.first_showing(path, shown, floor.rev) {
                    Some(rev) if rev < self.first_later(operation.returned) => return Ok(rev),
                    // It was so again later, by a write that nobody had asked for yet: or it never was.
                    Some(_) | None => {}
                }
                if self.log.first_showing(path, shown, 0).is_none() {
                    let what = format!("{said}, which {path} never was");
                    return Err(Violation::new("reads", what).operations([index]).revisions(of(shown)));
                }
                let rule = if is_local { "one client's reads" } else { "real time" };
                Err(late(rule, said, index, floor)
                    .revisions(of(shown))
                    .revisions(self.log.near(path, floor.rev)))
            }
        }
    }
}

/// For each write, by its call: the least revision of it and all that were called later.
fn later_writes(history: &History, makers: &Makers) -> Vec<(Micros, i64)> {
    let called = makers.iter().map(|(rev, index)| (history.operations[*index].called, *rev));
    let mut writes: Vec<(Micros, i64)> = called.collect();
    writes.sort_unstable();
    let mut least = i64::MAX;
    for (_, rev) in writes.iter_mut().rev() {
        least = least.min(*rev);
        *rev = least;
    }
    writes
}

fn of(shown: Shown<'_>) -> Option<i64> {
    match shown {
        Shown::File { rev, .. } => Some(rev),
        Shown::Missing | Shown::NewerThan(_) => None,
    }
}

fn late(rule: &'static str, said: String, index: usize, floor: Floor) -> Violation {
    let rev = floor.rev;
    let (by, witness) = match floor.by {
        Witness::Nobody => (String::new(), None),
        Witness::Operation(other) => (" by an operation that had returned".to_owned(), Some(other)),
        Witness::Watch(place) => (format!(" by the watch at member {place}"), None),
    };
    let what = format!("{said}; revision {rev} had been shown{by} before it was called");
    Violation::new(rule, what).operations(witness.into_iter().chain([index])).revisions([rev])
}
