//! Sessions by the words of `docs/sessions.md`: which there are, what became of their commands, which files go with them,
//! who waits for which file.
//! Never here: the tree, beyond what a session does to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use doozer_paxos::Slot;
use doozer_store::{By, Command, Flags, SessionId};

use super::{Lookup, Model, is_own};
use crate::history::{Outcome, Refusal, SessionEvent, Settled};

/// The file that says how many sessions there may be; without it 65,536.
const MAX_SESSIONS: &str = "/ctl/settings/max-sessions";

/// Bounds of one session.
const ANSWERS_MAX: usize = 4_096;
const PLACES_MAX: usize = 1_024;

/// All sessions. That all of them together stay below their 256 MiB is taken for granted.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    open: BTreeMap<SessionId, Session>,
    /// The files that go with sessions, and by which token they are held.
    pub bound: BTreeMap<String, (SessionId, u64)>,
    /// Who waits for which file, the next one first.
    queues: BTreeMap<String, VecDeque<Waiter>>,
    /// Files that were deleted by the command that is applied.
    pub freed: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
struct Session {
    /// The number of the last command that counted.
    last: u64,
    /// What is kept of their answers.
    answers: BTreeMap<u64, Outcome>,
}

#[derive(Debug, Clone)]
struct Waiter {
    session: SessionId,
    sequence: u64,
    value: Bytes,
}

/// What a command brought beside its own outcome.
#[derive(Debug, Default)]
pub struct Step {
    /// The write that counted, if one did: a session's without what is around it.
    pub counted: Option<Bytes>,
    /// Its session and number, if it has one.
    pub by: Option<(SessionId, u64)>,
    /// What became of those who waited.
    pub settled: Vec<Settled>,
    /// Sessions that came and went.
    pub sessions: Vec<SessionEvent>,
    /// The locks that were held by a session that ended: path and token.
    pub lost: Vec<(String, u64)>,
}

impl Owner {
    /// Of an ephemeral SET within a transaction.
    pub fn of_txn(self) -> Owner {
        Owner { is_ephemeral: true, is_queued: false, ..self }
    }
}

/// Whose a write is, and what it is beside a SET or DEL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    session: SessionId,
    sequence: u64,
    is_ephemeral: bool,
    is_queued: bool,
}

impl Model {
    /// What the last command brought.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// Whether a session is open.
    pub fn is_open(&self, session: &SessionId) -> bool {
        self.sessions.open.contains_key(session)
    }

    /// How many are.
    pub fn sessions_open(&self) -> usize {
        self.sessions.open.len()
    }

    /// The number of a session's last command that counted; 0 if there is none.
    pub fn last_of(&self, session: &SessionId) -> u64 {
        self.sessions.open.get(session).map_or(0, |session| session.last)
    }

    /// Who holds a file, and by which token; `None` if it goes with no session.
    pub fn holder(&self, path: &str) -> Option<(SessionId, u64)> {
        self.sessions.bound.get(path).copied()
    }

    pub(super) fn open(&mut self, session: SessionId, ttl_ms: u32) -> Outcome {
        if !(1_000..=86_400_000).contains(&ttl_ms) {
            return Outcome::Refused(Refusal::BadTtl);
        }
        if self.is_open(&session) {
            return Outcome::Opened;
        }
        let said = self.version(MAX_SESSIONS, self.revision()).and_then(|(_, value)| number(value));
        if self.sessions.open.len() >= said.unwrap_or(65_536) {
            return Outcome::Refused(Refusal::Bounds);
        }
        self.sessions.open.insert(session, Session::default());
        self.step.sessions.push(SessionEvent::Opened(session, ttl_ms));
        Outcome::Opened
    }

    /// A session ends: its places go first, then its files.
    pub(super) fn end(&mut self, session: SessionId, slot: Slot) -> Outcome {
        if self.sessions.open.remove(&session).is_none() {
            return Outcome::Refused(Refusal::NoSession);
        }
        let mut left = Vec::new();
        for queue in self.sessions.queues.values_mut() {
            let own = queue.iter().filter(|waiter| waiter.session == session);
            left.extend(own.map(|waiter| waiter.sequence));
            queue.retain(|waiter| waiter.session != session);
        }
        self.sessions.queues.retain(|_, queue| !queue.is_empty());
        left.sort_unstable();
        let outcome = Outcome::Refused(Refusal::NoSession);
        self.step.settled.extend(left.into_iter().map(|sequence| Settled { session, sequence, outcome }));
        let bound = self.sessions.bound.iter().filter(|(_, (holder, _))| *holder == session);
        let lost: Vec<(String, u64)> = bound.map(|(path, (_, token))| (path.clone(), *token)).collect();
        lost.iter().for_each(|(path, _)| self.change(path, None, slot));
        self.step.lost = lost;
        self.step.sessions.push(SessionEvent::Ended(session));
        Outcome::Closed
    }

    pub(super) fn apply_by(&mut self, by: &By<'_>, write: Bytes, slot: Slot) -> Outcome {
        let (session, sequence) = (by.session, by.sequence);
        let waiting = self.places_of(&session);
        let Some(known) = self.sessions.open.get_mut(&session) else {
            return Outcome::Refused(Refusal::NoSession);
        };
        let unanswered: Vec<u64> = by.unanswered().collect();
        known.answers.retain(|number, outcome| {
            *number > by.acknowledged || *outcome == Outcome::Queued || unanswered.contains(number)
        });
        if sequence <= known.last {
            return known.answers.get(&sequence).copied().unwrap_or(Outcome::Refused(Refusal::AnswerGone));
        }
        if sequence > known.last + 1 {
            return Outcome::Refused(Refusal::OutOfOrder);
        }
        let is_queued = by.flags.has(Flags::QUEUE);
        if known.answers.len() >= ANSWERS_MAX || (is_queued && waiting >= PLACES_MAX) {
            return Outcome::Refused(Refusal::Bounds);
        }
        let is_ephemeral = is_queued || by.flags.has(Flags::EPHEMERAL);
        let owner = Owner { session, sequence, is_ephemeral, is_queued };
        let outcome = match Command::decode(&write) {
            Ok(command) => self.write(&command, &write, Some(owner), slot),
            Err(_) => Outcome::Refused(Refusal::Malformed),
        };
        if let Some(known) = self.sessions.open.get_mut(&session) {
            known.last = sequence;
            known.answers.insert(sequence, outcome);
        }
        (self.step.counted, self.step.by) = (Some(write), Some((session, sequence)));
        outcome
    }

    fn places_of(&self, session: &SessionId) -> usize {
        self.sessions.queues.values().flatten().filter(|waiter| waiter.session == *session).count()
    }

    /// A SET of a session's.
    pub(super) fn set_by(&mut self, path: &str, rev: i64, value: Bytes, owner: Owner, slot: Slot) -> Outcome {
        let Owner { session, sequence, is_ephemeral, is_queued } = owner;
        if is_queued && rev != 0 {
            return Outcome::Refused(Refusal::BadQueue);
        }
        if is_ephemeral && is_own(path) {
            return Outcome::Refused(Refusal::NotBindable);
        }
        if is_queued && matches!(self.get(path, self.revision()), Lookup::File { .. }) {
            let judged = self.set(path, -1, &value, self.revision());
            if let Outcome::Refused(_) = judged {
                return judged;
            }
            let queue = self.sessions.queues.entry(path.to_owned()).or_default();
            queue.push_back(Waiter { session, sequence, value });
            return Outcome::Queued;
        }
        let held = self.holder(path).filter(|(holder, _)| *holder == session);
        let outcome = self.set(path, rev, &value, self.revision());
        if let Outcome::Set(made) = outcome {
            self.change(path, Some(value), slot);
            if is_ephemeral {
                let token = held.map_or(made, |(_, token)| token);
                self.sessions.bound.insert(path.to_owned(), (session, token));
            }
        }
        outcome
    }

    /// A place is taken back, or the file that was granted for it.
    pub(super) fn leave(&mut self, session: SessionId, sequence: u64, path: &str, slot: Slot) -> Outcome {
        let mut has_left = false;
        if let Some(queue) = self.sessions.queues.get_mut(path) {
            let before = queue.len();
            queue.retain(|waiter| (waiter.session, waiter.sequence) != (session, sequence));
            has_left = queue.len() < before;
        }
        self.sessions.queues.retain(|_, queue| !queue.is_empty());
        let answer = self.answer(&session, sequence);
        if has_left {
            self.settle(session, sequence, Outcome::Left);
            Outcome::Left
        } else if let Some(Outcome::Set(token)) = answer {
            if self.holder(path) == Some((session, token)) {
                self.change(path, None, slot);
            }
            self.note_answer(session, sequence, Outcome::Left);
            Outcome::Left
        } else {
            Outcome::Absent
        }
    }

    fn answer(&self, session: &SessionId, sequence: u64) -> Option<Outcome> {
        self.sessions.open.get(session)?.answers.get(&sequence).copied()
    }

    fn note_answer(&mut self, session: SessionId, sequence: u64, outcome: Outcome) {
        let known = self.sessions.open.get_mut(&session);
        if let Some(answer) = known.and_then(|known| known.answers.get_mut(&sequence)) {
            *answer = outcome;
        }
    }

    fn settle(&mut self, session: SessionId, sequence: u64, outcome: Outcome) {
        self.note_answer(session, sequence, outcome);
        self.step.settled.push(Settled { session, sequence, outcome });
    }

    /// Each file that was freed goes to the first of those who wait for it.
    pub(super) fn grant(&mut self, slot: Slot) {
        while let Some(path) = self.sessions.freed.pop_first() {
            let at = self.revision();
            let refusal = match self.get(&path, at) {
                Lookup::File { .. } => continue,
                Lookup::Directory => Refusal::IsDir,
                Lookup::Missing if self.is_below_file(&path, at) => Refusal::NotDir,
                Lookup::Missing => {
                    let queue = self.sessions.queues.get_mut(&path);
                    if let Some(Waiter { session, sequence, value }) = queue.and_then(VecDeque::pop_front) {
                        self.change(&path, Some(value), slot);
                        self.sessions.bound.insert(path.clone(), (session, at + 1));
                        self.settle(session, sequence, Outcome::Set(at + 1));
                    }
                    self.sessions.queues.retain(|_, queue| !queue.is_empty());
                    continue;
                }
            };
            for Waiter { session, sequence, .. } in self.sessions.queues.remove(&path).unwrap_or_default() {
                self.settle(session, sequence, Outcome::Refused(refusal));
            }
        }
    }
}

fn number(value: &[u8]) -> Option<usize> {
    let number: usize = std::str::from_utf8(value).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == value && number <= 1 << 20).then_some(number)
}
