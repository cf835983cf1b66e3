//! What an acceptor said stays said: its promise and the ballot under which it accepted never go back, it accepts nothing
//! below its promise, and it says nothing that is not durable. (Lamport, *Paxos Made Simple*, 2001, section 2.2, P1a and
//! P2c; section 2.3: an acceptor remembers across failures, a proposer never uses a number twice.)
//!
//! A member that has less than it had, and does not know, must not vote: what it forgot may have been decided by its vote.

use std::collections::BTreeMap;

use doozer_paxos::message::{Envelope, Message};
use doozer_paxos::replica::Persist;
use doozer_paxos::{Append, Ballot, EntryHash, Slot};

use super::disks::{Disk, Doubt};
use super::ledger::Ledger;
use super::verdict::{Broken, Verdict, ensure};
use crate::history::{Found, MemberId};

pub(super) const NAME: &str = "promises";

#[derive(Debug, Default)]
pub(super) struct Promises {
    /// What members took for decided, in place of what they had accepted, before anybody applied it.
    claims: BTreeMap<Slot, (EntryHash, MemberId)>,
    /// The greatest ballot that each member proposed under: in its lives before this one, and in this one.
    proposed: BTreeMap<MemberId, Proposed>,
}

#[derive(Debug, Clone, Copy)]
struct Proposed {
    boot: u64,
    before: Ballot,
    now: Ballot,
}

impl Promises {
    /// Something is about to become durable.
    pub fn persisting(&mut self, ledger: &Ledger, member: MemberId, disk: &Disk, what: &Persist) -> Verdict {
        ensure!(!disk.is_lost, NAME, "{member} lost its disk, and goes on writing under its old name");
        match what {
            Persist::Promise(ballot) => ensure!(
                *ballot >= disk.promised,
                NAME,
                "{member} promised {ballot:?} after {:?}",
                disk.promised
            ),
            Persist::Append(append) => return self.appending(ledger, member, disk, append),
            Persist::Sound => return sound(ledger, member, disk),
            Persist::Install(base) => ensure!(
                disk.hash_at(base.slot) != Some(base.hash) || disk.last() <= base.slot,
                NAME,
                "{member} let a snapshot of slot {} take away what it has accepted up to {} behind it",
                base.slot,
                disk.last()
            ),
        }
        Ok(())
    }

    fn appending(&mut self, ledger: &Ledger, member: MemberId, disk: &Disk, append: &Append) -> Verdict {
        let (old, new) = (disk.acc_ballot, append.acc_ballot);
        ensure!(new >= old, NAME, "{member} accepted under {new:?} after {old:?}");
        ensure!(
            new <= disk.promised,
            NAME,
            "{member} accepted under {new:?} before it promised that: its promise is {:?}",
            disk.promised
        );
        let end = append.last().min(disk.last());
        let is_kept = append.from > end || hash_in(append, end) == disk.hash_at(end);
        let is_cut = append.last() < disk.last();
        ensure!(
            new > old || !is_kept || !is_cut,
            NAME,
            "{member} cut its log from {} to {}, under the same ballot and without a contradiction",
            disk.last(),
            append.last()
        );
        // Below the promise, or against what was accepted under the same ballot, only what is decided may come.
        if new < disk.promised || (new == old && !is_kept) {
            return self.claim(ledger, member, append.last(), append.last_hash);
        }
        Ok(())
    }

    fn claim(&mut self, ledger: &Ledger, member: MemberId, slot: Slot, hash: EntryHash) -> Verdict {
        if let Some(decided) = ledger.hash(slot) {
            return held(member, slot, hash, decided);
        }
        let (claimed, by) = *self.claims.entry(slot).or_insert((hash, member));
        ensure!(
            claimed == hash,
            NAME,
            "{member} takes {hash:?} for decided in slot {slot}, {by} {claimed:?}"
        );
        Ok(())
    }

    /// A slot was applied for the first time.
    pub fn decided(&mut self, slot: Slot, hash: EntryHash) -> Verdict {
        self.claims.remove(&slot).map_or(Ok(()), |(claimed, by)| held(by, slot, claimed, hash))
    }

    /// At the end, what was taken for decided has been applied.
    pub fn finish(&self, ledger: &Ledger) -> Verdict {
        let claim = self.claims.first_key_value();
        ensure!(
            claim.is_none(),
            NAME,
            "{claim:?} was taken for decided, below a promise or against what was accepted, and the log ends at {}",
            ledger.last()
        );
        Ok(())
    }

    /// A member started. Returns what it may be believed to have.
    pub fn recovering(
        &mut self,
        ledger: &Ledger,
        member: MemberId,
        disk: &Disk,
        found: &Found<'_>,
    ) -> Result<Doubt, Broken> {
        ensure!(!disk.is_lost, NAME, "{member} lost its disk, and starts under its old name");
        ensure!(found.boot > disk.boot, NAME, "{member} starts as life {} after {}", found.boot, disk.boot);
        let had = disk.had();
        if found.is_suspect {
            return Ok(Doubt::Suspect(had));
        }
        let last = Slot(found.base.slot.0 + found.entries.len() as u64);
        // Something decided took the place of what was accepted, just before the member stopped.
        let end = last.min(disk.last());
        let here =
            disk.hash_at(end).filter(|_| found.acc_ballot == had.acc_ballot && had.last == disk.last());
        let there = hash_found(found, end);
        let is_contradicted = here.is_some() && there.is_some() && here != there;
        if is_contradicted {
            self.claim(ledger, member, last, found.last_hash)?;
        }
        let has_log = (found.acc_ballot, last) >= (had.acc_ballot, had.last) || is_contradicted;
        if has_log && found.promised >= had.promised {
            return Ok(Doubt::Sound);
        }
        let (promised, acc_ballot) = (found.promised, found.acc_ballot);
        Ok(Doubt::Amnesiac(format!(
            "it had {had:?}, and came back with a promise of {promised:?} and a log up to {last} under {acc_ballot:?}"
        )))
    }

    /// A member sends something. True if it vouches for anything.
    pub fn sending(
        &mut self,
        ledger: &Ledger,
        member: MemberId,
        disk: &Disk,
        envelope: &Envelope,
    ) -> Result<bool, Broken> {
        ensure!(!disk.is_lost, NAME, "{member} lost its disk, and speaks under its old name: {envelope:?}");
        ensure!(
            envelope.from == ledger.member(member).incarnation,
            NAME,
            "{member} speaks under the name of {:?}",
            envelope.from
        );
        match &envelope.message {
            Message::Prepare { ballot, .. } => self.proposes(member, disk, envelope, *ballot)?,
            Message::Accept { ballot, told, .. } | Message::AcceptSync { ballot, told, .. } => {
                self.proposes(member, disk, envelope, *ballot)?;
                vouches(member, disk, *ballot, told.durable)?;
            }
            Message::Promise { ballot, suspect, .. } => {
                remembers(member, disk, "promises")?;
                ensure!(
                    *ballot <= disk.promised,
                    NAME,
                    "{member} says that it promised {ballot:?}, and {:?} is what it would remember",
                    disk.promised
                );
                ensure!(
                    suspect.is_some() || disk.doubt == Doubt::Sound,
                    NAME,
                    "{member} is suspect, and promises {ballot:?} as if it knew all it had: {:?}",
                    disk.had()
                );
            }
            Message::Accepted { ballot, last, .. } => {
                remembers(member, disk, "accepts")?;
                vouches(member, disk, *ballot, *last)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn proposes(&mut self, member: MemberId, disk: &Disk, envelope: &Envelope, ballot: Ballot) -> Verdict {
        // Its own vote is among those that it counts.
        remembers(member, disk, "proposes")?;
        ensure!(
            ballot.incarnation == envelope.from,
            NAME,
            "{member} proposes under somebody else's ballot, {ballot:?}"
        );
        ensure!(
            ballot <= disk.promised,
            NAME,
            "{member} proposes under {ballot:?} before that is durable: it would remember {:?}",
            disk.promised
        );
        let first = Proposed { boot: disk.boot, before: Ballot::ZERO, now: Ballot::ZERO };
        let proposed = self.proposed.entry(member).or_insert(first);
        if proposed.boot != disk.boot {
            *proposed = Proposed { boot: disk.boot, before: proposed.before.max(proposed.now), ..first };
        }
        ensure!(
            ballot > proposed.before,
            NAME,
            "{member} proposes under {ballot:?} in its life {}, and did so under {:?} in an earlier one",
            disk.boot,
            proposed.before
        );
        proposed.now = proposed.now.max(ballot);
        Ok(())
    }
}

fn held(member: MemberId, slot: Slot, claimed: EntryHash, decided: EntryHash) -> Verdict {
    ensure!(
        claimed == decided,
        NAME,
        "{member} wrote {claimed:?} to slot {slot} below its promise, or in place of what it had accepted, which only \
         something decided may be; {decided:?} was decided"
    );
    Ok(())
}

fn sound(ledger: &Ledger, member: MemberId, disk: &Disk) -> Verdict {
    let Doubt::Suspect(had) = disk.doubt else { return Ok(()) };
    // The configuration in which it accepted may be over, and all that was decided there is here again.
    let known = disk.last().min(ledger.last());
    let is_over = ledger.hash(known) == disk.hash_at(known)
        && ledger.config_at(known.next()).epoch > u64::from(had.acc_ballot.epoch);
    ensure!(
        disk.acc_ballot > had.acc_ballot || disk.last() >= had.last || is_over,
        NAME,
        "{member} takes itself for sound with a log up to {} under {:?}, and had {had:?}",
        disk.last(),
        disk.acc_ballot
    );
    Ok(())
}

fn remembers(member: MemberId, disk: &Disk, what: &str) -> Verdict {
    if let Doubt::Amnesiac(why) = &disk.doubt {
        ensure!(false, NAME, "{member} {what} with amnesia: {why}");
    }
    Ok(())
}

fn vouches(member: MemberId, disk: &Disk, ballot: Ballot, last: Slot) -> Verdict {
    ensure!(
        last <= disk.reached(ballot),
        NAME,
        "{member} says that it has up to slot {last} durably under {ballot:?}, and has {}",
        disk.reached(ballot)
    );
    Ok(())
}

/// The hash that a slot has with an append that reaches over it.
fn hash_in(append: &Append, slot: Slot) -> Option<EntryHash> {
    if slot == append.last() {
        return Some(append.last_hash);
    }
    append.entries.get((slot.0 + 1 - append.from.0) as usize).map(|entry| entry.previous)
}

/// The hash that a slot was found with.
fn hash_found(found: &Found<'_>, slot: Slot) -> Option<EntryHash> {
    let index = slot.0.checked_sub(found.base.slot.0)? as usize;
    match found.entries.get(index) {
        Some(entry) => Some(entry.previous),
        None => (index == found.entries.len()).then_some(found.last_hash),
    }
}

#[cfg(test)]
mod tests;
