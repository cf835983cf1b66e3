//! What clients ask for: a few files that all of them write, many that are written now and then, and requests that are
//! wrong on purpose.
//! Never here: when they ask, or what is answered.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::history::{Compare, Expected, Op, OpId, ReadAt, Request, Txn, value_of};
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

/// What a session has to do with locks.
#[derive(Debug, Clone, Default)]
pub struct Locks {
    /// Those that it believes to hold, and their tokens.
    pub held: BTreeMap<String, u64>,
    /// Those that it held or holds, the last one at the end.
    pub known: Vec<(String, u64)>,
}

/// A command of a session, to be numbered.
#[derive(Debug)]
pub struct Drawn {
    /// What is to be written.
    pub write: Request,
    /// It goes with the session.
    pub is_ephemeral: bool,
    /// It waits for its turn.
    pub is_queued: bool,
}

/// Draws requests.
#[derive(Debug, Clone)]
pub struct Workload {
    hot_paths: u64,
    cold_paths: u64,
    write_percent: u64,
    wait_percent: u64,
    txn_percent: u64,
    lock_percent: u64,
}

impl Workload {
    /// As the plan says.
    pub fn new(plan: &Plan) -> Workload {
        Workload {
            hot_paths: plan.hot_paths.max(1),
            cold_paths: plan.cold_paths.max(1),
            write_percent: plan.write_percent,
            wait_percent: plan.wait_percent,
            txn_percent: plan.txn_percent,
            lock_percent: plan.lock_percent,
        }
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
        // Without transactions nothing is drawn that was not drawn before there were any.
        if self.txn_percent > 0 && random.below(100) < self.txn_percent {
            return Request::Txn(self.draw_txn(op, known, &[], false, random));
        }
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

    /// The next command of a session, which holds some locks, held some, and waits for some.
    pub fn draw_command(&self, op: OpId, known: &Known, locks: &Locks, random: &mut Random) -> Drawn {
        let plain = |write| Drawn { write, is_ephemeral: false, is_queued: false };
        if random.below(100) < self.lock_percent {
            let held: Vec<(&String, u64)> = locks.held.iter().map(|(path, token)| (path, *token)).collect();
            return match random.choose(&held) {
                Some((path, token)) if !random.one_in(3) => {
                    plain(Request::Del { path: path.clone(), rev: token as i64 })
                }
                _ => {
                    let path =
                        if random.one_in(40) { self.draw_odd_path(random) } else { self.draw_hot(random) };
                    let write = Request::Set { path, rev: 0, value: draw_value(op, random) };
                    Drawn { write, is_ephemeral: true, is_queued: true }
                }
            };
        }
        let path = self.draw_path(random);
        let rev = if random.one_in(3) { known.files.get(&path).map_or(0, |rev| *rev as i64) } else { -1 };
        match random.below(10) {
            0..=1 => {
                let write = Request::Set { path, rev, value: draw_value(op, random) };
                Drawn { write, is_ephemeral: true, is_queued: false }
            }
            2..=3 => plain(Request::Set { path, rev, value: draw_value(op, random) }),
            4 => plain(Request::Del { path, rev }),
            5 => plain(Request::Nop),
            _ => plain(Request::Txn(self.draw_txn(op, known, &locks.known, true, random))),
        }
    }

    /// A transaction, which may be fenced by a token that is still good, or was.
    fn draw_txn(
        &self,
        op: OpId,
        known: &Known,
        tokens: &[(String, u64)],
        has_session: bool,
        random: &mut Random,
    ) -> Txn {
        let mut compares = Vec::new();
        let newest = &tokens[tokens.len().saturating_sub(4)..];
        if let Some(at) = random.choose(&(0..newest.len()).collect::<Vec<_>>()) {
            let (path, token) = newest[at].clone();
            compares.push(Compare { path, expected: Expected::Fence(token) });
        }
        if random.one_in(3) {
            let path = self.draw_path(random);
            let rev = known.files.get(&path).copied().unwrap_or_default();
            let expected = match random.below(4) {
                0 => Expected::Absent,
                1 => Expected::Fence(rev),
                2 => Expected::Value(value_of(OpId(random.below(op.0.max(1))), 0)),
                _ => Expected::Rev(rev),
            };
            compares.push(Compare { path, expected });
        }
        let mut ops = Vec::new();
        for index in 0..if random.one_in(20) { 20 } else { random.between(1, 4) } {
            let path = self.draw_path(random);
            let rev = if random.one_in(6) { known.files.get(&path).map_or(0, |rev| *rev as i64) } else { -1 };
            let value = (index == 0 || !random.one_in(3)).then(|| draw_value(op, random));
            let is_ephemeral = has_session && value.is_some() && random.one_in(4);
            ops.push(Op { path, rev, value, is_ephemeral });
        }
        if random.one_in(8) {
            // A file becomes a directory, or the other way round.
            let path = self.draw_hot(random);
            let below = format!("{path}/below");
            let (gone, new) = if random.one_in(3) { (path, below) } else { (below, path) };
            ops.push(Op { path: gone, rev: -1, value: None, is_ephemeral: false });
            ops.push(Op { path: new, rev: -1, value: Some(draw_value(op, random)), is_ephemeral: false });
        }
        Txn { compares, ops }
    }

    fn draw_hot(&self, random: &mut Random) -> String {
        format!("/hot/{}", random.below(self.hot_paths))
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
