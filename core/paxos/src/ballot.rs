//! Ballots: the totally ordered names of attempts to lead.

use std::cmp::Ordering;

use crate::Incarnation;
use crate::planted::{Planted, is_planted};

/// A ballot number: an attempt of one incarnation to be the proposer. Ordered by its count, then `priority`, then the
/// incarnation, so that no two members ever share one (Paxos Made Simple, section 2.2; the shape is that of ballot
/// leader election in OmniPaxos, EuroSys 2023, section 5). A promise is of all ballots below it, in any configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ballot {
    /// In its lower half a count that grows with every take-over, and with every start of a member that may propose; in
    /// its upper half the epoch of the configuration in which it was made.
    pub n: u64,
    /// Preferred proposers have a greater one; 0 by default.
    pub priority: u32,
    /// Whose ballot it is.
    pub incarnation: Incarnation,
}

impl Ballot {
    /// Lower than every ballot that a member makes: nothing was promised or accepted yet.
    pub const ZERO: Ballot = Ballot { n: 0, priority: 0, incarnation: Incarnation([0; 16]) };

    /// The ballot of so great a count in a configuration.
    pub const fn of(epoch: u64, count: u64, incarnation: Incarnation) -> Ballot {
        Ballot { n: epoch << 32 | count, priority: 0, incarnation }
    }

    /// Grows from ballot to ballot.
    pub const fn count(&self) -> u64 {
        self.n & 0xffff_ffff
    }

    /// The epoch of the configuration in which it was made.
    pub const fn epoch(&self) -> u64 {
        self.n >> 32
    }

    /// What makes a log that was accepted under it preferable to another one: the configuration counts first. Voters of
    /// one that is over, and who do not know that, may accept its log once more, under a greater ballot than those of the
    /// next one; what that has decided since is not in their log. (In OmniPaxos `config_id` is the first part of a ballot.)
    pub fn rank(&self) -> (u64, Ballot) {
        (if is_planted(Planted::EpochsShareBallots) { 0 } else { self.epoch() }, *self)
    }

    /// The ballot `incarnation` uses to take over from whoever holds `self`.
    #[must_use]
    pub fn next_for(self, incarnation: Incarnation) -> Ballot {
        Ballot { n: self.n + 1, priority: 0, incarnation }
    }
}

impl Ord for Ballot {
    fn cmp(&self, other: &Ballot) -> Ordering {
        let parts = |b: &Ballot| (b.count(), b.priority, b.incarnation, b.epoch());
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for Ballot {
    fn partial_cmp(&self, other: &Ballot) -> Option<Ordering> {
        Some(self.cmp(other))
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
        assert!(ascending[4] < ascending[1].next_for(Incarnation([1; 16])).next_for(Incarnation([1; 16])));
    }

    #[test]
    fn promises_are_ordered_by_the_count_and_logs_by_the_configuration() {
        let ballot = |epoch, count| Ballot::of(epoch, count, Incarnation([1; 16]));
        assert_eq!((ballot(3, 7).epoch(), ballot(3, 7).count()), (3, 7));
        assert!(ballot(1, 9) > ballot(2, 5) && ballot(1, 9).rank() < ballot(2, 5).rank());
        assert!(ballot(2, 9) > ballot(2, 5) && ballot(2, 9).rank() > ballot(2, 5).rank());
        // Of before the epoch was a part of it.
        assert!(
            Ballot { n: 5, ..Ballot::ZERO } > Ballot::ZERO && Ballot { n: 5, ..Ballot::ZERO } < ballot(1, 6)
        );
    }
}
