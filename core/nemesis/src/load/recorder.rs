//! Where everything that clients hear is written down.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::history::{History, Hold, Micros, Operation};

/// Writes down what clients hear, by one clock.
pub struct Recorder {
    start: Instant,
    history: Mutex<History>,
    values: AtomicU64,
    newest: AtomicI64,
    end_rev: AtomicI64,
}

impl Recorder {
    pub fn new() -> Recorder {
        Recorder {
            start: Instant::now(),
            history: Mutex::default(),
            values: AtomicU64::new(0),
            newest: AtomicI64::new(0),
            end_rev: AtomicI64::new(0),
        }
    }

    pub fn now(&self) -> Micros {
        self.start.elapsed().as_micros() as Micros
    }

    pub fn operation(&self, operation: Operation) {
        self.history().operations.push(operation);
    }

    pub fn hold(&self, hold: Hold) {
        self.saw(hold.token);
        self.history().holds.push(hold);
    }

    /// What is done to the cluster.
    pub fn note(&self, what: String) {
        let now = self.now();
        self.history().notes.push((now, what));
    }

    /// A value that nobody else writes.
    pub fn value(&self) -> String {
        self.values.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// A revision that there is.
    pub fn saw(&self, rev: i64) {
        self.newest.fetch_max(rev, Ordering::Relaxed);
    }

    /// The newest one that anybody has seen.
    pub fn newest(&self) -> i64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// The last change of all.
    pub fn set_end_rev(&self, rev: i64) {
        self.end_rev.store(rev, Ordering::Relaxed);
    }

    pub fn end_rev(&self) -> i64 {
        self.end_rev.load(Ordering::Relaxed)
    }

    /// All of it so far.
    pub fn take(&self) -> History {
        std::mem::take(&mut *self.history())
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Whoever panicked had pushed or not: the vector is whole.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
