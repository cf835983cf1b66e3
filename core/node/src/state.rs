//! The state of a member that many look at: the store, and who waits for what in it. One lock holds both, so that an
//! event can never fall between a look at the store and the registration of a wait.
//!
//! The driver alone changes the store. Connections read it, register their waits, and take them back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use doozer_store::{Applied, Event, Fired, Glob, Mode, Revision, Scan, Store, WatchId};
use doozer_wire::{EventBody, FLAG_DEL, FLAG_SET, Request};

use crate::server::outbox::{Outbox, Wakes};

/// Names one outstanding WAIT, WATCH or blocked read; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WaiterId(pub u64);

/// How many events one look at the history goes through before it lets others have the lock.
pub(crate) const SCAN_EVENTS: usize = 256;

/// Unsent bytes of a connection above which its streams wait and later read on from the history.
const STREAM_UNSENT_BYTES: usize = 1 << 20;

/// Where a waiter's answer goes.
#[derive(Clone)]
pub(crate) struct Address {
    pub outbox: Arc<Outbox>,
    pub tag: Option<i32>,
    /// After HELLO: answers say which revision they saw.
    pub modern: bool,
}

enum Waiter {
    /// WAIT: one event, then gone.
    Wait { watch: WatchId, to: Address },
    /// WATCH: every event.
    Stream(Box<Stream>),
    /// A read of a revision that has not come.
    Read(Box<Read>),
}

struct Read {
    at: Revision,
    to: Address,
    request: Request,
}

struct Stream {
    watch: WatchId,
    glob: Glob,
    to: Address,
    /// Every matching event before this revision was handed to the connection.
    next: Revision,
    /// Events are handed over as they are applied; otherwise the connection reads on from the history.
    live: bool,
    /// The last progress mark sent.
    marked: Revision,
}

/// What became of a look for a WAIT's event.
pub(crate) enum Found {
    Event(Event),
    TooLate,
    /// None yet: the waiter is registered.
    Registered(WaiterId),
    /// Not through the history yet: look again from here.
    More(Revision),
}

/// What a stream has next.
pub(crate) enum Next {
    /// These events; there may be more.
    Events(Vec<Event>),
    /// Nothing more for now: events come live from here on. A progress mark, if one is due.
    CaughtUp(Option<Revision>),
    /// The history from where the stream stood is gone. The waiter is removed.
    TooLate,
    /// The stream was cancelled.
    Gone,
}

/// The store and its waiters.
pub(crate) struct State {
    pub store: Store,
    waiters: HashMap<WaiterId, Waiter>,
    blocked: BTreeMap<(Revision, WaiterId), ()>,
    last_id: u64,
    /// The latest event in its encoded form: many waiters of one event share it.
    encoded: Option<(Revision, EventBody)>,
}

impl State {
    pub fn new(store: Store) -> Self {
        State { store, waiters: HashMap::new(), blocked: BTreeMap::new(), last_id: 0, encoded: None }
    }

    /// How many WAITs, WATCHes and blocked reads are outstanding.
    pub fn waiters(&self) -> usize {
        self.waiters.len()
    }

    /// Hands out what an apply set free: events, and reads whose revision has come.
    pub fn deliver(&mut self, applied: &mut Applied, wakes: &mut Wakes) {
        for fired in applied.fired.drain(..) {
            self.fire(&fired, wakes);
        }
        self.encoded = None;
        let revision = self.store.revision();
        while let Some(first) = self.blocked.first_entry() {
            let (at, id) = *first.key();
            if at > revision {
                break;
            }
            first.remove();
            if let Some(Waiter::Read(read)) = self.waiters.remove(&id) {
                let Read { to, request, .. } = *read;
                to.outbox.leave(wakes, |left| left.ready.push((id, request)));
            }
        }
    }

    fn fire(&mut self, fired: &Fired, wakes: &mut Wakes) {
        let id = WaiterId(fired.token);
        let event = &fired.event;
        let body = match &self.encoded {
            Some((rev, body)) if *rev == event.rev => body.clone(),
            _ => {
                let body = event_body(event);
                self.encoded = Some((event.rev, body.clone()));
                body
            }
        };
        match self.waiters.get_mut(&id) {
            Some(Waiter::Wait { to, .. }) => {
                let to = to.clone();
                self.waiters.remove(&id);
                to.outbox.leave(wakes, |left| {
                    body.encode_frame(to.tag, to.store_rev(event.rev), &mut left.frames);
                    left.finished.push(id);
                });
            }
            Some(Waiter::Stream(stream)) if stream.live => stream.hand_over(event.rev, &body, wakes),
            Some(Waiter::Stream(_) | Waiter::Read(_)) | None => {}
        }
    }

    /// Looks for the first event for `glob` at or after `from`; registers a waiter when there is none yet.
    pub fn wait(&mut self, glob: &Glob, from: Revision, to: &Address) -> Found {
        match self.store.scan(glob, from, SCAN_EVENTS) {
            Scan::Found(event) => Found::Event(event),
            Scan::TooLate => Found::TooLate,
            Scan::More(next) => Found::More(next),
            Scan::CaughtUp => {
                let id = self.new_id();
                let from = from.max(self.store.revision().next());
                let watch = self.store.watch(glob.clone(), from, Mode::Once, id.0);
                self.waiters.insert(id, Waiter::Wait { watch, to: to.clone() });
                Found::Registered(id)
            }
        }
    }

    /// Registers a stream of events from `from` on. It starts behind: call [`State::stream_next`].
    pub fn stream(&mut self, glob: Glob, from: Revision, to: Address) -> WaiterId {
        let id = self.new_id();
        let watch = self.store.watch(glob.clone(), from, Mode::Stream, id.0);
        let marked = Revision(0);
        let stream = Stream { watch, glob, to, next: from, live: false, marked };
        self.waiters.insert(id, Waiter::Stream(Box::new(stream)));
        id
    }

    /// What a stream that fell behind has next, read from the history.
    pub fn stream_next(&mut self, id: WaiterId) -> Next {
        let Some(Waiter::Stream(stream)) = self.waiters.get_mut(&id) else { return Next::Gone };
        if stream.live {
            return Next::CaughtUp(None);
        }
        let mut events = Vec::new();
        let mut budget = SCAN_EVENTS;
        while budget > 0 {
            match self.store.scan(&stream.glob, stream.next, budget) {
                Scan::Found(event) => {
                    budget -= budget.min(8);
                    stream.next = event.rev.next();
                    events.push(event);
                }
                Scan::More(next) => {
                    stream.next = next;
                    budget = 0;
                }
                Scan::CaughtUp if events.is_empty() => {
                    stream.live = true;
                    let revision = self.store.revision();
                    stream.next = stream.next.max(revision.next());
                    return Next::CaughtUp(stream.mark(revision));
                }
                Scan::CaughtUp => budget = 0,
                Scan::TooLate if events.is_empty() => {
                    self.remove(id);
                    return Next::TooLate;
                }
                Scan::TooLate => budget = 0,
            }
        }
        Next::Events(events)
    }

    /// The progress mark of a live stream, if there is news since the last one.
    pub fn progress(&mut self, id: WaiterId) -> Option<Revision> {
        let revision = self.store.revision();
        match self.waiters.get_mut(&id) {
            Some(Waiter::Stream(stream)) if stream.live => stream.mark(revision),
            _ => None,
        }
    }

    /// Keeps a read until `at` has come.
    pub fn block(&mut self, at: Revision, request: Request, to: Address) -> WaiterId {
        let id = self.new_id();
        self.blocked.insert((at, id), ());
        self.waiters.insert(id, Waiter::Read(Box::new(Read { at, to, request })));
        id
    }

    /// Forgets a waiter. Nothing is left in its outbox from here on.
    pub fn remove(&mut self, id: WaiterId) {
        match self.waiters.remove(&id) {
            Some(Waiter::Wait { watch, .. }) => {
                self.store.unwatch(watch);
            }
            Some(Waiter::Stream(stream)) => {
                self.store.unwatch(stream.watch);
            }
            Some(Waiter::Read(read)) => {
                self.blocked.remove(&(read.at, id));
            }
            None => {}
        }
    }

    fn new_id(&mut self) -> WaiterId {
        self.last_id += 1;
        WaiterId(self.last_id)
    }
}

impl Address {
    fn store_rev(&self, seen: Revision) -> Option<i64> {
        self.modern.then(|| seen.to_raw())
    }
}

impl Stream {
    fn hand_over(&mut self, rev: Revision, body: &EventBody, wakes: &mut Wakes) {
        let Stream { to, next, live, .. } = self;
        to.outbox.leave(wakes, |left| {
            if left.frames.len() < STREAM_UNSENT_BYTES {
                body.encode_frame(to.tag, to.store_rev(rev), &mut left.frames);
                *next = rev.next();
            } else {
                *live = false;
                left.lagging = true;
            }
        });
    }

    fn mark(&mut self, revision: Revision) -> Option<Revision> {
        let news = revision > self.marked && revision >= self.next.previous();
        news.then(|| {
            self.marked = revision;
            revision
        })
    }
}

/// An event as WAIT and WATCH answer it.
pub(crate) fn event_body(event: &Event) -> EventBody {
    let flags = if event.value.is_some() { FLAG_SET } else { FLAG_DEL };
    EventBody::new(
        event.path.as_bytes(),
        event.value.as_deref().unwrap_or_default(),
        event.rev.to_raw(),
        flags,
    )
}
