//! From an election to a log to go on with: the prepare phase (Sequence Paxos, the proposer's side).

use std::collections::BTreeMap;

use super::leader::Leading;
use super::{Member, Output, Persist, Role};
use crate::election::Outcome;
use crate::message::{Have, Message, Offer, Suffix};
use crate::quorum::is_quorum;
use crate::{Ballot, Incarnation};

/// A candidate that gathers promises.
#[derive(Debug)]
pub(super) struct Preparing {
    pub ballot: Ballot,
    /// What it had when it asked: suffixes begin where that ends.
    asked_with: Have,
    promises: BTreeMap<Incarnation, (Have, Offer)>,
}

impl Member {
    pub(super) fn on_elected(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Same => {}
            Outcome::Follow(ballot) => {
                if !matches!(self.role, Role::Following) && ballot.incarnation != self.me {
                    self.follow_role();
                }
            }
            Outcome::Lead(ballot) => self.prepare(ballot),
        }
    }

    /// Asks for promises. The ballot is durable before anybody hears of it, so that no restart uses it again.
    fn prepare(&mut self, ballot: Ballot) {
        if ballot <= self.promised {
            // Somebody was promised more in between: the next take-over is above that.
            self.election.outdone(self.promised);
            return self.follow_role();
        }
        self.promised = ballot;
        self.persist(Persist::Promise(ballot));
        let asked_with = self.have();
        self.role = Role::Preparing(Preparing { ballot, asked_with, promises: BTreeMap::new() });
        for voter in self.others() {
            self.send_when_kept(voter, Message::Prepare { ballot, have: asked_with });
        }
        self.settle_prepare();
    }

    /// Asks those again that have not answered.
    pub(super) fn prepare_again(&mut self) {
        let Role::Preparing(preparing) = &self.role else { return };
        let (ballot, have) = (preparing.ballot, preparing.asked_with);
        let silent: Vec<Incarnation> =
            self.others().into_iter().filter(|voter| !preparing.promises.contains_key(voter)).collect();
        for voter in silent {
            self.send_when_kept(voter, Message::Prepare { ballot, have });
        }
    }

    pub(super) fn on_promise(&mut self, from: Incarnation, ballot: Ballot, have: Have, offer: Offer) {
        match &mut self.role {
            Role::Preparing(preparing) if preparing.ballot == ballot => {
                preparing.promises.insert(from, (have, offer));
                self.settle_prepare();
            }
            Role::Leading(leading) if leading.ballot == ballot => self.sync(from, have),
            _ => {}
        }
    }

    /// Leads once a majority has promised, this member among them, durably.
    pub(super) fn settle_prepare(&mut self) {
        let Role::Preparing(preparing) = &self.role else { return };
        let promised = preparing.promises.keys().copied().chain([self.me]);
        if !self.keep.is_settled() || !is_quorum(&self.entered, promised) {
            return;
        }
        let best = preparing.promises.iter().max_by_key(|(_, (have, _))| have.rank());
        let adopted = match best {
            Some((_, (have, offer))) if have.rank() > preparing.asked_with.rank() => {
                Some((*have, offer.clone()))
            }
            _ => None,
        };
        let lender = best.map(|(member, _)| *member);
        let (adopted, suffix) = match adopted {
            None => (preparing.asked_with, None),
            Some((have, Offer::Suffix(suffix))) => (have, Some(suffix)),
            Some((_, Offer::Nothing | Offer::Snapshot)) => {
                // It begins too early for everybody's log. What was promised stands; a snapshot, then all over again.
                self.outputs.extend(lender.map(Output::FetchSnapshot));
                return;
            }
        };
        let Role::Preparing(preparing) = std::mem::replace(&mut self.role, Role::Following) else { return };
        match suffix {
            // It tells that this configuration is over, which is to be learned before anybody leads.
            Some(suffix) if has_proven_stop_sign(&suffix) => {
                let lender = lender.unwrap_or(self.me);
                self.follow_role();
                self.on_learn(lender, adopted.acc_ballot, up_to_proven_stop_sign(suffix));
            }
            suffix => self.begin_leading(preparing, adopted, suffix),
        }
    }

    fn begin_leading(&mut self, preparing: Preparing, adopted: Have, suffix: Option<Suffix>) {
        let Preparing { ballot, promises, .. } = preparing;
        if let Some(suffix) = &suffix {
            self.log.cut_behind(crate::Slot(suffix.from.0 - 1));
        }
        // Whatever a majority's members know to be decided stands in the log that was adopted.
        let decided = promises.values().map(|(have, _)| have.decided).max().unwrap_or_default();
        self.role = Role::Leading(Leading::new(ballot, adopted.rank(), self.ticks));
        self.open(ballot, suffix.map(|suffix| suffix.entries).unwrap_or_default());
        self.decided = self.decided.max(decided.min(self.log.last()));
        for (member, (have, _)) in promises {
            self.sync(member, have);
        }
    }
}

fn has_proven_stop_sign(suffix: &Suffix) -> bool {
    suffix.entries.iter().rev().skip(1).any(|entry| entry.config.is_some())
}

fn up_to_proven_stop_sign(mut suffix: Suffix) -> Suffix {
    let proven =
        suffix.entries.iter().rev().skip(1).find(|entry| entry.config.is_some()).map(|entry| entry.slot);
    suffix.entries.retain(|entry| Some(entry.slot) <= proven);
    suffix
}
