//! SESSION: what a client and a member tell each other of sessions, and of who holds what.

use bytes::Bytes;

use crate::error::{Malformed, session_id};
use crate::proto;

/// What SESSION does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum SessionOp {
    /// Opens the session of the request's key.
    Open = 1,
    /// Keeps it alive for another TTL.
    KeepAlive = 2,
    /// Ends it.
    Close = 3,
    /// Tells of many.
    List = 4,
    /// Tells of one, with its files and places in queues.
    Show = 5,
    /// Ends one by its public id: an operator's.
    End = 6,
    /// Tells who holds a path, and who waits for it.
    Explain = 7,
}

/// What SESSION asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionRequest {
    /// The raw number of what to do, see [`SessionOp::from_i32`]. Absent reads as 0, which is none.
    pub op: i32,
    /// OPEN's, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// OPEN's: a name for people, perhaps empty. It need not be text.
    pub label: Bytes,
    /// SHOW's and END's: a public id, of whatever length it came with.
    pub id: Option<Bytes>,
}

/// What SESSION answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionReply {
    /// OPEN's: the public id.
    pub id: Option<[u8; 16]>,
    /// OPEN's and KEEP_ALIVE's: the session's TTL, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// LIST's and SHOW's.
    pub sessions: Vec<SessionInfo>,
    /// EXPLAIN's.
    pub lock: Option<LockInfo>,
}

/// What the cluster knows about a session. Its key is not among it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionInfo {
    /// The public id.
    pub id: [u8; 16],
    /// The TTL in milliseconds.
    pub ttl_ms: u64,
    /// A name for people, perhaps empty.
    pub label: Bytes,
    /// When it was opened, in milliseconds since 1970 by the clock of the member that opened it.
    pub opened_ms: u64,
    /// The last command that was applied.
    pub last_sequence: u64,
    /// Answers that are kept for it.
    pub unacknowledged: u64,
    /// How many files are bound to it.
    pub file_count: u64,
    /// In how many queues it waits.
    pub wait_count: u64,
    /// The files, in SHOW's answer.
    pub files: Vec<BoundFile>,
    /// The places, in SHOW's answer.
    pub waits: Vec<Place>,
}

/// A file that goes with its session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoundFile {
    /// Its path.
    pub path: Bytes,
    /// Its revision.
    pub rev: i64,
    /// Its fencing token: the revision by which the session came to hold it.
    pub token: i64,
}

/// A place in the queue of a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The path.
    pub path: Bytes,
    /// Counted from 1, which is the next.
    pub position: u64,
    /// The queued SET's sequence number.
    pub sequence: u64,
}

/// Who holds a path, and who waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockInfo {
    /// The file's revision; 0 if there is none.
    pub rev: i64,
    /// The file's fencing token; its revision if it is bound to no session.
    pub token: i64,
    /// The session that it is bound to, without files and places; `None` if it is bound to none.
    pub holder: Option<SessionInfo>,
    /// Who waits, the next first.
    pub queue: Vec<Waiter>,
}

/// Who waits for a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiter {
    /// The session's public id.
    pub session: [u8; 16],
    /// Its label.
    pub label: Bytes,
    /// The queued SET's sequence number.
    pub sequence: u64,
    /// The length of the value to be written, in bytes.
    pub value_len: u64,
}

impl SessionOp {
    /// What this number on the wire does, or `None` if this version does not know it.
    pub const fn from_i32(number: i32) -> Option<SessionOp> {
        Some(match number {
            1 => SessionOp::Open,
            2 => SessionOp::KeepAlive,
            3 => SessionOp::Close,
            4 => SessionOp::List,
            5 => SessionOp::Show,
            6 => SessionOp::End,
            7 => SessionOp::Explain,
            _ => return None,
        })
    }

    /// Its name in the protocol: `KEEP_ALIVE`.
    pub const fn name(self) -> &'static str {
        match self {
            SessionOp::Open => "OPEN",
            SessionOp::KeepAlive => "KEEP_ALIVE",
            SessionOp::Close => "CLOSE",
            SessionOp::List => "LIST",
            SessionOp::Show => "SHOW",
            SessionOp::End => "END",
            SessionOp::Explain => "EXPLAIN",
        }
    }
}

/// Empty is what absence means.
fn some(bytes: &Bytes) -> Option<Bytes> {
    (!bytes.is_empty()).then(|| bytes.clone())
}

fn id(id: &[u8; 16]) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(id))
}

impl From<&SessionRequest> for proto::SessionRequest {
    fn from(request: &SessionRequest) -> proto::SessionRequest {
        proto::SessionRequest {
            op: Some(request.op),
            ttl_ms: request.ttl_ms,
            label: some(&request.label),
            id: request.id.clone(),
        }
    }
}

impl From<proto::SessionRequest> for SessionRequest {
    fn from(request: proto::SessionRequest) -> SessionRequest {
        SessionRequest {
            // Not `op()`, which takes an absent or unknown one for OPEN.
            op: request.op.unwrap_or_default(),
            ttl_ms: request.ttl_ms,
            label: request.label.unwrap_or_default(),
            id: request.id,
        }
    }
}

impl From<&SessionReply> for proto::SessionReply {
    fn from(reply: &SessionReply) -> proto::SessionReply {
        proto::SessionReply {
            id: reply.id.as_ref().and_then(id),
            ttl_ms: reply.ttl_ms,
            sessions: reply.sessions.iter().map(proto::SessionInfo::from).collect(),
            lock: reply.lock.as_ref().map(proto::LockInfo::from),
        }
    }
}

impl TryFrom<proto::SessionReply> for SessionReply {
    type Error = Malformed;

    fn try_from(reply: proto::SessionReply) -> Result<SessionReply, Malformed> {
        Ok(SessionReply {
            id: reply.id.map(|id| session_id(Some(id))).transpose()?,
            ttl_ms: reply.ttl_ms,
            sessions: reply.sessions.into_iter().map(SessionInfo::try_from).collect::<Result<_, _>>()?,
            lock: reply.lock.map(LockInfo::try_from).transpose()?,
        })
    }
}

impl From<&SessionInfo> for proto::SessionInfo {
    fn from(info: &SessionInfo) -> proto::SessionInfo {
        proto::SessionInfo {
            id: id(&info.id),
            ttl_ms: Some(info.ttl_ms),
            label: some(&info.label),
            opened_ms: Some(info.opened_ms),
            last_sequence: Some(info.last_sequence),
            unacknowledged: Some(info.unacknowledged),
            file_count: Some(info.file_count),
            wait_count: Some(info.wait_count),
            files: info.files.iter().map(proto::BoundFile::from).collect(),
            waits: info.waits.iter().map(proto::Place::from).collect(),
        }
    }
}

impl TryFrom<proto::SessionInfo> for SessionInfo {
    type Error = Malformed;

    fn try_from(info: proto::SessionInfo) -> Result<SessionInfo, Malformed> {
        Ok(SessionInfo {
            ttl_ms: info.ttl_ms(),
            opened_ms: info.opened_ms(),
            last_sequence: info.last_sequence(),
            unacknowledged: info.unacknowledged(),
            file_count: info.file_count(),
            wait_count: info.wait_count(),
            id: session_id(info.id)?,
            label: info.label.unwrap_or_default(),
            files: info.files.into_iter().map(BoundFile::from).collect(),
            waits: info.waits.into_iter().map(Place::from).collect(),
        })
    }
}

impl From<&BoundFile> for proto::BoundFile {
    fn from(file: &BoundFile) -> proto::BoundFile {
        proto::BoundFile { path: Some(file.path.clone()), rev: Some(file.rev), token: Some(file.token) }
    }
}

impl From<proto::BoundFile> for BoundFile {
    fn from(file: proto::BoundFile) -> BoundFile {
        let (rev, token) = (file.rev(), file.token());
        BoundFile { path: file.path.unwrap_or_default(), rev, token }
    }
}

impl From<&Place> for proto::Place {
    fn from(place: &Place) -> proto::Place {
        proto::Place {
            path: Some(place.path.clone()),
            position: Some(place.position),
            sequence: Some(place.sequence),
        }
    }
}

impl From<proto::Place> for Place {
    fn from(place: proto::Place) -> Place {
        let (position, sequence) = (place.position(), place.sequence());
        Place { path: place.path.unwrap_or_default(), position, sequence }
    }
}

impl From<&LockInfo> for proto::LockInfo {
    fn from(lock: &LockInfo) -> proto::LockInfo {
        proto::LockInfo {
            rev: Some(lock.rev),
            token: Some(lock.token),
            holder: lock.holder.as_ref().map(proto::SessionInfo::from),
            queue: lock.queue.iter().map(proto::Waiter::from).collect(),
        }
    }
}

impl TryFrom<proto::LockInfo> for LockInfo {
    type Error = Malformed;

    fn try_from(lock: proto::LockInfo) -> Result<LockInfo, Malformed> {
        Ok(LockInfo {
            rev: lock.rev(),
            token: lock.token(),
            holder: lock.holder.map(SessionInfo::try_from).transpose()?,
            queue: lock.queue.into_iter().map(Waiter::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Waiter> for proto::Waiter {
    fn from(waiter: &Waiter) -> proto::Waiter {
        proto::Waiter {
            session: id(&waiter.session),
            label: some(&waiter.label),
            sequence: Some(waiter.sequence),
            value_len: Some(waiter.value_len),
        }
    }
}

impl TryFrom<proto::Waiter> for Waiter {
    type Error = Malformed;

    fn try_from(waiter: proto::Waiter) -> Result<Waiter, Malformed> {
        Ok(Waiter {
            sequence: waiter.sequence(),
            value_len: waiter.value_len(),
            session: session_id(waiter.session)?,
            label: waiter.label.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_and_names_are_those_of_the_proto_file() {
        for number in -100..100 {
            let ours = SessionOp::from_i32(number).map(|op| (op as i32, op.name()));
            let theirs = proto::session_request::Op::try_from(number).ok();
            assert_eq!(ours, theirs.map(|op| (number, op.as_str_name())), "{number}");
        }
    }

    #[test]
    fn an_absent_or_unknown_op_is_none_that_is_known() {
        for op in [None, Some(0), Some(99), Some(-1)] {
            let request = SessionRequest::from(proto::SessionRequest { op, ..Default::default() });
            assert_eq!((request.op, SessionOp::from_i32(request.op)), (op.unwrap_or(0), None));
        }
    }

    #[test]
    fn an_id_has_sixteen_bytes() {
        let bytes = |len| Some(Bytes::from(vec![1; len]));
        for len in [0, 15, 17] {
            let fault = Err(Malformed::SessionId(len));
            let info = proto::SessionInfo { id: bytes(len), ..Default::default() };
            assert_eq!(SessionInfo::try_from(info).map(drop), fault);
            let waiter = proto::Waiter { session: bytes(len), ..Default::default() };
            assert_eq!(Waiter::try_from(waiter).map(drop), fault);
            let reply = proto::SessionReply { id: bytes(len), ..Default::default() };
            assert_eq!(SessionReply::try_from(reply).map(drop), fault);
        }
        assert_eq!(SessionReply::try_from(proto::SessionReply::default()), Ok(SessionReply::default()));
    }
}
