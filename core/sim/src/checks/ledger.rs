//! The canonical log: what was applied first in each slot, what that comes to, and how far each member has come.
//! Never here: whether anything is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use doozer_paxos::{Config, EntryHash, Incarnation, Slot};

use crate::history::{Applied, Effect, MemberId, OpId, SessionEvent, Settled, Time, op_of};
use crate::model::Model;

#[derive(Debug)]
pub(super) struct Ledger {
    /// The store, by its documented rules.
    pub model: Model,
    /// The greatest revision that any client has seen.
    pub observed: u64,
    /// Revisions within what one command did: nobody who reads the current state sees them.
    pub within: BTreeSet<u64>,
    slots: Vec<Decided>,
    /// What slots brought beside their commands' outcomes.
    brought: BTreeMap<Slot, (Vec<Settled>, Vec<SessionEvent>)>,
    effects: Vec<Effect>,
    configs: Vec<(Slot, Config)>,
    members: Vec<Member>,
    ids: BTreeMap<Incarnation, MemberId>,
}

#[derive(Debug)]
struct Decided {
    hash: EntryHash,
    revision: u64,
    wall_ms: u64,
    effects_end: usize,
    by: MemberId,
    at: Time,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub incarnation: Incarnation,
    /// The last slot in its state.
    pub applied: Slot,
    /// The revision of its state.
    pub revision: u64,
}

impl Ledger {
    pub fn new(first: Config) -> Ledger {
        Ledger {
            model: Model::default(),
            observed: 0,
            within: BTreeSet::new(),
            brought: BTreeMap::new(),
            slots: Vec::new(),
            effects: Vec::new(),
            configs: vec![(Slot(1), first)],
            members: Vec::new(),
            ids: BTreeMap::new(),
        }
    }

    pub fn born(&mut self, member: MemberId, incarnation: Incarnation) {
        let nobody = Member { incarnation: Incarnation([0; 16]), applied: Slot(0), revision: 0 };
        let index = member.0 as usize;
        self.members.resize(self.members.len().max(index + 1), nobody);
        self.members[index] = Member { incarnation, ..nobody };
        self.ids.insert(incarnation, member);
    }

    pub fn member(&self, member: MemberId) -> &Member {
        &self.members[member.0 as usize]
    }

    pub fn id(&self, incarnation: &Incarnation) -> Option<MemberId> {
        self.ids.get(incarnation).copied()
    }

    /// A member's state is this one now.
    pub fn move_to(&mut self, member: MemberId, applied: Slot, revision: u64) {
        let member = &mut self.members[member.0 as usize];
        (member.applied, member.revision) = (applied, revision);
    }

    /// The last slot that anybody applied.
    pub fn last(&self) -> Slot {
        Slot(self.slots.len() as u64)
    }

    /// The hash of a slot's entry; None if nobody has applied one there.
    pub fn hash(&self, slot: Slot) -> Option<EntryHash> {
        if slot == Slot(0) { Some(EntryHash::NONE) } else { self.decided(slot).map(|decided| decided.hash) }
    }

    /// The store's revision after a slot.
    pub fn revision_after(&self, slot: Slot) -> Option<u64> {
        if slot == Slot(0) { Some(0) } else { self.decided(slot).map(|decided| decided.revision) }
    }

    /// What a slot's commands came to.
    pub fn effects(&self, slot: Slot) -> &[Effect] {
        let Some(decided) = self.decided(slot) else { return &[] };
        let before = self.decided(Slot(slot.0 - 1)).map_or(0, |decided| decided.effects_end);
        &self.effects[before..decided.effects_end]
    }

    /// What became of those who waited, and which sessions came and went, in a slot.
    pub fn brought(&self, slot: Slot) -> (&[Settled], &[SessionEvent]) {
        self.brought.get(&slot).map_or((&[], &[]), |(settled, sessions)| (settled, sessions))
    }

    pub fn wall_ms(&self) -> u64 {
        self.slots.last().map_or(0, |decided| decided.wall_ms)
    }

    /// The configuration in force at a slot.
    pub fn config_at(&self, slot: Slot) -> &Config {
        let brought = self.configs.iter().rev().find(|(from, _)| *from <= slot);
        &brought.unwrap_or(&self.configs[0]).1
    }

    /// The configuration of an epoch, and the first slot that it is in force at.
    pub fn config_of(&self, epoch: u64) -> Option<&(Slot, Config)> {
        self.configs.iter().find(|(_, config)| config.epoch == epoch)
    }

    /// Whether these members are a majority of the voters.
    pub fn is_majority(&self, config: &Config, is_among: impl Fn(MemberId) -> bool) -> bool {
        let voters = config.voters.iter().filter_map(|voter| self.id(voter));
        voters.filter(|voter| is_among(*voter)).count() > config.voters.len() / 2
    }

    /// Appends what was applied behind everything else, once the model has applied it too.
    pub fn push(&mut self, report: &Applied<'_>, now: Time) {
        self.effects.extend_from_slice(report.effects);
        if !report.settled.is_empty() || !report.sessions.is_empty() {
            let brought = (report.settled.to_vec(), report.sessions.to_vec());
            self.brought.insert(report.entry.slot, brought);
        }
        if let Some(config) = &report.entry.config
            && config != self.config_at(report.entry.slot)
        {
            self.configs.push((report.entry.slot.next(), config.clone()));
        }
        self.slots.push(Decided {
            hash: report.hash,
            revision: self.model.revision(),
            wall_ms: report.entry.wall_ms,
            effects_end: self.effects.len(),
            by: report.member,
            at: now,
        });
    }

    fn decided(&self, slot: Slot) -> Option<&Decided> {
        self.slots.get(usize::try_from(slot.0.checked_sub(1)?).ok()?)
    }

    /// The changes around one, a line each, for people to read.
    pub fn around(&self, rev: u64) -> String {
        let mut lines = format!("\n  the log around revision {rev}:");
        for rev in rev.saturating_sub(3).max(1)..=rev + 3 {
            let Some((path, value, slot)) = self.model.change_at(rev) else { break };
            let value = value.map_or("deleted".to_owned(), |value| shown(value));
            let _ = write!(lines, "\n  {rev:>6}  {path}  {value}{}", self.provenance(slot));
        }
        lines
    }

    /// Who applied a slot first, and when.
    pub fn provenance(&self, slot: Slot) -> String {
        self.decided(slot).map_or(String::new(), |decided| {
            format!("  (slot {slot}, applied first by {} at {})", decided.by, decided.at)
        })
    }
}

/// A value in a few characters.
pub(super) fn shown(value: &[u8]) -> String {
    match op_of(value) {
        Some(OpId(op)) => format!("value of op {op}"),
        None => format!("{:?}", String::from_utf8_lossy(&value[..value.len().min(40)])),
    }
}
