//! Promises, and entries as the proposer sends them (Sequence Paxos, the acceptor's side). Whoever is no voter keeps its
//! log in the same way; its word counts for nothing.

use super::{Output, Persist, Replica, Role};
use crate::election::Outcome;
use crate::message::{Have, Message, Offer, Suffix, Told};
use crate::planted::{Planted, is_planted};
use crate::{Ballot, Entry, Incarnation, Slot};

impl Replica {
    pub(super) fn on_prepare(&mut self, from: Incarnation, ballot: Ballot, have: Have) {
        if ballot < self.promised {
            return self.refuse(from, ballot);
        }
        self.promise(ballot);
        let offer = self.offer(&have);
        // What it says of the log is durable by then, too: everything that was given out before is.
        let (have, suspect) = (self.have(), self.suspect);
        self.send_when_kept(from, Message::Promise { ballot, have, offer, suspect });
    }

    /// What a candidate lacks, if this log is preferable to its own.
    fn offer(&self, theirs: &Have) -> Offer {
        let ours = self.have();
        if ours.rank() <= theirs.rank() {
            return Offer::Nothing;
        }
        let from =
            if ours.acc_ballot == theirs.acc_ballot { theirs.last.next() } else { theirs.decided.next() };
        // All of it, whatever its length: a candidate cannot begin with less.
        self.log.suffix(from, usize::MAX).map_or(Offer::Snapshot, Offer::Suffix)
    }

    pub(super) fn on_accept_sync(&mut self, from: Incarnation, ballot: Ballot, suffix: Suffix, told: Told) {
        if ballot < self.promised {
            return self.refuse(from, ballot);
        }
        if self.acc_ballot == ballot {
            // A repeated one must not take away what came behind it.
            return self.on_accept(from, ballot, suffix, told);
        }
        if self.is_contradicted(&suffix) {
            // A proposer that was succeeded, and whose successor's entries were learned here, not accepted.
            return;
        }
        self.promise(ballot);
        if !self.replace(ballot, suffix) {
            return self.ask_to_follow(from);
        }
        self.acknowledge(from, ballot, told);
    }

    pub(super) fn on_accept(&mut self, from: Incarnation, ballot: Ballot, suffix: Suffix, told: Told) {
        if ballot < self.promised && !is_planted(Planted::PromiseBroken) {
            return self.refuse(from, ballot);
        }
        let is_synced = self.acc_ballot == ballot || is_planted(Planted::AcceptWithoutSync);
        if !is_synced || (self.promised != ballot && !is_planted(Planted::PromiseBroken)) {
            // The sync before it was lost. What is decided may stand in that log only.
            if is_planted(Planted::DecidedOfAnotherBallot) {
                self.believe_decided(told.decided);
            }
            return self.ask_to_follow(from);
        }
        self.heard_of(ballot);
        self.heard_at = self.ticks;
        match self.extend(ballot, suffix) {
            Extended::Gap => self.ask_to_follow(from),
            Extended::Nothing => {
                self.take_told(ballot, told);
                let durable = self.keep.durable_under(ballot).unwrap_or_default();
                if self.is_news(ballot, told.confirm) || told.decided < durable {
                    self.confirm(from, ballot, told.confirm);
                }
            }
            Extended::By => self.acknowledge(from, ballot, told),
        }
    }

    pub(super) fn on_nack(&mut self, ballot: Ballot, promised: Ballot) {
        if ballot < self.promised && promised <= self.promised {
            return;
        }
        if self.election.outdone(promised) {
            self.on_elected(Outcome::Follow(promised));
        }
    }

    /// Decided entries from whoever has them: they are final. What was accepted here stays, unless it contradicts them: a
    /// part of it may be decided further than they reach. So does the ballot under which that was: a part of another
    /// ballot's log, even if all of it is decided, must not outrank logs in which more is.
    pub(super) fn on_learn(&mut self, from: Incarnation, mut suffix: Suffix) {
        if !matches!(self.role, Role::Following) || self.has_enough() {
            return;
        }
        let before = Slot(suffix.from.0 - 1);
        if before > self.log.last()
            || (before > self.decided && self.log.hash_at(before) != Some(suffix.previous))
        {
            return self.ask_to_follow(from);
        }
        let decided = suffix.last();
        let known = |entry: &&Entry| {
            entry.slot <= self.decided || self.log.hash_at(entry.slot) == Some(entry.hash(self.cluster))
        };
        let known = suffix.entries.iter().take_while(known).count();
        if known == suffix.entries.len() && is_planted(Planted::LearnShortens) {
            let from = Slot(decided.0.max(self.decided.0) + 1);
            self.write_log(self.acc_ballot, Suffix { from, previous: suffix.previous, entries: Vec::new() });
        }
        if known < suffix.entries.len() {
            suffix.entries.drain(..known);
            suffix.from = Slot(suffix.from.0 + known as u64);
            suffix.previous = suffix.entries[0].previous;
            if is_planted(Planted::LearnedIsAccepted) {
                self.promise(self.election.leader());
                self.acc_ballot = self.acc_ballot.max(self.election.leader());
            }
            self.write_log(self.acc_ballot, suffix);
        }
        self.decided = self.decided.max(decided);
        self.make_sound();
        self.asked_at = None;
    }

    /// Promises; given out to be kept if it is news.
    pub(super) fn promise(&mut self, ballot: Ballot) {
        if ballot > self.promised {
            self.promised = ballot;
            if !is_planted(Planted::PromiseForgotten) {
                self.persist(Persist::Promise(ballot));
            }
        }
        self.heard_of(ballot);
    }

    /// Somebody leads, or wants to, under this ballot.
    fn heard_of(&mut self, ballot: Ballot) {
        self.election.outdone(ballot);
        self.step_down_below(ballot);
    }

    fn step_down_below(&mut self, ballot: Ballot) {
        let own = match &self.role {
            Role::Following => return,
            Role::Preparing(preparing) => preparing.ballot,
            Role::Leading(leading) => leading.ballot,
        };
        if own < ballot {
            self.step_down();
        }
    }

    fn refuse(&mut self, from: Incarnation, ballot: Ballot) {
        self.send(from, Message::Nack { ballot, promised: self.promised });
    }

    /// Takes a suffix instead of what stands in its place, in one durable step. False if it does not fit what is decided
    /// here, or leaves a gap.
    fn replace(&mut self, ballot: Ballot, suffix: Suffix) -> bool {
        let suffix = self.behind_decided(suffix);
        if suffix.from <= self.decided {
            return false;
        }
        let before = Slot(suffix.from.0 - 1);
        if self.log.hash_at(before) != Some(suffix.previous) {
            return false;
        }
        self.write_log(ballot, suffix);
        self.make_sound_whole(ballot);
        true
    }

    /// Whether something in it is decided otherwise.
    fn is_contradicted(&self, suffix: &Suffix) -> bool {
        let decided = suffix.entries.iter().take_while(|entry| entry.slot <= self.decided);
        decided.last().is_some_and(|entry| !self.is_ours(entry))
    }

    /// Whether this very entry stands in the log, or did before the log began where it begins now. With it, all before it.
    fn is_ours(&self, entry: &Entry) -> bool {
        let ours = self.log.hash_at(entry.slot);
        ours.map_or(entry.slot < self.log.base(), |hash| hash == entry.hash(self.cluster))
    }

    /// Drops what is decided here already: it is the same everywhere.
    pub(super) fn behind_decided(&self, mut suffix: Suffix) -> Suffix {
        while suffix.from <= self.decided && !suffix.entries.is_empty() {
            let first = suffix.entries.remove(0);
            suffix.previous = first.hash(self.cluster);
            suffix.from = suffix.from.next();
            let ours = self.log.hash_at(first.slot);
            assert!(ours.is_none_or(|hash| hash == suffix.previous), "slot {} was decided twice", first.slot);
        }
        suffix
    }

    /// Takes what the log lacks of a suffix that is of the same proposer's log.
    fn extend(&mut self, ballot: Ballot, mut suffix: Suffix) -> Extended {
        if self.has_enough() {
            return Extended::Nothing;
        }
        if suffix.from > self.log.last().next() {
            return Extended::Gap;
        }
        let known = (self.log.last().0 + 1 - suffix.from.0) as usize;
        let last_known = suffix.entries[..known.min(suffix.entries.len())].last();
        if last_known.is_some_and(|entry| !self.is_ours(entry)) {
            // Something else was learned to be decided there.
            return Extended::Gap;
        }
        if known >= suffix.entries.len() {
            return Extended::Nothing;
        }
        suffix.entries.drain(..known);
        suffix.from = self.log.last().next();
        let is_behind = suffix.entries[0].previous == self.log.last_hash();
        if !is_behind && !is_planted(Planted::AcceptWithoutSync) {
            return Extended::Gap;
        }
        suffix.previous = self.log.last_hash();
        self.write_log(ballot, suffix);
        Extended::By
    }

    fn acknowledge(&mut self, to: Incarnation, ballot: Ballot, told: Told) {
        self.asked_at = None;
        self.heard_at = self.ticks;
        self.take_told(ballot, told);
        if self.is_news(ballot, told.confirm) {
            self.confirm(to, ballot, told.confirm);
        }
        self.send_when_kept(to, Message::Accepted { ballot, last: self.log.last(), confirm: 0 });
    }

    /// Whether a number was not heard before under this ballot.
    fn is_news(&mut self, ballot: Ballot, confirm: u64) -> bool {
        let is_news = (ballot, confirm) > self.heard_confirm && confirm > 0;
        self.heard_confirm = self.heard_confirm.max((ballot, confirm));
        is_news
    }

    /// Says at once that nobody else has its promise, and what is durable so far.
    fn confirm(&mut self, to: Incarnation, ballot: Ballot, confirm: u64) {
        let last = self.keep.durable_under(ballot).unwrap_or_default();
        self.send(to, Message::Accepted { ballot, last, confirm });
    }

    /// What its proposer says counts for a log that was accepted under the same ballot, and as far as that reaches.
    fn take_told(&mut self, ballot: Ballot, told: Told) {
        if self.acc_ballot == ballot {
            self.believe_decided(told.decided);
            self.durable_at_proposer = self.durable_at_proposer.max(told.durable);
        }
    }

    fn believe_decided(&mut self, decided: Slot) {
        self.decided = self.decided.max(decided.min(self.log.last()));
    }

    /// With two or three voters, the proposer and this one are a majority: what is durable at both is decided, a round
    /// trip before the proposer can say so. That helps where slots or reads follow each other: a lone slot's Accept leaves
    /// before the proposer's disk has it, and no message of its own says that it does.
    pub(super) fn decide_with_proposer(&mut self) {
        let Some(durable) = self.keep.durable_under(self.acc_ballot) else { return };
        let end = durable.min(self.durable_at_proposer).min(self.log.last());
        let proposer = self.acc_ballot.incarnation;
        while self.decided < end {
            let config = self.log.config_at(self.decided.next());
            let is_majority = matches!(config.voters.len(), 2 | 3)
                && (config.voters.contains(&self.me) || is_planted(Planted::LearnerDecides))
                && config.voters.contains(&proposer)
                && config.epoch == self.entered.epoch;
            if !is_majority || proposer == self.me {
                return;
            }
            self.decided = self.decided.next();
        }
    }

    /// Asks to be brought along, not for every message that cannot be taken.
    pub(super) fn ask_to_follow(&mut self, whom: Incarnation) {
        if self.asked_at != Some((self.ticks, whom)) {
            self.asked_at = Some((self.ticks, whom));
            let have = self.have();
            self.send_when_kept(whom, Message::Follow { have });
        }
    }

    pub(super) fn step_down(&mut self) {
        self.role = Role::Following;
        self.election.resign();
    }

    /// Each round: whoever is not led, or has heard nothing for a while, says where it is.
    pub(super) fn follow_again(&mut self) {
        let leader = self.election.leader();
        let is_led = self.acc_ballot == leader && self.ticks - self.heard_at <= 2 * self.limits.round_ticks;
        if leader == Ballot::ZERO || leader.incarnation == self.me || is_led {
            return;
        }
        self.asked_at = None;
        self.ask_to_follow(leader.incarnation);
        if let Some(way) = self.way_to_proposer()
            && way != leader.incarnation
        {
            self.asked_at = None;
            self.ask_to_follow(way);
        }
    }

    pub(super) fn on_reset(&mut self, member: Incarnation) {
        match &mut self.role {
            Role::Leading(leading) => leading.forget(member),
            Role::Preparing(_) => {}
            Role::Following if self.election.leader().incarnation == member => {
                self.asked_at = None;
                self.ask_to_follow(member);
                self.reads.proposer_changed();
                self.outputs.push_back(Output::Proposer(Some(member)));
                self.doubt_proposer(member);
            }
            Role::Following => {}
        }
    }
}

/// What a suffix did to the log.
enum Extended {
    /// It begins behind its end, or follows something else.
    Gap,
    /// It was there already, or is not taken now.
    Nothing,
    By,
}
