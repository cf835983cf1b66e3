//! Every change of the log, whoever makes it: a proposer, a follower, one who learns. It is given out to be kept as one
//! durable step.

use super::{Persist, Replica};
use crate::append::Append;
use crate::log::Suspect;
use crate::message::Suffix;
use crate::{Ballot, Slot};

impl Replica {
    /// Takes a suffix in place of whatever stands there, and gives it out to be kept.
    pub(super) fn write_log(&mut self, ballot: Ballot, suffix: Suffix) {
        let Suffix { from, entries, .. } = suffix;
        self.log.cut_behind(Slot(from.0 - 1));
        for entry in &entries {
            let hash = entry.hash(self.cluster);
            self.log.push(entry.clone(), hash);
        }
        assert!(
            ballot.rank() >= self.acc_ballot.rank(),
            "what was accepted is given up for a log that is worth less"
        );
        if self.acc_ballot != ballot {
            self.durable_at_proposer = self.decided;
        }
        self.acc_ballot = ballot;
        let (epoch, last_hash) = (self.log.config_at(from).epoch, self.log.last_hash());
        self.persist(Persist::Append(Append { acc_ballot: ballot, epoch, from, entries, last_hash }));
        self.make_sound();
    }

    /// The end of the log that was suspect is there again, or its configuration is over, with all that it decided here.
    pub(super) fn make_sound(&mut self) {
        let (acc_ballot, last, epoch) = (self.acc_ballot.rank(), self.log.last(), self.entered.epoch);
        let is_there = |suspect: &mut Suspect| {
            // What it was taught to be decided is not enough: it would vote with the lower ballot it fell back to.
            let is_accepted = last >= suspect.last && acc_ballot >= suspect.acc_ballot.rank();
            is_accepted || epoch > u64::from(suspect.acc_ballot.epoch)
        };
        if self.suspect.take_if(is_there).is_some() {
            self.persist(Persist::Sound);
        }
    }

    /// Under a greater ballot, the proposer's whole log has come, or is this one: it got that from a majority that this member was no
    /// part of, or from everybody.
    pub(super) fn make_sound_whole(&mut self, ballot: Ballot) {
        if self.suspect.take_if(|suspect| ballot.rank() > suspect.acc_ballot.rank()).is_some() {
            self.persist(Persist::Sound);
        }
    }
}
