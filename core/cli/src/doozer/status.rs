//! What a member says about itself, and who else is there, for people and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::answers::Answer;
use super::health::Health;
use super::members::{Member, table};

/// The answer of STATUS. Fields are printed in this order, under these names.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    member: String,
    address: String,
    version: String,
    role: String,
    cluster: String,
    cluster_id: String,
    revision: i64,
    first_revision: i64,
    slot: u64,
    files: u64,
    live_bytes: u64,
    history_revisions: u64,
    history_bytes: u64,
    watches: u64,
    connections: u64,
    durable: bool,
    data_bytes: u64,
    uptime_ms: u64,
    sessions: u64,
    session_bytes: u64,
    disk_full: bool,
    /// Whether a majority stands behind this member.
    quorum: bool,
    /// Of the cluster.
    health: String,
    members: Vec<Member>,
}

impl Status {
    pub fn new(status: doozer_client::Status, health: Health, members: Vec<Member>) -> Self {
        Status {
            member: status.member,
            address: status.address,
            version: status.server_version,
            role: status.role,
            cluster: status.name,
            // As the member writes ids: lower-case base32.
            cluster_id: data_encoding::BASE32_NOPAD.encode(&status.cluster).to_ascii_lowercase(),
            revision: status.revision,
            first_revision: status.first_revision,
            slot: status.slot,
            files: status.files,
            live_bytes: status.live_bytes,
            history_revisions: status.history_revisions,
            history_bytes: status.history_bytes,
            watches: status.watches,
            connections: status.connections,
            durable: status.durable,
            data_bytes: status.data_bytes,
            uptime_ms: status.uptime_ms,
            sessions: status.sessions,
            session_bytes: status.session_bytes,
            disk_full: status.disk_full,
            quorum: health.quorum,
            health: health.said,
            members,
        }
    }
}

impl Answer for Status {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = |key: &str, value: &dyn std::fmt::Display| writeln!(out, "{key:<17} {value}");
        line("member", &self.member)?;
        line("address", &self.address)?;
        line("version", &self.version)?;
        line("role", &self.role)?;
        line("cluster", &self.cluster)?;
        line("cluster_id", &self.cluster_id)?;
        line("revision", &self.revision)?;
        line("first_revision", &self.first_revision)?;
        line("slot", &self.slot)?;
        line("files", &self.files)?;
        line("live_bytes", &self.live_bytes)?;
        line("history_revisions", &self.history_revisions)?;
        line("history_bytes", &self.history_bytes)?;
        line("watches", &self.watches)?;
        line("connections", &self.connections)?;
        line("durable", &self.durable)?;
        line("data_bytes", &self.data_bytes)?;
        line("uptime_ms", &self.uptime_ms)?;
        line("sessions", &self.sessions)?;
        line("session_bytes", &self.session_bytes)?;
        line("disk_full", &self.disk_full)?;
        line("quorum", &self.quorum)?;
        line("health", &self.health)?;
        writeln!(out)?;
        table(&self.members, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_json_say_the_same() {
        let said = doozer_client::Status {
            member: "abc".into(),
            cluster: [0xab; 16],
            durable: true,
            uptime_ms: 1234,
            ..doozer_client::Status::default()
        };
        let status = Status::new(said, Health { quorum: true, said: "ok".into() }, Vec::new());
        let mut plain = Vec::new();
        status.plain(&mut plain).unwrap();
        let plain = String::from_utf8(plain).unwrap();
        let json = serde_json::to_value(&status).unwrap();
        let own = || plain.lines().take_while(|line| !line.is_empty());
        for line in own() {
            let (key, value) = line.split_at(17);
            let said = match &json[key.trim_end()] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(value[1..], said, "{line}");
        }
        // And the members, who are a table.
        assert_eq!(own().count() + 1, json.as_object().unwrap().len());
    }
}
