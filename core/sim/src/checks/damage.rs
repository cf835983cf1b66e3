//! G12: damage is detected, never served and never guessed over. A member whose disk was damaged refuses to start, or
//! mends itself, or says that it is suspect; it never takes less than it had for all it had, and its state never becomes
//! another one. (Alagappan et al., *Protocol-Aware Recovery for Consensus-Based Storage*, FAST 2018, section 3: damage
//! must be told from a crash, since what is damaged may have been decided.)

use super::disks::{Disk, Doubt};
use super::verdict::{Verdict, ensure};
use super::{ledger::Ledger, revisions};
use crate::history::MemberId;

pub(super) const NAME: &str = "damage";

/// A member started from what it has.
pub(super) fn recovered(member: MemberId, disk: &Disk, doubt: &Doubt) -> Verdict {
    if let (Some(damage), Doubt::Amnesiac(why)) = (&disk.damage, doubt) {
        ensure!(false, NAME, "{member} guessed over damage ({damage}): {why}");
    }
    Ok(())
}

/// A member's digest contradicts that of another.
pub(super) fn contradicted(ledger: &Ledger, member: MemberId, disk: &Disk, what: &str) -> Verdict {
    let at = ledger.around(ledger.member(member).revision);
    if let Some(damage) = &disk.damage {
        ensure!(false, NAME, "{what}; its disk was damaged ({damage}){at}");
    }
    ensure!(false, revisions::NAME, "{what}{at}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use doozer_paxos::Slot;

    use super::super::story::{Story, caught};
    use super::*;
    use crate::history::Place;

    fn story() -> Story {
        let mut story = Story::new(3);
        story.set("/a");
        story.checks.damaged(MemberId(0), "rot in the log");
        story
    }

    #[test]
    fn a_damaged_member_refuses_or_mends_itself_or_is_suspect() {
        let mut story = story();
        story.checks.start_refused(MemberId(0));
        story.recover(0, 1, 1, true).unwrap();
        story.recover(0, 2, 2, false).unwrap();
        story.checks.digest(story.now, MemberId(1), Slot(2), [1; 32]).unwrap();
        let place = Place { digest: Some([1; 32]), ..story.place(2) };
        story.checks.installed(story.now, MemberId(0), &place).unwrap();
        let counts = story.checks.counts();
        assert_eq!((counts.start_refused, counts.suspects, counts.damaged), (1, 1, 1));
    }

    #[test]
    fn damage_that_is_guessed_over() {
        let violation = caught(story().recover(0, 1, 1, false), NAME);
        assert!(violation.what.contains("rot in the log"), "{violation}");
    }

    #[test]
    fn damage_that_is_served() {
        let mut story = story();
        story.recover(0, 1, 2, false).unwrap();
        story.checks.digest(story.now, MemberId(1), Slot(2), [1; 32]).unwrap();
        caught(story.checks.digest(story.now, MemberId(0), Slot(2), [2; 32]), NAME);
    }
}
