//! What members do, each by the checks that it concerns. The order of the checks is that of cause and effect: what is
//! first wrong is told, not what comes of it.

use doozer_paxos::message::Envelope;
use doozer_paxos::replica::Persist;
use doozer_paxos::{Config, Slot};

use super::fates::Taken;
use super::verdict::{Verdict, Violation, ensure};
use super::{Checks, configs, damage, one_log, revisions};
use crate::history::{Applied, Effect, Found, MemberId, Outcome, Place, Refusal, Time};
use crate::model::Logged;

impl Checks {
    /// Something became durable at a member: told in the order in which it was given out, at once when it is synced.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn persisted(&mut self, now: Time, member: MemberId, what: &Persist) -> Result<(), Violation> {
        let verdict = self.persist(member, what);
        self.at(now, verdict)
    }

    /// A member starts, for the first time or again, from this. Its state is that of the base.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn recovered(&mut self, now: Time, member: MemberId, found: &Found<'_>) -> Result<(), Violation> {
        let verdict = self.recover(member, found);
        self.at(now, verdict)
    }

    /// A member refused to start from its disk.
    pub fn start_refused(&mut self, _: MemberId) {
        self.counts.start_refused += 1;
    }

    /// A member's disk is gone, and with it its identity: whoever comes in its place is another one.
    pub fn disk_lost(&mut self, member: MemberId) {
        self.disks.of_mut(member).is_lost = true;
    }

    /// A member's disk was damaged: rot, or a write that went elsewhere.
    pub fn damaged(&mut self, member: MemberId, what: &str) {
        self.disks.of_mut(member).damage = Some(what.to_owned());
        self.counts.damaged += 1;
    }

    /// A member applied an entry.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn applied(&mut self, now: Time, report: &Applied<'_>) -> Result<(), Violation> {
        let verdict = self.apply(now, report);
        self.at(now, verdict)
    }

    /// A snapshot from another member took the place of a member's state.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn installed(&mut self, now: Time, member: MemberId, place: &Place) -> Result<(), Violation> {
        self.counts.installed += 1;
        let verdict = self.place(member, place);
        self.at(now, verdict)
    }

    /// The digest of a member's state after a slot.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn digest(
        &mut self,
        now: Time,
        member: MemberId,
        slot: Slot,
        digest: [u8; 32],
    ) -> Result<(), Violation> {
        let verdict = self.compare(member, slot, digest);
        self.at(now, verdict)
    }

    /// A member entered a configuration.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn entered(&mut self, now: Time, member: MemberId, config: &Config) -> Result<(), Violation> {
        self.at(now, configs::entered(&self.ledger, member, config))
    }

    /// A member sends a message of the protocol.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn sent(&mut self, now: Time, member: MemberId, envelope: &Envelope) -> Result<(), Violation> {
        let verdict = self.send(member, envelope);
        self.at(now, verdict)
    }

    fn persist(&mut self, member: MemberId, what: &Persist) -> Verdict {
        self.counts.persisted += 1;
        let disk = self.disks.of_mut(member);
        if let Persist::Append(append) = what {
            one_log::appended(member, disk, append)?;
        }
        self.promises.persisting(&self.ledger, member, disk, what)?;
        if let Some(accepted) = disk.persist(what) {
            self.one_log.accepted(&self.ledger, member, disk, accepted);
        }
        Ok(())
    }

    fn recover(&mut self, member: MemberId, found: &Found<'_>) -> Verdict {
        self.counts.started += 1;
        self.counts.suspects += u64::from(found.is_suspect);
        let disk = self.disks.of_mut(member);
        let doubt = self.promises.recovering(&self.ledger, member, disk, found)?;
        damage::recovered(member, disk, &doubt)?;
        let accepted = disk.recover(found, doubt);
        self.one_log.accepted(&self.ledger, member, disk, accepted);
        self.place(member, &found.base)?;
        let disk = self.disks.of(member);
        self.counts.power_losses += u64::from(self.durable.recovered(&self.ledger, member, disk)?);
        Ok(())
    }

    fn place(&mut self, member: MemberId, place: &Place) -> Verdict {
        one_log::placed(&self.ledger, member, place)?;
        revisions::placed(&self.ledger, member, place.slot, place.revision)?;
        self.ledger.move_to(member, place.slot, place.revision);
        match place.digest {
            Some(digest) => self.compare(member, place.slot, digest),
            None => Ok(()),
        }
    }

    fn compare(&mut self, member: MemberId, slot: Slot, digest: [u8; 32]) -> Verdict {
        match self.revisions.digest(member, slot, digest) {
            Ok(is_compared) => self.counts.digests += u64::from(is_compared),
            Err(what) => damage::contradicted(&self.ledger, member, self.disks.of(member), &what)?,
        }
        Ok(())
    }

    fn apply(&mut self, now: Time, report: &Applied<'_>) -> Verdict {
        let Applied { member, entry, effects, after, .. } = report;
        ensure!(
            effects.len() == entry.commands.len(),
            revisions::NAME,
            "slot {} has {} commands, and came to {} outcomes at {member}",
            entry.slot,
            entry.commands.len(),
            effects.len()
        );
        self.one_log.applied(&self.ledger, report)?;
        if self.ledger.last() < entry.slot {
            self.decide(now, report)?;
        }
        revisions::applied(&self.ledger, report)?;
        self.ledger.move_to(*member, entry.slot, *after);
        self.counts.applied += 1;
        Ok(())
    }

    /// Nobody has applied this slot before: what is applied now is its entry for ever.
    fn decide(&mut self, now: Time, report: &Applied<'_>) -> Verdict {
        let entry = report.entry;
        self.promises.decided(entry.slot, report.hash)?;
        configs::deciding(&self.ledger, entry)?;
        for index in 0..entry.commands.len() {
            self.replay(report, index)?;
        }
        let epoch = self.ledger.config_at(entry.slot).epoch;
        self.ledger.push(report, now);
        self.counts.slots += 1;
        self.counts.configs += u64::from(self.ledger.config_at(entry.slot.next()).epoch != epoch);
        configs::projected(&self.ledger, entry)
    }

    /// Applies a command once more, by the rules.
    fn replay(&mut self, report: &Applied<'_>, index: usize) -> Verdict {
        let logged = Logged::decode(&report.entry.commands[index]);
        if !self.once.counts(report, index, &logged)? {
            self.counts.skipped += u64::from(report.effects[index] == Effect::Skipped);
            return Ok(());
        }
        self.counts.commands += 1;
        let is_alone = report.entry.commands.len() == 1;
        let command = match &logged {
            Logged::Refused(_) => None,
            Logged::Do(_, command) if !is_alone && configs::is_about_voters(command) => None,
            Logged::Do(_, command) | Logged::Plain(command) => Some(command),
            Logged::Open(..) | Logged::Malformed => {
                let expected = Outcome::Refused(Refusal::Malformed);
                return revisions::outcome(&self.ledger, report, index, expected);
            }
        };
        let Some(command) = command else {
            let expected = Outcome::Refused(Refusal::Voters);
            return revisions::outcome(&self.ledger, report, index, expected);
        };
        let before = self.ledger.model.revision();
        let outcome = self.ledger.model.apply(command, report.entry.slot);
        revisions::outcome(&self.ledger, report, index, outcome)?;
        if matches!(logged, Logged::Do(..)) {
            self.fates.taken(command, Taken { slot: report.entry.slot, before, outcome })?;
        }
        Ok(())
    }

    fn send(&mut self, member: MemberId, envelope: &Envelope) -> Verdict {
        let disk = self.disks.of(member);
        let is_vote = self.promises.sending(&self.ledger, member, disk, envelope)?;
        self.counts.votes += u64::from(is_vote);
        configs::voting(&self.ledger, member, envelope)
    }
}
