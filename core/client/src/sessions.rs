//! What the cluster knows of sessions: all of them, one, and who holds or waits for a path.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use doozer_store::SessionId;
use doozer_wire as wire;
use doozer_wire::{OwnedResponse, Request, SessionOp, SessionReply, SessionRequest, Verb};

use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::types::text;
use crate::verbs::check_path;

/// What the cluster knows of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its public id.
    pub id: SessionId,
    /// It lives so long after its client's last sign of life.
    pub ttl: Duration,
    /// A name for people, perhaps empty.
    pub label: String,
    /// When it was opened, by the clock of the member that opened it.
    pub opened: SystemTime,
    /// How many of its writes were made.
    pub last_sequence: u64,
    /// Answers that are kept for it.
    pub unacknowledged: u64,
    /// How many files are bound to it.
    pub file_count: u64,
    /// In how many queues it waits.
    pub wait_count: u64,
}

/// The same with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDetails {
    /// The session.
    pub session: SessionInfo,
    /// The files that are bound to it, by path.
    pub files: Vec<BoundFile>,
    /// Its places in queues.
    pub waits: Vec<Place>,
    /// There are more files or places than fit into an answer.
    pub more: bool,
}

/// A file that goes with its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundFile {
    /// Its path.
    pub path: String,
    /// Its revision.
    pub rev: i64,
    /// Its fencing token: the revision by which the session came to hold it.
    pub token: i64,
}

/// A place in the queue of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path.
    pub path: String,
    /// Counted from 1, which is the next.
    pub position: u64,
}

/// Who holds a path, and who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The file's revision; 0 if there is none.
    pub rev: i64,
    /// Its fencing token; its revision if it is bound to no session.
    pub token: i64,
    /// The session it is bound to, if to one.
    pub holder: Option<SessionInfo>,
    /// Who waits, the next first.
    pub queue: Vec<Waiter>,
    /// More wait than fit into an answer.
    pub more: bool,
}

/// Who waits for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// The session's public id.
    pub session: SessionId,
    /// Its label.
    pub label: String,
    /// The length of the value that it will write, in bytes.
    pub value_len: u64,
}

impl Client {
    /// All sessions of the cluster, by id. All parts of the answer together have a call's usual time, and each shows its
    /// own moment.
    ///
    /// # Errors
    /// [`UnknownVerb`](crate::ErrorKind::UnknownVerb) from a member that has no sessions.
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, Error> {
        let subject = Subject::new("sessions");
        let deadline = self.deadline();
        let (mut sessions, mut after) = (Vec::new(), None);
        loop {
            let request = Request { after, ..request(SessionOp::List, None) };
            let (reply, more) = self.session_read(subject, deadline, request).await?;
            let count = reply.sessions.len();
            sessions.extend(reply.sessions.into_iter().map(SessionInfo::of));
            let Some(last) = sessions.last().filter(|_| more && count > 0) else { return Ok(sessions) };
            after = Some(Bytes::copy_from_slice(&last.id.0));
        }
    }

    /// One session, with its files and its places in queues.
    ///
    /// # Errors
    /// [`SessionExpired`](crate::ErrorKind::SessionExpired) if there is no such session; as [`Client::sessions`].
    pub async fn session(&self, id: SessionId) -> Result<SessionDetails, Error> {
        let subject = Subject::new("session");
        let request = request(SessionOp::Show, Some(id));
        let (reply, more) = self.session_read(subject, self.deadline(), request).await?;
        let Some(mut info) = reply.sessions.into_iter().next() else {
            return Err(subject.garbled("lacks the session"));
        };
        let (files, waits) = (std::mem::take(&mut info.files), std::mem::take(&mut info.waits));
        let file = |file: wire::BoundFile| {
            let path = text(Some(file.path), &subject)?;
            Ok(BoundFile { path, rev: file.rev, token: file.token })
        };
        let place = |place: wire::Place| {
            let path = text(Some(place.path), &subject)?;
            Ok(Place { path, position: place.position })
        };
        Ok(SessionDetails {
            session: SessionInfo::of(info),
            files: files.into_iter().map(file).collect::<Result<_, Error>>()?,
            waits: waits.into_iter().map(place).collect::<Result<_, Error>>()?,
            more,
        })
    }

    /// Ends a session, whosever it is: its files go, and its places in queues.
    ///
    /// # Errors
    /// As [`Client::session`].
    pub async fn end_session(&self, id: SessionId) -> Result<(), Error> {
        let request = request(SessionOp::End, Some(id));
        self.ask(Subject::new("end_session"), self.deadline(), request).await.map(drop)
    }

    /// Who holds a path, and who waits for it.
    ///
    /// # Errors
    /// [`BadPath`](crate::ErrorKind::BadPath); [`IsDir`](crate::ErrorKind::IsDir) if a directory stands there; as
    /// [`Client::sessions`].
    pub async fn explain(&self, path: &str) -> Result<Explained, Error> {
        let subject = Subject::of("explain", path);
        check_path(&subject, path)?;
        let path = Some(Bytes::copy_from_slice(path.as_bytes()));
        let request = Request { path, ..request(SessionOp::Explain, None) };
        let (reply, more) = self.session_read(subject, self.deadline(), request).await?;
        let lock = reply.lock.ok_or_else(|| subject.garbled("lacks what is known of the path"))?;
        let waiter = |waiter: wire::Waiter| Waiter {
            session: SessionId(waiter.session),
            label: lossy(&waiter.label),
            value_len: waiter.value_len,
        };
        Ok(Explained {
            rev: lock.rev,
            token: lock.token,
            holder: lock.holder.map(SessionInfo::of),
            queue: lock.queue.into_iter().map(waiter).collect(),
            more,
        })
    }

    /// Asks for what is known of sessions. Returns it, and whether there is more.
    async fn session_read(
        &self,
        subject: Subject<'_>,
        deadline: Deadline,
        request: Request,
    ) -> Result<(SessionReply, bool), Error> {
        let request = Request { consistency: self.options.consistency, ..request };
        let OwnedResponse { session, more, .. } = self.ask(subject, deadline, request).await?;
        Ok((session.map(|reply| *reply).unwrap_or_default(), more))
    }
}

fn request(op: SessionOp, id: Option<SessionId>) -> Request {
    let id = id.map(|id| Bytes::copy_from_slice(&id.0));
    let op = SessionRequest { op: op as i32, id, ..SessionRequest::default() };
    Request { verb: Verb::Session as i32, session_op: Some(op), ..Request::default() }
}

impl SessionInfo {
    fn of(info: wire::SessionInfo) -> SessionInfo {
        SessionInfo {
            id: SessionId(info.id),
            ttl: Duration::from_millis(info.ttl_ms),
            label: lossy(&info.label),
            opened: SystemTime::UNIX_EPOCH + Duration::from_millis(info.opened_ms),
            last_sequence: info.last_sequence,
            unacknowledged: info.unacknowledged,
            file_count: info.file_count,
            wait_count: info.wait_count,
        }
    }
}

fn lossy(label: &Bytes) -> String {
    String::from_utf8_lossy(label).into_owned()
}
