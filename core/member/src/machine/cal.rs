//! Who votes, as files: `/ctl/cal/SLOT` holds the id of the voter in that slot, or nothing. The log's configuration is
//! the truth, and these files are its projection. A change of a holder is judged by the proposer, once nothing else is
//! under way, and stands alone in its slot with the configuration that it brings.

use doozer_paxos::{Config, Incarnation};
use doozer_store::{At, Change, Command, Lookup, Revision, Store};

use super::Refusal;

const SLOTS: &str = "/ctl/cal";

/// What a command does to who votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing. It may well fail.
    NoChange,
    /// Behind it these vote.
    Change(Vec<Incarnation>),
    /// It must not be.
    Refused(Refusal),
}

/// Whether a command of the store names something under `/ctl/cal`, and so needs a slot of its own.
pub fn is_about_voters(command: &[u8]) -> bool {
    let mut is_about_voters = false;
    each_write(command, &mut |path, _| is_about_voters |= is_below(path));
    is_about_voters
}

/// Every file that a command of the store would write, and with what; nothing if it would delete it.
fn each_write<'a>(command: &'a [u8], each: &mut impl FnMut(&'a str, Option<&'a [u8]>)) {
    match Command::decode(command) {
        Ok(Command::Set { path, value, .. }) => each(path, Some(value)),
        Ok(Command::Del { path, .. }) => each(path, None),
        Ok(Command::By(by)) => each_write(by.command, each),
        Ok(Command::Txn(txn)) => {
            for op in txn.ops {
                match op.change {
                    Change::Set { value, .. } => each(op.path, Some(value)),
                    Change::Del => each(op.path, None),
                }
            }
        }
        _ => {}
    }
}

fn is_below(path: &str) -> bool {
    path.strip_prefix(SLOTS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Judges a command by the state in which it will be applied. `is_ready` tells whether a member has caught up.
pub(super) fn judge(command: &[u8], store: &Store, is_ready: impl Fn(&Incarnation) -> bool) -> Judgement {
    let mut changes = Vec::new();
    each_write(command, &mut |path, value| changes.extend(is_below(path).then_some((path, value))));
    let (path, value) = match changes[..] {
        [] => return Judgement::NoChange,
        [one] => one,
        _ => return Judgement::Refused(Refusal::TwoChanges),
    };
    let is_slot = path.strip_prefix("/ctl/cal/").is_some_and(|name| !name.contains('/'));
    if !is_slot {
        // A file in place of the directory, or a directory in place of a slot.
        return Judgement::Refused(Refusal::NoSlot);
    }
    let holder = match store.get(path, At::Now) {
        Ok(Lookup::File { value, .. }) => holder(value),
        _ => None,
    };
    let new = match value {
        None | Some([]) => None,
        Some(id) => match parse(id) {
            Some(id) => Some(id),
            None => return Judgement::Refused(Refusal::NoMember),
        },
    };
    if new == holder {
        return Judgement::NoChange;
    }
    let holders = voters(store);
    if !store.would_change(command) {
        return Judgement::NoChange;
    }
    match new {
        Some(id) if holders.contains(&id) => Judgement::Refused(Refusal::TwiceTheSame),
        Some(id) if !is_ready(&id) => Judgement::Refused(Refusal::NotReady),
        None if holders.len() == 1 => Judgement::Refused(Refusal::LastVoter),
        new => Judgement::Change(changed(store, path, new)),
    }
}

/// Whether the files say who votes. Until the first configuration is written down they name nobody, and its founder alone
/// votes.
pub(super) fn tells(store: &Store, config: &Config) -> bool {
    let written = voters(store);
    written == config.voters || (config.epoch == 0 && written.is_empty())
}

/// The voters, in the order of their slots.
pub(super) fn voters(store: &Store) -> Vec<Incarnation> {
    slots(store).into_iter().filter_map(|(_, holder)| holder).collect()
}

/// The first slot that nobody holds, and the revision of its file.
pub(super) fn empty_slot(store: &Store) -> Option<(String, Revision)> {
    slots(store).into_iter().find_map(|(path, _)| match store.get(&path, At::Now) {
        Ok(Lookup::File { rev, value }) if value.is_empty() => Some((path, rev)),
        _ => None,
    })
}

/// The slot that a member holds, and the revision of its file.
pub(super) fn slot_of(store: &Store, id: &Incarnation) -> Option<(String, Revision)> {
    let (path, _) = slots(store).into_iter().find(|(_, holder)| holder.as_ref() == Some(id))?;
    match store.get(&path, At::Now) {
        Ok(Lookup::File { rev, .. }) => Some((path, rev)),
        _ => None,
    }
}

/// Whether two members say that they are reached at the same address.
pub(super) fn share_address(store: &Store, one: &Incarnation, other: &Incarnation) -> bool {
    let address = |id: &Incarnation| match store.get(&format!("/ctl/node/{id}/addr"), At::Now) {
        Ok(Lookup::File { value, .. }) if !value.is_empty() => Some(value),
        _ => None,
    };
    address(one).is_some_and(|known| address(other) == Some(known))
}

/// The voters as they would be with another holder in one slot.
fn changed(store: &Store, path: &str, new: Option<Incarnation>) -> Vec<Incarnation> {
    let mut slots = slots(store);
    match slots.iter_mut().find(|(slot, _)| slot == path) {
        Some((_, holder)) => *holder = new,
        None => {
            let behind = slots.partition_point(|(slot, _)| slot.as_str() < path);
            slots.insert(behind, (path.to_owned(), new));
        }
    }
    slots.into_iter().filter_map(|(_, holder)| holder).collect()
}

pub(super) fn slots(store: &Store) -> Vec<(String, Option<Incarnation>)> {
    let Ok(names) = store.dir_entries(SLOTS, At::Now) else { return Vec::new() };
    let file = |name: &str| {
        let path = format!("{SLOTS}/{name}");
        let held = match store.get(&path, At::Now) {
            Ok(Lookup::File { value, .. }) => holder(value),
            _ => None,
        };
        (path, held)
    };
    names.map(file).collect()
}

fn holder(value: &[u8]) -> Option<Incarnation> {
    parse(value)
}

fn parse(id: &[u8]) -> Option<Incarnation> {
    std::str::from_utf8(id).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use doozer_store::{Applied, By, Flags, OUTCOMES_MAX, Op, Options, SessionId, Txn};

    const SESSION: SessionId = SessionId([7; 16]);

    fn encoded(command: Command<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        bytes
    }

    /// One votes, and a session has as many answers unacknowledged as are kept.
    fn store() -> Store {
        let mut store = Store::new(Options::default());
        let voter = Incarnation([1; 16]).to_string();
        let nop = encoded(Command::Nop);
        let mut commands = vec![
            encoded(Command::Set { path: "/ctl/cal/0", rev: -1, value: voter.as_bytes() }),
            encoded(Command::Open { session: SESSION, ttl_ms: 5000, opened_ms: 0, label: "" }),
        ];
        commands
            .extend((1..=OUTCOMES_MAX as u64).map(|n| encoded(Command::By(By::new(SESSION, n, 0, &nop)))));
        store.apply(commands, &mut Applied::default());
        store
    }

    #[test]
    fn what_is_judged_is_what_is_applied() {
        let other = Incarnation([2; 16]).to_string();
        let set = |is_ephemeral| Change::Set { value: other.as_bytes(), is_ephemeral };
        let op = |path, change| Op { path, rev: -1, change };
        let txn = |ops: &[Op<'_>]| encoded(Command::Txn(Txn { compares: vec![], ops: ops.to_vec() }));
        let joins = encoded(Command::Set { path: "/ctl/cal/1", rev: -1, value: other.as_bytes() });
        let next = OUTCOMES_MAX as u64 + 1;
        let by = |sequence, acknowledged, flags, command: &[u8]| {
            encoded(Command::By(By::new(SESSION, sequence, acknowledged, command).flagged(flags)))
        };
        let none = Flags::default();
        let max_value = Change::Set { value: b"5", is_ephemeral: false };
        let too_large = Change::Set { value: b"123456", is_ephemeral: false };
        let cases = [
            (joins.clone(), true),
            (txn(&[op("/ctl/cal/1", set(false))]), true),
            // No room for an answer, until its own acknowledgement makes some.
            (by(next, 0, none, &joins), false),
            (by(next, 1, none, &joins), true),
            (by(next, 1, none, &txn(&[op("/ctl/cal/1", set(false)), op("/f", set(true))])), true),
            // It was applied, or comes too early.
            (by(next - 1, 1, none, &joins), false),
            (by(next + 1, 1, none, &joins), false),
            // Voters are nobody's; and nobody has ephemeral files without a session.
            (by(next, 1, Flags::EPHEMERAL, &joins), false),
            (txn(&[op("/ctl/cal/1", set(false)), op("/f", set(true))]), false),
            // Refused for what comes before or behind.
            (txn(&[op("/ctl/settings/max-value", max_value), op("/ctl/cal/1", set(false))]), true),
            (
                txn(&[
                    op("/ctl/settings/max-value", max_value),
                    op("/ctl/cal/1", set(false)),
                    op("/f", too_large),
                ]),
                false,
            ),
        ];
        for (command, changes) in cases {
            let mut store = store();
            let before = voters(&store);
            let judgement = judge(&command, &store, |_| true);
            store.apply([&command], &mut Applied::default());
            let after = voters(&store);
            assert_eq!(before != after, changes, "{:?}", Command::decode(&command));
            let expected = if changes { Judgement::Change(after) } else { Judgement::NoChange };
            assert_eq!(judgement, expected, "{:?}", Command::decode(&command));
        }
    }
}
