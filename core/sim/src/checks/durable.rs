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

#[cfg(test)]
mod tests {
    use super::super::story::{Story, ballot, caught};
    use super::*;

    #[test]
    fn what_was_seen_is_there_after_a_loss_of_all_power() {
        let mut story = Story::new(3);
        story.set("/a");
        story.checks.power_lost();
        story.recover(0, 1, 2, false).unwrap();
        assert_eq!(story.checks.counts().power_losses, 0);
        story.recover(2, 1, 2, false).unwrap();
        assert_eq!(story.checks.counts().power_losses, 1);
        story.apply_all(0);
        story.apply_all(2);
    }

    #[test]
    fn one_of_a_majority_that_has_it_is_enough() {
        let mut story = Story::new(3);
        story.set("/a");
        story.checks.power_lost();
        story.recover_as(0, 1, 1, false, ballot(1, 0)).unwrap();
        story.recover(1, 1, 2, false).unwrap();
        assert_eq!(story.checks.counts().power_losses, 1);
    }

    #[test]
    fn a_majority_none_of_which_has_it() {
        let mut story = Story::new(3);
        story.set("/a");
        story.checks.power_lost();
        story.recover(0, 1, 1, false).unwrap();
        // Who learns, or knows that it may have lost something, is not one of them.
        story.recover(3, 1, 1, false).unwrap();
        story.recover(2, 1, 1, true).unwrap();
        let violation = caught(story.recover(1, 1, 1, false), NAME);
        assert!(violation.what.contains("nobody has slot 2 with revision 1"), "{violation}");
    }

    #[test]
    fn what_nobody_saw_may_go() {
        let mut story = Story::new(3);
        story.write("/a", b"1");
        story.checks.power_lost();
        for member in 0..3 {
            story.recover(member, 1, 1, false).unwrap();
        }
    }

    #[test]
    fn everybody_has_everything_at_the_end() {
        let mut story = Story::new(3);
        story.set("/a");
        story.finish(&[]).unwrap();
        story.recover(1, 1, 2, false).unwrap();
        let opening = story.made[0].clone();
        story.apply(1, &opening).unwrap();
        caught(story.finish(&[]), NAME);
    }
}
