//! What is measured of a cluster, the same for every system.
//! What a system's messages look like, and how figures are compared, does not belong here.
//!
//! | module | what it holds |
//! |---|---|
//! | [`rates`] | how many requests a second, and how long one takes |
//! | [`faults`] | what a member that is killed, held or slow costs |
//! | [`locks`] | what it takes to lock, and to pass a lock on |
//! | [`sizes`] | watchers, memory, restarts, idleness |

pub mod faults;
pub mod locks;
pub mod rates;
pub mod sizes;

use std::time::Duration;

use bytes::Bytes;

use crate::cluster::{Cluster, ClusterError, System};
use crate::keys::Keys;
use crate::load::Stop;

/// Bytes of each value.
pub const VALUE_BYTES: usize = 128;

/// Files that a load works on.
pub const KEYS: usize = 1_000;

/// Where they are.
const DIRECTORY: &str = "/bench";

/// How long a cluster may take to come back before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes this many files of [`VALUE_BYTES`] in a cluster.
///
/// # Errors
/// As for [`Keys::fill`].
pub async fn fill<S: System>(cluster: &Cluster<S>, count: usize) -> Result<Keys, ClusterError> {
    let keys = Keys::new(DIRECTORY, count);
    keys.fill(&cluster.everyone(), VALUE_BYTES, &Stop::default()).await?;
    Ok(keys)
}

fn value() -> Bytes {
    Bytes::from(vec![b'v'; VALUE_BYTES])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
