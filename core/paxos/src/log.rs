//! The part of the log that a member holds in memory: a run of entries behind a base, each with its hash.
//! Never here: what is durable, accepted or decided.

use std::collections::VecDeque;

use crate::message::Suffix;
use crate::{Ballot, Config, Entry, EntryHash, Slot};

/// A place behind which a log can begin: the state there is at hand in another form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Base {
    /// The last slot in that state.
    pub slot: Slot,
    /// The hash of its entry.
    pub hash: EntryHash,
    /// Its wall time.
    pub wall_ms: u64,
    /// The configuration in force behind it.
    pub config: Config,
}

/// The end of a log that its member may have acknowledged and cannot read any more. Until that is made good, what the
/// member has is no proof of what it had: it does not vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Suspect {
    /// The ballot under which it was accepted.
    pub acc_ballot: Ballot,
    /// Where the log ended with it.
    pub last: Slot,
}

impl Suspect {
    /// What made that log preferable to others.
    pub fn rank(&self) -> ((u32, Ballot), Slot) {
        (self.acc_ballot.rank(), self.last)
    }
}

/// Entries from `base + 1` to `last`, without holes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Log {
    base: Base,
    entries: VecDeque<(Entry, EntryHash)>,
    /// Configurations that entries of this log bring in, each with its entry's slot: in force from the next one on.
    configs: Vec<(Slot, Config)>,
    bytes: usize,
}

/// What an entry takes in memory beside its commands, about.
const ENTRY_BYTES: usize = 200;

fn size(entry: &Entry) -> usize {
    entry.command_bytes() + ENTRY_BYTES
}

impl Log {
    /// An empty log that goes on behind `base`.
    pub fn new(base: Base) -> Log {
        Log { base, entries: VecDeque::new(), configs: Vec::new(), bytes: 0 }
    }

    /// A log that nothing stands in, of a cluster that begins with these voters.
    pub fn empty(config: Config) -> Log {
        Log::new(Base { slot: Slot(0), hash: EntryHash::NONE, wall_ms: 0, config })
    }

    /// The slot before the first entry.
    pub fn base(&self) -> Slot {
        self.base.slot
    }

    /// The slot of the last entry, or the base.
    pub fn last(&self) -> Slot {
        Slot(self.base.slot.0 + self.entries.len() as u64)
    }

    /// The hash of the entry at `last`.
    pub fn last_hash(&self) -> EntryHash {
        self.entries.back().map_or(self.base.hash, |(_, hash)| *hash)
    }

    /// The hash of the entry at `slot`, which the base has too; `None` outside of the log.
    pub fn hash_at(&self, slot: Slot) -> Option<EntryHash> {
        if slot == self.base.slot {
            return Some(self.base.hash);
        }
        self.at(slot).map(|(_, hash)| *hash)
    }

    /// The entry at `slot`, with its hash.
    pub fn at(&self, slot: Slot) -> Option<&(Entry, EntryHash)> {
        let index = slot.0.checked_sub(self.base.slot.0 + 1)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// The wall time of the last entry.
    pub fn wall_ms(&self) -> u64 {
        self.entries.back().map_or(self.base.wall_ms, |(entry, _)| entry.wall_ms)
    }

    /// The configuration in force at `slot`, which may be the one behind the last.
    pub fn config_at(&self, slot: Slot) -> &Config {
        let brought = self.configs.iter().rev().find(|(at, _)| *at < slot);
        brought.map_or(&self.base.config, |(_, config)| config)
    }

    /// The slot of the first stop-sign behind `slot`, if there is one.
    pub fn stop_sign_behind(&self, slot: Slot) -> Option<Slot> {
        self.configs.iter().map(|(at, _)| *at).find(|at| *at > slot)
    }

    /// The last stop-sign that something stands behind. Nothing is proposed behind one that is not decided, so it is.
    pub fn proven_stop_sign(&self) -> Option<Slot> {
        self.configs.iter().rev().map(|(at, _)| *at).find(|at| *at < self.last())
    }

    /// Appends an entry, which must follow.
    pub fn push(&mut self, entry: Entry, hash: EntryHash) {
        assert_eq!(entry.slot, self.last().next(), "an entry must follow the log");
        assert_eq!(entry.previous, self.last_hash(), "an entry must follow the log it was made for");
        if let Some(config) = &entry.config {
            self.configs.push((entry.slot, config.clone()));
        }
        self.bytes += size(&entry);
        self.entries.push_back((entry, hash));
    }

    /// Cuts the log so that `last` is its last entry.
    pub fn cut_behind(&mut self, last: Slot) {
        assert!(
            last >= self.base.slot,
            "the log cannot be cut at {last}, it begins behind {}",
            self.base.slot
        );
        self.configs.retain(|(at, _)| *at <= last);
        let kept = (last.0 - self.base.slot.0).min(self.entries.len() as u64) as usize;
        let cut = self.entries.drain(kept..);
        self.bytes -= cut.map(|(entry, _)| size(&entry)).sum::<usize>();
    }

    /// Lets go of the first entry: the log begins behind it.
    pub fn drop_first(&mut self) {
        let config = self.config_at(self.base.slot.next().next()).clone();
        let Some((entry, hash)) = self.entries.pop_front() else { return };
        self.bytes -= size(&entry);
        self.configs.retain(|(at, _)| *at > entry.slot);
        self.base = Base { slot: entry.slot, hash, wall_ms: entry.wall_ms, config };
    }

    /// Bytes of all entries in memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Everything from `from` on, as far as `bytes_max` allows, at least one entry if there is any; `None` if `from` is
    /// not behind the base, or not at most right behind the last.
    pub fn suffix(&self, from: Slot, bytes_max: usize) -> Option<Suffix> {
        if from > self.last().next() {
            return None;
        }
        let previous = self.hash_at(Slot(from.0.checked_sub(1)?))?;
        let mut bytes = 0;
        let behind = (from.0..=self.last().0).filter_map(|slot| self.at(Slot(slot)));
        let entries = behind.take_while(|(entry, _)| {
            let fits = bytes == 0 || bytes + entry.command_bytes() <= bytes_max;
            bytes += entry.command_bytes().max(1);
            fits
        });
        let entries = entries.map(|(entry, _)| entry.clone()).collect();
        Some(Suffix { from, previous, entries })
    }
}
