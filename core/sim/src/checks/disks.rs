//! What each member has durably, as far as it was told, and how that came to be.
//! Never here: whether it may have it.

use doozer_paxos::replica::Persist;
use doozer_paxos::{Append, Ballot, EntryHash, Slot};

use crate::history::{Found, MemberId};

/// All disks.
#[derive(Debug, Default)]
pub(super) struct Disks(Vec<Disk>);

/// One member's.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    /// The life that it is in.
    pub boot: u64,
    pub promised: Ballot,
    pub acc_ballot: Ballot,
    base: Slot,
    /// Of the base, and of every slot behind it.
    hashes: Vec<EntryHash>,
    /// How far it ever accepted, durably, under its last few ballots.
    reach: Vec<(Ballot, Slot)>,
    pub doubt: Doubt,
    /// The disk was lost, and the identity with it.
    pub is_lost: bool,
    /// What was damaged since it was last found sound.
    pub damage: Option<String>,
}

/// Whether what a member has is all that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is.
    Sound,
    /// It may not be, and the member knows.
    Suspect(Had),
    /// It is not, and the member does not know.
    Amnesiac(String),
}

/// What a log was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Had {
    pub promised: Ballot,
    pub acc_ballot: Ballot,
    pub last: Slot,
}

/// Slots that are durable, accepted under a ballot, since just now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    pub ballot: Ballot,
    pub from: Slot,
    pub to: Slot,
}

const BALLOTS: usize = 16;

impl Disks {
    pub fn born(&mut self, member: MemberId) {
        let index = member.0 as usize;
        self.0.resize(self.0.len().max(index + 1), Disk::new());
        self.0[index] = Disk::new();
    }

    pub fn of(&self, member: MemberId) -> &Disk {
        &self.0[member.0 as usize]
    }

    pub fn of_mut(&mut self, member: MemberId) -> &mut Disk {
        &mut self.0[member.0 as usize]
    }
}

impl Disk {
    fn new() -> Disk {
        Disk {
            boot: 0,
            promised: Ballot::ZERO,
            acc_ballot: Ballot::ZERO,
            base: Slot(0),
            hashes: vec![EntryHash::NONE],
            reach: Vec::new(),
            doubt: Doubt::Sound,
            is_lost: false,
            damage: None,
        }
    }

    pub fn last(&self) -> Slot {
        Slot(self.base.0 + self.hashes.len() as u64 - 1)
    }

    /// The hash of a slot in the durable log, its base included.
    pub fn hash_at(&self, slot: Slot) -> Option<EntryHash> {
        self.hashes.get(usize::try_from(slot.0.checked_sub(self.base.0)?).ok()?).copied()
    }

    pub fn base(&self) -> Slot {
        self.base
    }

    /// What it had at most: in doubt, that from before the doubt.
    pub fn had(&self) -> Had {
        let now = Had { promised: self.promised, acc_ballot: self.acc_ballot, last: self.last() };
        match &self.doubt {
            Doubt::Suspect(had) if (had.acc_ballot, had.last) > (now.acc_ballot, now.last) => {
                Had { promised: now.promised.max(had.promised), ..*had }
            }
            _ => now,
        }
    }

    /// How far it ever accepted durably under a ballot, in this life, or as it found it.
    pub fn reached(&self, ballot: Ballot) -> Slot {
        self.reach.iter().find(|(of, _)| *of == ballot).map_or(Slot(0), |(_, slot)| *slot)
    }

    /// Something became durable. Returns what of it is an acceptance.
    pub fn persist(&mut self, what: &Persist) -> Option<Accepted> {
        match what {
            Persist::Promise(ballot) => self.promised = self.promised.max(*ballot),
            Persist::Append(append) => return self.append(append),
            Persist::Sound => self.doubt = Doubt::Sound,
            Persist::Install(base) => {
                self.base = base.slot;
                self.hashes = vec![base.hash];
                // All of it is decided, so it stands in every log that is accepted from here on: it may be vouched for.
                self.reach_to(self.acc_ballot, base.slot);
            }
        }
        None
    }

    fn append(&mut self, append: &Append) -> Option<Accepted> {
        let is_new_ballot = append.acc_ballot != self.acc_ballot;
        self.acc_ballot = append.acc_ballot;
        self.hashes.truncate((append.from.0.saturating_sub(self.base.0) as usize).max(1));
        let previous = append.entries.iter().skip(1).map(|entry| entry.previous);
        self.hashes.extend(previous.chain((!append.entries.is_empty()).then_some(append.last_hash)));
        // Below the promise nothing is accepted, only learned.
        if append.acc_ballot < self.promised {
            return None;
        }
        let from = if is_new_ballot { self.base.next() } else { append.from };
        Some(self.accept(from))
    }

    fn accept(&mut self, from: Slot) -> Accepted {
        let (ballot, to) = (self.acc_ballot, self.last());
        self.reach_to(ballot, to);
        Accepted { ballot, from, to }
    }

    fn reach_to(&mut self, ballot: Ballot, to: Slot) {
        match self.reach.iter_mut().find(|(of, _)| *of == ballot) {
            Some((_, reached)) => *reached = (*reached).max(to),
            None => {
                self.reach.truncate(BALLOTS - 1);
                self.reach.insert(0, (ballot, to));
            }
        }
    }

    /// The member started, and this is what it has.
    pub fn recover(&mut self, found: &Found<'_>, doubt: Doubt) -> Accepted {
        self.boot = found.boot;
        self.promised = found.promised;
        self.acc_ballot = found.acc_ballot;
        self.base = found.base.slot;
        self.hashes = vec![found.base.hash];
        let previous = found.entries.iter().skip(1).map(|entry| entry.previous);
        self.hashes.extend(previous.chain((!found.entries.is_empty()).then_some(found.last_hash)));
        self.reach.clear();
        self.doubt = doubt;
        self.accept(self.base.next())
    }
}
