//! A disk without room. In a cluster its member waits for room, like one with a slow disk, and leads nobody; where it is
//! the only voter, nobody else can have what it could not write, and it takes that back.

use super::{Replica, Role};

impl Replica {
    /// The disk has no room for what it was given: that waits, and everything behind it. A proposer steps down, so that
    /// one with room can go on.
    pub fn full(&mut self) {
        self.is_full = true;
        if !self.is_only_voter() && !matches!(self.role, Role::Following) {
            self.step_down();
        }
        self.settle();
    }

    /// Whether something waits for room on the disk, which has taken nothing since.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether it takes no more entries until the disk has taken some: they would be held in memory, however long that lasts.
    pub(super) fn has_enough(&self) -> bool {
        self.is_full && self.keep.command_bytes() >= self.limits.full_bytes_max
    }

    /// Whether nobody else can have decided what is under way to the disk. The voters before this one may have: then it
    /// has become the only one before its disk has the slot that says so, and waits for room like others.
    pub fn may_take_back(&self) -> bool {
        self.is_only_voter() && self.decided <= self.keep.durable() && self.installing.is_none()
    }

    /// For the only voter, in place of waiting for room: nothing of what is under way to the disk will be written. What
    /// was proposed and is not decided is forgotten. It leads again, under another ballot, once there is something to
    /// propose: learners may have what it takes back.
    ///
    /// # Panics
    /// If others may have decided it: see [`Replica::may_take_back`].
    pub fn take_back(&mut self) {
        assert!(self.may_take_back(), "what others may have decided cannot be taken back");
        let (acc_ballot, last) = self.keep.forget();
        self.log.cut_behind(last);
        self.acc_ballot = acc_ballot;
        self.waiting.clear();
        self.is_full = false;
        if !matches!(self.role, Role::Following) {
            self.step_down();
        }
        self.settle();
    }
}
