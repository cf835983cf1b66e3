//! The cluster's own files: what is written at its birth, and what a member says of itself when it starts.

use bytes::Bytes;
use doozer_paxos::Incarnation;
use doozer_store::{At, Command, Lookup, Store};

use crate::config::Config;

/// What a new cluster of one begins with, in the order of its first revisions.
pub(crate) fn birth(config: &Config, id: Incarnation, address: &str) -> Vec<Bytes> {
    let mut files = vec![
        ("/ctl/name".to_owned(), config.cluster_name.clone()),
        ("/ctl/settings/max-value".to_owned(), config.value_bytes_max.to_string()),
    ];
    files.extend(presence(config, id, address));
    files.push(("/ctl/cal/0".to_owned(), id.to_string()));
    files.push((writable(id), "true".to_owned()));
    files.iter().map(|(path, value)| set(path, value)).collect()
}

/// What has changed of this member since it last ran (its address, its host, its version), as writes.
pub(crate) fn changes(config: &Config, id: Incarnation, address: &str, store: &Store) -> Vec<Bytes> {
    let cluster_name = cluster_name(store).unwrap_or_else(|| config.cluster_name.clone());
    presence(&Config { cluster_name, ..config.clone() }, id, address)
        .into_iter()
        .filter(|(path, value)| !holds(store, path, value))
        .map(|(path, value)| set(&path, &value))
        .collect()
}

/// The name the cluster was born with.
pub(crate) fn cluster_name(store: &Store) -> Option<String> {
    match store.get("/ctl/name", At::Now) {
        Ok(Lookup::File { value, .. }) => Some(String::from_utf8_lossy(value).into_owned()),
        _ => None,
    }
}

fn presence(config: &Config, id: Incarnation, address: &str) -> [(String, String); 4] {
    let file = |name: &str| format!("/ctl/node/{id}/{name}");
    [
        (file("addr"), address.to_owned()),
        (file("hostname"), config.hostname.clone()),
        (file("version"), config.version.clone()),
        (format!("/ctl/ns/{}/{id}", config.cluster_name), address.to_owned()),
    ]
}

fn writable(id: Incarnation) -> String {
    format!("/ctl/node/{id}/writable")
}

fn holds(store: &Store, path: &str, expected: &str) -> bool {
    matches!(store.get(path, At::Now), Ok(Lookup::File { value, .. }) if **value == *expected.as_bytes())
}

fn set(path: &str, value: &str) -> Bytes {
    let mut bytes = Vec::new();
    Command::Set { path, rev: -1, value: value.as_bytes() }.encode(&mut bytes);
    bytes.into()
}
