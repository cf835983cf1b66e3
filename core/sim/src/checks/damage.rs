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
