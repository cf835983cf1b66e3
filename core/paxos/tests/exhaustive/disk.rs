//! A member's disk: what is durable, and what is on its way there. What may never happen to it is a [`Fault`].

use std::collections::VecDeque;

use doozer_paxos::log::Log;
use doozer_paxos::message::Message;
use doozer_paxos::replica::{Past, Persist, PersistId};
use doozer_paxos::{Append, Ballot, Config, Entry, EntryHash, Slot};

use crate::fault::Fault;
use crate::node::CLUSTER;

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Disk {
    promised: Ballot,
    acc_ballot: Ballot,
    log: Vec<(Entry, EntryHash)>,
    boot: u64,
    under_way: VecDeque<(PersistId, Persist)>,
}

impl Disk {
    pub fn new() -> Disk {
        let (promised, acc_ballot) = (Ballot::ZERO, Ballot::ZERO);
        Disk { promised, acc_ballot, log: Vec::new(), boot: 0, under_way: VecDeque::new() }
    }

    pub fn promised(&self) -> Ballot {
        self.promised
    }

    pub fn acc_ballot(&self) -> Ballot {
        self.acc_ballot
    }

    pub fn give(&mut self, id: PersistId, what: Persist) {
        self.under_way.push_back((id, what));
    }

    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Writes the oldest thing that is under way. Its number, if there was one.
    pub fn write(&mut self) -> Result<Option<PersistId>, Fault> {
        let Some((id, what)) = self.under_way.pop_front() else { return Ok(None) };
        match what {
            Persist::Promise(ballot) if ballot <= self.promised => return Err(Fault::PromiseWentBack),
            Persist::Promise(ballot) => self.promised = ballot,
            Persist::Append(append) => self.append(append)?,
            Persist::Sound | Persist::Install(_) => {
                return Err(Fault::Panic(
                    "nothing is suspect here, and no log begins behind a snapshot".into(),
                ));
            }
        }
        Ok(Some(id))
    }

    fn append(&mut self, append: Append) -> Result<(), Fault> {
        if append.acc_ballot > self.promised {
            return Err(Fault::AcceptedBeforePromised);
        }
        let kept = append.from.0 as usize - 1;
        if append.acc_ballot < self.acc_ballot || kept > self.log.len() {
            return Err(Fault::AcceptedWentBack);
        }
        self.acc_ballot = append.acc_ballot;
        self.log.truncate(kept);
        self.log.extend(append.entries.into_iter().map(|entry| {
            let hash = entry.hash(CLUSTER);
            (entry, hash)
        }));
        Ok(())
    }

    /// The last slot, and the hash of its entry.
    pub fn end(&self) -> (Slot, EntryHash) {
        (self.last(), self.log.last().map_or(EntryHash::NONE, |(_, hash)| *hash))
    }

    pub fn has(&self, slot: Slot, hash: EntryHash) -> bool {
        self.log.get(slot.0 as usize - 1).is_some_and(|(_, at)| *at == hash)
    }

    /// Whether all that a message vouches for is durable (consensus.md, Durability: synced before it is said).
    pub fn bears_out(&self, message: &Message) -> bool {
        match message {
            Message::Prepare { ballot, .. } => self.promised >= *ballot,
            Message::Promise { ballot, have, .. } => {
                self.promised >= *ballot && (self.acc_ballot.rank(), self.last()) >= have.rank()
            }
            Message::Accepted { ballot, last, .. } => {
                *last == Slot(0)
                    || self.promised >= *ballot && self.acc_ballot == *ballot && self.last() >= *last
            }
            Message::Accept { ballot, told, .. } | Message::AcceptSync { ballot, told, .. } => {
                self.promised >= *ballot
                    && (told.durable == Slot(0) || self.acc_ballot == *ballot && self.last() >= told.durable)
            }
            _ => true,
        }
    }

    fn last(&self) -> Slot {
        Slot(self.log.len() as u64)
    }

    /// The power goes: of what is under way, the oldest `written` became durable and nobody was told, the rest is lost.
    pub fn lose_power(&mut self, written: usize) -> Result<(), Fault> {
        for _ in 0..written {
            self.write()?;
        }
        self.under_way.clear();
        Ok(())
    }

    /// What a member finds here when it is started.
    pub fn start(&mut self, first: &Config) -> Past {
        self.boot += 1;
        let mut log = Log::empty(first.clone());
        for (entry, hash) in &self.log {
            log.push(entry.clone(), *hash);
        }
        Past {
            boot: self.boot,
            promised: self.promised,
            acc_ballot: self.acc_ballot,
            suspect: None,
            log,
            entered: first.clone(),
        }
    }
}
