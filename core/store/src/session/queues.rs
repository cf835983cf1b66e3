//! Who waits for which file, in order. Whoever waits for a file is here, and nowhere else; that a file which somebody waits
//! for exists is the store's matter.

use std::collections::{BTreeMap, VecDeque};

use super::SessionId;
use crate::Value;

/// All queues that somebody stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Queues(BTreeMap<Box<str>, VecDeque<Waiter>>);

/// Who waits to make a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub session: SessionId,
    /// The number of its queued SET.
    pub sequence: u64,
    /// What it will write.
    pub value: Value,
}

impl Queues {
    pub fn push(&mut self, path: &str, waiter: Waiter) {
        match self.0.get_mut(path) {
            Some(queue) => queue.push_back(waiter),
            None => drop(self.0.insert(path.into(), VecDeque::from([waiter]))),
        }
    }

    /// The first one, who waits no more.
    pub fn pop(&mut self, path: &str) -> Option<Waiter> {
        self.take(path, 0)
    }

    /// Takes one out of the queue.
    pub fn remove(&mut self, path: &str, session: &SessionId, sequence: u64) -> Option<Waiter> {
        let place = self.position(path, session, sequence)?;
        self.take(path, place)
    }

    /// How many stand before one.
    pub fn position(&self, path: &str, session: &SessionId, sequence: u64) -> Option<usize> {
        let is_it = |waiter: &Waiter| (&waiter.session, waiter.sequence) == (session, sequence);
        self.0.get(path)?.iter().position(is_it)
    }

    fn take(&mut self, path: &str, place: usize) -> Option<Waiter> {
        let queue = self.0.get_mut(path)?;
        let waiter = queue.remove(place)?;
        if queue.is_empty() {
            self.0.remove(path);
        }
        Some(waiter)
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    pub fn waiters(&self, path: &str) -> impl Iterator<Item = &Waiter> {
        self.0.get(path).into_iter().flatten()
    }

    /// All of them, in the order of the paths.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &VecDeque<Waiter>)> {
        self.0.iter().map(|(path, queue)| (&**path, queue))
    }
}
