//! A client with a session: what it has asked and not been answered, what it believes to hold, and until when.
//! Never here: how a request travels, or when it asks.

use std::collections::BTreeMap;

use doozer_store::SessionId;

use crate::history::{Numbered, OpId, Request, Time};
use crate::random::Random;
use crate::workload::{Drawn, Locks};

/// One client's session, or the lack of it.
#[derive(Debug, Default)]
pub struct Holder {
    /// Thousandths of true time that its clock goes in a thousandth: 1,000 is right.
    pub rate: u64,
    /// The OPEN that it waits for, and the session that it is for: it counts from when that was sent.
    pub opening: Option<(OpId, Session)>,
    /// The session.
    pub session: Option<Session>,
    /// Its process is stopped until then, or it waits.
    pub away_until: Time,
    /// What was not answered as it should is about to be sent again.
    pub is_again_due: bool,
    /// The keep-alives that are not answered: when each was sent, and for which session.
    pub keeping: BTreeMap<OpId, (Time, SessionId)>,
}

/// A session, as its client knows it.
#[derive(Debug)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Milliseconds.
    pub ttl_ms: u32,
    /// When the last OPEN or keep-alive that was acknowledged was sent.
    pub kept: Time,
    /// The number of the next command.
    next: u64,
    /// Commands without an answer, by their numbers.
    pub pending: BTreeMap<u64, Pending>,
    /// Its locks.
    pub locks: Locks,
    /// The CLOSE that it waits for.
    pub closing: Option<OpId>,
}

/// A command without an answer.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The request.
    pub op: OpId,
    /// The command.
    pub numbered: Numbered,
    /// A NOP is to be sent in its place from now on.
    pub is_given_up: bool,
    /// It is to be taken back.
    pub is_cancelled: bool,
    /// It is on its way on this connection, as far as the client knows.
    pub is_out: bool,
    /// How often it came back without having been made: the more often, the longer until it is sent again.
    pub vain: u32,
    /// How often its client did something about it for want of an answer: the more often, the longer until it does again.
    /// Each time may cost a connection, and then everything is sent again.
    pub impatient: u32,
}

impl Holder {
    /// A client without a session.
    pub fn new(random: &mut Random) -> Holder {
        // Within an eighth: what is promised to clients holds for such clocks.
        Holder { rate: random.between(890, 1_120), ..Holder::default() }
    }

    /// Until when it counts on its session, in true time: seven eighths of the TTL by its own clock.
    pub fn until(&self) -> Time {
        let lives = |session: &Session| session.kept.0 + u64::from(session.ttl_ms) * 875 * self.rate / 1_000;
        Time(self.session.as_ref().map_or(0, lives))
    }

    /// Whether it waits for nothing.
    pub fn is_done(&self) -> bool {
        self.session.is_none() && self.opening.is_none()
    }
}

impl Session {
    /// One that was just opened.
    pub fn new(id: SessionId, ttl_ms: u32, kept: Time) -> Session {
        let (pending, locks) = (BTreeMap::new(), Locks::default());
        Session { id, ttl_ms, kept, next: 1, pending, locks, closing: None }
    }

    /// How many commands are under way that do not wait for their turn.
    pub fn under_way(&self) -> usize {
        self.pending.values().filter(|pending| !pending.numbered.is_queued).count()
    }

    /// Whether it waits for something that it has not given up.
    pub fn has_unanswered(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Numbers a command. `lag` answers less than it has are acknowledged.
    pub fn number(&mut self, op: OpId, drawn: Drawn, lag: u64) -> &Pending {
        let Drawn { write, is_ephemeral, is_queued } = drawn;
        let plain = self.pending.iter().filter(|(_, pending)| !pending.numbered.is_queued);
        let open = plain.map(|(sequence, _)| *sequence).next().unwrap_or(self.next);
        let acknowledged = (open - 1).saturating_sub(lag);
        let numbered = Numbered {
            session: self.id,
            sequence: self.next,
            acknowledged,
            unanswered: self.pending.keys().copied().filter(|sequence| *sequence <= acknowledged).collect(),
            is_ephemeral,
            is_queued,
            write: Box::new(write),
        };
        let pending = Pending {
            op,
            numbered,
            is_given_up: false,
            is_cancelled: false,
            is_out: true,
            vain: 0,
            impatient: 0,
        };
        self.next += 1;
        self.pending.entry(pending.numbered.sequence).or_insert(pending)
    }

    /// The number of a command that was asked for.
    pub fn sequence_of(&self, op: OpId) -> Option<u64> {
        self.pending.iter().find(|(_, pending)| pending.op == op).map(|(sequence, _)| *sequence)
    }
}

impl Pending {
    /// What is sent for it now.
    pub fn request(&self) -> Request {
        let numbered = self.numbered.clone();
        if self.is_given_up {
            let write = Box::new(Request::Nop);
            return Request::By(Numbered { is_ephemeral: false, is_queued: false, write, ..numbered });
        }
        Request::By(numbered)
    }

    /// The file that a queued SET waits for.
    pub fn path(&self) -> Option<&str> {
        match &*self.numbered.write {
            Request::Set { path, .. } | Request::Del { path, .. } => Some(path),
            _ => None,
        }
    }
}
