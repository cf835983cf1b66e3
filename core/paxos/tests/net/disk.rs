//! What a member has on its disk, and what is on its way there.

use std::collections::{BTreeMap, VecDeque};

use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::replica::{Persist, PersistId};
use doozer_paxos::{Append, Ballot, Config, Entry, EntryHash, Slot};

use super::CLUSTER;

pub struct Disk {
    pub promised: Ballot,
    pub acc_ballot: Ballot,
    pub base: Base,
    pub log: Vec<Entry>,
    pub suspect: Option<Suspect>,
    pub boot: u64,
    pub under_way: VecDeque<(PersistId, Persist)>,
    /// Nothing but a promise finds room.
    pub is_full: bool,
    is_said_full: bool,
    /// What was here before the last append, which can rot.
    before_last: Option<(Ballot, Vec<Entry>, Suspect)>,
    /// Everything that was ever durable here: rot does not undo what it was good for.
    ever: BTreeMap<Slot, Vec<EntryHash>>,
}

pub enum Written {
    Done(PersistId),
    NoRoom,
}

impl Disk {
    pub fn new(first: Config) -> Disk {
        Disk {
            promised: Ballot::ZERO,
            acc_ballot: Ballot::ZERO,
            base: Base { slot: Slot(0), hash: EntryHash::NONE, wall_ms: 0, config: first },
            log: Vec::new(),
            suspect: None,
            boot: 0,
            under_way: VecDeque::new(),
            is_full: false,
            is_said_full: false,
            before_last: None,
            ever: BTreeMap::new(),
        }
    }

    /// Writes the next thing. Its number, if there was one.
    pub fn write(&mut self) -> Option<Written> {
        let next = self.under_way.front()?;
        if self.is_full && !matches!(next.1, Persist::Promise(_)) {
            // It is said once.
            return (!std::mem::replace(&mut self.is_said_full, true)).then_some(Written::NoRoom);
        }
        self.is_said_full = false;
        let (id, what) = self.under_way.pop_front()?;
        match what {
            Persist::Promise(ballot) => {
                assert!(ballot > self.promised, "a promise was taken back");
                self.promised = ballot;
            }
            Persist::Append(append) => self.append(append),
            Persist::Sound => self.suspect = None,
            Persist::Install(base) => {
                self.before_last = None;
                self.log.clear();
                self.base = base;
            }
        }
        Some(Written::Done(id))
    }

    fn append(&mut self, append: Append) {
        assert!(append.acc_ballot <= self.promised, "accepted before it was promised");
        assert!(append.acc_ballot >= self.acc_ballot, "accepted under a lower ballot than before");
        let suspect = Suspect { acc_ballot: append.acc_ballot, last: append.last() };
        self.before_last = Some((self.acc_ballot, self.log.clone(), suspect));
        self.acc_ballot = append.acc_ballot;
        self.log.truncate((append.from.0 - 1 - self.base.slot.0) as usize);
        assert_eq!(self.last().next(), append.from, "an append leaves a gap");
        for entry in append.entries {
            self.ever.entry(entry.slot).or_default().push(entry.hash(CLUSTER));
            self.log.push(entry);
        }
    }

    /// What is under way is given up.
    pub fn drop_orders(&mut self) {
        self.under_way.clear();
        self.is_said_full = false;
    }

    /// The last append cannot be read any more. Whether there was one that others may have as well: what the only voter
    /// loses is lost.
    pub fn rot(&mut self) -> bool {
        let configs = self.log.iter().filter_map(|entry| entry.config.as_ref());
        if configs.chain([&self.base.config]).any(|config| config.voters.len() == 1) {
            return false;
        }
        let Some((acc_ballot, log, suspect)) = self.before_last.take() else { return false };
        self.acc_ballot = acc_ballot;
        self.log = log;
        self.suspect = self.suspect.max_by_rank(suspect);
        true
    }

    /// What the last append brought, if all that stands before it was accepted under the same ballot.
    pub fn last_append(&self) -> Option<Vec<(Slot, EntryHash)>> {
        let (acc_ballot, before, _) = self.before_last.as_ref()?;
        let is_extended = *acc_ballot == self.acc_ballot && self.log.starts_with(before);
        let appended = self.log.iter().skip(before.len());
        is_extended.then(|| appended.map(|entry| (entry.slot, entry.hash(CLUSTER))).collect())
    }

    pub fn last(&self) -> Slot {
        Slot(self.base.slot.0 + self.log.len() as u64)
    }

    pub fn had(&self, slot: Slot, hash: EntryHash) -> bool {
        self.ever.get(&slot).is_some_and(|hashes| hashes.contains(&hash))
    }
}

trait Rank {
    fn max_by_rank(self, other: Suspect) -> Option<Suspect>;
}

impl Rank for Option<Suspect> {
    fn max_by_rank(self, other: Suspect) -> Option<Suspect> {
        Some(self.filter(|this| this.rank() > other.rank()).unwrap_or(other))
    }
}
