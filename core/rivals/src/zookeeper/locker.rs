//! A lock of ZooKeeper, after the recipe "Locks" of its documentation: a node for each contender in the lock's directory,
//! ephemeral and numbered; the one with the lowest number holds the lock, and each of the others watches the one before it.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use doozer_bench::LoadError;
use doozer_bench::lock::{Joined, Locker, Token};

use super::line::{Line, refused};
use super::message::{self, Mode, Reply, error, xid};

/// What a contender's node is called, with its number behind it.
const NAME: &[u8] = b"/lock-";

/// What is asked for. A third of it is also how long a request may be left lying: about once in a thousand sessions, a
/// member of 3.8.0 answers one only when the next one comes, such as a sign of life.
const TIMEOUT_MS: i32 = 6_000;

/// A connection to a member, with a session of its own.
#[derive(Debug)]
pub struct Contender {
    line: Line,
    /// The number of the last request.
    requests: i32,
    /// The lock's directory, and the node that is ours in it.
    directory: Bytes,
    node: Bytes,
    /// The number of that node.
    place: Token,
    /// The node before ours, until something happens to it.
    watched: Option<Bytes>,
}

impl Contender {
    /// Connects to `HOST:PORT` and makes the lock's directory, if it is not there.
    pub(super) async fn open(address: &str, directory: Bytes) -> Result<Contender, LoadError> {
        let line = Line::open(address, TIMEOUT_MS).await?;
        let mut contender =
            Contender { line, requests: 0, directory, node: Bytes::new(), place: 0, watched: None };
        let ends = contender.directory.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/');
        let ends: Vec<usize> = ends.map(|(at, _)| at).chain([contender.directory.len()]).collect();
        for end in ends {
            let path = contender.directory.slice(..end);
            let made =
                contender.ask(|out, xid| message::create(out, xid, &path, b"", Mode::Persistent)).await?;
            if made.error != error::NODE_EXISTS {
                done(made)?;
            }
        }
        Ok(contender)
    }

    /// Asks for something and waits for the answer.
    async fn ask(&mut self, fill: impl FnOnce(&mut BytesMut, i32)) -> Result<Reply, LoadError> {
        self.requests += 1;
        let request = self.requests;
        fill(self.line.output(), request);
        loop {
            match self.turn().await? {
                Some(reply) if reply.xid == request => return Ok(reply),
                // Something that was given up was answered.
                _ => {}
            }
        }
    }

    /// Takes what has come next; returns it if it answers a request. Nothing is lost if this is dropped before.
    async fn turn(&mut self) -> Result<Option<Reply>, LoadError> {
        let reply = loop {
            if let Some(reply) = self.line.next()? {
                break reply;
            }
            poll_fn(|cx| self.line.poll(cx)).await?;
        };
        match reply.xid {
            xid::EVENT => {
                let path = message::event_path(reply.body)?;
                self.watched.take_if(|watched| *watched == path);
                Ok(None)
            }
            xid::PING => Ok(None),
            _ => Ok(Some(reply)),
        }
    }

    /// Looks whether our node is the first one, and watches the one before it if it is not.
    async fn is_first(&mut self) -> Result<bool, LoadError> {
        loop {
            let directory = self.directory.clone();
            let names = self.ask(|out, xid| message::get_children(out, xid, &directory)).await?;
            let names = message::children(done(names)?)?;
            let ours = &self.node[self.directory.len() + 1..];
            if !names.iter().any(|name| name == ours) {
                return Err(LoadError::SessionOver);
            }
            // All have the same name and as many digits behind it.
            let Some(before) = names.iter().filter(|name| &name[..] < ours).max() else { return Ok(true) };
            let before = Bytes::from([&self.directory[..], b"/", before].concat());
            self.watched = Some(before.clone());
            let found = self.ask(|out, xid| message::exists(out, xid, &before)).await?;
            if found.error != error::NO_NODE {
                done(found)?;
                return Ok(false);
            }
        }
    }
}

impl Locker for Contender {
    async fn set(&mut self, path: Bytes, value: Bytes) -> Result<(), LoadError> {
        done(self.ask(|out, xid| message::set_data(out, xid, &path, &value)).await?).map(|_| ())
    }

    async fn join(&mut self) -> Result<Joined, LoadError> {
        let path = [&self.directory[..], NAME].concat();
        let mode = Mode::EphemeralSequential;
        let made = self.ask(|out, xid| message::create(out, xid, &path, b"", mode)).await?;
        self.node = message::created(done(made)?)?;
        let number = self.node.get(path.len()..).and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        self.place = number.ok_or(LoadError::Nonsense("no number behind a name"))?;
        Ok(if self.is_first().await? { Joined::Held(self.place) } else { Joined::Waiting })
    }

    async fn granted(&mut self) -> Result<Token, LoadError> {
        loop {
            while self.watched.is_some() {
                self.turn().await?;
            }
            if self.is_first().await? {
                return Ok(self.place);
            }
        }
    }

    async fn unlock(&mut self) -> Result<(), LoadError> {
        let node = self.node.clone();
        done(self.ask(|out, xid| message::delete(out, xid, &node)).await?).map(|_| ())
    }

    async fn close(mut self) -> Result<(), LoadError> {
        message::close(self.line.output());
        while self.turn().await?.is_none_or(|reply| reply.xid != xid::CLOSE) {}
        Ok(())
    }
}

/// What an answer says, if it is no error.
fn done(reply: Reply) -> Result<Bytes, LoadError> {
    if reply.error == 0 { Ok(reply.body) } else { Err(refused(reply.error)) }
}
