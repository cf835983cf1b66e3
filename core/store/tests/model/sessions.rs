//! Sessions, queues and transactions, as docs/sessions.md has them. Nothing is kept here that looking at all there is would
//! tell as well, and a transaction is tried out on a copy of everything.

use super::{Model, below_file, is_directory, limit, names, value_refusal};
use doozer_store::{
    By, Change, Command, Compare, Expected, Flags, Granted, Op, Outcome, PathError, Refusal, Revision,
    SESSION_BYTES, SESSIONS, SessionChange, SessionId, Txn, validate,
};
use std::collections::{BTreeMap, BTreeSet};

/// What clients keep.
#[derive(Clone, Default)]
pub struct Kept {
    pub sessions: BTreeMap<SessionId, Session>,
    /// Who holds a file, and by which token.
    pub bound: BTreeMap<String, (SessionId, u64)>,
    /// Everybody who waits, in the order in which they came.
    pub waiting: Vec<Place>,
    /// What the commands since this was last emptied brought.
    pub granted: Vec<Granted>,
    pub changes: Vec<SessionChange>,
}

#[derive(Clone)]
pub struct Session {
    pub ttl_ms: u32,
    pub opened_ms: u64,
    pub label: String,
    pub last: u64,
    pub outcomes: BTreeMap<u64, Outcome>,
}

#[derive(Clone)]
pub struct Place {
    pub session: SessionId,
    pub sequence: u64,
    pub path: String,
    pub value: Vec<u8>,
}

impl Model {
    pub fn apply(&mut self, command: &[u8]) -> Outcome {
        let outcome = match Command::decode(command) {
            Err(_) => refused(Refusal::Malformed),
            Ok(Command::Open { session, ttl_ms, opened_ms, label }) => {
                self.open(session, ttl_ms, opened_ms, label)
            }
            Ok(Command::Close { session } | Command::Expire { session }) => self.end(session),
            Ok(Command::Leave { session, sequence, path }) => {
                if self.leave(session, sequence, path) {
                    Outcome::Left
                } else {
                    Outcome::Absent
                }
            }
            Ok(Command::By(by)) => self.by(&by),
            Ok(write) => self.write(&write, None),
        };
        self.grant();
        outcome
    }

    /// Whether a write would make a revision; what else may delete files is no write.
    pub fn would_change(&self, command: &[u8]) -> bool {
        use Command::{By, Del, Set, Txn};
        let mut copy = self.clone();
        copy.apply(command);
        matches!(Command::decode(command), Ok(Set { .. } | Del { .. } | Txn(_) | By(_)))
            && copy.revision() > self.revision()
    }

    fn open(&mut self, id: SessionId, ttl_ms: u32, opened_ms: u64, label: &str) -> Outcome {
        let (min, max) = (1000, 24 * 60 * 60 * 1000);
        if ttl_ms < min || ttl_ms > max {
            return refused(Refusal::BadTtl { ms: ttl_ms, min, max });
        }
        if self.kept.sessions.contains_key(&id) {
            return Outcome::Opened;
        }
        let most = limit(self.now(), &SESSIONS);
        if self.kept.sessions.len() >= most {
            return refused(Refusal::Sessions { limit: most });
        }
        if let Some(refusal) = self.full() {
            return refused(refusal);
        }
        let label = (0..=256).rev().find_map(|end| label.get(..end)).unwrap_or(label).to_owned();
        let session = Session { ttl_ms, opened_ms, label, last: 0, outcomes: BTreeMap::new() };
        self.kept.sessions.insert(id, session);
        self.kept.changes.push(SessionChange::Opened(id, ttl_ms));
        Outcome::Opened
    }

    fn by(&mut self, by: &By<'_>) -> Outcome {
        let Some(session) = self.kept.sessions.get_mut(&by.session) else {
            return refused(Refusal::NoSession);
        };
        let unanswered: Vec<u64> = by.unanswered().collect();
        session.outcomes.retain(|sequence, outcome| {
            *sequence > by.acknowledged || unanswered.contains(sequence) || *outcome == Outcome::Queued
        });
        let session = session.clone();
        if by.sequence <= session.last {
            return session.outcomes.get(&by.sequence).copied().unwrap_or(refused(Refusal::AnswerGone));
        }
        if by.sequence > session.last + 1 {
            return refused(Refusal::OutOfOrder { expected: session.last + 1 });
        }
        if session.outcomes.len() >= 4096 {
            return refused(Refusal::Unacknowledged { limit: 4096 });
        }
        let queues = by.flags.has(Flags::QUEUE);
        if queues && self.kept.waiting.iter().filter(|place| place.session == by.session).count() >= 1024 {
            return refused(Refusal::Places { limit: 1024 });
        }
        let is_txn = by.command.first() == Some(&7);
        let may_hold = by.flags != Flags::default() || is_txn;
        if let Some(refusal) = self.full().filter(|_| may_hold || session.outcomes.len() >= 16) {
            return refused(refusal);
        }
        let outcome = match Command::decode(by.command) {
            Ok(write) => self.write(&write, Some(by)),
            Err(_) => refused(Refusal::Malformed),
        };
        if let Some(session) = self.kept.sessions.get_mut(&by.session) {
            session.last = by.sequence;
            session.outcomes.insert(by.sequence, outcome);
        }
        outcome
    }

    fn write(&mut self, write: &Command<'_>, by: Option<&By<'_>>) -> Outcome {
        match (write, by) {
            (&Command::Set { path, rev, value }, Some(by)) if by.flags.has(Flags::QUEUE) => {
                self.queue(path, rev, value, by)
            }
            (&Command::Set { path, rev, value }, Some(by)) if by.flags.has(Flags::EPHEMERAL) => {
                self.set_bound(path, rev, value, by.session)
            }
            (&Command::Set { path, rev, value }, _) => self.set(path, rev, value),
            (&Command::Del { path, rev }, _) => self.del(path, rev),
            (Command::Txn(txn), _) => self.txn(txn, by.map(|by| by.session)),
            _ => Outcome::Nop,
        }
    }

    fn set_bound(&mut self, path: &str, rev: i64, value: &[u8], session: SessionId) -> Outcome {
        if is_own(path) {
            return refused(Refusal::NotBindable);
        }
        let held = self.kept.bound.get(path).filter(|(holder, _)| *holder == session).copied();
        let outcome = self.set(path, rev, value);
        if let Outcome::Set(rev) = outcome {
            self.kept.bound.insert(path.to_owned(), held.unwrap_or((session, rev.0)));
        }
        outcome
    }

    fn queue(&mut self, path: &str, rev: i64, value: &[u8], by: &By<'_>) -> Outcome {
        if rev != 0 {
            return refused(Refusal::BadQueue);
        }
        let exists = validate(path.as_bytes()).is_ok() && self.now().contains_key(&names(path));
        if !exists || is_own(path) {
            return self.set_bound(path, 0, value, by.session);
        }
        if let Some(refusal) = value_refusal(self.now(), path, value) {
            return refused(refusal);
        }
        let (session, sequence) = (by.session, by.sequence);
        self.kept.waiting.push(Place { session, sequence, path: path.to_owned(), value: value.to_vec() });
        Outcome::Queued
    }

    fn txn(&mut self, txn: &Txn<'_>, session: Option<SessionId>) -> Outcome {
        let is_ephemeral = |op: &Op<'_>| matches!(op.change, Change::Set { is_ephemeral: true, .. });
        if session.is_none() && txn.ops.iter().any(is_ephemeral) {
            return refused(Refusal::Malformed);
        }
        if let Some(unequal) = txn.compares.iter().position(|compare| !self.holds(compare)) {
            return Outcome::Unequal(unequal as u8);
        }
        let (mut copy, mut made) = (self.clone(), 0_u128);
        for (i, op) in txn.ops.iter().enumerate() {
            let outcome = match (op.change, session) {
                (Change::Set { value, is_ephemeral: true }, Some(session)) => {
                    copy.set_bound(op.path, op.rev, value, session)
                }
                (Change::Set { value, .. }, _) => copy.set(op.path, op.rev, value),
                (Change::Del, _) => copy.del(op.path, op.rev),
            };
            match outcome {
                Outcome::Refused(refusal) => return Outcome::TxnRefused(i as u8, refusal),
                Outcome::Absent => {}
                _ => made |= 1 << i,
            }
        }
        let first = self.revision() + 1;
        *self = copy;
        let kept = [&[14][..], &first.to_le_bytes(), &made.to_le_bytes()].concat();
        Outcome::decode(&mut &kept[..]).unwrap()
    }

    fn holds(&self, compare: &Compare<'_>) -> bool {
        let Compare { path, expected } = *compare;
        let is_path = validate(path.as_bytes()).is_ok();
        let file = self.now().get(&names(path)).filter(|_| is_path);
        match expected {
            Expected::Rev(0) | Expected::Absent => file.is_none() && !is_directory(self.now(), path),
            Expected::Rev(rev) => file.is_some_and(|file| file.0 as i64 == rev),
            Expected::Value(value) => file.is_some_and(|file| file.1 == value),
            Expected::Fence(token) => file.is_some_and(|file| self.token(path, file.0) as i64 == token),
        }
    }

    /// The token of a file with this revision.
    pub fn token(&self, path: &str, rev: u64) -> u64 {
        self.kept.bound.get(path).map_or(rev, |(_, token)| *token)
    }

    fn end(&mut self, id: SessionId) -> Outcome {
        if self.kept.sessions.remove(&id).is_none() {
            return refused(Refusal::NoSession);
        }
        let Kept { waiting, granted, bound, .. } = &mut self.kept;
        let left = waiting.iter().filter(|place| place.session == id).map(|place| place.sequence);
        let outcome = refused(Refusal::NoSession);
        let left: BTreeSet<u64> = left.collect();
        granted.extend(left.into_iter().map(|sequence| Granted { session: id, sequence, outcome }));
        waiting.retain(|place| place.session != id);
        let files: Vec<String> =
            bound.iter().filter(|(_, (holder, _))| *holder == id).map(|(path, _)| path.clone()).collect();
        for path in files {
            self.del(&path, -1);
        }
        self.kept.changes.push(SessionChange::Ended(id));
        Outcome::Closed
    }

    fn leave(&mut self, session: SessionId, sequence: u64, path: &str) -> bool {
        let is_it =
            |place: &Place| (place.session, place.sequence, &*place.path) == (session, sequence, path);
        if let Some(at) = self.kept.waiting.iter().position(is_it) {
            let place = self.kept.waiting.remove(at);
            self.answer(&place, Outcome::Left);
            return true;
        }
        let outcome = self.kept.sessions.get(&session).and_then(|known| known.outcomes.get(&sequence));
        if let Some(Outcome::Set(granted)) = outcome.copied() {
            if self.kept.bound.get(path) == Some(&(session, granted.0)) {
                self.del(path, -1);
            }
            if let Some(known) = self.kept.sessions.get_mut(&session) {
                known.outcomes.insert(sequence, Outcome::Left);
            }
            return true;
        }
        false
    }

    /// Every path that somebody waits for without its file was freed by this command.
    fn grant(&mut self) {
        let awaited: BTreeSet<&str> = self.kept.waiting.iter().map(|place| &*place.path).collect();
        let freed = awaited.into_iter().filter(|path| !self.now().contains_key(&names(path)));
        for path in freed.map(str::to_owned).collect::<Vec<_>>() {
            let refusal = if is_directory(self.now(), &path) {
                Refusal::IsDir
            } else if below_file(self.now(), &path) {
                Refusal::NotDir
            } else {
                let place = self.first_in_queue(&path).unwrap();
                let rev = self.change(&path, Some(&place.value));
                self.kept.bound.insert(path, (place.session, rev.0));
                self.answer(&place, Outcome::Set(rev));
                continue;
            };
            while let Some(place) = self.first_in_queue(&path) {
                self.answer(&place, refused(refusal));
            }
        }
    }

    fn first_in_queue(&mut self, path: &str) -> Option<Place> {
        let first = self.kept.waiting.iter().position(|place| place.path == path)?;
        Some(self.kept.waiting.remove(first))
    }

    fn answer(&mut self, place: &Place, outcome: Outcome) {
        let Place { session, sequence, .. } = *place;
        let known = self.kept.sessions.get_mut(&session).unwrap();
        assert_eq!(known.outcomes.insert(sequence, outcome), Some(Outcome::Queued));
        self.kept.granted.push(Granted { session, sequence, outcome });
    }

    fn full(&self) -> Option<Refusal> {
        let limit = limit(self.now(), &SESSION_BYTES);
        (self.session_bytes() >= limit).then_some(Refusal::SessionBytes { limit })
    }

    pub fn session_bytes(&self) -> usize {
        let Kept { sessions, bound, waiting, .. } = &self.kept;
        let of_session = |session: &Session| 320 + session.label.len() + 56 * session.outcomes.len();
        let of_place = |place: &Place| 520 + 2 * place.path.len() + place.value.len();
        sessions.values().map(of_session).sum::<usize>()
            + bound.keys().map(|path| 480 + path.len()).sum::<usize>()
            + waiting.iter().map(of_place).sum::<usize>()
    }

    /// A snapshot does not say what was wrong with a path.
    pub fn pass_through_snapshot(&mut self) {
        let kept = |refusal: &mut Refusal| {
            if let Refusal::BadPath(error) = refusal {
                *error = PathError::Empty;
            }
        };
        for outcome in self.kept.sessions.values_mut().flat_map(|session| session.outcomes.values_mut()) {
            if let Outcome::Refused(refusal) | Outcome::TxnRefused(_, refusal) = outcome {
                kept(refusal);
            }
        }
    }
}

fn is_own(path: &str) -> bool {
    path.starts_with("/ctl/cal/") || path.starts_with("/ctl/settings/")
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal)
}

/// Who holds a file.
pub fn lock(model: &Model, path: &str) -> Option<(u64, u64, Option<SessionId>)> {
    let (rev, _) = model.now().get(&names(path)).filter(|_| validate(path.as_bytes()).is_ok())?;
    let holder = model.kept.bound.get(path).map(|(holder, _)| *holder);
    Some((*rev, model.token(path, *rev), holder))
}

/// The revision of a change.
pub fn revision(outcome: Option<&Outcome>) -> Option<Revision> {
    match outcome {
        Some(Outcome::Set(rev) | Outcome::Deleted(rev)) => Some(*rev),
        _ => None,
    }
}
