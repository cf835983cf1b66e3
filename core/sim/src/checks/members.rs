//! What members do, each by the checks that it concerns. The order of the checks is that of cause and effect: what is
//! first wrong is told, not what comes of it.

use doozer_paxos::message::Envelope;
use doozer_paxos::replica::Persist;
use doozer_paxos::{Config, Incarnation, Slot};
use doozer_store::SessionId;

use super::fates::Taken;
use super::verdict::{Verdict, Violation, ensure};
use super::{Checks, commands, configs, damage, locks, one_log, revisions};
use crate::history::{
    Applied, Effect, Found, MemberId, Outcome, Place, Refusal, SessionEvent, Settled, Time,
};
use crate::model::Logged;

/// What a slot brings beside its commands' outcomes, by the rules.
#[derive(Debug, Default)]
struct Brought {
    settled: Vec<Settled>,
    sessions: Vec<SessionEvent>,
}

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
        let mut brought = Brought::default();
        for index in 0..entry.commands.len() {
            self.replay(now, report, index, &mut brought)?;
        }
        let Brought { settled, sessions } = brought;
        ensure!(
            (&*settled, &*sessions) == (report.settled, report.sessions),
            locks::NAME,
            "slot {} brought {:?} and {:?} at {}, and by the rules {settled:?} and {sessions:?}",
            entry.slot,
            report.settled,
            report.sessions,
            report.member
        );
        let epoch = self.ledger.config_at(entry.slot).epoch;
        self.ledger.push(report, now);
        self.counts.slots += 1;
        self.counts.configs += u64::from(self.ledger.config_at(entry.slot.next()).epoch != epoch);
        configs::projected(&self.ledger, entry)
    }

    /// Applies a command once more, by the rules.
    fn replay(&mut self, now: Time, report: &Applied<'_>, index: usize, brought: &mut Brought) -> Verdict {
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
            Logged::Expire(ballot, session) => {
                if *ballot != report.entry.birth {
                    return revisions::outcome(&self.ledger, report, index, Outcome::Nop);
                }
                let before = self.ledger.model.revision();
                let outcome = self.ledger.model.expire(*session, report.entry.slot);
                revisions::outcome(&self.ledger, report, index, outcome)?;
                if outcome == Outcome::Closed {
                    self.expired(now, &ballot.incarnation, session)?;
                }
                return self.step(report, before, brought);
            }
        };
        let Some(command) = command else {
            let expected = Outcome::Refused(Refusal::Voters);
            return revisions::outcome(&self.ledger, report, index, expected);
        };
        let before = self.ledger.model.revision();
        let effect = report.effects[index];
        commands::duplicate(&self.ledger.model, command, effect)?;
        let outcome = self.ledger.model.apply(command, report.entry.slot);
        self.locks.came_to(&self.ledger.model, command, effect)?;
        revisions::outcome(&self.ledger, report, index, outcome)?;
        self.commands.applied(command, self.ledger.model.step(), outcome)?;
        if let (Logged::Do(..), Some(write)) = (&logged, &self.ledger.model.step().counted) {
            self.fates.taken(write, Taken { slot: report.entry.slot, before, outcome })?;
        }
        self.step(report, before, brought)
    }

    /// What a command brought beside its own outcome, as the rules say, and as the member says.
    fn step(&mut self, report: &Applied<'_>, before: u64, brought: &mut Brought) -> Verdict {
        let Checks { ledger, locks, lifetime, commands, counts, .. } = self;
        ledger.within.extend(before + 1..ledger.model.revision());
        let step = ledger.model.step();
        let from = (brought.settled.len(), brought.sessions.len());
        brought.settled.extend_from_slice(&step.settled);
        brought.sessions.extend_from_slice(&step.sessions);
        let said = (
            report.settled.get(from.0..brought.settled.len()).unwrap_or_default(),
            report.sessions.get(from.1..brought.sessions.len()).unwrap_or_default(),
        );
        commands.settled(&step.settled);
        locks.brought(&ledger.model, said.0, said.1)?;
        for event in &step.sessions {
            if let SessionEvent::Opened(session, ttl_ms) = event {
                lifetime.opened(*session, *ttl_ms);
            }
        }
        let granted = step.settled.iter().filter(|settled| matches!(settled.outcome, Outcome::Set(_)));
        counts.granted += granted.count() as u64;
        Ok(())
    }

    fn expired(&mut self, now: Time, proposer: &Incarnation, session: &SessionId) -> Verdict {
        self.counts.expired += 1;
        let Checks { ledger, locks, lifetime, clocks, .. } = self;
        let tick_us = clocks.get(proposer).copied().unwrap_or(10_000);
        lifetime.expired(now, session, tick_us)?;
        // An eighth too fast, and no more.
        if tick_us * 9 >= 10_000 * 8 {
            locks.lost(&ledger.model.step().lost);
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
