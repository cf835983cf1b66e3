//! The part of the log that a member holds in memory: a run of entries behind a base, each with its hash.
//! Never here: what is durable, accepted or decided.

use std::collections::VecDeque;

use crate::message::Suffix;
use crate::{Config, Entry, EntryHash, Slot};

/// Entries from `base + 1` to `last`, without holes.
#[derive(Debug, Clone)]
pub struct Log {
    base: Slot,
    base_hash: EntryHash,
    /// The configuration in force at `base + 1`.
    base_config: Config,
    entries: VecDeque<(Entry, EntryHash)>,
    /// Configurations that entries of this log bring in, each with its entry's slot: in force from the next one on.
    configs: Vec<(Slot, Config)>,
}

impl Log {
    /// An empty log that goes on behind `base`.
    pub fn new(base: Slot, base_hash: EntryHash, base_config: Config) -> Log {
        Log { base, base_hash, base_config, entries: VecDeque::new(), configs: Vec::new() }
    }

    /// The slot before the first entry.
    pub fn base(&self) -> Slot {
        self.base
    }

    /// The slot of the last entry, or the base.
    pub fn last(&self) -> Slot {
        Slot(self.base.0 + self.entries.len() as u64)
    }

    /// The hash of the entry at `last`.
    pub fn last_hash(&self) -> EntryHash {
        self.entries.back().map_or(self.base_hash, |(_, hash)| *hash)
    }

    /// The hash of the entry at `slot`, which the base has too; `None` outside of the log.
    pub fn hash_at(&self, slot: Slot) -> Option<EntryHash> {
        if slot == self.base {
            return Some(self.base_hash);
        }
        self.at(slot).map(|(_, hash)| *hash)
    }

    /// The entry at `slot`, with its hash.
    pub fn at(&self, slot: Slot) -> Option<&(Entry, EntryHash)> {
        let index = slot.0.checked_sub(self.base.0 + 1)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// The wall time of the last entry, if one is held.
    pub fn wall_ms(&self) -> Option<u64> {
        self.entries.back().map(|(entry, _)| entry.wall_ms)
    }

    /// The configuration in force at `slot`, which may be the one behind the last.
    pub fn config_at(&self, slot: Slot) -> &Config {
        let brought = self.configs.iter().rev().find(|(at, _)| *at < slot);
        brought.map_or(&self.base_config, |(_, config)| config)
    }

    /// The configuration that will be in force behind the last entry.
    pub fn last_config(&self) -> &Config {
        self.config_at(self.last().next())
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
        self.entries.push_back((entry, hash));
    }

    /// Cuts the log so that `last` is its last entry.
    pub fn cut_behind(&mut self, last: Slot) {
        assert!(last >= self.base, "the log cannot be cut at {last}, it begins behind {}", self.base);
        self.entries.truncate((last.0 - self.base.0) as usize);
        self.configs.retain(|(at, _)| *at <= last);
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
