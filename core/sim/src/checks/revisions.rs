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
    let brought = ledger.brought(slot);
    ensure!(
        brought == (report.settled, report.sessions),
        NAME,
        "slot {slot} brought {:?} and {:?} at {member}, and {brought:?} elsewhere{}",
        report.settled,
        report.sessions,
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

#[cfg(test)]
mod tests {
    use doozer_store::Command;

    use super::super::story::{Made, Story, caught};
    use super::*;
    use crate::history::{Place, Request};

    /// A slot that everybody has, and nobody has applied.
    fn kept(story: &mut Story, path: &str) -> Made {
        let command = story.numbered(Command::Set { path, rev: -1, value: b"1" });
        let made = story.form(vec![command], None);
        for member in 0..3 {
            story.keep(member, &made).unwrap();
        }
        made
    }

    #[test]
    fn each_change_takes_the_next_one_and_nothing_else_does() {
        let mut story = Story::new(3);
        assert_eq!(story.write("/a", b"1"), 1);
        story.ask(&Request::Nop);
        for path in ["/x", "/a"] {
            story.ask(&Request::Del { path: path.into(), rev: -1 });
        }
        let commands = vec![
            story.numbered(Command::Nop),
            story.numbered(Command::Set { path: "/a/b", rev: -1, value: b"" }),
            story.numbered(Command::Del { path: "/x", rev: -1 }),
            story.numbered(Command::Del { path: "/a", rev: -1 }),
            story.numbered(Command::Set { path: "/a", rev: 3, value: b"" }),
        ];
        assert_eq!(story.decide(commands).after, 3);
        assert_eq!(story.checks.revision(), 3);
        assert_eq!(story.checks.counts().commands, 6);
    }

    #[test]
    fn a_revision_that_is_left_out_or_given_twice() {
        for rev in [1, 3] {
            let mut story = Story::new(3);
            story.write("/a", b"1");
            let mut made = kept(&mut story, "/b");
            made.effects = vec![Effect::Done(Outcome::Set(rev))];
            caught(story.apply(0, &made), NAME);
        }
        for (before, after) in [(1, 3), (0, 2), (1, 1)] {
            let mut story = Story::new(3);
            story.write("/a", b"1");
            let mut made = kept(&mut story, "/b");
            (made.before, made.after) = (before, after);
            caught(story.apply(0, &made), NAME);
        }
    }

    #[test]
    fn a_member_that_comes_to_something_else() {
        let mut story = Story::new(3);
        let mut made = kept(&mut story, "/b");
        story.apply(0, &made).unwrap();
        made.effects = vec![Effect::Skipped];
        caught(story.apply(1, &made), NAME);
        made.effects = Vec::new();
        caught(story.apply(1, &made), NAME);
    }

    #[test]
    fn a_command_that_nobody_knows_is_refused() {
        let mut story = Story::new(3);
        let unknown = b"\x09"[..].to_vec();
        story.decide(vec![unknown.clone().into()]);
        let mut made = story.form(vec![unknown.into()], None);
        for member in 0..3 {
            story.keep(member, &made).unwrap();
        }
        made.effects = vec![Effect::Done(Outcome::Nop)];
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn digests_of_a_slot_are_equal_after_snapshots_too() {
        let mut story = Story::new(3);
        story.write("/a", b"1");
        let now = story.now;
        story.checks.digest(now, MemberId(0), Slot(2), [1; 32]).unwrap();
        story.checks.digest(now, MemberId(1), Slot(2), [1; 32]).unwrap();
        let place = Place { digest: Some([1; 32]), ..story.place(2) };
        story.checks.installed(now, MemberId(3), &place).unwrap();
        assert_eq!(story.checks.counts().digests, 2);
        caught(story.checks.digest(now, MemberId(2), Slot(2), [2; 32]), NAME);
        let place = Place { digest: Some([2; 32]), ..place };
        caught(story.checks.installed(now, MemberId(3), &place), NAME);
    }

    #[test]
    fn a_snapshot_has_the_revision_of_its_slot() {
        let mut story = Story::new(3);
        story.write("/a", b"1");
        let place = Place { revision: 2, ..story.place(2) };
        caught(story.checks.installed(story.now, MemberId(3), &place), NAME);
    }
}
