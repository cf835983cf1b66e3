//! One session.

use std::collections::{BTreeMap, VecDeque};

use crate::command::By;
use crate::outcome::Outcome;
use crate::revision::Revision;

/// What a session takes, about, in bytes of memory: as such, and for each outcome, file and place in a queue beside the
/// bytes of paths and values. The bound on all sessions counts with these, and so they never change.
const SESSION_BYTES: usize = 320;
const OUTCOME_BYTES: usize = 56;
const FILE_BYTES: usize = 480;
const PLACE_BYTES: usize = 520;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub ttl_ms: u32,
    /// By the clock of whoever took the OPEN in: for people.
    pub opened_ms: u64,
    pub label: Box<str>,
    /// The number of the last command that was applied.
    pub last: u64,
    /// What the client has not acknowledged, in the order of the numbers.
    pub outcomes: VecDeque<(u64, Outcome)>,
    /// The files that go with it, and the revision by which it came to hold each.
    pub files: BTreeMap<Box<str>, Revision>,
    /// Its places in queues: the path for each queued SET's number.
    pub places: BTreeMap<u64, Box<str>>,
    /// What it takes.
    pub bytes: usize,
}

impl Session {
    pub fn new(ttl_ms: u32, opened_ms: u64, label: &str) -> Session {
        Session {
            ttl_ms,
            opened_ms,
            label: label.into(),
            last: 0,
            outcomes: VecDeque::new(),
            files: BTreeMap::new(),
            places: BTreeMap::new(),
            bytes: SESSION_BYTES + label.len(),
        }
    }

    pub fn outcome(&self, sequence: u64) -> Option<Outcome> {
        let place = self.outcomes.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()?;
        Some(self.outcomes[place].1)
    }

    /// Forgets what the client says that it has, and tells how many bytes that was. Who waits in a queue has no answer yet,
    /// whatever is said.
    pub fn acknowledge(&mut self, by: &By<'_>) -> usize {
        let acknowledged = self.outcomes.partition_point(|(sequence, _)| *sequence <= by.acknowledged);
        if acknowledged == 0 {
            return 0;
        }
        let before = self.bytes;
        let mut unanswered = by.unanswered().peekable();
        let mut kept = VecDeque::new();
        for (sequence, outcome) in self.outcomes.drain(..acknowledged) {
            while unanswered.next_if(|unanswered| *unanswered < sequence).is_some() {}
            if outcome == Outcome::Queued || unanswered.peek() == Some(&sequence) {
                kept.push_back((sequence, outcome));
            } else {
                self.bytes -= OUTCOME_BYTES;
            }
        }
        if !kept.is_empty() {
            kept.append(&mut self.outcomes);
            self.outcomes = kept;
        }
        before - self.bytes
    }

    /// Keeps what became of its next command.
    pub fn keep(&mut self, sequence: u64, outcome: Outcome) {
        self.last = sequence;
        self.outcomes.push_back((sequence, outcome));
        self.bytes += OUTCOME_BYTES;
    }

    pub fn bind(&mut self, path: &str, token: Revision) {
        if self.files.insert(path.into(), token).is_none() {
            self.bytes += FILE_BYTES + path.len();
        }
    }

    pub fn unbind(&mut self, path: &str) {
        if self.files.remove(path).is_some() {
            self.bytes -= FILE_BYTES + path.len();
        }
    }

    pub fn join(&mut self, sequence: u64, path: &str, value_bytes: usize) {
        self.places.insert(sequence, path.into());
        self.bytes += place_bytes(path, value_bytes);
    }

    /// Its place in a queue is gone: this is what became of it.
    pub fn settle(&mut self, sequence: u64, value_bytes: usize, outcome: Outcome) {
        if let Some(path) = self.places.remove(&sequence) {
            self.bytes -= place_bytes(&path, value_bytes);
        }
        if let Ok(place) = self.outcomes.binary_search_by_key(&sequence, |(sequence, _)| *sequence) {
            self.outcomes[place].1 = outcome;
        }
    }
}

/// The path stands in the session and, for the first who waits, in the queue.
fn place_bytes(path: &str, value_bytes: usize) -> usize {
    PLACE_BYTES + 2 * path.len() + value_bytes
}
