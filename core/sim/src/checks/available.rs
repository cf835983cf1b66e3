//! G11: every member in a connected majority is available: once a core that decides is whole again, each of its members
//! gets a write decided and answered within a bound, whatever goes on outside of it. (Ng, Haridi, Carbone, *OmniPaxos*,
//! EuroSys 2023, section 2: quorum-connected servers make progress in every partial partition.)

use std::collections::BTreeSet;

use super::ledger::Ledger;
use super::verdict::{Verdict, ensure};
use crate::history::{MemberId, Time};

pub(super) const NAME: &str = "available";

#[derive(Debug, Default)]
pub(super) struct Available {
    healing: Option<Healing>,
}

/// A core that was healed, and who of it has not shown that it is.
#[derive(Debug)]
struct Healing {
    core: BTreeSet<MemberId>,
    waiting: BTreeSet<MemberId>,
    since: Time,
    until: Time,
}

impl Available {
    pub fn healed(&mut self, ledger: &Ledger, now: Time, core: &[MemberId], bound_us: u64) -> bool {
        let core: BTreeSet<MemberId> = core.iter().copied().collect();
        let is_core = decides(ledger, &core);
        let until = Time(now.0 + bound_us);
        self.healing = is_core.then(|| Healing { waiting: core.clone(), core, since: now, until });
        is_core
    }

    pub fn broken_again(&mut self) {
        self.healing = None;
    }

    /// A write that was asked of a member was answered. True if that was the last one that was waited for.
    pub fn served(&mut self, member: MemberId, asked: Time, now: Time) -> bool {
        let Some(healing) = &mut self.healing else { return false };
        if asked >= healing.since && now <= healing.until {
            healing.waiting.remove(&member);
        }
        self.healing.take_if(|healing| healing.waiting.is_empty()).is_some()
    }

    pub fn passed(&mut self, ledger: &Ledger, now: Time) -> Verdict {
        let Some(healing) = self.healing.take_if(|healing| now > healing.until) else { return Ok(()) };
        // A change of the voters that was under way may have made it a minority; then nothing was promised.
        ensure!(
            !decides(ledger, &healing.core),
            NAME,
            "of the core {:?}, healed at {}, {:?} got no write answered until {}",
            healing.core,
            healing.since,
            healing.waiting,
            healing.until
        );
        Ok(())
    }
}

fn decides(ledger: &Ledger, core: &BTreeSet<MemberId>) -> bool {
    let config = ledger.config_at(ledger.last().next());
    ledger.is_majority(config, |member| core.contains(&member))
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, caught};
    use super::*;
    use crate::history::{Answer, ClientId, OpId, Request};

    const BOUND: u64 = 1_000_000;

    fn heal(story: &mut Story, core: &[u32]) -> bool {
        let core: Vec<MemberId> = core.iter().copied().map(MemberId).collect();
        story.checks.healed(story.now, &core, BOUND)
    }

    fn ask_of(story: &mut Story, member: u32) -> OpId {
        let op = story.op();
        story.checks.asked(story.now, op, ClientId(1), MemberId(member), &Request::Nop);
        op
    }

    #[test]
    fn a_core_each_of_whose_members_writes() {
        let mut story = Story::new(3);
        assert!(heal(&mut story, &[0, 2]));
        for member in [2, 0] {
            let op = ask_of(&mut story, member);
            story.answer(op, &Answer::Nop, 0).unwrap();
        }
        assert_eq!(story.checks.counts().cores, 1);
        story.checks.passed(Time(story.now.0 + 2 * BOUND)).unwrap();
    }

    #[test]
    fn a_member_that_does_not() {
        let mut story = Story::new(3);
        let early = ask_of(&mut story, 2);
        story.now.0 += 1;
        assert!(heal(&mut story, &[0, 2]));
        story.now.0 += 1;
        let op = ask_of(&mut story, 0);
        story.answer(op, &Answer::Nop, 0).unwrap();
        // It was asked before.
        story.answer(early, &Answer::Nop, 0).unwrap();
        // It is no answer.
        let op = ask_of(&mut story, 2);
        story.answer(op, &Answer::NotWritten, 0).unwrap();
        story.checks.passed(Time(story.now.0 + BOUND - 1)).unwrap();
        let violation = caught(story.checks.passed(Time(story.now.0 + BOUND)), NAME);
        assert!(violation.what.contains("MemberId(2)"), "{violation}");
    }

    #[test]
    fn a_member_that_is_late_is_told_at_the_end_too() {
        let mut story = Story::new(3);
        assert!(heal(&mut story, &[0, 1]));
        let ops = [ask_of(&mut story, 0), ask_of(&mut story, 1)];
        story.now.0 += BOUND + 1;
        for op in ops {
            story.answer(op, &Answer::Nop, 0).unwrap();
        }
        caught(story.finish(&[]), NAME);
    }

    #[test]
    fn nothing_is_promised_to_a_minority_or_when_faults_go_on() {
        let mut story = Story::new(3);
        assert!(!heal(&mut story, &[0, 3]));
        story.checks.passed(Time(5 * BOUND)).unwrap();
        assert!(heal(&mut story, &[0, 1, 2]));
        story.checks.broken_again();
        story.checks.passed(Time(9 * BOUND)).unwrap();
        assert_eq!(story.checks.counts().cores, 0);
    }
}
