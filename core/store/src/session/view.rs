//! What is shown of sessions, and of the files that are locks.

use std::ops::Bound;

use super::SessionId;
use super::queues::Waiter;
use super::record::Session;
use crate::At;
use crate::read::Lookup;
use crate::revision::Revision;
use crate::store::Store;

/// A session, to look at.
#[derive(Clone, Copy)]
pub struct SessionView<'a> {
    store: &'a Store,
    /// Its name.
    pub id: SessionId,
    session: &'a Session,
}

/// A file that goes when its session goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundFile<'a> {
    /// Its path.
    pub path: &'a str,
    /// The revision by which the session came to hold it.
    pub token: Revision,
}

/// A place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file that is waited for.
    pub path: &'a str,
    /// The number of the queued SET.
    pub sequence: u64,
    /// How many stand before it.
    pub before: usize,
}

/// A file that may be a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockView {
    /// The file's revision.
    pub rev: Revision,
    /// The fencing token: the revision by which its session came to hold it; of a file that no session holds, its revision.
    pub token: Revision,
    /// The session that holds it.
    pub holder: Option<SessionId>,
}

/// Who waits for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaiterView {
    /// Whose place it is.
    pub session: SessionId,
    /// The number of the queued SET.
    pub sequence: u64,
    /// Bytes of what it will write.
    pub value_bytes: usize,
}

impl Store {
    /// The sessions behind this id, or all, in the order of their ids.
    pub fn sessions(&self, after: Option<SessionId>) -> impl Iterator<Item = SessionView<'_>> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let sessions = self.sessions.known.range((behind, Bound::Unbounded));
        sessions.map(|(id, session)| SessionView { store: self, id: *id, session })
    }

    /// How many sessions there are.
    pub fn sessions_len(&self) -> usize {
        self.sessions.known.len()
    }

    /// What all sessions take, in bytes, as their bound counts it.
    pub fn session_bytes(&self) -> usize {
        self.sessions.bytes
    }

    /// The session of this name.
    pub fn session(&self, id: &SessionId) -> Option<SessionView<'_>> {
        let session = self.sessions.known.get(id)?;
        Some(SessionView { store: self, id: *id, session })
    }

    /// What holds a file now, if it exists.
    pub fn lock(&self, path: &str) -> Option<LockView> {
        let Ok(Lookup::File { rev, .. }) = self.get(path, At::Now) else { return None };
        let holder = self.files.find(path).and_then(|id| self.files.get(id).holder.as_deref().copied());
        let token = holder.and_then(|holder| self.sessions.token(&holder, path)).unwrap_or(rev);
        Some(LockView { rev, token, holder })
    }

    /// Who waits for a file, in order.
    pub fn queue(&self, path: &str) -> impl Iterator<Item = WaiterView> {
        self.sessions.queues.waiters(path).map(|waiter| {
            let Waiter { session, sequence, ref value } = *waiter;
            WaiterView { session, sequence, value_bytes: value.len() }
        })
    }
}

impl<'a> SessionView<'a> {
    /// For how long it lives without being kept alive, in milliseconds.
    pub fn ttl_ms(&self) -> u32 {
        self.session.ttl_ms
    }

    /// The wall clock when it was opened, milliseconds since 1970.
    pub fn opened_ms(&self) -> u64 {
        self.session.opened_ms
    }

    /// Whose it is.
    pub fn label(&self) -> &'a str {
        &self.session.label
    }

    /// The number of its last write.
    pub fn last(&self) -> u64 {
        self.session.last
    }

    /// How many answers it has not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.session.outcomes.len()
    }

    /// What became of a write, if that is kept: it was applied, and not acknowledged.
    pub fn outcome(&self, sequence: u64) -> Option<crate::Outcome> {
        self.session.outcome(sequence)
    }

    /// Its files, in the order of their paths.
    pub fn files(&self) -> impl ExactSizeIterator<Item = BoundFile<'a>> + use<'a> {
        self.session.files.iter().map(|(path, token)| BoundFile { path, token: *token })
    }

    /// Its places in queues, in the order of their numbers.
    pub fn places(&self) -> impl ExactSizeIterator<Item = Place<'a>> + use<'a> {
        let (queues, id) = (&self.store.sessions.queues, self.id);
        self.session.places.iter().map(move |(sequence, path)| {
            let before = queues.position(path, &id, *sequence).unwrap_or_default();
            Place { path, sequence: *sequence, before }
        })
    }
}

impl std::fmt::Debug for SessionView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionView").field("id", &self.id).field("session", self.session).finish()
    }
}
