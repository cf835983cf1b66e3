//! What all parts of a member share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use doozer_member::local::{Local, Part};
use doozer_member::state::State;
use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::frame_limit;
use parking_lot::RwLock;
use tokio::sync::mpsc;

use crate::access::Secrets;
use crate::config::Limits;
use crate::input::Input;
use crate::peers::home::Home;

pub(crate) struct Shared {
    pub cluster: ClusterId,
    pub id: Incarnation,
    /// `id` in its text form, as SELF answers it.
    pub id_text: String,
    pub cluster_name: String,
    pub address: String,
    pub version: String,
    pub durable: bool,
    pub secrets: Secrets,
    pub limits: Limits,
    local: Arc<Local>,
    /// The way to the driver.
    pub inputs: mpsc::UnboundedSender<Input>,
    pub connections: Arc<AtomicUsize>,
    /// Queued SETs of its clients that are not answered.
    pub queued: Arc<AtomicUsize>,
    /// What its connections to other members share.
    pub home: Arc<Home>,
    pub started: Instant,
}

/// What [`Shared::new`] needs beside the state.
pub(crate) struct Identity {
    pub cluster: ClusterId,
    pub id: Incarnation,
    pub cluster_name: String,
    pub address: String,
    pub version: String,
    pub durable: bool,
}

impl Shared {
    pub fn new(
        identity: Identity,
        secrets: Secrets,
        limits: Limits,
        local: Arc<Local>,
        connections: Arc<AtomicUsize>,
        home: Arc<Home>,
    ) -> Self {
        Shared {
            cluster: identity.cluster,
            id: identity.id,
            id_text: identity.id.to_string(),
            cluster_name: identity.cluster_name,
            address: identity.address,
            version: identity.version,
            durable: identity.durable,
            secrets,
            limits,
            local,
            inputs: home.inputs.clone(),
            connections,
            queued: Arc::default(),
            home,
            started: Instant::now(),
        }
    }

    /// The state, and who waits in it.
    pub fn state(&self) -> &RwLock<State> {
        &self.local.state
    }

    /// Whether linearizable reads need ask nobody: see [`Local::reads_alone`].
    pub fn reads_alone(&self) -> bool {
        self.local.reads_alone()
    }

    /// What this member does in its cluster.
    pub fn part(&self) -> Part {
        self.local.part()
    }

    /// Whether what is to be kept has no room on its disk.
    pub fn is_full(&self) -> bool {
        self.local.is_full()
    }

    /// The last applied slot.
    pub fn slot(&self) -> u64 {
        self.local.slot.load(Ordering::Relaxed)
    }

    /// Bytes of the data directory.
    pub fn data_bytes(&self) -> u64 {
        self.local.data_bytes.load(Ordering::Relaxed)
    }

    /// The largest value in bytes now. It may change at any time: what counts is what the store says at apply.
    pub fn value_bytes_max(&self) -> u64 {
        self.local.value_bytes_max()
    }

    /// The largest frame a client may send now.
    pub fn frame_limit(&self) -> usize {
        frame_limit(self.value_bytes_max())
    }
}
