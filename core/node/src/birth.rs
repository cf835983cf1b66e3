//! The cluster's own files: what is written at its birth, and what a member says of itself when it starts.

use bytes::Bytes;
use doozer_member::machine::Machine;
use doozer_paxos::Incarnation;
use doozer_store::{At, Command, Lookup, Store};

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
    let mut files = vec![
        once("/ctl/name", config.cluster_name.clone()),
        once("/ctl/settings/max-value", config.value_bytes_max.to_string()),
    ];
    files.extend(presence(config, id, address, &cluster_name).map(changed));
    if machine.config().epoch == 0 {
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
