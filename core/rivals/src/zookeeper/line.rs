//! A connection to a member of ZooKeeper, with a session of its own that is kept alive.
//! What is asked over it does not belong here.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use doozer_bench::LoadError;
use doozer_bench::exchange::Exchange;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::jute::next_frame;
use super::message::{self, Reply, error_name};

/// The session. Dropped, it is closed, so that it does not end in the middle of a later measurement.
#[derive(Debug)]
pub struct Line {
    stream: Exchange,
    pings: Interval,
}

impl Line {
    /// Connects to `HOST:PORT` and waits until there is a session, which takes a write at the leader. It is over after so
    /// long without a sign of life, or what the member makes of that.
    pub async fn open(address: &str, timeout_ms: i32) -> Result<Line, LoadError> {
        let mut stream = Exchange::connect(address).await?;
        message::connect(stream.output(), timeout_ms);
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
        Ok(Line { stream, pings })
    }

    /// What is to be sent. More is put at its end.
    pub fn output(&mut self) -> &mut BytesMut {
        self.stream.output()
    }

    /// The next answer or event that has come and is about a node.
    pub fn next(&mut self) -> Result<Option<Reply>, LoadError> {
        while let Some(body) = next_frame(self.stream.input())? {
            if let Some(reply) = Reply::read(body)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Sends what is to be sent, with a sign of life when one is due, and is ready when something has come.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LoadError>> {
        while self.pings.poll_tick(cx).is_ready() {
            message::ping(self.stream.output());
        }
        self.stream.poll(cx).map_err(LoadError::Io)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        message::close(self.stream.output());
        self.stream.send_now();
    }
}

/// That a member answers with this error.
pub fn refused(error: i32) -> LoadError {
    LoadError::Refused { kind: error_name(error), detail: format!("number {error}") }
}
