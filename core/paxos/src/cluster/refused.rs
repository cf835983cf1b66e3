//! A disk without room: what was not written is taken back, as if it had never come.

use super::keep::Undo;
use super::{Member, PersistId, Role};
use crate::Slot;

impl Member {
    /// Nothing of what was given out with this number was written, for want of room, nor of anything given out after it
    /// but promises, which were and will be kept. A proposer steps down, so that one with room can go on; alone in its
    /// cluster it leads again, under another ballot, once there is something to propose: learners may have what it took
    /// back. What was proposed here and is not decided is forgotten.
    pub fn refused(&mut self, id: PersistId) {
        let undos = self.keep.refused(id);
        for undo in undos {
            match undo {
                Undo::Append { from, acc_ballot, replaced } => {
                    self.acc_ballot = acc_ballot;
                    if from <= self.decided {
                        // Others made it sure meanwhile. It stays, and is written with the next append.
                        self.log.cut_behind(self.decided);
                        self.owed_from = Some(self.owed_from.map_or(from, |owed| owed.min(from)));
                    } else {
                        self.log.cut_behind(Slot(from.0 - 1));
                        replaced.into_iter().for_each(|(entry, hash)| self.log.push(entry, hash));
                    }
                }
                Undo::Sound(suspect) => self.suspect = Some(suspect),
                Undo::Install { log, decided } => {
                    self.log = log;
                    self.decided = decided;
                    self.installing = None;
                    self.owed_from = None;
                }
            }
        }
        let last = self.owed_from.map_or(self.log.last(), |owed| Slot(owed.0 - 1));
        self.keep.has_only(id, self.acc_ballot, last);
        self.waiting.clear();
        self.full_at = Some(self.ticks);
        if !matches!(self.role, Role::Following) {
            self.follow_role();
        }
        self.settle();
    }

    /// Whether the disk was full a while ago, and took nothing since: this member is no candidate.
    pub(super) fn is_full(&self) -> bool {
        self.full_at.is_some_and(|at| self.ticks - at < self.limits.stuck_ticks)
    }
}
