//! A member's end of a client's connection: reads answered from its state, waits and watches registered there, and what
//! the member leaves in the connection's outbox, decoded. What `core/node`'s server does, without a socket.
//! Never here: writes (the driver answers those), or how an answer travels.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use doozer_member::outbox::Outbox;
use doozer_member::state::{Address, Found, Next, State, WaiterId};
use doozer_store::{At as StoreAt, Glob, Lookup, ReadError, Revision, Store};
use doozer_wire::{Decoder, FLAG_DEL, FLAG_PROGRESS, OwnedResponse};

use crate::history::{Answer, Event, OpId, Outcome, ReadAt, Request};

/// Something for a client: an answer, or an event of a stream, and the store's revision that it saw.
#[derive(Debug)]
pub struct Said {
    /// The request.
    pub op: OpId,
    /// What is said.
    pub answer: Answer,
    /// The store's revision that it saw; 0 if it saw none.
    pub revision: u64,
}

/// One connection at a member.
pub struct Served {
    outbox: Arc<Outbox>,
    decoder: Decoder,
    waiters: BTreeMap<WaiterId, OpId>,
    /// Reads of a revision that has not come.
    blocked: BTreeMap<WaiterId, (OpId, Request)>,
    streams: Vec<WaiterId>,
    lagging: bool,
    /// Queued SETs without an answer.
    queued: BTreeMap<OpId, Queued>,
    is_open: Rc<Cell<bool>>,
}

/// A queued SET without an answer.
#[derive(Default)]
struct Queued {
    /// The CANCEL that takes it back.
    by: Option<OpId>,
    /// What came of it since.
    held: Option<Said>,
}

impl Served {
    /// A new connection.
    pub fn new() -> Served {
        Served {
            outbox: Arc::default(),
            decoder: Decoder::new(1 << 20),
            waiters: BTreeMap::new(),
            blocked: BTreeMap::new(),
            streams: Vec::new(),
            lagging: false,
            queued: BTreeMap::new(),
            is_open: Rc::new(Cell::new(true)),
        }
    }

    /// Whether the connection is still there.
    pub fn is_open(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.is_open)
    }

    /// A queued SET came.
    pub fn waits(&mut self, op: OpId) {
        self.queued.insert(op, Queued::default());
    }

    /// A queued SET is to be taken back. False if it is not outstanding.
    pub fn cancels(&mut self, op: OpId, of: OpId) -> bool {
        match self.queued.get_mut(&of) {
            Some(queued) if queued.by.is_none() => {
                queued.by = Some(op);
                true
            }
            _ => false,
        }
    }

    /// What a member has to say, as it is said here: the answer of a SET that is being taken back waits for what comes of
    /// that.
    pub fn settles(&mut self, said: Said) -> Vec<Said> {
        let of = self.queued.iter().find(|(_, queued)| queued.by == Some(said.op)).map(|(of, _)| *of);
        if let Some((of, queued)) = of.and_then(|of| Some((of, self.queued.remove(&of)?))) {
            let left = Answer::Became(Outcome::Left);
            let own = |answer| Said { op: of, answer, revision: said.revision };
            return match said.answer {
                // There was nothing to be taken back: its answer is what it was.
                Answer::Absent => {
                    let cancelled = Said { op: said.op, answer: left, revision: said.revision };
                    queued.held.into_iter().chain([cancelled]).collect()
                }
                ref answer => vec![own(answer.clone()), said],
            };
        }
        match self.queued.get_mut(&said.op) {
            Some(Queued { by: Some(_), held }) => {
                *held = Some(said);
                return Vec::new();
            }
            Some(_) => drop(self.queued.remove(&said.op)),
            None => {}
        }
        vec![said]
    }

    /// Begins a read that is not linearizable, a WAIT or a WATCH. What there is to say at once comes back.
    pub fn ask(&mut self, state: &mut State, op: OpId, request: Request) -> Option<Said> {
        let revision = state.store().revision().0;
        let answer = match &request {
            Request::Wait { glob, from } => return self.wait(state, op, glob, *from),
            Request::Watch { glob, from } => {
                let Ok(glob) = Glob::parse(glob.as_bytes()) else { return None };
                let id = state.stream(glob, Revision((*from).max(1)), self.address(op));
                self.waiters.insert(id, op);
                self.streams.push(id);
                self.lagging = true;
                return None;
            }
            Request::Get { at, .. } | Request::List { at, .. } => {
                let (wanted, at) = match at {
                    ReadAt::Local { min_rev } if *min_rev > revision => (*min_rev, StoreAt::Now),
                    ReadAt::Linearizable | ReadAt::Local { .. } => (0, StoreAt::Now),
                    ReadAt::Revision(rev) => (*rev, StoreAt::Revision(Revision((*rev).max(1)))),
                };
                let found = if wanted > revision { None } else { read(state.store(), &request, at) };
                match found {
                    Some(answer) => answer,
                    None => {
                        let rev = Revision(wanted);
                        let id = state.block(rev, doozer_wire::Request::default(), self.address(op));
                        self.blocked.insert(id, (op, request));
                        return None;
                    }
                }
            }
            _ => return None,
        };
        Some(Said { op, answer, revision })
    }

    fn wait(&mut self, state: &mut State, op: OpId, glob: &str, from: u64) -> Option<Said> {
        let glob = Glob::parse(glob.as_bytes()).ok()?;
        let (to, mut from) = (self.address(op), Revision(from.max(1)));
        loop {
            let revision = state.store().revision().0;
            match state.wait(&glob, from, &to) {
                Found::Event(event) => {
                    return Some(Said { op, answer: Answer::Event(change(event)), revision });
                }
                Found::TooLate => return Some(Said { op, answer: Answer::TooLate, revision }),
                Found::More(next) => from = next,
                Found::Registered(id) => {
                    self.waiters.insert(id, op);
                    return None;
                }
            }
        }
    }

    /// Takes what the member left here, and brings streams that are behind forward.
    pub fn collect(&mut self, state: &mut State, said: &mut Vec<Said>) {
        self.take(state, said);
        if !std::mem::take(&mut self.lagging) {
            return;
        }
        for id in self.streams.clone() {
            self.feed(state, id, said);
        }
    }

    /// Everything of this connection is forgotten.
    pub fn end(&mut self, state: &mut State) {
        self.is_open.set(false);
        let waiters = std::mem::take(&mut self.waiters).into_keys();
        waiters.chain(std::mem::take(&mut self.blocked).into_keys()).for_each(|id| state.remove(id));
    }

    fn take(&mut self, state: &mut State, said: &mut Vec<Said>) {
        let mut left = self.outbox.take(BytesMut::new());
        for id in left.finished {
            self.waiters.remove(&id);
        }
        #[allow(clippy::expect_used, reason = "what the member encoded is a frame")]
        while let Some(body) = self.decoder.next(&mut left.frames).expect("a frame of a member") {
            let response = OwnedResponse::decode(body).expect("a response of a member");
            said.extend(understand(response));
        }
        for id in left.too_late {
            if let Some(op) = self.waiters.remove(&id) {
                let revision = state.store().revision().0;
                said.push(Said { op, answer: Answer::TooLate, revision });
            }
        }
        self.lagging |= left.lagging;
        for (id, _) in left.ready {
            if let Some((op, request)) = self.blocked.remove(&id) {
                said.extend(self.ask(state, op, request));
            }
        }
    }

    fn feed(&mut self, state: &mut State, id: WaiterId, said: &mut Vec<Said>) {
        let Some(op) = self.waiters.get(&id).copied() else { return };
        loop {
            // Events handed over while the stream was live come before what the history has next.
            self.take(state, said);
            let revision = state.store().revision().0;
            match state.stream_next(id) {
                Next::Events(events) => {
                    for event in events {
                        said.push(Said { op, answer: Answer::Event(change(event)), revision });
                    }
                }
                Next::CaughtUp(mark) => {
                    if let Some(mark) = mark {
                        said.push(Said { op, answer: Answer::Progress(mark.0), revision });
                    }
                    return;
                }
                Next::Gone => return,
                Next::TooLate => {
                    self.waiters.remove(&id);
                    self.streams.retain(|stream| *stream != id);
                    said.push(Said { op, answer: Answer::TooLate, revision });
                    return;
                }
            }
        }
    }

    fn address(&self, op: OpId) -> Address {
        Address { outbox: Arc::clone(&self.outbox), tag: Some(op.0 as i32), modern: true }
    }
}

/// A read's answer; `None` if its revision has not come.
pub fn read(store: &Store, request: &Request, at: StoreAt) -> Option<Answer> {
    let answer = match request {
        Request::Get { path, .. } => store.get(path, at).map(|found| match found {
            Lookup::Missing => Answer::Missing,
            Lookup::Directory => Answer::Directory,
            Lookup::File { rev, value } => Answer::File { rev: rev.0, value: Bytes::copy_from_slice(value) },
        }),
        Request::List { glob, .. } => {
            let glob = Glob::parse(glob.as_bytes()).ok()?;
            store
                .walk(&glob, at, None)
                .map(|files| Answer::Listing(files.map(|file| (file.path.to_owned(), file.rev.0)).collect()))
        }
        _ => return None,
    };
    match answer {
        Ok(answer) => Some(answer),
        Err(ReadError::Future) => None,
        Err(_) => Some(Answer::TooLate),
    }
}

fn change(event: doozer_store::Event) -> Event {
    let value = event.value.as_deref().map(Bytes::copy_from_slice);
    Event { rev: event.rev.0, path: event.path.to_string(), value }
}

/// An event as it was left in an outbox.
fn understand(response: OwnedResponse) -> Option<Said> {
    let op = OpId(u64::try_from(response.tag?).ok()?);
    let number = |rev: i64| u64::try_from(rev).unwrap_or_default();
    let (revision, rev) = (response.store_rev.map_or(0, number), number(response.rev?));
    let answer = match response.flags? {
        FLAG_PROGRESS => Answer::Progress(rev),
        flags => {
            let path = String::from_utf8(response.path?.to_vec()).ok()?;
            let value = (flags != FLAG_DEL).then(|| response.value.unwrap_or_default());
            Answer::Event(Event { rev, path, value })
        }
    };
    Some(Said { op, answer, revision })
}
