//! What clients ask for: a few files that all of them write, many that are written now and then, and requests that are
//! wrong on purpose.
//! Never here: when they ask, or what is answered.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::history::{OpId, ReadAt, Request, value_of};
use crate::plan::Plan;
use crate::random::Random;

/// The cluster's largest value in a simulation: small, so that values over it cost little.
pub const VALUE_BYTES_MAX: usize = 2_000;

/// What a client knows when it asks.
#[derive(Debug, Default)]
pub struct Known {
    /// The greatest revision of the store that it has seen.
    pub revision: u64,
    /// The revisions of files as it last saw them.
    files: BTreeMap<String, u64>,
}

impl Known {
    /// The store is, or was, at this revision.
    pub fn saw(&mut self, revision: u64) {
        self.revision = self.revision.max(revision);
    }

    /// A file is, or was, at this revision.
    pub fn saw_file(&mut self, path: &str, revision: u64) {
        match self.files.get_mut(path) {
            Some(known) => *known = revision,
            None => drop(self.files.insert(path.to_owned(), revision)),
        }
    }
}

/// Draws requests.
#[derive(Debug, Clone)]
pub struct Workload {
    hot_paths: u64,
    cold_paths: u64,
    write_percent: u64,
    wait_percent: u64,
}

impl Workload {
    /// As the plan says.
    pub fn new(plan: &Plan) -> Workload {
        let Plan { hot_paths, cold_paths, write_percent, wait_percent, .. } = *plan;
        Workload { hot_paths: hot_paths.max(1), cold_paths: cold_paths.max(1), write_percent, wait_percent }
    }

    /// The next request of a client.
    pub fn draw(&self, op: OpId, known: &Known, random: &mut Random) -> Request {
        let percent = random.below(100);
        if percent < self.write_percent {
            self.draw_write(op, known, random)
        } else if percent < self.write_percent + self.wait_percent {
            let from = self.draw_from(known, random);
            let glob = self.draw_glob(random);
            if random.one_in(3) { Request::Watch { glob, from } } else { Request::Wait { glob, from } }
        } else {
            self.draw_read(known, random)
        }
    }

    fn draw_write(&self, op: OpId, known: &Known, random: &mut Random) -> Request {
        let path = if random.one_in(50) { self.draw_odd_path(random) } else { self.draw_path(random) };
        let rev = match random.below(10) {
            0..=4 => -1,
            5 => 0,
            6 => random.between(0, known.revision) as i64,
            _ => known.files.get(&path).map_or(0, |rev| *rev as i64),
        };
        match random.below(20) {
            0..=2 => Request::Del { path, rev },
            3 => Request::Nop,
            _ => Request::Set { path, rev, value: draw_value(op, random) },
        }
    }

    fn draw_read(&self, known: &Known, random: &mut Random) -> Request {
        let at = match random.below(10) {
            0..=4 => ReadAt::Linearizable,
            5..=7 => ReadAt::Local { min_rev: if random.one_in(4) { 0 } else { known.revision } },
            8 => ReadAt::Revision(random.between(1, known.revision.max(1))),
            // One that was, or is yet to come.
            _ => ReadAt::Revision(known.revision.max(1) + random.below(4)),
        };
        if random.one_in(8) {
            return Request::List { glob: self.draw_glob(random), at };
        }
        let path = if random.one_in(50) { self.draw_odd_path(random) } else { self.draw_path(random) };
        Request::Get { path, at }
    }

    fn draw_path(&self, random: &mut Random) -> String {
        if random.one_in(3) {
            format!("/cold/{}/f", random.below(self.cold_paths))
        } else {
            format!("/hot/{}", random.below(self.hot_paths))
        }
    }

    /// A directory, or something below a file.
    fn draw_odd_path(&self, random: &mut Random) -> String {
        match random.below(4) {
            0 => "/hot".to_owned(),
            1 => format!("/cold/{}", random.below(self.cold_paths)),
            2 => format!("/hot/{}/below", random.below(self.hot_paths)),
            _ => "/hot//bad".to_owned(),
        }
    }

    fn draw_glob(&self, random: &mut Random) -> String {
        match random.below(6) {
            0 => "/**".to_owned(),
            1 => "/hot/*".to_owned(),
            2 => format!("/cold/{}?/*", random.below(10)),
            3 => "/c*/*/f".to_owned(),
            _ => self.draw_path(random),
        }
    }

    /// Mostly what comes next, now and then what was.
    fn draw_from(&self, known: &Known, random: &mut Random) -> u64 {
        match random.below(10) {
            0 => random.between(1, known.revision.max(1)),
            1 => known.revision + random.below(5),
            2..=5 => known.revision.saturating_sub(random.below(20)).max(1),
            _ => known.revision + 1,
        }
    }
}

/// A value that no other operation writes.
fn draw_value(op: OpId, random: &mut Random) -> Bytes {
    let bytes = match random.below(100) {
        0 => VALUE_BYTES_MAX + 1,
        1..=3 => VALUE_BYTES_MAX,
        4..=30 => random.below(300) as usize,
        _ => 0,
    };
    value_of(op, bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn everything_is_drawn() {
        let plan = Plan::of(1, "write_percent=40,wait_percent=10,hot_paths=2,cold_paths=20").unwrap();
        let (workload, mut random) = (Workload::new(&plan), Random::new(1));
        let mut known = Known::default();
        known.saw(40);
        known.saw_file("/hot/1", 17);
        let drawn: Vec<Request> =
            (0..10_000).map(|op| workload.draw(OpId(op), &known, &mut random)).collect();
        let count = |is: fn(&Request) -> bool| drawn.iter().filter(|request| is(request)).count();
        assert!(count(|request| matches!(request, Request::Set { rev: 17, .. })) > 100);
        assert!(count(|request| matches!(request, Request::Del { .. })) > 100);
        assert!(count(|request| matches!(request, Request::Nop)) > 100);
        assert!(count(|request| matches!(request, Request::Wait { .. })) > 100);
        assert!(count(|request| matches!(request, Request::Watch { .. })) > 100);
        assert!(count(|request| matches!(request, Request::List { .. })) > 100);
        assert!(count(|request| matches!(request, Request::Get { at: ReadAt::Linearizable, .. })) > 100);
        let is_large = |request: &Request| matches!(request, Request::Set { value, .. } if value.len() > VALUE_BYTES_MAX);
        assert!(drawn.iter().any(is_large));
    }
}
