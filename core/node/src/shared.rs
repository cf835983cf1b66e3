//! What all parts of a member share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::frame_limit;
use parking_lot::RwLock;
use tokio::sync::mpsc;

use crate::access::Secrets;
use crate::config::Limits;
use crate::driver::input::Input;
use crate::state::State;

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
    pub state: RwLock<State>,
    /// The way to the driver.
    pub inputs: mpsc::UnboundedSender<Input>,
    pub connections: AtomicUsize,
    /// The last applied slot, for STATUS.
    pub slot: AtomicU64,
    /// Bytes of the data directory, for STATUS.
    pub data_bytes: AtomicU64,
    pub started: Instant,
    value_bytes_max: AtomicU64,
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
        state: State,
        inputs: mpsc::UnboundedSender<Input>,
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
            value_bytes_max: AtomicU64::new(state.store.value_bytes_max() as u64),
            state: RwLock::new(state),
            inputs,
            connections: AtomicUsize::new(0),
            slot: AtomicU64::new(0),
            data_bytes: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// The largest value in bytes now. It may change at any time: what counts is what the store says at apply.
    pub fn value_bytes_max(&self) -> u64 {
        self.value_bytes_max.load(Ordering::Relaxed)
    }

    /// The largest frame a client may send now.
    pub fn frame_limit(&self) -> usize {
        frame_limit(self.value_bytes_max())
    }

    pub fn value_bytes_max_changed(&self, bytes: u64) {
        self.value_bytes_max.store(bytes, Ordering::Relaxed);
    }
}
