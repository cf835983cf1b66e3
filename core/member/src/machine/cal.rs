//! Who votes, as files: `/ctl/cal/SLOT` holds the id of the voter in that slot, or nothing. The log's configuration is
//! the truth, and these files are its projection. A change of a holder is judged by the proposer, once nothing else is
//! under way, and stands alone in its slot with the configuration that it brings.

use doozer_paxos::{Config, Incarnation};
use doozer_store::{At, Command, Lookup, Revision, Store};

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
    matches!(
        Command::decode(command),
        Ok(Command::Set { path, .. } | Command::Del { path, .. }) if is_below(path)
    )
}

fn is_below(path: &str) -> bool {
    path.strip_prefix(SLOTS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Judges a command by the state in which it will be applied. `is_ready` tells whether a member has caught up.
pub(super) fn judge(command: &[u8], store: &Store, is_ready: impl Fn(&Incarnation) -> bool) -> Judgement {
    let (path, value) = match Command::decode(command) {
        Ok(Command::Set { path, value, .. }) => (path, Some(value)),
        Ok(Command::Del { path, .. }) => (path, None),
        Ok(Command::Nop) | Err(_) => return Judgement::NoChange,
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
    if store.check(command).is_err() {
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

fn slots(store: &Store) -> Vec<(String, Option<Incarnation>)> {
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
