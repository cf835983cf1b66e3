//! A lock of etcd, as the mutex of its Go package `concurrency` makes it: a key for each contender, below the lock's name,
//! which goes with the contender's lease; the one that was created first holds the lock, and each of the others watches the
//! one that was created last before it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use doozer_bench::LoadError;
use doozer_bench::lock::{Joined, Locker, Token};
use prost::Message;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::api::{
    Compare, Delete, Done, EventKind, KeyValue, Lease, LeaseGrant, LeaseReply, Operation, Order, Put, Range,
    RangeReply, Target, Txn, TxnReply, Watch, WatchCancel, WatchCreate, WatchReply,
};
use super::client::decoded;
use super::grpc::{Channel, Event, Method};

/// What the package sets by itself.
const TTL_SECONDS: i64 = 60;

/// The streams' numbers; other calls count from 1 on.
const SIGNS_ID: i32 = -1;
const WATCH_ID: i32 = -2;

/// A connection to a member, with a lease of its own.
#[derive(Debug)]
pub struct Contender {
    channel: Channel,
    methods: Methods,
    /// The number of the last call.
    calls: i32,
    events: VecDeque<(i32, Event)>,
    lease: i64,
    signs: Interval,
    /// The lock's name with its slash, and the key that is ours in it.
    prefix: Bytes,
    key: Bytes,
    /// The revision that created our key.
    place: Token,
    watched: Option<Watched>,
}

#[derive(Debug)]
struct Methods {
    put: Method,
    range: Method,
    delete: Method,
    txn: Method,
    grant: Method,
    revoke: Method,
    keep_alive: Method,
    watch: Method,
}

/// The key before ours.
#[derive(Debug, Clone, Copy)]
struct Watched {
    id: i64,
    is_deleted: bool,
}

impl Contender {
    /// Connects to `HOST:PORT`, gets a lease, and is ready for the lock with this name.
    pub(super) async fn open(address: &str, name: &[u8]) -> Result<Contender, LoadError> {
        let channel = Channel::open(address).await?;
        let methods = Methods {
            put: channel.method("/etcdserverpb.KV/Put")?,
            range: channel.method("/etcdserverpb.KV/Range")?,
            delete: channel.method("/etcdserverpb.KV/DeleteRange")?,
            txn: channel.method("/etcdserverpb.KV/Txn")?,
            grant: channel.method("/etcdserverpb.Lease/LeaseGrant")?,
            revoke: channel.method("/etcdserverpb.Lease/LeaseRevoke")?,
            keep_alive: channel.method("/etcdserverpb.Lease/LeaseKeepAlive")?,
            watch: channel.method("/etcdserverpb.Watch/Watch")?,
        };
        let every = Duration::from_secs(TTL_SECONDS.unsigned_abs()) / 3;
        let mut signs = interval_at(Instant::now() + every, every);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut contender = Contender {
            channel,
            methods,
            calls: 0,
            events: VecDeque::new(),
            lease: 0,
            signs,
            prefix: [name, b"/"].concat().into(),
            key: Bytes::new(),
            place: 0,
            watched: None,
        };
        let grant = contender.methods.grant.clone();
        let lease: LeaseReply = contender.ask(&grant, &LeaseGrant { ttl_seconds: TTL_SECONDS }).await?;
        contender.lease = lease.id;
        contender.key = [&contender.prefix[..], format!("{:x}", lease.id).as_bytes()].concat().into();
        Ok(contender)
    }

    /// Makes a call and waits for its answer.
    async fn ask<M: Message + Default>(
        &mut self,
        method: &Method,
        message: &impl Message,
    ) -> Result<M, LoadError> {
        self.calls += 1;
        let call = self.calls;
        self.channel.call(call, method, message, false);
        let mut answer = None;
        loop {
            match self.turn().await? {
                Some((id, Event::Message(body))) if id == call => answer = Some(decoded(body)?),
                Some((id, Event::Ended(how))) if id == call => {
                    return how.and_then(|()| answer.ok_or(LoadError::Nonsense("no message")));
                }
                // What the streams say is kept already; a call that was given up may still be answered.
                _ => {}
            }
        }
    }

    /// Takes one event; returns it if it is no stream's. Nothing is lost if this is dropped before.
    async fn turn(&mut self) -> Result<Option<(i32, Event)>, LoadError> {
        while self.events.is_empty() {
            let mut come = Vec::new();
            poll_fn(|cx| {
                while self.signs.poll_tick(cx).is_ready() {
                    let lease = Lease { id: self.lease };
                    self.channel.say(SIGNS_ID, &self.methods.keep_alive, &lease)?;
                }
                self.channel.poll(cx, &mut come)
            })
            .await?;
            self.events.extend(come);
        }
        match self.events.pop_front() {
            Some((SIGNS_ID, Event::Message(body))) => {
                let kept: LeaseReply = decoded(body)?;
                if kept.ttl_seconds > 0 { Ok(None) } else { Err(LoadError::SessionOver) }
            }
            Some((WATCH_ID, Event::Message(body))) => self.see(&decoded(body)?).map(|()| None),
            Some((SIGNS_ID | WATCH_ID, Event::Ended(how))) => {
                how.and(Err(LoadError::Nonsense("a stream has ended")))
            }
            event => Ok(event),
        }
    }

    /// Keeps what a watch says.
    fn see(&mut self, reply: &WatchReply) -> Result<(), LoadError> {
        if reply.created {
            self.watched = Some(Watched { id: reply.watch_id, is_deleted: false });
        }
        // A watch that was cancelled by us is none of these any more.
        let Some(watched) = self.watched.as_mut().filter(|watched| watched.id == reply.watch_id) else {
            return Ok(());
        };
        if reply.canceled {
            return Err(LoadError::Nonsense("the watch was cancelled"));
        }
        watched.is_deleted |= reply.events.iter().any(|event| event.kind() == EventKind::Delete);
        Ok(())
    }

    /// Looks for the last key that was created before ours, and watches it, if there is one.
    async fn is_first(&mut self) -> Result<bool, LoadError> {
        let method = self.methods.range.clone();
        let before = Range { created_by: self.place - 1, ..one_of(&self.prefix, Order::Descending) };
        let reply: RangeReply = self.ask(&method, &before).await?;
        let Some(KeyValue { key, .. }) = reply.kvs.into_iter().next() else { return Ok(true) };
        let header = reply.header.ok_or(LoadError::Nonsense("no header"))?;
        let create = Some(WatchCreate { key, start_revision: header.revision });
        self.channel.say(WATCH_ID, &self.methods.watch, &Watch { create, cancel: None })?;
        while self.watched.is_none() {
            self.turn().await?;
        }
        Ok(false)
    }

    /// Waits until what is watched is deleted, and watches it no more: the same contender may make it again.
    async fn is_deleted(&mut self) -> Result<(), LoadError> {
        while let Some(Watched { id, is_deleted }) = self.watched {
            if is_deleted {
                self.watched = None;
                let cancel = Some(WatchCancel { watch_id: id });
                return self.channel.say(WATCH_ID, &self.methods.watch, &Watch { create: None, cancel });
            }
            self.turn().await?;
        }
        Err(LoadError::Nonsense("nothing is watched"))
    }

    /// Makes our key, if it is not there, and looks who holds the lock, in one step.
    async fn create(&mut self) -> Result<Option<KeyValue>, LoadError> {
        let put = Put { key: self.key.clone(), lease: self.lease, ..Put::default() };
        let ours = Range { key: self.key.clone(), ..Range::default() };
        let range = |range| Operation { range: Some(range), put: None };
        let owner = range(one_of(&self.prefix, Order::Ascending));
        let txn = Txn {
            compare: vec![Compare::is_missing(self.key.clone())],
            success: vec![Operation { range: None, put: Some(put) }, owner.clone()],
            failure: vec![range(ours), owner],
        };
        let method = self.methods.txn.clone();
        let reply: TxnReply = self.ask(&method, &txn).await?;
        let mut found = reply.replies.into_iter().map(|reply| reply.range?.kvs.into_iter().next());
        let (ours, owner) = (found.next().flatten(), found.next().flatten());
        self.place = match ours {
            Some(ours) => ours.create_revision,
            None => reply.header.ok_or(LoadError::Nonsense("no header"))?.revision,
        };
        Ok(owner)
    }
}

impl Locker for Contender {
    async fn set(&mut self, path: Bytes, value: Bytes) -> Result<(), LoadError> {
        let method = self.methods.put.clone();
        let Done {} = self.ask(&method, &Put { key: path, value, ..Put::default() }).await?;
        Ok(())
    }

    async fn join(&mut self) -> Result<Joined, LoadError> {
        let owner = self.create().await?;
        let is_ours = owner.is_none_or(|owner| owner.create_revision == self.place);
        if is_ours || self.is_first().await? { Ok(Joined::Held(self.place)) } else { Ok(Joined::Waiting) }
    }

    async fn granted(&mut self) -> Result<Token, LoadError> {
        loop {
            self.is_deleted().await?;
            if self.is_first().await? {
                break;
            }
        }
        // The package looks, too, whether the key went with the session meanwhile.
        let method = self.methods.range.clone();
        let ours = Range { key: self.key.clone(), ..Range::default() };
        let reply: RangeReply = self.ask(&method, &ours).await?;
        if reply.kvs.is_empty() { Err(LoadError::SessionOver) } else { Ok(self.place) }
    }

    async fn unlock(&mut self) -> Result<(), LoadError> {
        let method = self.methods.delete.clone();
        let Done {} = self.ask(&method, &Delete { key: self.key.clone() }).await?;
        Ok(())
    }

    async fn close(mut self) -> Result<(), LoadError> {
        let method = self.methods.revoke.clone();
        let Done {} = self.ask(&method, &Lease { id: self.lease }).await?;
        Ok(())
    }
}

/// The first of all keys below this, by when they were created.
fn one_of(prefix: &Bytes, order: Order) -> Range {
    // It ends with a slash, and no byte of a key comes between that and the next one.
    let end = [&prefix[..prefix.len() - 1], &[b'/' + 1]].concat().into();
    Range {
        key: prefix.clone(),
        end,
        limit: 1,
        order: order as i32,
        target: Target::CreateRevision as i32,
        ..Range::default()
    }
}
