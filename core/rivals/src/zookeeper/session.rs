//! What a load asks of a member of ZooKeeper, over a session of its own.

use std::task::{Context, Poll};

use bytes::Bytes;
use doozer_bench::LoadError;
use doozer_bench::connection::{Answer, Connection, Request};

use super::line::{Line, refused};
use super::message::{self, Mode, Reply, error, xid};

/// What is asked for; a member with `tickTime` 2000 gives no more.
const TIMEOUT_MS: i32 = 40_000;

/// The session.
#[derive(Debug)]
pub struct Session {
    line: Line,
    /// The tag of the watch; a load has one at most.
    watch: Option<i32>,
    /// The tags of deletes under way.
    deletes: Vec<i32>,
    /// The directory that was made last.
    parent: Bytes,
}

impl Session {
    /// Connects to `HOST:PORT` and waits until there is a session.
    pub(super) async fn open(address: &str) -> Result<Session, LoadError> {
        let line = Line::open(address, TIMEOUT_MS).await?;
        Ok(Session { line, watch: None, deletes: Vec::new(), parent: Bytes::new() })
    }

    /// Makes the directory of a file first, once.
    fn make_parent(&mut self, path: &Bytes) {
        let length = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if length > 0 && self.parent != path[..length] {
            self.parent = path.slice(..length);
            message::create(self.line.output(), xid::PARENT, &self.parent, b"", Mode::Persistent);
        }
    }

    /// What an answer says to whoever asked.
    fn take(&mut self, reply: &Reply) -> Result<Option<Answer>, LoadError> {
        match (reply.xid, reply.error) {
            (xid::EVENT, _) => Ok(self.watch.map(|tag| Answer { tag, outcome: Ok(()) })),
            (xid::SYNC, 0) | (xid::PING | xid::PARENT | xid::CLOSE, _) => Ok(None),
            // The read behind it would not be what it says.
            (xid::SYNC, error) => Err(refused(error)),
            (tag, error) => Ok(Some(Answer { tag, outcome: self.outcome(tag, error) })),
        }
    }

    fn outcome(&mut self, tag: i32, error: i32) -> Result<(), LoadError> {
        let delete = self.deletes.iter().position(|delete| *delete == tag);
        if let Some(at) = delete {
            self.deletes.swap_remove(at);
        }
        match error {
            // Only a create says so, and one that finds the file has nothing to do.
            0 | error::NODE_EXISTS => Ok(()),
            error::NO_NODE if delete.is_some() => Ok(()),
            error => Err(refused(error)),
        }
    }
}

impl Connection for Session {
    fn send(&mut self, tag: i32, request: Request) {
        match request {
            Request::Set { path, value } => message::set_data(self.line.output(), tag, &path, &value),
            Request::Create { path, value } => {
                self.make_parent(&path);
                message::create(self.line.output(), tag, &path, &value, Mode::Persistent);
            }
            Request::Delete(path) => {
                self.deletes.push(tag);
                message::delete(self.line.output(), tag, &path);
            }
            Request::Get(path) => {
                message::sync(self.line.output(), &path);
                message::get_data(self.line.output(), tag, &path, false);
            }
            Request::LocalGet(path) => message::get_data(self.line.output(), tag, &path, false),
            Request::Watch(path) => {
                self.watch = Some(tag);
                message::get_data(self.line.output(), tag, &path, true);
            }
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        answers: &mut Vec<Answer>,
    ) -> Poll<Result<(), LoadError>> {
        let before = answers.len();
        loop {
            while let Some(reply) = self.line.next()? {
                answers.extend(self.take(&reply)?);
            }
            if answers.len() > before {
                return Poll::Ready(Ok(()));
            }
            match self.line.poll(cx) {
                Poll::Ready(done) => done?,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
