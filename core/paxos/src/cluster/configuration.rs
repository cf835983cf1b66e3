//! Epochs: who votes, from which slot on, and how members that are behind, or only learn, come along. A change of the
//! voters is a stop-sign (Sequence Paxos, reconfiguration): it ends its configuration, and everything behind it belongs
//! to the next one.

use super::{Member, Role};
use crate::election::Outcome;
use crate::message::{Have, Message, Suffix};
use crate::{Incarnation, Slot};

impl Member {
    /// Enters each configuration whose stop-sign is applied.
    pub(super) fn enter_configurations(&mut self) {
        let config = self.log.config_at(self.applied.next()).clone();
        if config.epoch <= self.entered.epoch {
            return;
        }
        let led = matches!(self.role, Role::Leading(_));
        self.entered = config;
        self.follow_role();
        self.election = self.election.next(self.promised);
        // Who led goes on at once, if it still votes: the others need not wait for an election.
        if led && self.is_voter(&self.me) {
            let ballot = self.election.take_over();
            self.on_elected(Outcome::Lead(ballot));
        }
    }

    /// A message of somebody who has not entered this configuration: it gets what it lacks, and no other answer.
    pub(super) fn bring_along(&mut self, from: Incarnation, message: Message) {
        match message {
            Message::Follow { have } | Message::Prepare { have, .. } => self.teach(from, have),
            // They say nothing of what it has; it is told that there is more, and will say.
            Message::Heartbeat { .. } | Message::AcceptSync { .. } | Message::Accept { .. } => {
                let suffix =
                    Suffix { from: self.log.base().next(), previous: self.base_hash(), entries: Vec::new() };
                self.send(from, Message::Learn { ballot: self.acc_ballot, suffix });
            }
            _ => {}
        }
    }

    /// A message of somebody who has entered a later configuration: what is missing here can be had there. Decided
    /// entries are final in any epoch.
    pub(super) fn fall_behind(&mut self, from: Incarnation, message: Message) {
        match message {
            Message::Learn { ballot, suffix } if !suffix.entries.is_empty() => {
                // Whatever this member led or asked for belongs to a configuration that is over.
                self.follow_role();
                self.on_learn(from, ballot, suffix);
                // There may be more. Who has no more to tell does not answer.
                self.ask_to_follow(from);
            }
            _ => self.ask_to_follow(from),
        }
    }

    /// Sends decided entries to a member that is behind, or only learns.
    pub(super) fn teach(&mut self, member: Incarnation, have: Have) {
        let from = have.decided.next();
        if from > self.decided {
            return;
        }
        let Some(mut suffix) = self.log.suffix(from, self.limits.message_bytes_max) else {
            self.outputs.push_back(super::Output::SendSnapshot(member));
            return;
        };
        suffix.entries.retain(|entry| entry.slot <= self.decided);
        self.send(member, Message::Learn { ballot: self.acc_ballot, suffix });
    }

    fn base_hash(&self) -> crate::EntryHash {
        self.log.hash_at(self.log.base()).unwrap_or(crate::EntryHash::NONE)
    }

    /// Proposes to change the voters: the command that does it, alone in a slot that ends this configuration. Nothing
    /// may be under way; false if something is, or if this member does not lead.
    pub fn propose_config(&mut self, command: bytes::Bytes, voters: Vec<Incarnation>, wall_ms: u64) -> bool {
        if !self.is_drained() {
            return false;
        }
        let config = crate::Config { epoch: self.entered.epoch + 1, voters };
        self.append_stop_sign(command, config, wall_ms);
        self.settle();
        true
    }

    /// Whether this member leads and everything in its log is decided and applied.
    pub fn is_drained(&self) -> bool {
        let Role::Leading(leading) = &self.role else { return false };
        let last: Slot = self.log.last();
        leading.opening <= self.decided && self.applied == last
    }
}
