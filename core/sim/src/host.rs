//! What a simulated member's driver asks of its host: everything is noted, in order, for the world to carry out.
//! Never here: when anything is carried out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use doozer_member::driver::{
    Answer as DriverAnswer, Host, KeepAlive, Kept, NoQuorum, Order, Position, Reader, Reply,
};
use doozer_member::local::Local;
use doozer_member::machine::{Applied as Brought, Done, Outcome as MemberOutcome};
use doozer_member::outbox::Wakes;
use doozer_member::peer::Peer;
use doozer_paxos::{Entry, EntryHash, Incarnation};
use doozer_store::{At as StoreAt, Revision};

use crate::history::{Answer, Effect as Became, OpId, Outcome, Refusal, Request, SessionEvent, Settled};
use crate::serve::{Said, read};

/// Something that a member's driver asked for or did.
#[derive(Debug)]
pub(crate) enum Effect {
    /// To be given to its keeper.
    Keep(Order),
    /// To be sent.
    Send(Incarnation, Peer),
    /// It applied an entry.
    Applied(Box<Applied>),
    /// It took over another member's state; the digest of what it has then.
    Installed(Position, Revision, [u8; 32]),
    /// Something for a client.
    Said(u64, Said),
    /// A queued SET waits for its turn: that may take as long as it takes.
    Parked(OpId),
}

/// An entry, and what it came to at one member.
#[derive(Debug)]
pub(crate) struct Applied {
    pub entry: Entry,
    pub hash: EntryHash,
    pub effects: Vec<Became>,
    pub settled: Vec<Settled>,
    pub sessions: Vec<SessionEvent>,
    pub revision: u64,
    /// Of the state behind it, for some slots.
    pub digest: Option<[u8; 32]>,
}

/// Effects in their order, shared by a host and the replies that it is given.
pub(crate) type Effects = Rc<RefCell<Vec<Effect>>>;

/// The host of one member.
pub(crate) struct SimHost {
    effects: Effects,
    /// What is in memory is as durable as it gets.
    keeps_nothing: bool,
    /// The member's state, once there is one.
    pub local: Option<Arc<Local>>,
}

impl SimHost {
    pub fn new(effects: Effects, keeps_nothing: bool) -> SimHost {
        SimHost { effects, keeps_nothing, local: None }
    }

    fn note(&self, effect: Effect) {
        self.effects.borrow_mut().push(effect);
    }
}

/// Of every so many slots the state's digest is compared.
const DIGEST_SLOTS: u64 = 32;

impl Host for SimHost {
    type Reply = SimReply;
    type Reader = SimReader;
    type KeepAlive = SimKeepAlive;

    fn keep(&mut self, order: Order) -> bool {
        self.note(Effect::Keep(order));
        self.keeps_nothing
    }

    fn send(&mut self, to: Incarnation, message: Peer) {
        self.note(Effect::Send(to, message));
    }

    fn applied(&mut self, entry: &Entry, hash: EntryHash, brought: &Brought, revision: Revision) {
        let is_due = entry.slot.0.is_multiple_of(DIGEST_SLOTS);
        let local = self.local.as_ref().filter(|_| is_due);
        let digest = local.map(|local| local.state.read().machine().digest());
        let applied = Applied {
            entry: entry.clone(),
            hash,
            effects: brought.done.iter().map(became).collect(),
            settled: brought.granted.iter().copied().map(Settled::from).collect(),
            sessions: brought.sessions.iter().copied().map(SessionEvent::from).collect(),
            revision: revision.0,
            digest,
        };
        self.note(Effect::Applied(Box::new(applied)));
    }

    fn installed(&mut self, position: Position, revision: Revision) {
        let digest = self.local.as_ref().map(|local| local.state.read().machine().digest());
        self.note(Effect::Installed(position, revision, digest.unwrap_or_default()));
    }
}

/// The client that waits for a write.
pub(crate) struct SimReply {
    pub effects: Effects,
    pub connection: u64,
    pub op: OpId,
    /// Whether the connection is still there.
    pub is_wanted: Rc<Cell<bool>>,
}

impl Reply for SimReply {
    fn answer(self, answer: DriverAnswer<'_>, _: &mut Wakes) {
        let (answer, revision) = match answer {
            DriverAnswer::Applied(outcome, revision) => (told(outcome).into(), revision.0),
            DriverAnswer::NotWritten(_) => (Answer::NotWritten, 0),
            DriverAnswer::Unknown(_) => (Answer::Unknown, 0),
        };
        let said = Said { op: self.op, answer, revision };
        self.effects.borrow_mut().push(Effect::Said(self.connection, said));
    }

    fn park(&mut self, _: &mut Wakes) {
        self.effects.borrow_mut().push(Effect::Parked(self.op));
    }

    fn is_wanted(&self) -> bool {
        self.is_wanted.get()
    }
}

/// The client that keeps a session alive.
pub(crate) struct SimKeepAlive {
    pub effects: Effects,
    pub connection: u64,
    pub op: OpId,
}

impl KeepAlive for SimKeepAlive {
    fn answer(self, kept: Kept, _: &mut Wakes) {
        let answer = match kept {
            Kept::Alive => Answer::Alive,
            Kept::Ended => Answer::Refused(Refusal::NoSession),
            Kept::Unknown(_) => Answer::Unknown,
        };
        let said = Said { op: self.op, answer, revision: 0 };
        self.effects.borrow_mut().push(Effect::Said(self.connection, said));
    }
}

/// The client that waits for a linearizable read, and where it is read.
pub(crate) struct SimReader {
    pub effects: Effects,
    pub local: Arc<Local>,
    pub connection: u64,
    pub op: OpId,
    pub request: Request,
}

impl Reader for SimReader {
    fn answer(self, readable: Result<(), NoQuorum>, _: &mut Wakes) {
        let state = self.local.state.read();
        let (answer, revision) = match readable {
            Ok(()) => (read(state.store(), &self.request, StoreAt::Now), state.store().revision().0),
            Err(_) => (Some(Answer::Unavailable), 0),
        };
        let Some(answer) = answer else { return };
        let said = Said { op: self.op, answer, revision };
        self.effects.borrow_mut().push(Effect::Said(self.connection, said));
    }
}

fn told(outcome: &MemberOutcome) -> Outcome {
    match *outcome {
        MemberOutcome::Store(outcome) => outcome.into(),
        MemberOutcome::Refused(_) => Outcome::Refused(Refusal::Voters),
    }
}

fn became(done: &Done) -> Became {
    match done {
        Done::Skipped(_) => Became::Skipped,
        Done::Opened(_) => Became::Opened,
        Done::Plain(outcome) | Done::Numbered(_, outcome) => Became::Done(told(outcome)),
    }
}
