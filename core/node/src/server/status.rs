//! STATUS: what a member knows about itself.

use std::sync::atomic::Ordering;

use doozer_member::local::Part;
use doozer_wire::StatusReply;

use crate::shared::Shared;

pub(super) fn of(shared: &Shared) -> StatusReply {
    let (revision, first, stats, waiters, sessions) = {
        let state = shared.state().read();
        let store = state.store();
        let sessions = (store.sessions_len(), store.session_bytes());
        (store.revision(), store.first(), store.stats(), state.waiters(), sessions)
    };
    StatusReply {
        cluster: shared.cluster.0,
        member: shared.id_text.clone(),
        name: shared.cluster_name.clone(),
        address: shared.address.clone(),
        server_version: shared.version.clone(),
        role: role(shared.part()).to_owned(),
        revision: revision.to_raw(),
        first_revision: first.to_raw(),
        slot: shared.slot(),
        files: stats.files,
        live_bytes: stats.live_bytes,
        history_revisions: stats.history_revisions,
        history_bytes: stats.history_bytes,
        watches: (waiters + shared.queued.load(Ordering::Relaxed)) as u64,
        connections: shared.connections.load(Ordering::Relaxed) as u64,
        durable: shared.durable,
        data_bytes: shared.data_bytes(),
        uptime_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        sessions: sessions.0 as u64,
        session_bytes: sessions.1 as u64,
        disk_full: shared.is_full(),
    }
}

fn role(part: Part) -> &'static str {
    match part {
        Part::Learner => "learner",
        Part::Voter => "voter",
        Part::Proposer => "proposer",
    }
}
