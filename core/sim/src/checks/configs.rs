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
    if config == now && entry.slot == Slot(1) {
        return Ok(());
    }
    let slot = entry.slot;
    ensure!(
        config.epoch == now.epoch + 1,
        NAME,
        "slot {slot} brings epoch {} after {}",
        config.epoch,
        now.epoch
    );
    let added = config.voters.iter().filter(|voter| !now.voters.contains(voter)).count();
    let removed = now.voters.iter().filter(|voter| !config.voters.contains(voter)).count();
    ensure!(
        added <= 1 && removed <= 1 && added + removed > 0 && !config.voters.is_empty() && !has_twins(config),
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
        Logged::Open(..) | Logged::Refused(_) | Logged::Malformed => false,
    })
}

/// Whether a command of the store names `/ctl/cal` or something below it.
pub(super) fn is_about_voters(command: &[u8]) -> bool {
    let Ok(Command::Set { path, .. } | Command::Del { path, .. }) = Command::decode(command) else {
        return false;
    };
    path == "/ctl/cal" || path.starts_with("/ctl/cal/")
}

fn has_twins(config: &Config) -> bool {
    (1..config.voters.len()).any(|index| config.voters[..index].contains(&config.voters[index]))
}

fn named(ledger: &Ledger, voters: &[Incarnation]) -> Vec<String> {
    let name =
        |voter: &Incarnation| ledger.id(voter).map_or_else(|| voter.to_string(), |member| member.to_string());
    voters.iter().map(name).collect()
}
