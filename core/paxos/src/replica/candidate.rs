//! From an election to a log to go on with: the prepare phase (Sequence Paxos, the proposer's side).

use std::collections::BTreeMap;

use super::leader::Leading;
use super::{Output, Persist, Replica, Role};
use crate::election::Outcome;
use crate::log::Suspect;
use crate::message::{Have, Message, Offer, Suffix};
use crate::planted::{Planted, is_planted};
use crate::quorum::is_quorum;
use crate::{Ballot, Incarnation};

/// A candidate that gathers promises.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Preparing {
    pub ballot: Ballot,
    /// What it had when it asked: suffixes begin where that ends.
    asked_with: Have,
    promises: BTreeMap<Incarnation, Promised>,
}

/// What a voter answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Promised {
    pub have: Have,
    pub offer: Offer,
    pub suspect: Option<Suspect>,
}

impl Replica {
    pub(super) fn on_elected(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Same => {}
            Outcome::Follow(ballot) => {
                if !matches!(self.role, Role::Following) && ballot.incarnation != self.me {
                    self.step_down();
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
            return self.step_down();
        }
        self.promised = ballot;
        self.persist(Persist::Promise(ballot));
        let asked_with = self.have();
        self.role = Role::Preparing(Preparing { ballot, asked_with, promises: BTreeMap::new() });
        for voter in self.others() {
            if is_planted(Planted::PrepareBeforeDurable) {
                self.send(voter, Message::Prepare { ballot, have: asked_with });
            }
            self.send_when_kept(voter, Message::Prepare { ballot, have: asked_with });
        }
        // Questions wait for confirmations of what it led before: they are asked anew.
        self.reads.proposer_changed();
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

    pub(super) fn on_promise(&mut self, from: Incarnation, ballot: Ballot, promised: Promised) {
        match &mut self.role {
            Role::Preparing(preparing) if preparing.ballot == ballot => {
                preparing.promises.insert(from, promised);
            }
            // One that is brought along already says again what it said: should it miss something, it asks.
            Role::Leading(leading) if leading.ballot == ballot && !leading.is_followed_by(&from) => {
                self.sync(from, promised.have);
            }
            _ => {}
        }
    }

    /// Leads once a majority has promised, this member among them, durably.
    pub(super) fn lead_if_promised(&mut self) {
        let Role::Preparing(preparing) = &self.role else { return };
        let is_settled = self.keep.is_settled() || is_planted(Planted::PrepareBeforeDurable);
        if !is_settled || !self.shows_all_decided(&preparing.promises) {
            return;
        }
        let best = preparing.promises.iter().max_by_key(|(_, promised)| promised.have.rank());
        let best = best.filter(|(_, promised)| promised.have.rank() > preparing.asked_with.rank());
        let best = best.map(|(lender, promised)| (*lender, promised.have, promised.offer.clone()));
        let last = best.as_ref().map_or(self.log.last(), |(_, have, _)| have.last);
        let knows_more = |(_, promised): &(&Incarnation, &Promised)| promised.have.decided > last;
        if let Some((knower, _)) = preparing.promises.iter().find(knows_more) {
            // It was taught that, and cannot tell any more what it had accepted of it.
            let knower = *knower;
            self.step_down();
            return self.ask_to_follow(knower);
        }
        match best {
            None => self.begin_leading(None),
            Some((lender, _, Offer::Suffix(suffix))) if has_proven_stop_sign(&suffix) => {
                // It tells that this configuration is over, which is to be learned before anybody leads. (A second net:
                // who has such a log brings the candidate along, and promises nothing.)
                self.step_down();
                self.on_learn(lender, up_to_proven_stop_sign(suffix));
            }
            Some((_, have, Offer::Suffix(suffix))) => self.begin_leading(Some((have, suffix))),
            Some((lender, _, Offer::Nothing | Offer::Snapshot)) => {
                // It begins before everybody's log. What was promised stands; a snapshot, and then all over again.
                self.step_down();
                self.outputs.push_back(Output::FetchSnapshot(lender));
            }
        }
    }

    /// Whether what is promised shows all that may have been decided: by a majority whose logs are sound; or, if there is
    /// none, by every voter, so that nobody is left who could know more.
    fn shows_all_decided(&self, promises: &BTreeMap<Incarnation, Promised>) -> bool {
        self.is_sound_quorum(promises) || self.others().iter().all(|voter| promises.contains_key(voter))
    }

    /// Whether those with sound logs, this member among them, are a majority.
    fn is_sound_quorum(&self, promises: &BTreeMap<Incarnation, Promised>) -> bool {
        let sound = promises.iter().filter(|(_, promised)| promised.suspect.is_none());
        let own = self.suspect.is_none().then_some(self.me);
        is_quorum(&self.entered, sound.map(|(voter, _)| *voter).chain(own))
    }

    /// Goes on with its own log, or with one that it was offered.
    fn begin_leading(&mut self, adopted: Option<(Have, Suffix)>) {
        let Role::Preparing(preparing) = std::mem::replace(&mut self.role, Role::Following) else { return };
        let Preparing { ballot, asked_with, promises } = preparing;
        let (adopted, suffix) = match adopted {
            None => {
                let (from, previous) = (self.log.last().next(), self.log.last_hash());
                (asked_with, Suffix { from, previous, entries: Vec::new() })
            }
            Some((have, suffix)) => (have, self.behind_decided(suffix)),
        };
        assert!(suffix.from > self.decided, "a log was adopted that lacks what is decided");
        // Whatever a majority's members know to be decided stands in the log that was adopted.
        let decided = promises.values().map(|promised| promised.have.decided).max().unwrap_or_default();
        let lost = self.lost_ends(&promises, &adopted);
        self.role = Role::Leading(Leading::new(ballot, adopted, self.ticks));
        self.open(ballot, suffix);
        self.make_sound_whole(ballot);
        self.decided = self.decided.max(decided.min(self.log.last()));
        if !lost.is_empty() {
            self.outputs.push_back(Output::GaveUp(lost));
        }
        for (member, promised) in promises {
            self.sync(member, promised.have);
        }
        self.call_learners();
    }

    /// Ends of logs that may have been acknowledged, and that the log which goes on does not have: no majority of sound
    /// logs could tell, and all voters were asked.
    fn lost_ends(&self, promises: &BTreeMap<Incarnation, Promised>, adopted: &Have) -> Vec<Suspect> {
        if self.is_sound_quorum(promises) {
            return Vec::new();
        }
        let suspects = promises.values().filter_map(|promised| promised.suspect).chain(self.suspect);
        suspects.filter(|suspect| suspect.rank() > adopted.rank()).collect()
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
