//! What of this member's state is durable, and what may be said only once it is: persist before send, as data.

use std::collections::VecDeque;

use crate::append::Append;
use crate::log::Base;
use crate::message::{Envelope, Message};
use crate::{Ballot, Entry, Slot};

/// Numbers what is given out to be made durable, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PersistId(pub u64);

/// Something to be made durable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Persist {
    /// The promise: nothing below this ballot is promised or accepted any more.
    Promise(Ballot),
    /// One atomic change of the log. Its ballot was given out as a promise before.
    Append(Append),
    /// What made the end of the log suspect is made good: it is to be forgotten.
    Sound,
    /// The snapshot that the driver has of this place: the log begins behind it, and nothing else stands in it.
    Install(Base),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Keep {
    last_id: PersistId,
    /// Given out, and not durable yet, oldest first.
    under_way: VecDeque<UnderWay>,
    acc_ballot: Ballot,
    last: Slot,
    /// Messages that wait for a number.
    held: VecDeque<(PersistId, Envelope)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct UnderWay {
    id: PersistId,
    /// What the log is accepted under, and where it ends, once this is durable.
    acc_ballot: Ballot,
    last: Slot,
    /// When it was given out.
    since: u64,
    /// The first slot that it replaces or adds.
    from: Option<Slot>,
    /// Bytes of the commands in it.
    command_bytes: usize,
}

impl Keep {
    pub fn new(acc_ballot: Ballot, last: Slot) -> Keep {
        let under_way = VecDeque::new();
        Keep { last_id: PersistId::default(), under_way, acc_ballot, last, held: VecDeque::new() }
    }

    /// The number last given out.
    pub fn last_id(&self) -> PersistId {
        self.last_id
    }

    /// Numbers it.
    pub fn give_out(&mut self, what: &Persist, now: u64) -> PersistId {
        self.last_id.0 += 1;
        let before = self.under_way.back().map(|before| (before.acc_ballot, before.last));
        let (acc_ballot, last) = before.unwrap_or((self.acc_ballot, self.last));
        let (acc_ballot, last) = match what {
            Persist::Promise(_) | Persist::Sound => (acc_ballot, last),
            Persist::Install(base) => (acc_ballot, base.slot),
            Persist::Append(append) => (append.acc_ballot, append.last()),
        };
        let (from, command_bytes) = match what {
            Persist::Append(append) => {
                (Some(append.from), append.entries.iter().map(Entry::command_bytes).sum())
            }
            _ => (None, 0),
        };
        let id = self.last_id;
        self.under_way.push_back(UnderWay { id, acc_ballot, last, since: now, from, command_bytes });
        self.last_id
    }

    /// Returns the messages that may be sent now.
    pub fn persisted(&mut self, id: PersistId) -> Vec<Envelope> {
        assert!(
            id <= self.last_id,
            "{id:?} is said to be durable, {:?} was the last given out",
            self.last_id
        );
        while let Some(durable) = self.under_way.pop_front_if(|under_way| under_way.id <= id) {
            (self.acc_ballot, self.last) = (durable.acc_ballot, durable.last);
        }
        let mut released = Vec::new();
        while let Some((_, envelope)) = self.held.pop_front_if(|(needs, _)| *needs <= id) {
            released.push(envelope);
        }
        released
    }

    /// Nothing that is under way will be written, and what would have vouched for it is not said. Returns what the disk
    /// has: the ballot under which the log is accepted, and where it ends.
    pub fn forget(&mut self) -> (Ballot, Slot) {
        self.under_way.clear();
        self.held.clear();
        (self.acc_ballot, self.last)
    }

    /// Where the part of the log ends that is durable as it stands: nothing under way takes its place.
    pub fn durable(&self) -> Slot {
        let before =
            self.under_way.iter().filter_map(|under_way| under_way.from).map(|from| Slot(from.0 - 1));
        before.fold(self.last, Slot::min)
    }

    /// Keeps a message until all that was given out so far is durable; gives it back if that is so already. What is said
    /// again while it waits takes the place of what was said before: a disk may be full for hours.
    pub fn hold(&mut self, envelope: Envelope) -> Option<Envelope> {
        if self.under_way.is_empty() {
            return Some(envelope);
        }
        let last_id = self.last_id;
        if is_repeated(&envelope.message) {
            self.held.retain(|(needs, held)| *needs != last_id || !is_said_again(held, &envelope));
        }
        self.held.push_back((last_id, envelope));
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

    /// Bytes of the commands that are under way.
    pub fn command_bytes(&self) -> usize {
        self.under_way.iter().map(|under_way| under_way.command_bytes).sum()
    }

    /// Since when the oldest waits.
    pub fn waits_since(&self) -> Option<u64> {
        self.under_way.front().map(|under_way| under_way.since)
    }
}

/// Whether a message is sent again each round until it is answered.
fn is_repeated(message: &Message) -> bool {
    matches!(message, Message::Prepare { .. } | Message::Promise { .. } | Message::Follow { .. })
}

/// Whether a later message says again, as it is now, what an earlier one to the same member says.
fn is_said_again(earlier: &Envelope, later: &Envelope) -> bool {
    let is_same_kind = match (&earlier.message, &later.message) {
        (Message::Prepare { ballot, .. }, Message::Prepare { ballot: again, .. })
        | (Message::Promise { ballot, .. }, Message::Promise { ballot: again, .. }) => ballot == again,
        (Message::Follow { .. }, Message::Follow { .. }) => true,
        _ => false,
    };
    is_same_kind && earlier.to == later.to && earlier.epoch == later.epoch
}
