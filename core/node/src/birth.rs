//! The cluster's own files: what is written at its birth, and what a member says of itself when it starts.

use bytes::Bytes;
use doozer_member::machine::Machine;
use doozer_paxos::Incarnation;
use doozer_store::{At, Command, Lookup, MAX_VALUE, SESSION_BYTES, SESSIONS, Store};

use crate::config::Config;

/// What is still to be written when everything in the log is applied, in the order in which a new cluster of one begins
/// with it: the cluster's files as far as they are missing (a birth may have been cut short), and what has changed of
/// this member since it last ran. `seats` is how many are to vote.
pub(crate) fn missing(
    config: &Config,
    id: Incarnation,
    address: &str,
    seats: usize,
    machine: &Machine,
) -> Vec<Bytes> {
    let store = machine.store();
    let cluster_name = cluster_name(store).unwrap_or_else(|| config.cluster_name.clone());
    let once = |path: &str, value: String| (!exists(store, path)).then(|| (path.to_owned(), value));
    let changed = |(path, value): (String, String)| (!holds(store, &path, &value)).then_some((path, value));
    // Who joins may be brought along before the founder has written the cluster's files.
    let is_unborn = machine.config().epoch == 0;
    let is_founder = is_unborn && machine.config().voters == [id];
    let mut files = Vec::new();
    if is_founder || !is_unborn {
        files.push(once("/ctl/name", config.cluster_name.clone()));
        files.push(once(MAX_VALUE.path, config.value_bytes_max.to_string()));
        for (setting, told) in [(&SESSIONS, config.sessions_max), (&SESSION_BYTES, config.session_bytes_max)]
        {
            files.push(told.and_then(|told| once(setting.path, told.to_string())));
        }
    }
    files.extend(presence(config, id, address, &cluster_name).map(changed));
    if is_founder {
        // Empty places wait for those who join. What names the first voter comes behind them: it ends the birth.
        files.extend((1..seats).map(|seat| once(&format!("/ctl/cal/{seat}"), String::new())));
        files.push(once("/ctl/cal/0", id.to_string()));
    }
    files.push(once(&format!("/ctl/node/{id}/writable"), "true".to_owned()));
    files.into_iter().flatten().map(|(path, value)| set(&path, &value)).collect()
}

/// The name the cluster was born with.
pub(crate) fn cluster_name(store: &Store) -> Option<String> {
    match store.get("/ctl/name", At::Now) {
        Ok(Lookup::File { value, .. }) => Some(String::from_utf8_lossy(value).into_owned()),
        _ => None,
    }
}

fn presence(config: &Config, id: Incarnation, address: &str, cluster_name: &str) -> [(String, String); 4] {
    let file = |name: &str| format!("/ctl/node/{id}/{name}");
    [
        (file("addr"), address.to_owned()),
        (file("hostname"), config.hostname.clone()),
        (file("version"), config.version.clone()),
        (format!("/ctl/ns/{cluster_name}/{id}"), address.to_owned()),
    ]
}

fn exists(store: &Store, path: &str) -> bool {
    !matches!(store.get(path, At::Now), Ok(Lookup::Missing))
}

fn holds(store: &Store, path: &str, expected: &str) -> bool {
    matches!(store.get(path, At::Now), Ok(Lookup::File { value, .. }) if **value == *expected.as_bytes())
}

fn set(path: &str, value: &str) -> Bytes {
    let mut bytes = Vec::new();
    Command::Set { path, rev: -1, value: value.as_bytes() }.encode(&mut bytes);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use doozer_paxos::Config as Voters;

    use super::*;

    fn written(voters: Vec<Incarnation>) -> Vec<String> {
        let machine = Machine::new(doozer_store::Options::default(), Voters { epoch: 0, voters });
        let files = missing(&Config::default(), Incarnation([1; 16]), "a:1", 3, &machine);
        let path = |file: &Bytes| match Command::decode(file) {
            Ok(Command::Set { path, .. }) => path.to_owned(),
            other => panic!("{other:?}"),
        };
        files.iter().map(path).collect()
    }

    #[test]
    fn the_founder_alone_writes_the_clusters_files() {
        let about_cluster = |path: &String| !path.starts_with("/ctl/node/") && !path.starts_with("/ctl/ns/");
        let of_founder = written(vec![Incarnation([1; 16])]);
        let expected = ["/ctl/name", "/ctl/settings/max-value", "/ctl/cal/1", "/ctl/cal/2", "/ctl/cal/0"];
        assert_eq!(of_founder.into_iter().filter(about_cluster).collect::<Vec<_>>(), expected);
        // Who was brought along before that was done would take the founder's place, and there would be no other.
        for voters in [vec![], vec![Incarnation([2; 16])]] {
            let of_joiner = written(voters);
            assert_eq!(of_joiner.len(), 5);
            assert_eq!(of_joiner.into_iter().filter(about_cluster).count(), 0);
        }
    }
}
