//! What of this member's state is durable, and what may be said only once it is: persist before send, as data.

use std::collections::VecDeque;

use crate::message::Envelope;
use crate::replica::Append;
use crate::{Ballot, Slot};

/// Numbers what is given out to be made durable, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PersistId(pub u64);

/// Something to be made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Persist {
    /// The promise: nothing below this ballot is promised or accepted any more.
    Promise(Ballot),
    /// One atomic change of the log. Its ballot was given out as a promise before.
    Append(Append),
}

#[derive(Debug)]
pub(super) struct Keep {
    last_id: PersistId,
    /// What will be durable with each number that is not yet: the ballot and the end of the accepted log.
    under_way: VecDeque<(PersistId, Ballot, Slot)>,
    acc_ballot: Ballot,
    last: Slot,
    /// Messages that wait for a number.
    held: VecDeque<(PersistId, Envelope)>,
}

impl Keep {
    pub fn new(acc_ballot: Ballot, last: Slot) -> Keep {
        Keep {
            last_id: PersistId::default(),
            under_way: VecDeque::new(),
            acc_ballot,
            last,
            held: VecDeque::new(),
        }
    }

    /// Numbers it.
    pub fn give_out(&mut self, what: &Persist) -> PersistId {
        self.last_id.0 += 1;
        let (_, acc_ballot, last) =
            self.under_way.back().copied().unwrap_or((self.last_id, self.acc_ballot, self.last));
        let then = match what {
            Persist::Promise(_) => (acc_ballot, last),
            Persist::Append(append) => (append.acc_ballot, append.last()),
        };
        self.under_way.push_back((self.last_id, then.0, then.1));
        self.last_id
    }

    /// Returns the messages that may be sent now.
    pub fn persisted(&mut self, id: PersistId) -> Vec<Envelope> {
        assert!(
            id <= self.last_id,
            "{id:?} is said to be durable, {:?} was the last given out",
            self.last_id
        );
        while let Some((_, acc_ballot, last)) =
            self.under_way.pop_front_if(|(under_way, ..)| *under_way <= id)
        {
            (self.acc_ballot, self.last) = (acc_ballot, last);
        }
        let mut released = Vec::new();
        while let Some((_, envelope)) = self.held.pop_front_if(|(needs, _)| *needs <= id) {
            released.push(envelope);
        }
        released
    }

    /// Keeps a message until all that was given out so far is durable; gives it back if that is so already.
    pub fn hold(&mut self, envelope: Envelope) -> Option<Envelope> {
        if self.under_way.is_empty() {
            return Some(envelope);
        }
        self.held.push_back((self.last_id, envelope));
        None
    }

    /// Where the durable log ends, if it was accepted under this ballot.
    pub fn durable_under(&self, ballot: Ballot) -> Option<Slot> {
        (self.acc_ballot == ballot).then_some(self.last)
    }

    /// Everything that was given out is durable.
    pub fn is_settled(&self) -> bool {
        self.under_way.is_empty()
    }
}
