//! The state of a member that many look at: the store, and who waits for what in it. One lock holds both, so that an
//! event can never fall between a look at the store and the registration of a wait.
//!
//! The driver alone changes the store. Connections read it, register their waits, and take them back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use doozer_paxos::Entry;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_store::{Event, Fired, Glob, Mode, Pin, ReadError, Revision, Scan, Store, WatchId};
use doozer_wire::{EventBody, FLAG_DEL, FLAG_SET, Request};

use crate::machine::{Applied, Machine, MachineSnapshot};
use crate::outbox::{Outbox, Wakes};

/// Names one outstanding WAIT, WATCH or blocked read; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(pub u64);

/// How many events one look at the history goes through before it lets others have the lock.
pub const SCAN_EVENTS: usize = 256;

/// Unsent bytes of a connection above which its streams wait and later read on from the history.
const STREAM_UNSENT_BYTES: usize = 1 << 20;

/// Where a waiter's answer goes.
#[derive(Debug, Clone)]
pub struct Address {
    /// The connection's.
    pub outbox: Arc<Outbox>,
    /// The request's.
    pub tag: Option<i32>,
    /// After HELLO: answers say which revision they saw.
    pub modern: bool,
}

enum Waiter {
    /// WAIT: one event, then gone.
    Wait(Box<Wait>),
    /// WATCH: every event.
    Stream(Box<Stream>),
    /// A read of a revision that has not come.
    Read(Box<Read>),
}

struct Wait {
    watch: WatchId,
    to: Address,
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
pub enum Found {
    /// It is there.
    Event(Event),
    /// The history from there on is gone.
    TooLate,
    /// None yet: the waiter is registered.
    Registered(WaiterId),
    /// Not through the history yet: look again from here.
    More(Revision),
}

/// What a stream has next.
pub enum Next {
    /// These events; there may be more.
    Events(Vec<Event>),
    /// Nothing more for now: events come live from here on. A progress mark, if one is due.
    CaughtUp(Option<Revision>),
    /// The history from where the stream stood is gone. The waiter is removed.
    TooLate,
    /// The stream was cancelled.
    Gone,
}

/// The replicated state and its waiters.
pub struct State {
    machine: Machine,
    /// Counts the states that took each other's place: what was begun on one of them is not gone on with on another.
    generation: u64,
    waiters: HashMap<WaiterId, Waiter>,
    blocked: BTreeMap<(Revision, WaiterId), ()>,
    last_id: u64,
    /// The latest event in its encoded form: many waiters of one event share it.
    encoded: Option<(Revision, EventBody)>,
}

impl State {
    /// Nobody waits yet.
    pub fn new(machine: Machine) -> Self {
        let (waiters, blocked) = (HashMap::new(), BTreeMap::new());
        State { machine, generation: 0, waiters, blocked, last_id: 0, encoded: None }
    }

    /// The tree.
    pub fn store(&self) -> &Store {
        &self.machine.store
    }

    /// What is replicated.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Applies an entry, and hands out what that set free.
    pub fn apply(&mut self, entry: &Entry, applied: &mut Applied, wakes: &mut Wakes) {
        self.machine.apply(entry, applied);
        self.deliver(applied, wakes);
    }

    /// Another state takes the place of this one: a snapshot of a later one. Whoever waits goes on in its history.
    pub fn install(&mut self, machine: Machine, wakes: &mut Wakes) {
        let before = std::mem::replace(&mut self.machine, machine);
        self.generation += 1;
        if is_planted(Planted::WaitsLostWithState) {
            return;
        }
        let mut ids: Vec<WaiterId> = self.waiters.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().for_each(|id| self.wait_on(id, &before.store, wakes));
        self.free_reads(wakes);
    }

    /// Keeps the history from `rev` on until the pin is given back.
    ///
    /// # Errors
    /// As [`Store::pin`].
    pub fn pin(&mut self, rev: Revision) -> Result<Pinned, ReadError> {
        Ok(Pinned { pin: self.machine.store.pin(rev)?, generation: self.generation })
    }

    /// Gives a pin back.
    pub fn unpin(&mut self, pinned: Pinned) {
        if pinned.generation == self.generation {
            self.machine.store.unpin(pinned.pin);
        }
    }

    /// Begins a snapshot of the present state. Give it back with [`State::end_snapshot`].
    pub fn begin_snapshot(&mut self) -> StateSnapshot {
        StateSnapshot { snapshot: self.machine.begin_snapshot(), generation: self.generation }
    }

    /// Appends the next chunk of a snapshot; false if it was the last one. `None` if the state was replaced since it
    /// began: there is nothing to go on with.
    pub fn next_chunk(&self, snapshot: &mut StateSnapshot, out: &mut Vec<u8>) -> Option<bool> {
        (snapshot.generation == self.generation).then(|| snapshot.snapshot.next_chunk(&self.machine, out))
    }

    /// Gives a snapshot back, complete or not.
    pub fn end_snapshot(&mut self, snapshot: StateSnapshot) {
        if snapshot.generation == self.generation {
            self.machine.end_snapshot(snapshot.snapshot);
        }
    }

    /// How many WAITs, WATCHes and blocked reads are outstanding.
    pub fn waiters(&self) -> usize {
        self.waiters.len()
    }

    /// Hands out what an apply set free: events, and reads whose revision has come.
    fn deliver(&mut self, applied: &mut Applied, wakes: &mut Wakes) {
        for fired in applied.fired.drain(..) {
            self.fire(&fired, wakes);
        }
        self.encoded = None;
        self.free_reads(wakes);
    }

    fn free_reads(&mut self, wakes: &mut Wakes) {
        let revision = self.machine.store.revision();
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
            Some(Waiter::Wait(wait)) => {
                let to = wait.to.clone();
                self.waiters.remove(&id);
                finish(id, &to, &body, event.rev, wakes);
            }
            Some(Waiter::Stream(stream)) if stream.live => stream.hand_over(event.rev, &body, wakes),
            Some(Waiter::Stream(_) | Waiter::Read(_)) | None => {}
        }
    }

    /// Looks for the first event for `glob` at or after `from`; registers a waiter when there is none yet.
    pub fn wait(&mut self, glob: &Glob, from: Revision, to: &Address) -> Found {
        match self.machine.store.scan(glob, from, SCAN_EVENTS) {
            Scan::Found(event) => Found::Event(event),
            Scan::TooLate => Found::TooLate,
            Scan::More(next) => Found::More(next),
            Scan::CaughtUp => {
                let id = self.new_id();
                let mut from = from.max(self.machine.store.revision().next());
                if is_planted(Planted::WaitRegisteredLate) {
                    from = from.next();
                }
                let watch = self.machine.store.watch(glob.clone(), from, Mode::Once, id.0);
                let wait = Wait { watch, to: to.clone() };
                self.waiters.insert(id, Waiter::Wait(Box::new(wait)));
                Found::Registered(id)
            }
        }
    }

    /// Registers a stream of events from `from` on. It starts behind: call [`State::stream_next`].
    pub fn stream(&mut self, glob: Glob, from: Revision, to: Address) -> WaiterId {
        let id = self.new_id();
        let watch = self.machine.store.watch(glob.clone(), from, Mode::Stream, id.0);
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
            match self.machine.store.scan(&stream.glob, stream.next, budget) {
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
                    let revision = self.machine.store.revision();
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
        let revision = self.machine.store.revision();
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
            Some(Waiter::Wait(wait)) => {
                self.machine.store.unwatch(wait.watch);
            }
            Some(Waiter::Stream(stream)) => {
                self.machine.store.unwatch(stream.watch);
            }
            Some(Waiter::Read(read)) => {
                self.blocked.remove(&(read.at, id));
            }
            None => {}
        }
    }

    /// A waiter's next step in a state that took the place of `before`, the one it was registered in.
    fn wait_on(&mut self, id: WaiterId, before: &Store, wakes: &mut Wakes) {
        let State { machine, waiters, .. } = self;
        match waiters.get_mut(&id) {
            Some(Waiter::Wait(wait)) => {
                #[allow(clippy::expect_used, reason = "a watch that fired took its waiter with it")]
                let (glob, from) =
                    before.watched(wait.watch).expect("a wait is watched until it is answered");
                match scan_all(&machine.store, glob, from) {
                    Scan::Found(event) => {
                        let to = wait.to.clone();
                        waiters.remove(&id);
                        finish(id, &to, &event_body(&event), machine.store.revision(), wakes);
                    }
                    Scan::TooLate => {
                        let to = wait.to.clone();
                        waiters.remove(&id);
                        to.outbox.leave(wakes, |left| left.too_late.push(id));
                    }
                    Scan::CaughtUp | Scan::More(_) => {
                        let from = from.max(machine.store.revision().next());
                        wait.watch = machine.store.watch(glob.clone(), from, Mode::Once, id.0);
                    }
                }
            }
            Some(Waiter::Stream(stream)) => {
                stream.watch = machine.store.watch(stream.glob.clone(), stream.next, Mode::Stream, id.0);
                stream.live = false;
                stream.to.outbox.leave(wakes, |left| left.lagging = true);
            }
            Some(Waiter::Read(_)) | None => {}
        }
    }

    fn new_id(&mut self) -> WaiterId {
        self.last_id += 1;
        WaiterId(self.last_id)
    }
}

/// A pin of [`State::pin`].
#[derive(Debug)]
#[must_use = "a pin that is not given back keeps the history for ever"]
pub struct Pinned {
    pin: Pin,
    generation: u64,
}

/// A snapshot of [`State::begin_snapshot`].
#[must_use = "a snapshot that is not given back keeps the history for ever"]
pub struct StateSnapshot {
    snapshot: MachineSnapshot,
    generation: u64,
}

/// The first match in the history from `from` on, however long that is.
fn scan_all(store: &Store, glob: &Glob, mut from: Revision) -> Scan {
    loop {
        match store.scan(glob, from, usize::MAX) {
            Scan::More(next) => from = next,
            scan => return scan,
        }
    }
}

/// Answers a WAIT, which is gone then.
fn finish(id: WaiterId, to: &Address, body: &EventBody, seen: Revision, wakes: &mut Wakes) {
    to.outbox.leave(wakes, |left| {
        body.encode_frame(to.tag, to.store_rev(seen), &mut left.frames);
        left.finished.push(id);
    });
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
pub fn event_body(event: &Event) -> EventBody {
    let flags = if event.value.is_some() { FLAG_SET } else { FLAG_DEL };
    EventBody::new(
        event.path.as_bytes(),
        event.value.as_deref().unwrap_or_default(),
        event.rev.to_raw(),
        flags,
    )
}
