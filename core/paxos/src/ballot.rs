//! Ballots: the totally ordered names of attempts to lead.

use crate::Incarnation;
use crate::planted::{Planted, is_planted};

/// A ballot number: an attempt of one incarnation to be the proposer. Ordered by `n` first, so that a promise is of all
/// ballots below it, in any configuration; no two members ever share one (Paxos Made Simple, section 2.2; the shape is that
/// of ballot leader election in OmniPaxos, EuroSys 2023, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ballot {
    /// Grows with every take-over, and with every start of a member that may propose.
    pub n: u64,
    /// Of the configuration in which it was made.
    pub epoch: u32,
    /// Whose ballot it is.
    pub incarnation: Incarnation,
}

impl Ballot {
    /// Lower than every ballot that a member makes: nothing was promised or accepted yet.
    pub const ZERO: Ballot = Ballot { n: 0, epoch: 0, incarnation: Incarnation([0; 16]) };

    /// A ballot made in a configuration.
    ///
    /// # Panics
    /// If the voters have changed more than four billion times.
    pub const fn of(epoch: u64, n: u64, incarnation: Incarnation) -> Ballot {
        assert!(epoch <= u32::MAX as u64, "more configurations than ballots can tell apart");
        Ballot { n, epoch: epoch as u32, incarnation }
    }

    /// What makes a log that was accepted under it preferable to another one: the configuration counts first. Voters of
    /// one that is over, and who do not know that, may accept its log once more, under a greater ballot than those of the
    /// next one; what that has decided since is not in their log. (In OmniPaxos `config_id` is the first part of a ballot.)
    pub fn rank(&self) -> (u32, Ballot) {
        (if is_planted(Planted::EpochsShareBallots) { 0 } else { self.epoch }, *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_counts_first() {
        let ballot = |n, epoch, id| Ballot { n, epoch, incarnation: Incarnation([id; 16]) };
        let ascending = [Ballot::ZERO, ballot(1, 0, 1), ballot(1, 0, 2), ballot(1, 1, 1), ballot(2, 0, 0)];
        assert!(ascending.is_sorted());
    }

    #[test]
    fn promises_are_ordered_by_the_count_and_logs_by_the_configuration() {
        let ballot = |epoch, count| Ballot::of(epoch, count, Incarnation([1; 16]));
        assert!(ballot(1, 9) > ballot(2, 5) && ballot(1, 9).rank() < ballot(2, 5).rank());
        assert!(ballot(2, 9) > ballot(2, 5) && ballot(2, 9).rank() > ballot(2, 5).rank());
    }
}
