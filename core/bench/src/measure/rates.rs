//! How many requests a cluster answers in a second, and how long one takes.

use std::time::Duration;

use crate::cluster::{Cluster, ClusterError, System};
use crate::connection::LoadError;
use crate::doozer::Doozer;
use crate::keys::Keys;
use crate::load::{Kind, Load, Stop, histogram};
use crate::measure::VALUE_BYTES;

/// How much at once, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Connections, over all members.
    pub connections: usize,
    /// Requests in flight, over all connections.
    pub in_flight: usize,
    /// How long answers do not count.
    pub warm_up: Duration,
    /// How long they do.
    pub measured: Duration,
}

/// Requests a second, over connections to all members.
///
/// # Errors
/// As for [`Load::run`].
pub async fn rate<S: System>(
    cluster: &Cluster<S>,
    keys: &Keys,
    kind: Kind,
    shape: Shape,
) -> Result<f64, ClusterError> {
    let load = load(kind, shape);
    Ok(load.run(&cluster.everyone(), keys, &Stop::default()).await?.rate())
}

/// The same of SETs that are numbered, by a session of each connection.
///
/// # Errors
/// As for [`Load::run`].
pub async fn numbered_rate(
    cluster: &Cluster<Doozer>,
    keys: &Keys,
    shape: Shape,
) -> Result<f64, ClusterError> {
    let load = load(Kind::Set, shape);
    Ok(load.run(&cluster.everyone().numbered(), keys, &Stop::default()).await?.rate())
}

/// The median latency, in microseconds, of one request at a time over one connection: to each of these members in turn,
/// each for `measured`, over all of them.
///
/// # Errors
/// As for [`Load::run`].
pub async fn one_at_a_time<S: System>(
    cluster: &Cluster<S>,
    keys: &Keys,
    kind: Kind,
    members: &[usize],
    warm_up: Duration,
    measured: Duration,
) -> Result<f64, ClusterError> {
    let load = load(kind, Shape { connections: 1, in_flight: 1, warm_up, measured });
    let mut all = histogram();
    for &member in members {
        let one = load.run(&cluster.target([member]), keys, &Stop::default()).await?;
        all.add(one.latency_ns).map_err(|_| LoadError::Nonsense("a latency out of all bounds"))?;
    }
    Ok(all.value_at_quantile(0.5) as f64 / 1e3)
}

fn load(kind: Kind, shape: Shape) -> Load {
    let Shape { connections, in_flight, warm_up, measured } = shape;
    Load { kind, connections, in_flight, value_bytes: VALUE_BYTES, warm_up, measured }
}
