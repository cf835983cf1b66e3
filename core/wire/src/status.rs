//! STATUS: what a member knows about itself.

use bytes::Bytes;

use crate::error::{Malformed, cluster_id};
use crate::proto;

/// A member's account of itself. A number or text an older member does not send reads as 0 or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusReply {
    /// The cluster's id.
    pub cluster: [u8; 16],
    /// The member's id, as SELF answers it.
    pub member: String,
    /// The cluster's name.
    pub name: String,
    /// Where the member listens for clients.
    pub address: String,
    /// The member's version, for people.
    pub server_version: String,
    /// What the member does in the cluster, in a word.
    pub role: String,
    /// The store's current revision.
    pub revision: i64,
    /// The oldest revision that can still be read.
    pub first_revision: i64,
    /// The last log slot that was applied.
    pub slot: u64,
    /// Files there are.
    pub files: u64,
    /// Bytes of their paths and values.
    pub live_bytes: u64,
    /// Revisions of history kept.
    pub history_revisions: u64,
    /// Bytes of history kept.
    pub history_bytes: u64,
    /// Outstanding waits and watches.
    pub watches: u64,
    /// Open client connections.
    pub connections: u64,
    /// Whether the member keeps its data on disk.
    pub durable: bool,
    /// Bytes of its data on disk.
    pub data_bytes: u64,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Sessions there are.
    pub sessions: u64,
    /// Bytes that all of them take, as the cluster's bound counts them.
    pub session_bytes: u64,
    /// Whether what it is to keep has no room on its disk, and waits for some.
    pub disk_full: bool,
}

impl From<&StatusReply> for proto::StatusReply {
    fn from(status: &StatusReply) -> proto::StatusReply {
        proto::StatusReply {
            cluster: Some(Bytes::copy_from_slice(&status.cluster)),
            member: Some(status.member.clone()),
            name: Some(status.name.clone()),
            address: Some(status.address.clone()),
            server_version: Some(status.server_version.clone()),
            role: Some(status.role.clone()),
            revision: Some(status.revision),
            first_revision: Some(status.first_revision),
            slot: Some(status.slot),
            files: Some(status.files),
            live_bytes: Some(status.live_bytes),
            history_revisions: Some(status.history_revisions),
            history_bytes: Some(status.history_bytes),
            watches: Some(status.watches),
            connections: Some(status.connections),
            durable: Some(status.durable),
            data_bytes: Some(status.data_bytes),
            uptime_ms: Some(status.uptime_ms),
            sessions: Some(status.sessions),
            session_bytes: Some(status.session_bytes),
            disk_full: Some(status.disk_full),
        }
    }
}

impl TryFrom<proto::StatusReply> for StatusReply {
    type Error = Malformed;

    fn try_from(status: proto::StatusReply) -> Result<StatusReply, Malformed> {
        Ok(StatusReply {
            revision: status.revision(),
            first_revision: status.first_revision(),
            slot: status.slot(),
            files: status.files(),
            live_bytes: status.live_bytes(),
            history_revisions: status.history_revisions(),
            history_bytes: status.history_bytes(),
            watches: status.watches(),
            connections: status.connections(),
            durable: status.durable(),
            data_bytes: status.data_bytes(),
            uptime_ms: status.uptime_ms(),
            sessions: status.sessions(),
            session_bytes: status.session_bytes(),
            disk_full: status.disk_full(),
            cluster: cluster_id(status.cluster)?,
            member: status.member.unwrap_or_default(),
            name: status.name.unwrap_or_default(),
            address: status.address.unwrap_or_default(),
            server_version: status.server_version.unwrap_or_default(),
            role: status.role.unwrap_or_default(),
        })
    }
}
