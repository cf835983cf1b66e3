//! One configuration per slot; epochs go up by one; one voter is added, removed or swapped at a time; the voters are the
//! holders under `/ctl/cal`; nobody votes in a configuration whose stop-sign it has not applied. (Lamport, Malkhi, Zhou,
//! *Reconfiguring a State Machine*, 2010, section 2; stop-signs: Haridi, Kroll, Carbone, *Lecture Notes on Leader-based
//! Sequence Paxos*, 2020.)

use doozer_paxos::message::{Envelope, Message};
use doozer_paxos::{Config, Entry, Incarnation, Slot};
use doozer_store::Command;

use super::ledger::Ledger;
use super::verdict::{Verdict, ensure};
use crate::history::MemberId;
use crate::model::{Logged, Lookup};

pub(super) const NAME: &str = "configs";

/// An entry is about to become the canonical one of its slot.
pub(super) fn deciding(ledger: &Ledger, entry: &Entry) -> Verdict {
    let Some(config) = &entry.config else { return Ok(()) };
    let now = ledger.config_at(entry.slot);
    let slot = entry.slot;
    ensure!(
        !config.voters.is_empty() && !has_twins(config),
        NAME,
        "slot {slot} brings voters {:?}: nobody, or somebody twice",
        named(ledger, &config.voters)
    );
    // A cluster may be born with its first voters in its first slot.
    if slot == Slot(1) && config == now {
        return Ok(());
    }
    ensure!(
        config.epoch == now.epoch + 1,
        NAME,
        "slot {slot} brings epoch {} after {}",
        config.epoch,
        now.epoch
    );
    let added = config.voters.iter().filter(|voter| !now.voters.contains(voter)).count();
    let removed = now.voters.iter().filter(|voter| !config.voters.contains(voter)).count();
    // Before the first voters have their files, they are the same in epoch 0.
    ensure!(
        added <= 1 && removed <= 1 && (added + removed > 0) == (now.epoch > 0),
        NAME,
        "slot {slot} changes the voters from {:?} to {:?}, which is not one voter more, less or swapped",
        named(ledger, &now.voters),
        named(ledger, &config.voters)
    );
    ensure!(
        entry.commands.len() == 1 && touches_voters(entry),
        NAME,
        "the stop-sign in slot {slot} is not one write under /ctl/cal alone, but {} commands",
        entry.commands.len()
    );
    Ok(())
}

/// An entry was applied for the first time: the files say who votes.
pub(super) fn projected(ledger: &Ledger, entry: &Entry) -> Verdict {
    if entry.config.is_none() && !touches_voters(entry) {
        return Ok(());
    }
    let at = ledger.model.revision();
    let mut holders = Vec::new();
    for (path, _) in ledger.model.list("/ctl/cal/*", at) {
        let Lookup::File { value, .. } = ledger.model.get(path, at) else { continue };
        holders.extend(std::str::from_utf8(value).ok().and_then(|id| id.parse::<Incarnation>().ok()));
    }
    let mut voters = ledger.config_at(entry.slot.next()).voters.clone();
    holders.sort_unstable();
    voters.sort_unstable();
    ensure!(
        holders == voters,
        NAME,
        "behind slot {} the voters are {:?}, and /ctl/cal says {:?}",
        entry.slot,
        named(ledger, &voters),
        named(ledger, &holders)
    );
    Ok(())
}

/// A member says that it has entered a configuration.
pub(super) fn entered(ledger: &Ledger, member: MemberId, config: &Config) -> Verdict {
    let applied = ledger.member(member).applied;
    let known = ledger.config_of(config.epoch);
    ensure!(
        known.is_some_and(|(from, known)| known == config && *from <= applied.next()),
        NAME,
        "{member} entered {config:?} with slot {applied} applied; what was decided is {known:?}"
    );
    Ok(())
}

/// A vote counts in its configuration: its sender must have applied what began that.
pub(super) fn voting(ledger: &Ledger, member: MemberId, envelope: &Envelope) -> Verdict {
    if !matches!(envelope.message, Message::Promise { .. } | Message::Accepted { .. }) {
        return Ok(());
    }
    let applied = ledger.member(member).applied;
    let entered = ledger.config_at(applied.next()).epoch;
    ensure!(
        envelope.epoch <= entered,
        NAME,
        "{member} votes in epoch {} before it has applied the stop-sign: it has applied {applied}, in epoch {entered}",
        envelope.epoch
    );
    Ok(())
}

fn touches_voters(entry: &Entry) -> bool {
    entry.commands.iter().any(|bytes| match Logged::decode(bytes) {
        Logged::Plain(command) | Logged::Do(_, command) => is_about_voters(&command),
        Logged::Open(..) | Logged::Refused(_) | Logged::Expire(..) | Logged::Malformed => false,
    })
}

/// Whether a command of the store names `/ctl/cal` or something below it.
pub(super) fn is_about_voters(command: &[u8]) -> bool {
    let is_one = |path: &str| path == "/ctl/cal" || path.starts_with("/ctl/cal/");
    match Command::decode(command) {
        Ok(Command::Set { path, .. } | Command::Del { path, .. }) => is_one(path),
        Ok(Command::By(by)) => is_about_voters(by.command),
        Ok(Command::Txn(txn)) => txn.ops.iter().any(|op| is_one(op.path)),
        _ => false,
    }
}

fn has_twins(config: &Config) -> bool {
    (1..config.voters.len()).any(|index| config.voters[..index].contains(&config.voters[index]))
}

fn named(ledger: &Ledger, voters: &[Incarnation]) -> Vec<String> {
    let name =
        |voter: &Incarnation| ledger.id(voter).map_or_else(|| voter.to_string(), |member| member.to_string());
    voters.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use doozer_paxos::EntryHash;
    use doozer_paxos::message::Have;
    use doozer_paxos::replica::Persist;

    use super::super::story::{CLUSTER, Made, Story, accepted, append, ballot, caught, id, promised};
    use super::*;
    use crate::checks::{Checks, Options, Violation};
    use crate::history::{Applied, Effect, Outcome, Time};

    fn config(epoch: u64, voters: &[u32]) -> Config {
        Config { epoch, voters: voters.iter().copied().map(id).collect() }
    }

    /// Three voters, each with its file; the fourth member only learns.
    fn story() -> Story {
        let mut story = Story::new(3);
        let files: Vec<_> = (0..3)
            .map(|slot| {
                let (path, value) = (format!("/ctl/cal/{slot}"), id(slot).to_string());
                let mut bytes = Vec::new();
                Command::Set { path: &path, rev: -1, value: value.as_bytes() }.encode(&mut bytes);
                bytes.into()
            })
            .collect();
        story.decide(files);
        story
    }

    /// A stop-sign with one write, up to its being applied by the first member.
    fn change(
        story: &mut Story,
        path: &str,
        value: &str,
        config: Option<Config>,
    ) -> (Made, Result<(), Violation>) {
        let command = story.numbered(Command::Set { path, rev: -1, value: value.as_bytes() });
        let made = story.form(vec![command], config);
        for member in 0..4 {
            story.keep(member, &made).unwrap();
        }
        let verdict = story.apply(0, &made);
        (made, verdict)
    }

    #[test]
    fn voters_come_go_and_change_one_at_a_time() {
        let mut story = story();
        change(&mut story, "/ctl/cal/3", &id(3).to_string(), Some(config(2, &[0, 1, 2, 3]))).1.unwrap();
        change(&mut story, "/ctl/cal/1", "", Some(config(3, &[0, 2, 3]))).1.unwrap();
        change(&mut story, "/ctl/cal/0", &id(1).to_string(), Some(config(4, &[1, 2, 3]))).1.unwrap();
        change(&mut story, "/ctl/cal/1", "", None).1.unwrap();
        change(&mut story, "/elsewhere", "", None).1.unwrap();
        assert_eq!(story.checks.counts().configs, 3);
        assert_eq!(story.checks.config(), &config(4, &[1, 2, 3]));
    }

    #[test]
    fn the_founder_takes_its_own_slot_first() {
        for (voters, is_right) in [(&[0][..], true), (&[0, 1], false)] {
            let mut checks = Checks::new(config(0, &[0]), Options::default());
            checks.born(MemberId(0), id(0));
            let mut bytes = Vec::new();
            let value = id(0).to_string();
            Command::Set { path: "/ctl/cal/0", rev: -1, value: value.as_bytes() }.encode(&mut bytes);
            let (birth, previous, commands) = (ballot(1, 0), EntryHash::NONE, vec![bytes.into()]);
            let config = Some(config(1, voters));
            let entry = Entry { slot: Slot(1), birth, previous, wall_ms: 1, config, commands };
            let hash = entry.hash(CLUSTER);
            let append = append(birth, std::slice::from_ref(&entry));
            checks.persisted(Time(1), MemberId(0), &Persist::Promise(birth)).unwrap();
            checks.persisted(Time(1), MemberId(0), &Persist::Append(append)).unwrap();
            let effects = [Effect::Done(Outcome::Set(1))];
            let member = MemberId(0);
            let report = Applied {
                member,
                entry: &entry,
                hash,
                effects: &effects,
                settled: &[],
                sessions: &[],
                before: 0,
                after: 1,
            };
            let verdict = checks.applied(Time(1), &report);
            if is_right {
                verdict.unwrap();
            } else {
                caught(verdict, NAME);
            }
        }
    }

    #[test]
    fn a_majority_is_one_of_the_configuration_in_force() {
        let mut story = story();
        change(&mut story, "/ctl/cal/1", "", Some(config(2, &[0, 2]))).1.unwrap();
        let made = story.form(Vec::new(), None);
        story.keep(0, &made).unwrap();
        story.keep(1, &made).unwrap();
        caught(story.apply(0, &made), super::super::one_log::NAME);
    }

    #[test]
    fn epochs_go_up_by_one() {
        for epoch in [0, 1, 3] {
            let mut story = story();
            caught(change(&mut story, "/ctl/cal/1", "", Some(config(epoch, &[0, 2]))).1, NAME);
        }
    }

    #[test]
    fn no_other_change_of_voters_is_one() {
        for voters in [&[0][..], &[], &[0, 1, 2], &[0, 3, 2, 4], &[0, 1, 2, 2]] {
            let mut story = story();
            caught(change(&mut story, "/ctl/cal/1", "", Some(config(2, voters))).1, NAME);
        }
    }

    #[test]
    fn a_stop_sign_is_one_write_alone() {
        let mut story = story();
        caught(change(&mut story, "/elsewhere", "", Some(config(2, &[0, 2]))).1, NAME);
        let mut story = self::story();
        let command = story.numbered(Command::Set { path: "/ctl/cal/1", rev: -1, value: b"" });
        let nop = story.numbered(Command::Nop);
        let made = story.form(vec![command, nop], Some(config(2, &[0, 2])));
        story.keep(0, &made).unwrap();
        story.keep(1, &made).unwrap();
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn the_files_say_who_votes() {
        let mut story = story();
        caught(change(&mut story, "/ctl/cal/1", "", Some(config(2, &[0, 1]))).1, NAME);
        let mut story = self::story();
        caught(change(&mut story, "/ctl/cal/1", "", None).1, NAME);
    }

    #[test]
    fn nobody_is_ahead_of_what_it_has_applied() {
        let mut story = story();
        let next = config(2, &[0, 2]);
        let (made, verdict) = change(&mut story, "/ctl/cal/1", "", Some(next.clone()));
        verdict.unwrap();
        story.checks.entered(story.now, MemberId(0), &next).unwrap();
        caught(story.checks.entered(story.now, MemberId(1), &next), NAME);
        caught(story.checks.entered(story.now, MemberId(0), &config(2, &[0, 1])), NAME);
        let last = made.entry.slot;
        let have = Have { acc_ballot: ballot(1, 1), last, decided: last };
        let ask = Message::Follow { have };
        for (message, is_vote) in
            [(accepted(ballot(1, 0), last), true), (promised(ballot(1, 0), last), true), (ask, false)]
        {
            let envelope =
                |member| Envelope { from: id(member), to: id(9), epoch: 2, message: message.clone() };
            story.checks.sent(story.now, MemberId(0), &envelope(0)).unwrap();
            let ahead = story.checks.sent(story.now, MemberId(1), &envelope(1));
            if is_vote {
                caught(ahead, NAME);
            } else {
                ahead.unwrap();
            }
        }
    }
}
