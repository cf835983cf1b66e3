//! G7: what anybody was told of survives the loss of all power, and of a minority for good: of any majority that comes
//! back, somebody has it. At the end every member that came back has it. (Lamport, *Paxos Made Simple*, 2001, section 2.3:
//! what is accepted is in stable storage before it is said.)

use std::collections::BTreeSet;

use doozer_paxos::Slot;

use super::disks::{Disk, Doubt};
use super::ledger::Ledger;
use super::verdict::{Broken, Verdict, ensure};
use crate::history::MemberId;

pub(super) const NAME: &str = "durable";

#[derive(Debug, Default)]
pub(super) struct Durable {
    lost: Option<Lost>,
}

/// Since all power was lost.
#[derive(Debug)]
struct Lost {
    /// The newest change that anybody had seen.
    rev: u64,
    slot: Slot,
    back: BTreeSet<MemberId>,
    is_there: bool,
}

impl Durable {
    pub fn power_lost(&mut self, ledger: &Ledger) {
        let rev = ledger.observed;
        let slot = ledger.model.change_at(rev).map(|(_, _, slot)| slot);
        self.lost = slot.map(|slot| Lost { rev, slot, back: BTreeSet::new(), is_there: false });
    }

    /// A member started, with this disk. True if a majority has come back with that, and all is there.
    pub fn recovered(&mut self, ledger: &Ledger, member: MemberId, disk: &Disk) -> Result<bool, Broken> {
        let Some(lost) = &mut self.lost else { return Ok(false) };
        if !matches!(disk.doubt, Doubt::Suspect(_)) {
            lost.back.insert(member);
        }
        lost.is_there |= disk.base() >= lost.slot || disk.hash_at(lost.slot) == ledger.hash(lost.slot);
        if !ledger.is_majority(ledger.config_at(lost.slot), |member| lost.back.contains(&member)) {
            return Ok(false);
        }
        ensure!(
            lost.is_there,
            NAME,
            "a majority, {:?}, came back after all power was lost, and nobody has slot {} with revision {}, which had \
             been seen{}",
            lost.back,
            lost.slot,
            lost.rev,
            ledger.around(lost.rev)
        );
        self.lost = None;
        Ok(true)
    }
}

/// At the end, a member has everything.
pub(super) fn settled(ledger: &Ledger, member: MemberId) -> Verdict {
    let has = ledger.member(member);
    ensure!(
        has.applied == ledger.last(),
        NAME,
        "{member} has settled at slot {}, and {} was decided{}",
        has.applied,
        ledger.last(),
        ledger.around(has.revision)
    );
    Ok(())
}
