//! The session of a client, under which its writes count once. No I/O and no time belong here.
//!
//! It is opened when the first write is to be sent, and again, under another key, when it has ended. Its calls are the
//! table's, which knows more of them; here stands what they have in common: who may be sent when, in which order, under
//! which numbers.

mod keys;
mod lease;
mod numbers;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use doozer_store::SessionId;
use doozer_wire::{OwnedResponse, Request, SessionOp, SessionRequest, Verb};

use crate::backoff::Backoff;
use crate::calls::{Call, Done, Failure, Owner, Tag};
use crate::clock::Moment;
use crate::random::Random;
use keys::Keys;
use lease::Lease;
use numbers::Numbers;

/// What the client's sessions are opened with.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub ttl: Duration,
    /// A name for people.
    pub label: Bytes,
    /// What keys are drawn from. A secret.
    pub seed: [u8; 32],
}

#[cfg(test)]
impl Terms {
    /// A TTL of 12 s.
    pub fn sample() -> Terms {
        Terms { ttl: Duration::from_secs(12), label: Bytes::from_static(b"test"), seed: [7; 32] }
    }
}

/// A session as those see it who hold something by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenure {
    /// Counts the client's sessions.
    pub generation: u64,
    /// Its public id.
    pub id: SessionId,
    pub ttl: Duration,
    /// The cluster does not end it before, unless it is told to.
    pub valid_until: Moment,
}

#[derive(Debug)]
enum Standing {
    /// There is none.
    None,
    /// Its OPEN is under way. Nothing is sent under the key before that is answered, and never again if it is not: an
    /// OPEN of which a copy is still on its way could open the session anew after its end.
    Opening(Bytes),
    Open {
        key: Bytes,
        id: SessionId,
        lease: Lease,
    },
    /// It has ended, and some of its commands are still to be answered. Until then no other one is opened: writes of
    /// one client keep their order.
    Ended,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Session {
    ttl: Duration,
    label: Bytes,
    keys: Keys,
    standing: Standing,
    pub generation: u64,
    pub numbers: Numbers,
    /// Commands to be sent again, by number.
    pub again: BTreeMap<u64, Tag>,
    /// Writes without a number, in their order, that cannot be sent now.
    pub parked: VecDeque<Tag>,
    /// Commands of a session that has ended that surely were not made: to be sent under the next one, in this order.
    pub returned: BTreeMap<u64, Tag>,
    /// Some command was not made, and others behind it are on their way: they come too early. Until all of these are
    /// answered nothing more is sent, or every later one would come too early as well.
    pub has_stumbled: bool,
    pace: Backoff,
    /// Until then no command is sent: the cluster refused the last ones for now.
    held: Option<Moment>,
    /// Why no session could be opened, lately.
    refused: Option<Failure>,
    /// When the last command was sent.
    used: Moment,
    /// How many want it to live although nothing is sent.
    holds: usize,
    /// Files may be bound to it, of which nobody here keeps count.
    binds: bool,
}

impl Session {
    pub fn new(terms: Terms, random: Random) -> Session {
        Session {
            ttl: terms.ttl,
            label: terms.label,
            keys: Keys::new(terms.seed),
            standing: Standing::None,
            generation: 0,
            numbers: Numbers::default(),
            again: BTreeMap::new(),
            parked: VecDeque::new(),
            returned: BTreeMap::new(),
            has_stumbled: false,
            pace: Backoff::new(random),
            held: None,
            refused: None,
            used: Moment::default(),
            holds: 0,
            binds: false,
        }
    }

    /// What it is called in listings.
    pub fn label(&self) -> &Bytes {
        &self.label
    }

    /// What has to be said now to have a session, or to keep it.
    pub fn chore(&mut self, now: Moment, done: &mut Done) -> Option<(Request, Owner)> {
        self.held = self.held.filter(|until| *until > now);
        match &mut self.standing {
            Standing::None if !self.parked.is_empty() && self.held.is_none() => {
                let key = self.keys.draw();
                let mut request = request(SessionOp::Open, key.clone());
                if let Some(op) = &mut request.session_op {
                    (op.ttl_ms, op.label) = (Some(self.ttl.as_millis() as u64), self.label.clone());
                }
                self.standing = Standing::Opening(key);
                Some((request, Owner::Open(now)))
            }
            Standing::Open { lease, .. } if lease.due().is_some_and(|due| due <= now) => {
                if self.is_idle(now) {
                    return self.forget(done).map(|key| (farewell(key), Owner::Close(None)));
                }
                self.renewal(now)
            }
            _ => None,
        }
    }

    fn renewal(&mut self, now: Moment) -> Option<(Request, Owner)> {
        let Standing::Open { key, lease, .. } = &mut self.standing else { return None };
        lease.ask();
        Some((request(SessionOp::KeepAlive, key.clone()), Owner::KeepAlive(now)))
    }

    /// Whether nobody would miss it.
    fn is_idle(&self, now: Moment) -> bool {
        let Standing::Open { lease, .. } = &self.standing else { return false };
        let is_unused = self.holds == 0 && !self.binds && !self.has_queued() && self.numbers.is_empty();
        is_unused && lease.is_idle(self.used, now)
    }

    /// Whether a command is still to be sent.
    pub fn has_queued(&self) -> bool {
        !self.again.is_empty() || !self.parked.is_empty()
    }

    /// When there may be something to do although nothing has happened.
    pub fn alarm(&self) -> Option<Moment> {
        let due = match &self.standing {
            Standing::Open { lease, .. } => lease.due(),
            _ => None,
        };
        let held = self.held.filter(|_| self.has_queued());
        due.into_iter().chain(held).min()
    }

    pub fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Open { .. })
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.standing, Standing::Ended)
    }

    /// Whether commands may be sent, but for those that have stumbled.
    pub fn admits(&self) -> bool {
        self.is_open() && self.held.is_none()
    }

    /// Makes a call the command of this session that it is, or will be.
    pub fn enrol(&mut self, tag: Tag, call: &mut Call, now: Moment) {
        let Standing::Open { key, .. } = &self.standing else { return };
        if call.number == 0 {
            call.number = self.numbers.give(tag, call.is_queued());
        }
        call.was_next = self.numbers.is_next(call.number);
        let (acknowledged, unanswered) = self.numbers.acknowledgement();
        let request = &mut call.request;
        request.session = Some(key.clone());
        request.sequence = Some(call.number);
        request.acknowledged = Some(acknowledged).filter(|acknowledged| *acknowledged > 0);
        request.unanswered = unanswered;
        self.used = now;
    }

    /// The OPEN that was sent then is answered.
    pub fn opened(&mut self, sent: Moment, response: &OwnedResponse, done: &mut Done) {
        let Standing::Opening(key) = &self.standing else { return };
        let Ok(bytes) = key[..].try_into() else { return };
        let ttl = response.session.as_ref().and_then(|reply| reply.ttl_ms);
        let lease = Lease::new(sent, ttl.map_or(self.ttl, Duration::from_millis));
        self.generation += 1;
        self.numbers = Numbers::default();
        (self.refused, self.used) = (None, sent);
        self.pace.reset();
        self.standing = Standing::Open { key: key.clone(), id: SessionId::of_key(&bytes), lease };
        self.tell(done);
    }

    /// The OPEN was refused for now, or its answer was lost.
    pub fn not_opened(&mut self, why: Option<Failure>) {
        if matches!(self.standing, Standing::Opening(_)) {
            self.standing = Standing::None;
        }
        self.refused = why.or(self.refused.take());
    }

    /// The keep-alive that was sent then is answered.
    pub fn renewed(&mut self, sent: Moment, done: &mut Done) {
        if let Standing::Open { lease, .. } = &mut self.standing {
            lease.renew(sent);
            self.tell(done);
        }
    }

    /// The keep-alive was refused for now.
    pub fn not_renewed(&mut self, now: Moment) {
        if let Standing::Open { lease, .. } = &mut self.standing {
            lease.retry(now);
        }
    }

    /// The connection is lost.
    pub fn disconnected(&mut self, now: Moment) {
        self.has_stumbled = false;
        self.not_opened(None);
        if let Standing::Open { lease, .. } = &mut self.standing {
            lease.lose(now);
        }
    }

    /// Commands wait for a while before they are sent again.
    pub fn hold(&mut self, now: Moment) {
        self.held = Some(now.after(self.pace.pause()));
    }

    /// The cluster takes commands.
    pub fn go_on(&mut self) {
        self.pace.reset();
        self.held = None;
    }

    /// It has ended. Its commands are still to be settled.
    pub fn end(&mut self, done: &mut Done) {
        if self.is_open() {
            self.standing = Standing::Ended;
            done.tenure = Some(None);
        }
    }

    /// Once it has ended and all its commands are settled, there is none any more. Those that were not made are to be
    /// sent under the next one.
    pub fn settle(&mut self) {
        if self.has_ended() && self.numbers.is_empty() {
            self.standing = Standing::None;
            self.has_stumbled = false;
            while let Some((_, tag)) = self.returned.pop_last() {
                self.parked.push_front(tag);
            }
        }
    }

    /// Forgets it and its commands. Returns its key if it was open.
    pub fn forget(&mut self, done: &mut Done) -> Option<Bytes> {
        let standing = std::mem::replace(&mut self.standing, Standing::None);
        self.numbers = Numbers::default();
        self.again.clear();
        self.parked.clear();
        self.returned.clear();
        self.has_stumbled = false;
        match standing {
            Standing::Open { key, .. } => {
                done.tenure = Some(None);
                Some(key)
            }
            _ => None,
        }
    }

    /// Why a write that was never sent was not, if that is the session's fault.
    pub fn why_not(&self) -> Option<Failure> {
        self.refused.clone().filter(|_| !self.is_open())
    }

    /// It is to live until a `release`, although nothing is sent.
    pub fn hold_open(&mut self) {
        self.holds += 1;
    }

    pub fn release(&mut self) {
        self.holds -= 1;
    }

    /// Files are bound to it from now on, of which nobody keeps count: it is not closed for want of work any more, nor
    /// is any that comes after it.
    pub fn bind(&mut self) {
        self.binds = true;
    }

    fn tell(&self, done: &mut Done) {
        if let Standing::Open { id, lease, .. } = &self.standing {
            done.tenure = Some(Some(Tenure {
                generation: self.generation,
                id: *id,
                ttl: lease.ttl(),
                valid_until: lease.valid_until(),
            }));
        }
    }
}

/// The request that ends the session of this key.
pub(crate) fn farewell(key: Bytes) -> Request {
    request(SessionOp::Close, key)
}

fn request(op: SessionOp, key: Bytes) -> Request {
    let op = SessionRequest { op: op as i32, ..SessionRequest::default() };
    Request { verb: Verb::Session as i32, session: Some(key), session_op: Some(op), ..Request::default() }
}
