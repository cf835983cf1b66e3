//! Epochs: who votes, from which slot on, and how members that are behind, or only learn, come along. A change of the
//! voters is a stop-sign (Sequence Paxos, reconfiguration): it ends its configuration, and everything behind it belongs
//! to the next one.

use super::{Replica, Role};
use crate::message::{Have, Message, Suffix};
use crate::{Ballot, Incarnation, Slot};

/// A member that gets decided entries from this one, which does not lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pupil {
    /// The next slot to be sent.
    next: Slot,
    /// When it is forgotten, unless it says again what it has.
    until: u64,
    /// When it last was sent everything from what it said that it has.
    since: u64,
}

impl Replica {
    /// Enters each configuration whose stop-sign is applied.
    pub(super) fn enter_configurations(&mut self) {
        let config = self.log.config_at(self.applied.next()).clone();
        if config.epoch <= self.entered.epoch {
            return;
        }
        let led = matches!(self.role, Role::Leading(_));
        if let Role::Leading(leading) = &self.role {
            self.learners = leading.members().collect();
        }
        self.entered = config;
        self.make_sound();
        self.step_down();
        self.election = self.election.next(self.promised, self.entered.epoch);
        // Who led goes on at once, if it still votes: the others need not wait for an election.
        if led && self.is_voter(&self.me) {
            return self.stand();
        }
        // Very likely the proposer is the same again: who only learns need not wait until it hears so.
        let proposer = self.acc_ballot.incarnation;
        let is_known = self.acc_ballot != Ballot::ZERO;
        if !led && is_known && proposer != self.me && !self.is_voter(&self.me) {
            self.asked_at = None;
            self.ask_to_follow(proposer);
        }
    }

    /// Whether it is known here that the configuration is over, though its stop-sign is not applied yet. Nothing is
    /// promised or accepted in it any more: the log may go on behind that, accepted under a ballot of the next one.
    pub(super) fn is_over(&self) -> bool {
        let decided = self.decided.max(self.log.proven_stop_sign().unwrap_or_default());
        self.log.stop_sign_behind(self.applied).is_some_and(|sign| sign <= decided)
    }

    /// A message of somebody who has not entered this configuration: it gets what it lacks, and no other answer.
    pub(super) fn bring_along(&mut self, from: Incarnation, message: Message) {
        match message {
            Message::Follow { have } | Message::Prepare { have, .. } => self.teach(from, have),
            // They say nothing of what it has; it is told that there is more, and will say.
            Message::Heartbeat { .. } | Message::AcceptSync { .. } | Message::Accept { .. } => {
                let suffix =
                    Suffix { from: self.log.base().next(), previous: self.base_hash(), entries: Vec::new() };
                self.send(from, Message::Learn { suffix });
            }
            _ => {}
        }
    }

    /// A message of somebody who has entered a later configuration: what is missing here can be had there. Decided
    /// entries are final in any epoch.
    pub(super) fn fall_behind(&mut self, from: Incarnation, message: Message) {
        match message {
            Message::Learn { suffix } if !suffix.entries.is_empty() => {
                // Whatever this member led or asked for belongs to a configuration that is over.
                self.step_down();
                self.on_learn(from, suffix);
                // There may be more. Who has no more to tell does not answer.
                self.ask_to_follow(from);
            }
            Message::Behind { base } => {
                self.step_down();
                self.on_behind(from, base);
            }
            _ => self.ask_to_follow(from),
        }
    }

    /// Sends decided entries to a member that is behind, or only learns, or does not hear the proposer; and goes on to do
    /// so for a while.
    pub(super) fn teach(&mut self, member: Incarnation, have: Have) {
        let (now, next) = (self.ticks, have.decided.next());
        let until = now + 3 * self.limits.round_ticks;
        // It asks with each message that it gets: what it lacks by then is mostly on its way, and is not sent once more.
        let is_under_way =
            |pupil: &&mut Pupil| next <= pupil.next && now < pupil.since + self.limits.round_ticks / 2;
        match self.pupils.get_mut(&member).filter(is_under_way) {
            Some(pupil) => pupil.until = until,
            None => drop(self.pupils.insert(member, Pupil { next, until, since: now })),
        }
        self.teach_next(member);
    }

    /// Sends what is decided since.
    pub(super) fn teach_all(&mut self) {
        self.pupils.retain(|_, pupil| pupil.until > self.ticks);
        let members: Vec<Incarnation> = self.pupils.keys().copied().collect();
        members.into_iter().for_each(|member| self.teach_next(member));
    }

    fn teach_next(&mut self, member: Incarnation) {
        let Some(pupil) = self.pupils.get_mut(&member) else { return };
        if pupil.next > self.decided {
            return;
        }
        let Some(mut suffix) = self.log.suffix(pupil.next, self.limits.message_bytes_max) else {
            self.pupils.remove(&member);
            return self.say_behind(member);
        };
        suffix.entries.retain(|entry| entry.slot <= self.decided);
        pupil.next = suffix.last().next();
        self.send(member, Message::Learn { suffix });
    }

    fn base_hash(&self) -> crate::EntryHash {
        self.log.hash_at(self.log.base()).unwrap_or(crate::EntryHash::NONE)
    }
}
