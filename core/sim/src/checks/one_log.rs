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

#[cfg(test)]
mod tests {
    use doozer_paxos::replica::Persist;
    use doozer_store::Command;

    use super::super::story::{CLUSTER, Story, append, ballot, caught};
    use super::*;
    use crate::history::Time;

    fn a_set(story: &mut Story) -> super::super::story::Made {
        let command = story.numbered(Command::Set { path: "/a", rev: -1, value: b"1" });
        story.form(vec![command], None)
    }

    #[test]
    fn two_of_three_are_enough_whoever_they_are() {
        let mut story = Story::new(3);
        let made = a_set(&mut story);
        story.keep(1, &made).unwrap();
        story.keep(2, &made).unwrap();
        story.apply(2, &made).unwrap();
        story.apply(0, &made).unwrap();
        assert_eq!(story.checks.counts().slots, 2);
    }

    #[test]
    fn one_of_three_or_somebody_who_does_not_vote_is_not() {
        let mut story = Story::new(3);
        let made = a_set(&mut story);
        story.keep(0, &made).unwrap();
        story.keep(3, &made).unwrap();
        let violation = caught(story.apply(0, &made), NAME);
        assert!(violation.what.contains("no majority"), "{violation}");
    }

    #[test]
    fn two_of_four_are_not_enough() {
        let mut story = Story::new(4);
        let made = a_set(&mut story);
        story.keep(0, &made).unwrap();
        story.keep(3, &made).unwrap();
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn a_majority_is_one_under_one_ballot() {
        let mut story = Story::new(3);
        let made = a_set(&mut story);
        story.keep(0, &made).unwrap();
        story.ballot = ballot(2, 1);
        story.promise(1).unwrap();
        story.keep(1, &made).unwrap();
        caught(story.apply(1, &made), NAME);
    }

    #[test]
    fn a_log_that_is_brought_to_another_ballot_is_accepted_whole() {
        let mut story = Story::new(3);
        let (first, second) = (a_set(&mut story), a_set(&mut story));
        for member in 0..2 {
            story.keep(member, &first).unwrap();
        }
        story.ballot = ballot(2, 1);
        for member in 0..2 {
            story.promise(member).unwrap();
            story.keep(member, &second).unwrap();
        }
        story.apply(0, &first).unwrap();
        story.apply(0, &second).unwrap();
    }

    #[test]
    fn what_rotted_still_counted_then() {
        let mut story = Story::new(3);
        let made = a_set(&mut story);
        story.keep(1, &made).unwrap();
        story.keep(2, &made).unwrap();
        story.checks.damaged(MemberId(2), "rot");
        story.recover(2, 1, 1, true).unwrap();
        story.apply(1, &made).unwrap();
    }

    #[test]
    fn a_slot_is_decided_once() {
        let mut story = Story::new(3);
        let mut made = a_set(&mut story);
        for member in 0..3 {
            story.keep(member, &made).unwrap();
        }
        story.apply(0, &made).unwrap();
        made.entry.wall_ms += 1;
        made.hash = made.entry.hash(CLUSTER);
        let violation = caught(story.apply(1, &made), NAME);
        assert!(violation.what.contains("decided twice"), "{violation}");
        assert!(violation.what.contains("applied first by m0 at 0.001000 s"), "{violation}");
    }

    #[test]
    fn nobody_leaves_out_a_slot_or_applies_it_again() {
        let mut story = Story::new(3);
        let made = story.decide(Vec::new());
        caught(story.apply(0, &made), NAME);
        let mut story = Story::new(3);
        let (first, second) = (a_set(&mut story), a_set(&mut story));
        for member in 0..3 {
            story.keep(member, &first).unwrap();
            story.keep(member, &second).unwrap();
        }
        story.apply(0, &first).unwrap();
        caught(story.apply(1, &second), NAME);
    }

    #[test]
    fn an_entry_follows_the_one_before_it() {
        let mut story = Story::new(3);
        let mut made = a_set(&mut story);
        made.entry.previous = EntryHash([9; 32]);
        caught(story.apply(0, &made), NAME);
        caught(story.keep(0, &made), NAME);
    }

    #[test]
    fn a_log_on_a_disk_has_no_gap() {
        let mut story = Story::new(3);
        let (_, second) = (a_set(&mut story), a_set(&mut story));
        caught(story.keep(0, &second), NAME);
    }

    #[test]
    fn the_wall_time_never_goes_back() {
        let mut story = Story::new(1);
        let mut made = a_set(&mut story);
        made.entry.wall_ms = 0;
        made.hash = made.entry.hash(CLUSTER);
        let kept = Persist::Append(append(story.ballot, std::slice::from_ref(&made.entry)));
        story.checks.persisted(Time(0), MemberId(0), &kept).unwrap();
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn a_state_that_nobody_came_to_is_not_taken_over() {
        let mut story = Story::new(3);
        story.set("/a");
        let good = story.place(2);
        story.checks.installed(story.now, MemberId(3), &good).unwrap();
        let bad = Place { hash: EntryHash([9; 32]), ..good };
        caught(story.checks.installed(story.now, MemberId(3), &bad), NAME);
        let bad = Place { slot: Slot(3), ..good };
        caught(story.checks.installed(story.now, MemberId(3), &bad), NAME);
    }
}
