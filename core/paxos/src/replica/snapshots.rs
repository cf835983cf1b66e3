//! Logs do not go back for ever: what a member lacks may begin before everybody's. Then it gets the state instead, as a
//! snapshot, and goes on behind that. How a snapshot travels and is written is its driver's matter.

use super::leader::Leading;
use super::{Output, Persist, PersistId, Replica, Role};
use crate::log::{Base, Log};
use crate::message::Message;
use crate::planted::{Planted, is_planted};
use crate::{Incarnation, Slot};

/// The part of it that is held where nobody follows: somebody may join, or come back.
const FOR_NOBODY_PART: usize = 64;

/// So many times what is held otherwise is held for those who are getting a snapshot.
const HELD_TIMES: usize = 16;

impl Replica {
    /// The state at `base` is here as a snapshot, taken from another member of this cluster: whatever is in it is decided.
    /// True if it is to take the place of this member's state: make it durable together with the [`Persist::Install`]
    /// that is given out for it; [`Output::Install`] follows. False if this member has, or gets, all of it without.
    ///
    /// What this member promised, and under which ballot its log was accepted, stays: a snapshot takes no vote back.
    pub fn install(&mut self, base: Base) -> bool {
        if self.log.hash_at(base.slot) == Some(base.hash) {
            self.decided = self.decided.max(base.slot);
            self.settle();
            return false;
        }
        if base.slot <= self.decided || self.installing.is_some() || self.is_leading() {
            return false;
        }
        if self.is_preparing() {
            // It lacks what is decided: it had better not lead.
            self.step_down();
        }
        self.log = Log::new(base.clone());
        self.decided = base.slot;
        if is_planted(Planted::SnapshotErasesVote) {
            self.acc_ballot = crate::Ballot::ZERO;
        }
        self.persist(Persist::Install(base.clone()));
        self.installing = Some((self.keep.last_id(), base));
        self.make_sound();
        self.settle();
        true
    }

    pub(super) fn finish_installing(&mut self, id: PersistId) {
        if let Some((_, base)) = self.installing.take_if(|(installing, _)| *installing <= id) {
            self.handed = base.slot;
            self.outputs.push_back(Output::Install(base));
        }
    }

    /// Somebody's log begins behind what this member lacks.
    pub(super) fn on_behind(&mut self, from: Incarnation, base: Slot) {
        if matches!(self.role, Role::Following) && base > self.decided && self.installing.is_none() {
            self.outputs.push_back(Output::FetchSnapshot(from));
        }
    }

    pub(super) fn say_behind(&mut self, member: Incarnation) {
        let base = self.log.base();
        self.send(member, Message::Behind { base });
    }

    /// Keeps what stands behind `slot` in the log for a while, though it would be more than is held otherwise: somebody is
    /// getting a snapshot of there, and would lack what comes meanwhile. There is a bound to that too.
    pub fn hold_log(&mut self, slot: Option<Slot>) {
        self.held_from = slot;
    }

    /// Lets go of the oldest applied slots, beyond what is held for those who are behind.
    pub(super) fn trim(&mut self) {
        let mut bytes_max = self.limits.kept_bytes_max;
        // Whoever is getting a snapshot is about to follow.
        let is_for_nobody = self.held_from.is_none()
            && self.leading().is_some_and(Leading::leads_nobody)
            && self.is_only_voter();
        if is_for_nobody {
            bytes_max /= FOR_NOBODY_PART;
        }
        let end = self.applied.min(self.keep.durable());
        let is_held = |log: &Log| {
            self.held_from.is_some_and(|held| log.base() >= held) && log.bytes() <= HELD_TIMES * bytes_max
        };
        while self.log.bytes() > bytes_max && self.log.base() < end && !is_held(&self.log) {
            self.log.drop_first();
        }
    }
}
