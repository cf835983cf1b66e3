//! One value per slot: at all members, in order, without gaps; decided by a majority, and then for ever.
//! (Lamport, *Paxos Made Simple*, 2001, section 2.2: a value is chosen when a majority has accepted one proposal, a number
//! and a value, and no other can be chosen then. That a proposal covers the whole log before it: Haridi, Kroll, Carbone,
//! *Lecture Notes on Leader-based Sequence Paxos*, 2020.)
//!
//! An acceptance counts from when it is durable, and for ever: rot does not undo what it was good for.

use std::collections::BTreeMap;

use doozer_paxos::{Append, Ballot, EntryHash, Slot};

use super::disks::{Accepted, Disk};
use super::ledger::Ledger;
use super::verdict::{Verdict, ensure};
use crate::history::{Applied, MemberId, Place};

pub(super) const NAME: &str = "one_log";

/// Acceptances of slots that nobody has applied yet.
#[derive(Debug, Default)]
pub(super) struct OneLog {
    accepted: BTreeMap<Slot, Vec<Acceptance>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Acceptance {
    member: MemberId,
    ballot: Ballot,
    hash: EntryHash,
}

impl OneLog {
    /// Slots became durable at a member.
    pub fn accepted(&mut self, ledger: &Ledger, member: MemberId, disk: &Disk, accepted: Accepted) {
        let Accepted { ballot, from, to } = accepted;
        for slot in from.max(ledger.last().next()).0..=to.0 {
            let Some(hash) = disk.hash_at(Slot(slot)) else { continue };
            let acceptance = Acceptance { member, ballot, hash };
            let known = self.accepted.entry(Slot(slot)).or_default();
            if !known.contains(&acceptance) {
                known.push(acceptance);
            }
        }
    }

    /// A member applied an entry. If it is the first to do so, that entry is what is decided.
    pub fn applied(&mut self, ledger: &Ledger, report: &Applied<'_>) -> Verdict {
        let Applied { member, entry, hash, .. } = report;
        let expected = ledger.member(*member).applied.next();
        ensure!(
            entry.slot == expected,
            NAME,
            "{member} applied slot {} where {expected} comes next",
            entry.slot
        );
        let before = ledger.hash(Slot(entry.slot.0 - 1));
        ensure!(
            before == Some(entry.previous),
            NAME,
            "slot {} at {member} does not follow the slot before it: it names {:?}, which is {before:?}",
            entry.slot,
            entry.previous
        );
        match ledger.hash(entry.slot) {
            Some(decided) => ensure!(
                decided == *hash,
                NAME,
                "slot {} was decided twice: {member} applied {hash:?}, and {decided:?} was there{}",
                entry.slot,
                ledger.provenance(entry.slot)
            ),
            None => return self.decided(ledger, report),
        }
        Ok(())
    }

    fn decided(&mut self, ledger: &Ledger, report: &Applied<'_>) -> Verdict {
        let Applied { member, entry, hash, .. } = report;
        let config = ledger.config_at(entry.slot);
        let all = self.accepted.remove(&entry.slot).unwrap_or_default();
        let has = |voter, ballot| all.contains(&Acceptance { member: voter, ballot, hash: *hash });
        let is_decided = |ballot| ledger.is_majority(config, |voter| has(voter, ballot));
        ensure!(
            all.iter().any(|acceptance| acceptance.hash == *hash && is_decided(acceptance.ballot)),
            NAME,
            "{member} applied slot {} with {hash:?}, which no majority of {:?} has accepted durably under one ballot; \
             there is: {all:?}",
            entry.slot,
            config.voters.iter().map(|voter| ledger.id(voter)).collect::<Vec<_>>()
        );
        ensure!(
            entry.wall_ms >= ledger.wall_ms(),
            NAME,
            "the wall time of slot {} goes back: {} after {}",
            entry.slot,
            entry.wall_ms,
            ledger.wall_ms()
        );
        Ok(())
    }
}

/// A state that is taken over whole must be one that somebody came to.
pub(super) fn placed(ledger: &Ledger, member: MemberId, place: &Place) -> Verdict {
    let decided = ledger.hash(place.slot);
    ensure!(
        decided == Some(place.hash),
        NAME,
        "{member} took over a state at slot {} with {:?}, where {decided:?} was decided{}",
        place.slot,
        place.hash,
        ledger.provenance(place.slot)
    );
    Ok(())
}

/// An append leaves no gap, and follows what it is appended to.
pub(super) fn appended(member: MemberId, disk: &Disk, append: &Append) -> Verdict {
    ensure!(
        append.from <= disk.last().next() && append.from > disk.base(),
        NAME,
        "{member} wrote slot {} to a log that goes from behind {} to {}",
        append.from,
        disk.base(),
        disk.last()
    );
    let before = disk.hash_at(Slot(append.from.0 - 1));
    let previous = append.entries.first().map_or(append.last_hash, |entry| entry.previous);
    ensure!(
        before == Some(previous),
        NAME,
        "{member} wrote slot {} behind {before:?}, and it follows {previous:?}",
        append.from
    );
    Ok(())
}
