//! G6: each effective SET or DEL takes the next revision, and nothing else takes one; and the same commands come to the
//! same at every member, so that equal slots have equal digests. (Schneider, *Implementing Fault-Tolerant Services Using
//! the State Machine Approach*, 1990, section 2: replicas that begin alike and take the same commands in order agree.)

use std::collections::BTreeMap;

use doozer_paxos::Slot;

use super::ledger::Ledger;
use super::verdict::{Verdict, ensure};
use crate::history::{Applied, Effect, MemberId, Outcome};

pub(super) const NAME: &str = "revisions";

/// The first digest of each slot that anybody told one of.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    digests: BTreeMap<Slot, ([u8; 32], MemberId)>,
}

/// What one command came to is what the documented rules say.
pub(super) fn outcome(ledger: &Ledger, report: &Applied<'_>, index: usize, expected: Outcome) -> Verdict {
    let effect = report.effects[index];
    ensure!(
        effect == Effect::Done(expected),
        NAME,
        "command {index} of slot {} came to {effect:?} at {}, and by the rules to {expected:?}{}",
        report.entry.slot,
        report.member,
        ledger.around(ledger.model.revision())
    );
    Ok(())
}

/// A member applied an entry, which is the canonical one.
pub(super) fn applied(ledger: &Ledger, report: &Applied<'_>) -> Verdict {
    let Applied { member, entry, effects, before, after, .. } = report;
    let slot = entry.slot;
    ensure!(
        *before == ledger.member(*member).revision,
        NAME,
        "{member} was at revision {before} before slot {slot}, and at {} after the one before that",
        ledger.member(*member).revision
    );
    let canonical = ledger.effects(slot);
    ensure!(
        *effects == canonical,
        NAME,
        "slot {slot} came to {effects:?} at {member}, and to {canonical:?} elsewhere{}",
        ledger.provenance(slot)
    );
    let expected = ledger.revision_after(slot);
    ensure!(
        expected == Some(*after),
        NAME,
        "{member} is at revision {after} after slot {slot}, and should be at {expected:?}{}",
        ledger.around(*after)
    );
    Ok(())
}

/// A state that is taken over whole has the revision that its slot has.
pub(super) fn placed(ledger: &Ledger, member: MemberId, slot: Slot, revision: u64) -> Verdict {
    let expected = ledger.revision_after(slot);
    ensure!(
        expected == Some(revision),
        NAME,
        "{member} took over a state of slot {slot} with revision {revision}, where {expected:?} is right"
    );
    Ok(())
}

impl Revisions {
    /// A member's digest after a slot, if it contradicts that of another.
    pub fn digest(&mut self, member: MemberId, slot: Slot, digest: [u8; 32]) -> Result<bool, String> {
        match self.digests.get(&slot) {
            Some((first, _)) if *first == digest => Ok(true),
            Some((_, by)) => {
                Err(format!("the state of {member} after slot {slot} has another digest than that of {by}"))
            }
            None => {
                self.digests.insert(slot, (digest, member));
                Ok(false)
            }
        }
    }
}
