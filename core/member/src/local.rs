//! What others than the driver look at: the state behind its lock, and a few numbers.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use doozer_paxos::Slot;
use parking_lot::RwLock;

use crate::machine::Machine;
use crate::state::State;

/// The state of a member that many look at. Only the driver changes what is replicated.
pub struct Local {
    /// The state and its waiters.
    pub state: RwLock<State>,
    /// The last applied slot.
    pub slot: AtomicU64,
    /// Bytes of the data directory.
    pub data_bytes: AtomicU64,
    value_bytes_max: AtomicU64,
    reads_alone: AtomicBool,
    is_full: AtomicBool,
    part: AtomicU8,
}

/// What a member does in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It has no vote.
    Learner = 0,
    /// It votes.
    Voter = 1,
    /// It votes, and puts commands into slots.
    Proposer = 2,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl Local {
    pub(crate) fn new(machine: Machine, slot: Slot) -> Local {
        let value_bytes_max = machine.store().value_bytes_max() as u64;
        Local {
            state: RwLock::new(State::new(machine)),
            slot: AtomicU64::new(slot.0),
            data_bytes: AtomicU64::new(0),
            value_bytes_max: AtomicU64::new(value_bytes_max),
            reads_alone: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            part: AtomicU8::new(Part::Learner as u8),
        }
    }

    /// The largest value in bytes now. It may change at any time: what counts is what the store says at apply.
    pub fn value_bytes_max(&self) -> u64 {
        self.value_bytes_max.load(Ordering::Relaxed)
    }

    /// Whether a linearizable read that begins now may be answered from the state at once: this member alone decides. Look
    /// here before looking at the state. A write that others decide is acknowledged only after this is false: a read that
    /// saw it true began before that.
    pub fn reads_alone(&self) -> bool {
        self.reads_alone.load(Ordering::SeqCst)
    }

    /// Whether what is to be kept has no room on the disk, as of a moment ago.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub(crate) fn note_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// What this member does, as of a moment ago.
    pub fn part(&self) -> Part {
        match self.part.load(Ordering::Relaxed) {
            0 => Part::Learner,
            1 => Part::Voter,
            _ => Part::Proposer,
        }
    }

    pub(crate) fn note_part(&self, part: Part) {
        self.part.store(part as u8, Ordering::Relaxed);
    }

    pub(crate) fn note_reads_alone(&self, reads_alone: bool) {
        if self.reads_alone.load(Ordering::Relaxed) != reads_alone {
            self.reads_alone.store(reads_alone, Ordering::SeqCst);
        }
    }

    pub(crate) fn note(&self, state: &State, slot: Slot) {
        self.slot.store(slot.0, Ordering::Relaxed);
        self.value_bytes_max.store(state.store().value_bytes_max() as u64, Ordering::Relaxed);
    }
}
