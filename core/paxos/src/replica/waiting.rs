//! Commands that were given to a member and stand in no slot yet. Whoever gives one again because it may be lost makes no
//! second one of it here: with little room, repeats would crowd out everything else.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use crate::message::Proposal;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Waiting {
    proposals: VecDeque<Proposal>,
    /// Their commands.
    known: BTreeSet<Bytes>,
    bytes: usize,
}

/// What a command takes in memory beside its bytes, about.
const PROPOSAL_BYTES: usize = 64;

fn size(proposal: &Proposal) -> usize {
    proposal.command.len() + PROPOSAL_BYTES
}

impl Waiting {
    pub fn push(&mut self, proposal: Proposal) {
        if !self.known.insert(proposal.command.clone()) {
            return;
        }
        self.bytes += size(&proposal);
        self.proposals.push_back(proposal);
    }

    pub fn extend(&mut self, proposals: Vec<Proposal>) {
        proposals.into_iter().for_each(|proposal| self.push(proposal));
    }

    pub fn clear(&mut self) {
        *self = Waiting::default();
    }

    pub fn is_empty(&self) -> bool {
        self.proposals.is_empty()
    }

    pub fn len(&self) -> usize {
        self.proposals.len()
    }

    /// Of all of them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn take_all(&mut self) -> Vec<Proposal> {
        std::mem::take(self).proposals.into()
    }

    /// Whether the next one is to stand alone.
    pub fn next_needs_own_slot(&self) -> bool {
        self.proposals.front().is_some_and(|proposal| proposal.needs_own_slot)
    }

    pub fn pop(&mut self) -> Option<Proposal> {
        let proposal = self.proposals.pop_front()?;
        self.known.remove(&proposal.command);
        self.bytes -= size(&proposal);
        Some(proposal)
    }

    /// The next slot's commands: as many as fit into so many bytes, and none that is to stand alone.
    pub fn take_batch(&mut self, bytes_max: usize) -> Vec<Bytes> {
        let mut bytes = 0;
        let fits = |proposal: &&Proposal| {
            let is_first = bytes == 0;
            bytes += proposal.command.len().max(1);
            !proposal.needs_own_slot && (is_first || bytes <= bytes_max)
        };
        let count = self.proposals.iter().take_while(fits).count();
        (0..count).filter_map(|_| self.pop()).map(|proposal| proposal.command).collect()
    }
}
