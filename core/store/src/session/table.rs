//! All sessions and queues, and what they may take together.

use std::collections::{BTreeMap, BTreeSet};

use super::queues::{Queues, Waiter};
use super::record::Session;
use super::{LABEL_BYTES_MAX, OUTCOMES_ALWAYS, OUTCOMES_MAX, PLACES_MAX, SessionId, TTL_MS};
use crate::command::{By, Flags};
use crate::outcome::{Granted, Outcome, Refusal};
use crate::planted::{Planted, is_planted};
use crate::revision::Revision;
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sessions {
    pub(super) known: BTreeMap<SessionId, Session>,
    pub(super) queues: Queues,
    /// What all of them take.
    pub(super) bytes: usize,
    /// Files that somebody waits for, deleted by the command that is being applied.
    freed: BTreeSet<Box<str>>,
}

/// What a session that ended leaves to be done.
pub(crate) struct Ended {
    /// Its places in queues.
    pub places: Vec<Granted>,
    /// Its files, in the order of their paths.
    pub files: Vec<Box<str>>,
}

impl Sessions {
    /// Opens a session. One that is open stays as it is: its client did not hear of it.
    pub fn open(
        &mut self,
        id: SessionId,
        ttl_ms: u32,
        opened_ms: u64,
        label: &str,
        settings: &Settings,
    ) -> Result<Outcome, Refusal> {
        if !TTL_MS.contains(&ttl_ms) {
            return Err(Refusal::BadTtl { ms: ttl_ms, min: *TTL_MS.start(), max: *TTL_MS.end() });
        }
        if self.known.contains_key(&id) {
            return Ok(Outcome::Opened);
        }
        if self.known.len() >= settings.sessions_max {
            return Err(Refusal::Sessions { limit: settings.sessions_max });
        }
        check_bytes(self.bytes, settings)?;
        let session = Session::new(ttl_ms, opened_ms, cut(label));
        self.bytes += session.bytes;
        self.known.insert(id, session);
        Ok(Outcome::Opened)
    }

    /// Whether a session's write is to be applied now; if not, what is to be answered. In any case it is noted what the
    /// client says that it has.
    pub fn admit(&mut self, by: &By<'_>, settings: &Settings) -> Result<(), Outcome> {
        let session = self.known.get_mut(&by.session).ok_or(Outcome::Refused(Refusal::NoSession))?;
        self.bytes -= session.acknowledge(by);
        judge(session, by, self.bytes, settings)
    }

    /// Whether a session's write would be admitted. Nothing is noted, but what the client says that it has counts.
    pub fn would_admit(&self, by: &By<'_>, settings: &Settings) -> bool {
        self.known.get(&by.session).cloned().is_some_and(|mut session| {
            let bytes = self.bytes - session.acknowledge(by);
            judge(&session, by, bytes, settings).is_ok()
        })
    }

    /// Keeps what became of a write that was admitted.
    pub fn keep(&mut self, by: &By<'_>, outcome: Outcome) {
        self.change(&by.session, |session| session.keep(by.sequence, outcome));
    }

    /// A session's file was written: it came to hold it by this revision.
    pub fn bind(&mut self, id: &SessionId, path: &str, token: Revision) {
        self.change(id, |session| session.bind(path, token));
    }

    /// A file is its session's no more.
    pub fn unbind(&mut self, id: &SessionId, path: &str) {
        self.change(id, |session| session.unbind(path));
    }

    /// The revision by which a session came to hold a file.
    pub fn token(&self, id: &SessionId, path: &str) -> Option<Revision> {
        self.known.get(id)?.files.get(path).copied()
    }

    /// The files of a session, in the order of their paths, and by which revision it came to hold each.
    pub fn files(&self, id: &SessionId) -> impl Iterator<Item = (&str, Revision)> {
        let files = self.known.get(id).into_iter().flat_map(|session| &session.files);
        files.map(|(path, token)| (&**path, *token))
    }

    /// All files that go with sessions.
    pub fn bound(&self) -> impl Iterator<Item = (&str, SessionId)> {
        self.known.iter().flat_map(|(id, session)| session.files.keys().map(|path| (&**path, *id)))
    }

    /// A session's place in a path's queue.
    pub fn join(&mut self, path: &str, waiter: Waiter) {
        self.change(&waiter.session, |session| session.join(waiter.sequence, path, waiter.value.len()));
        self.queues.push(path, waiter);
    }

    /// The first in the queue of a path.
    pub fn next(&mut self, path: &str) -> Option<Waiter> {
        if is_planted(Planted::GrantSkipsFirst) {
            let second = self.queues.waiters(path).nth(1).map(|waiter| (waiter.session, waiter.sequence));
            if let Some((session, sequence)) = second {
                return self.queues.remove(path, &session, sequence);
            }
        }
        self.queues.pop(path)
    }

    /// What became of one who waited.
    pub fn settle(&mut self, waiter: &Waiter, outcome: Outcome) -> Granted {
        let Waiter { session, sequence, ref value } = *waiter;
        self.change(&session, |known| known.settle(sequence, value.len(), outcome));
        Granted { session, sequence, outcome }
    }

    /// Takes a place in a queue back, if it is there.
    pub fn leave(&mut self, id: &SessionId, sequence: u64, path: &str) -> Option<Granted> {
        let waiter = self.queues.remove(path, id, sequence)?;
        Some(self.settle(&waiter, Outcome::Left))
    }

    /// What a queued SET was granted is taken back.
    pub fn revoke(&mut self, id: &SessionId, sequence: u64) {
        self.change(id, |session| session.settle(sequence, 0, Outcome::Left));
    }

    /// What became of a session's write, if that is kept.
    pub fn outcome(&self, id: &SessionId, sequence: u64) -> Option<Outcome> {
        self.known.get(id)?.outcome(sequence)
    }

    /// Ends a session. Its places are gone then; its files are to be deleted.
    pub fn end(&mut self, id: &SessionId) -> Option<Ended> {
        let session = self.known.remove(id)?;
        self.bytes -= session.bytes;
        let mut places = Vec::new();
        for (sequence, path) in session.places {
            if self.queues.remove(&path, id, sequence).is_some() {
                let outcome = Outcome::Refused(Refusal::NoSession);
                places.push(Granted { session: *id, sequence, outcome });
            }
        }
        Some(Ended { places, files: session.files.into_keys().collect() })
    }

    /// A file was deleted: if somebody waits for it, that is to be seen to.
    pub fn note_freed(&mut self, path: &str) {
        if self.queues.has(path) {
            self.freed.insert(path.into());
        }
    }

    /// The next file that was freed, in the order of the paths.
    pub fn next_freed(&mut self) -> Option<Box<str>> {
        self.freed.pop_first()
    }

    fn change(&mut self, id: &SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.known.get_mut(id) {
            let before = session.bytes;
            change(session);
            self.bytes = self.bytes - before + session.bytes;
        }
    }
}

/// Whether a write of this session's, while all of them take so many bytes, is to be applied; if not, what is to be answered.
fn judge(session: &Session, by: &By<'_>, bytes: usize, settings: &Settings) -> Result<(), Outcome> {
    if by.sequence <= session.last && !(by.sequence == session.last && is_planted(Planted::DuplicateApplied))
    {
        return Err(session.outcome(by.sequence).unwrap_or(Outcome::Refused(Refusal::AnswerGone)));
    }
    check_room(session, by, bytes, settings).map_err(Outcome::Refused)
}

fn check_room(session: &Session, by: &By<'_>, bytes: usize, settings: &Settings) -> Result<(), Refusal> {
    let (expected, is_queued) = (session.last + 1, by.flags.has(Flags::QUEUE));
    let may_hold = by.flags != Flags::default() || by.is_txn();
    if by.sequence > expected {
        return Err(Refusal::OutOfOrder { expected });
    }
    if session.outcomes.len() >= OUTCOMES_MAX {
        return Err(Refusal::Unacknowledged { limit: OUTCOMES_MAX });
    }
    if is_queued && session.places.len() >= PLACES_MAX {
        return Err(Refusal::Places { limit: PLACES_MAX });
    }
    if may_hold || session.outcomes.len() >= OUTCOMES_ALWAYS {
        check_bytes(bytes, settings)?;
    }
    Ok(())
}

fn check_bytes(bytes: usize, settings: &Settings) -> Result<(), Refusal> {
    let limit = settings.session_bytes_max;
    if bytes >= limit { Err(Refusal::SessionBytes { limit }) } else { Ok(()) }
}

/// The start of a label, as much as is kept.
fn cut(label: &str) -> &str {
    &label[..label.floor_char_boundary(LABEL_BYTES_MAX)]
}
