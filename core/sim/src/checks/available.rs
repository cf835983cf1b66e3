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
