//! SESSION, as far as it shows something: sessions, one of them, and who holds a path. Each answer is of one moment, and cut
//! where it would become a burden.

use bytes::Bytes;
use doozer_store::{At, Lookup, SessionId, SessionView, Store, WaiterView, validate};
use doozer_wire::{
    BoundFile, ErrorKind, LockInfo, Place, Request, Response, SessionInfo, SessionOp, SessionReply, Waiter,
};

use super::connection::Connection;
use super::problem::Problem;
use super::requests::given;
use super::sessions::{id, op};

/// The most sessions of one answer.
const SESSIONS_MAX: usize = 1_000;

/// Bytes after which an answer is cut; the frame limit is no smaller.
const BYTES: usize = 1 << 20;

/// What a part of an answer takes beside its texts, in bytes, at most.
const PART_BYTES: usize = 64;

/// What is to be shown.
pub(super) enum Show<'a> {
    Sessions { after: Option<SessionId>, limit: usize },
    Session(SessionId),
    Path { path: &'a str, limit: usize },
}

impl<'a> Show<'a> {
    pub fn parse(request: &'a Request) -> Result<Show<'a>, Problem> {
        let (op, asked) = op(request)?;
        let limit = request.limit.filter(|limit| *limit > 0).map_or(usize::MAX, |limit| limit as usize);
        Ok(match op {
            SessionOp::List => {
                let after = request.after.as_deref().map(id).transpose()?;
                Show::Sessions { after, limit: limit.min(SESSIONS_MAX) }
            }
            SessionOp::Show => Show::Session(id(given(&asked.id)?)?),
            SessionOp::Explain => Show::Path { path: validate(given(&request.path)?)?, limit },
            // The others show nothing.
            _ => return Err(ErrorKind::UnknownVerb.into()),
        })
    }

    /// As it is now, and whether it was cut.
    fn of(&self, store: &Store) -> Result<(SessionReply, bool), Problem> {
        match self {
            Show::Sessions { after, limit } => Ok(sessions(store, *after, *limit)),
            Show::Session(id) => session(store, id),
            Show::Path { path, limit } => holders(store, path, *limit),
        }
    }
}

impl Connection {
    pub(super) fn show(&mut self, request: &Request, show: &Show<'_>) -> Result<(), Problem> {
        let (reply, more) = show.of(self.shared.state().read().store())?;
        self.answer(request, |response| Response { session: Some(&reply), more, ..response });
        Ok(())
    }
}

fn sessions(store: &Store, after: Option<SessionId>, limit: usize) -> (SessionReply, bool) {
    let mut found = store.sessions(after);
    let sessions = found.by_ref().take(limit).map(|session| info(&session)).collect();
    (SessionReply { sessions, ..SessionReply::default() }, found.next().is_some())
}

/// Its files and places with it.
fn session(store: &Store, id: &SessionId) -> Result<(SessionReply, bool), Problem> {
    let session = store.session(id).ok_or_else(|| Problem::from(&doozer_store::Refusal::NoSession))?;
    let mut room = Room::new();
    let files: Vec<BoundFile> = session
        .files()
        .take_while(|file| room.takes(file.path.len()))
        .map(|file| BoundFile {
            path: Bytes::copy_from_slice(file.path.as_bytes()),
            rev: store.lock(file.path).map_or(0, |lock| lock.rev.to_raw()),
            token: file.token.to_raw(),
        })
        .collect();
    let waits: Vec<Place> = session
        .places()
        .take_while(|place| room.takes(place.path.len()))
        .map(|place| Place {
            path: Bytes::copy_from_slice(place.path.as_bytes()),
            position: place.before as u64 + 1,
            sequence: place.sequence,
        })
        .collect();
    let info = SessionInfo { files, waits, ..info(&session) };
    Ok((SessionReply { sessions: vec![info], ..SessionReply::default() }, room.is_over))
}

fn holders(store: &Store, path: &str, limit: usize) -> Result<(SessionReply, bool), Problem> {
    if store.get(path, At::Now)? == Lookup::Directory {
        return Err(ErrorKind::IsDir.into());
    }
    let lock = store.lock(path);
    let holder = lock.and_then(|lock| store.session(&lock.holder?)).map(|session| info(&session));
    let (mut room, mut waiting) = (Room::new(), store.queue(path));
    let queue = waiting
        .by_ref()
        .take(limit)
        .map(|waiter| waiter_of(store, &waiter))
        .take_while(|waiter| room.takes(waiter.label.len()))
        .collect();
    let more = room.is_over || waiting.next().is_some();
    let (rev, token) = lock.map_or((0, 0), |lock| (lock.rev.to_raw(), lock.token.to_raw()));
    let lock = LockInfo { rev, token, holder, queue };
    Ok((SessionReply { lock: Some(lock), ..SessionReply::default() }, more))
}

fn info(session: &SessionView<'_>) -> SessionInfo {
    SessionInfo {
        id: session.id.0,
        ttl_ms: session.ttl_ms().into(),
        label: Bytes::copy_from_slice(session.label().as_bytes()),
        opened_ms: session.opened_ms(),
        last_sequence: session.last(),
        unacknowledged: session.unacknowledged() as u64,
        file_count: session.files().len() as u64,
        wait_count: session.places().len() as u64,
        files: Vec::new(),
        waits: Vec::new(),
    }
}

fn waiter_of(store: &Store, waiter: &WaiterView) -> Waiter {
    let label = store.session(&waiter.session).map(|session| session.label()).unwrap_or_default();
    Waiter {
        session: waiter.session.0,
        label: Bytes::copy_from_slice(label.as_bytes()),
        sequence: waiter.sequence,
        value_len: waiter.value_bytes as u64,
    }
}

/// How much more an answer takes.
struct Room {
    bytes: usize,
    /// Something did not fit.
    is_over: bool,
}

impl Room {
    fn new() -> Room {
        Room { bytes: BYTES, is_over: false }
    }

    fn takes(&mut self, text_bytes: usize) -> bool {
        let bytes = self.bytes.checked_sub(text_bytes + PART_BYTES);
        self.is_over |= bytes.is_none();
        self.bytes = bytes.unwrap_or(0);
        bytes.is_some()
    }
}
