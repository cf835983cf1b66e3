//! From a history to what is wrong with it: a pure function.
//!
//! | file | what must hold |
//! |---|---|
//! | `log` | every watch saw every change once, in order, and all saw the same |
//! | `writes` | acknowledged writes are in the log at their revisions, under their conditions; nothing is there twice, or that nobody wrote, or that was refused |
//! | `order` | writes and linearizable reads keep real time; one client's local reads never go backwards; what is read was there |
//! | `waits` | a WAIT answers the first change; a read of a revision shows that state |
//! | `locks` | nobody holds a lock beside another, or counts on it when it is given away; tokens grow; fenced writes are made only while theirs is held |
//! | `copies` | in the end all members have the log's state |

mod copies;
mod locks;
mod log;
mod order;
mod slice;
#[cfg(test)]
mod tests;
mod waits;
mod writes;

pub use slice::slice;

use crate::history::History;
use log::Log;

/// What is wrong, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub rule: &'static str,
    pub what: String,
    /// The operations that show it.
    pub operations: Vec<usize>,
    /// The changes that show it.
    pub revisions: Vec<i64>,
}

impl Violation {
    pub fn new(rule: &'static str, what: String) -> Violation {
        Violation { rule, what, operations: Vec::new(), revisions: Vec::new() }
    }

    pub fn operations(mut self, more: impl IntoIterator<Item = usize>) -> Violation {
        self.operations.extend(more);
        self
    }

    pub fn revisions(mut self, more: impl IntoIterator<Item = i64>) -> Violation {
        self.revisions.extend(more);
        self
    }
}

/// The first violation of each rule; empty if all is well.
pub fn check(history: &History) -> Vec<Violation> {
    let log = match Log::of(history) {
        Ok(log) => log,
        Err(violation) => return vec![violation],
    };
    let written = writes::check(history, &log);
    let order = match &written {
        Ok(makers) => order::check(history, &log, makers),
        Err(_) => Ok(()),
    };
    let locks = locks::check(history, &log);
    let rest = [written.map(drop), order, waits::check(history, &log), locks, copies::check(history, &log)];
    rest.into_iter().filter_map(Result::err).collect()
}

/// Whether this file changes without a write that is recorded: it is the cluster's own, or a lock's.
fn is_unrecorded(path: &str) -> bool {
    path.starts_with("/ctl/") || path.starts_with("/lock/")
}
