//! The cluster replaces voters that are gone, by itself: never one that is well, and all that are gone for good.
//! Never here: how it does that (the members).

use doozer_member::machine::Logged;
use doozer_paxos::{Entry, Incarnation};

use super::World;
use crate::checks::Violation;

const NAME: &str = "evictions";

/// Rounds in a row after which a voter counts as heard for a while: what a proposer knows of the others is some two rounds
/// old.
const HEARD_ROUNDS: u64 = 5;

impl World {
    /// A member's tick is over: whom it has heard, if that ended its round.
    pub(super) fn note_heard(&mut self, at: usize) {
        let Some(running) = self.places[at].running.as_deref_mut() else { return };
        let replica = running.driver.replica();
        if replica.ticks_to_round() < doozer_paxos::replica::Limits::default().round_ticks {
            return;
        }
        let me = running.driver.me();
        let before = std::mem::take(&mut running.heard_rounds);
        let is_heard = |voter: &&Incarnation| **voter != me && !replica.unheard().contains(voter);
        let rounds = |voter: &Incarnation| before.get(voter).copied().unwrap_or_default() + 1;
        let heard = replica.config().voters.iter().filter(is_heard);
        running.heard_rounds = heard.map(|voter| (*voter, rounds(voter))).collect();
    }

    /// A change of who votes is proposed. If the cluster does so by itself, whoever leaves must not have been heard by a
    /// majority for a while.
    pub(super) fn check_eviction(&mut self, entry: &Entry) -> Result<(), Violation> {
        let Some(new) = entry.config.as_ref().filter(|_| is_by_itself(entry)) else { return Ok(()) };
        let config = self.voters.config();
        if new.epoch != config.epoch + 1 {
            return Ok(());
        }
        for voter in config.voters.iter().filter(|voter| !new.voters.contains(voter)) {
            self.counts.evictions += 1;
            let hearing = config.voters.iter().filter(|id| *id == voter || self.hears(id, voter)).count();
            if self.runs(voter) && hearing > config.voters.len() / 2 {
                let what = format!(
                    "slot {} takes a voter's place though {hearing} of {} hear it, itself included: {}, to {}",
                    entry.slot,
                    config.voters.len(),
                    self.told_config(config),
                    self.told_config(new)
                );
                return Err(Violation { check: NAME, time: self.now, what });
            }
        }
        Ok(())
    }

    /// Whether a voter that is gone for good could be replaced.
    pub(super) fn has_work_left(&self) -> bool {
        let voters = &self.voters.config().voters;
        let is_stand_by = |at: &usize| self.places[*at].incarnation.is_some_and(|id| !voters.contains(&id));
        self.plan.silent_rounds > 0
            && voters.iter().any(|voter| self.place_of(voter).is_none())
            && self.running_places().iter().any(is_stand_by)
    }

    fn runs(&self, id: &Incarnation) -> bool {
        self.place_of(id).is_some_and(|at| self.places[at].running.is_some() && !self.places[at].is_paused())
    }

    fn hears(&self, id: &Incarnation, voter: &Incarnation) -> bool {
        let running = self.place_of(id).and_then(|at| self.places[at].running.as_deref());
        let heard = running.and_then(|running| running.heard_rounds.get(voter)).copied();
        self.runs(id) && heard.is_some_and(|rounds| rounds >= HEARD_ROUNDS)
    }
}

/// Whether nobody asked for what an entry does: then it has no number.
fn is_by_itself(entry: &Entry) -> bool {
    entry.commands.iter().any(|bytes| matches!(Logged::decode(bytes), Ok(Logged::Plain(_))))
}
