//! Ballots: the totally ordered names of attempts to lead.

use crate::Incarnation;

/// A ballot number: an attempt of one incarnation to be the proposer. Ordered by `n`, then `priority`, then the
/// incarnation, so that no two members ever share one (Paxos Made Simple, section 2.2; the shape is that of ballot
/// leader election in OmniPaxos, EuroSys 2023, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ballot {
    /// Grows with every take-over, and with every start of a member that may propose. Its upper half is the epoch of the
    /// configuration in which it was made: see [`Ballot::first_n`].
    pub n: u64,
    /// Preferred proposers have a greater one; 0 by default.
    pub priority: u32,
    /// Whose ballot it is.
    pub incarnation: Incarnation,
}

impl Ballot {
    /// Lower than every ballot that a member makes: nothing was promised or accepted yet.
    pub const ZERO: Ballot = Ballot { n: 0, priority: 0, incarnation: Incarnation([0; 16]) };

    /// Where the numbers of a configuration's ballots begin: all of them are above those of the configurations before it.
    /// Otherwise voters of an ended configuration, who do not know that it is over, could accept its log once more under a
    /// ballot that outranks what the next one has decided since. (OmniPaxos: `config_id` is the first part of a ballot.)
    pub const fn first_n(epoch: u64) -> u64 {
        epoch << 32
    }

    /// The epoch of the configuration in which it was made.
    pub const fn epoch(&self) -> u64 {
        self.n >> 32
    }

    /// Counts the ballots of its configuration.
    pub const fn count(&self) -> u64 {
        self.n & 0xffff_ffff
    }

    /// The ballot `incarnation` uses to take over from whoever holds `self`.
    #[must_use]
    pub fn next_for(self, incarnation: Incarnation) -> Ballot {
        Ballot { n: self.n + 1, priority: 0, incarnation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_counts_first_then_priority_then_identity() {
        let ballot = |n, priority, id| Ballot { n, priority, incarnation: Incarnation([id; 16]) };
        let ascending = [Ballot::ZERO, ballot(1, 0, 1), ballot(1, 0, 2), ballot(1, 1, 1), ballot(2, 0, 0)];
        assert!(ascending.is_sorted());
        assert!(ballot(Ballot::first_n(2), 0, 0) > ballot(Ballot::first_n(2) - 1, 9, 9));
        assert!(ascending[4] < ascending[1].next_for(Incarnation([1; 16])).next_for(Incarnation([1; 16])));
    }
}
