//! What time brings: rounds of heartbeats, elections and what they lead to, and what is said again each round.

use super::leader::Leading;
use super::{Output, Replica, Role};
use crate::Incarnation;
use crate::election::{Fitness, Outcome};
use crate::message::Message;

impl Replica {
    /// Time passes by one tick.
    pub fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks >= self.round_ends {
            self.end_round();
        }
        self.settle();
    }

    /// Whether time changes nothing, however much of it passes: the only voter leads, nothing is under way, and nobody is
    /// to be brought along. [`Replica::tick`] need not be called as long as that is so.
    pub fn is_at_rest(&self) -> bool {
        self.is_only_voter()
            && self.leading().is_some_and(Leading::leads_nobody)
            && self.pupils.is_empty()
            && self.applied == self.log.last()
            && self.waiting.is_empty()
            && self.reads.is_empty()
            && self.keep.is_settled()
            && !self.is_full
    }

    /// How many ticks it is to the end of the round: before it, time alone brings nothing to do.
    pub fn ticks_to_round(&self) -> u64 {
        self.round_ends - self.ticks
    }

    /// Voters that it did not hear in its last whole round.
    pub fn unheard(&self) -> &[Incarnation] {
        self.election.unheard()
    }

    /// Stands for proposer at once, without waiting to find nobody leading. Does nothing if it does not vote or leads.
    pub fn campaign(&mut self) {
        if matches!(self.role, Role::Following) && self.fitness() == Fitness::Fit {
            self.stand();
        }
        self.settle();
    }

    pub(super) fn stand(&mut self) {
        if !self.is_over() && !self.must_learn() {
            let ballot = self.election.take_over();
            self.on_elected(Outcome::Lead(ballot));
        }
    }

    pub(super) fn tell_proposer(&mut self) {
        let proposer = self.proposer();
        if proposer != self.told_proposer {
            self.told_proposer = proposer;
            self.changes_in_vain += 1;
            self.changed_at = self.log.last();
            self.reads.proposer_changed();
            self.outputs.push_back(Output::Proposer(proposer));
        } else if self.decided > self.changed_at {
            self.changes_in_vain = 0;
        }
    }

    fn end_round(&mut self) {
        let outcome = self.election.end_round(&self.entered, self.fitness());
        self.on_elected(outcome);
        self.note_silence();
        self.begin_round(self.limits.round_ticks);
        self.repeat();
    }

    fn begin_round(&mut self, ticks: u64) {
        self.round_ends = self.ticks + ticks;
        let round = self.election.round();
        // A proposer knows by the same who of those that only learn is there.
        let learners = self.leading().into_iter().flat_map(Leading::members);
        let learners = learners.filter(|member| !self.is_voter(member)).collect::<Vec<_>>();
        for member in self.others().into_iter().chain(learners) {
            self.send(member, Message::Heartbeat { round });
        }
    }

    /// The connection to the proposer was lost, most likely because its process is gone: looks at once whether it is there.
    pub(super) fn doubt_proposer(&mut self, proposer: Incarnation) {
        if self.election.doubt() {
            let others = self.entered.voters.iter().filter(|voter| **voter != proposer);
            let before = others.take_while(|voter| **voter != self.me).count() as u64;
            self.begin_round((self.limits.doubt_ticks + before).min(self.limits.round_ticks));
        }
    }

    /// What is sent again each round, in case it was lost.
    fn repeat(&mut self) {
        self.reads.round_ended();
        match &self.role {
            Role::Preparing(_) => self.prepare_again(),
            Role::Leading(_) => self.show_everyone(),
            Role::Following => self.follow_again(),
        }
    }

    /// Whether it has lost what tells who votes: it accepted something in a later configuration than this one; or in this one,
    /// it says, nobody else votes, so that no voter can be asked for what is lost. (One that alone decides does not start
    /// with an end that it may have acknowledged and lost. It goes through old configurations as it is taught its log anew.)
    fn must_learn(&self) -> bool {
        self.suspect.is_some_and(|suspect| {
            self.is_only_voter() || u64::from(suspect.acc_ballot.epoch) > self.entered.epoch
        })
    }

    pub(super) fn fitness(&self) -> Fitness {
        if !self.is_voter(&self.me) || self.must_learn() {
            Fitness::Unfit
        } else if self.suspect.is_some() {
            Fitness::Suspect
        } else if self.is_stuck() || self.is_disk_stuck() || self.is_full || self.is_over() {
            Fitness::Stuck
        } else {
            Fitness::Fit
        }
    }
}
