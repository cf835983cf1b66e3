//! What a load asks of a member of etcd, as calls.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use doozer_bench::LoadError;
use doozer_bench::connection::{Answer, Connection, Request};
use prost::Message;

use super::api::{Delete, Put, Range, RangeReply, Status, StatusReply, Watch, WatchCreate, WatchReply};
use super::grpc::{Channel, Event, Method};

/// Kept apart from a load's tags.
const STATUS_ID: i32 = i32::MAX;

/// A connection to a member.
pub struct Client {
    channel: Channel,
    methods: Methods,
    /// The tags of reads under way: their answers say whether there is such a file.
    reads: Vec<i32>,
    /// The tag of the watch; a load has one at most.
    watch: Option<i32>,
    events: Vec<(i32, Event)>,
    /// Answers that no call brings.
    own: Vec<Answer>,
}

struct Methods {
    put: Method,
    range: Method,
    delete: Method,
    watch: Method,
    status: Method,
}

impl Client {
    /// Connects to `HOST:PORT`.
    pub(super) async fn open(address: &str) -> Result<Client, LoadError> {
        let channel = Channel::open(address).await?;
        let methods = Methods {
            put: channel.method("/etcdserverpb.KV/Put")?,
            range: channel.method("/etcdserverpb.KV/Range")?,
            delete: channel.method("/etcdserverpb.KV/DeleteRange")?,
            watch: channel.method("/etcdserverpb.Watch/Watch")?,
            status: channel.method("/etcdserverpb.Maintenance/Status")?,
        };
        let (reads, events, own) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Client { channel, methods, reads, watch: None, events, own })
    }

    /// What the member says about itself, when nothing else is under way.
    pub(super) async fn status(&mut self) -> Result<StatusReply, LoadError> {
        self.channel.call(STATUS_ID, &self.methods.status, &Status {}, false);
        let mut events = Vec::new();
        loop {
            poll_fn(|cx| self.channel.poll(cx, &mut events)).await?;
            for (_, event) in events.drain(..) {
                match event {
                    Event::Message(body) => return decoded(body),
                    Event::Ended(how) => how?,
                }
            }
        }
    }

    /// What an event says to whoever asked.
    fn take(&mut self, tag: i32, event: Event) -> Result<Option<Answer>, LoadError> {
        let answer = |outcome| Ok(Some(Answer { tag, outcome }));
        let is_watch = self.watch == Some(tag);
        match event {
            Event::Message(body) if is_watch => {
                let reply: WatchReply = decoded(body)?;
                if reply.canceled {
                    return Err(LoadError::Nonsense("the watch was cancelled"));
                }
                if reply.created || !reply.events.is_empty() { answer(Ok(())) } else { Ok(None) }
            }
            Event::Ended(_) if is_watch => Err(LoadError::Nonsense("the watch has ended")),
            Event::Message(body) => {
                if let Some(at) = self.reads.iter().position(|read| *read == tag) {
                    let reply: RangeReply = decoded(body)?;
                    if reply.count == 1 {
                        self.reads.swap_remove(at);
                    }
                }
                Ok(None)
            }
            Event::Ended(how) => {
                // Still there: no message has said that there is such a file.
                let read = self.reads.iter().position(|read| *read == tag);
                let missing = read.map(|at| self.reads.swap_remove(at)).is_some();
                answer(how.and(if missing { Err(LoadError::Nonsense("the file has gone")) } else { Ok(()) }))
            }
        }
    }

    fn read(&mut self, tag: i32, key: Bytes, serializable: bool) {
        self.reads.push(tag);
        self.channel.call(tag, &self.methods.range, &Range { key, serializable, ..Range::default() }, false);
    }
}

impl Connection for Client {
    fn send(&mut self, tag: i32, request: Request) {
        match request {
            Request::Set { path: key, value } | Request::Create { path: key, value } => {
                self.channel.call(tag, &self.methods.put, &Put { key, value, ..Put::default() }, false);
            }
            Request::Delete(key) => self.channel.call(tag, &self.methods.delete, &Delete { key }, false),
            Request::Get(key) => self.read(tag, key, false),
            Request::LocalGet(key) => self.read(tag, key, true),
            // It goes on by itself.
            Request::Watch(_) if self.watch == Some(tag) => self.own.push(Answer { tag, outcome: Ok(()) }),
            Request::Watch(key) => {
                self.watch = Some(tag);
                let create = Some(WatchCreate { key, start_revision: 0 });
                self.channel.call(tag, &self.methods.watch, &Watch { create, cancel: None }, true);
            }
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        answers: &mut Vec<Answer>,
    ) -> Poll<Result<(), LoadError>> {
        let before = answers.len();
        answers.append(&mut self.own);
        let mut events = std::mem::take(&mut self.events);
        let polled = loop {
            if answers.len() > before {
                break Poll::Ready(Ok(()));
            }
            match self.channel.poll(cx, &mut events) {
                Poll::Ready(Ok(())) => {}
                unready => break unready,
            }
            for (tag, event) in events.drain(..) {
                answers.extend(self.take(tag, event)?);
            }
        };
        self.events = events;
        polled
    }
}

pub(super) fn decoded<M: Message + Default>(body: Bytes) -> Result<M, LoadError> {
    M::decode(body).map_err(|_| LoadError::Nonsense("no message"))
}
