//! A connection to a member of ZooKeeper, with a session of its own.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use doozer_bench::LoadError;
use doozer_bench::connection::{Answer, Connection, Request};
use doozer_bench::exchange::Exchange;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::jute::next_frame;
use super::message::{self, Reply, error, error_name, xid};

/// What is asked for; a member with `tickTime` 2000 gives no more.
const TIMEOUT_MS: i32 = 40_000;

/// The session. Dropped, it is closed, so that it does not end in the middle of a later measurement.
#[derive(Debug)]
pub struct Session {
    stream: Exchange,
    pings: Interval,
    /// The tag of the watch; a load has one at most.
    watch: Option<i32>,
    /// The tags of deletes under way.
    deletes: Vec<i32>,
    /// The directory that was made last.
    parent: Bytes,
}

impl Session {
    /// Connects to `HOST:PORT` and waits until there is a session, which takes a write at the leader.
    pub(super) async fn open(address: &str) -> Result<Session, LoadError> {
        let mut stream = Exchange::connect(address).await?;
        message::connect(stream.output(), TIMEOUT_MS);
        let answer = loop {
            if let Some(answer) = next_frame(stream.input())? {
                break answer;
            }
            poll_fn(|cx| stream.poll(cx)).await?;
        };
        let timeout_ms = message::connected(answer)?.ok_or_else(|| refused(-112))?;
        let every = Duration::from_millis(u64::from(timeout_ms.unsigned_abs())) / 3;
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Session { stream, pings, watch: None, deletes: Vec::new(), parent: Bytes::new() })
    }

    /// Makes the directory of a file first, once.
    fn make_parent(&mut self, path: &Bytes) {
        let length = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if length > 0 && self.parent != path[..length] {
            self.parent = path.slice(..length);
            message::create(self.stream.output(), xid::PARENT, &self.parent, b"");
        }
    }

    /// What an answer says to whoever asked.
    fn take(&mut self, reply: Reply) -> Result<Option<Answer>, LoadError> {
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
            Request::Set { path, value } => message::set_data(self.stream.output(), tag, &path, &value),
            Request::Create { path, value } => {
                self.make_parent(&path);
                message::create(self.stream.output(), tag, &path, &value);
            }
            Request::Delete(path) => {
                self.deletes.push(tag);
                message::delete(self.stream.output(), tag, &path);
            }
            Request::Get(path) => {
                message::sync(self.stream.output(), &path);
                message::get_data(self.stream.output(), tag, &path, false);
            }
            Request::LocalGet(path) => message::get_data(self.stream.output(), tag, &path, false),
            Request::Watch(path) => {
                self.watch = Some(tag);
                message::get_data(self.stream.output(), tag, &path, true);
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
            while let Some(body) = next_frame(self.stream.input())? {
                if let Some(reply) = Reply::read(body)? {
                    answers.extend(self.take(reply)?);
                }
            }
            if answers.len() > before {
                return Poll::Ready(Ok(()));
            }
            while self.pings.poll_tick(cx).is_ready() {
                message::ping(self.stream.output());
            }
            match self.stream.poll(cx) {
                Poll::Ready(done) => done?,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        message::close(self.stream.output());
        self.stream.send_now();
    }
}

fn refused(error: i32) -> LoadError {
    LoadError::Refused { kind: error_name(error), detail: format!("number {error}") }
}
