//! How long a lock takes that nobody else wants, and to be passed on.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::cluster::{Cluster, ClusterError, MEMBERS, System};
use crate::connection::LoadError;
use crate::handover::PassAround;
use crate::keys::Keys;
use crate::load::histogram;
use crate::lock::{Locker, Lockers};
use crate::measure::value;
use crate::patience::PATIENCE;

/// The lock that nobody else wants, and the one that is passed around.
const ALONE: &str = "/bench-lock/alone";
const CONTENDED: &str = "/bench-lock/contended";

/// Medians over one connection, one request at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alone {
    /// Microseconds to take the lock and give it back.
    pub lock_us: f64,
    /// Microseconds of a SET between two of those.
    pub set_us: f64,
}

/// A lock is taken and given back again and again by a client of each member in turn, each for `measured`, and nobody else
/// wants it.
///
/// # Errors
/// If the lock is refused, a connection breaks, or a member is silent.
pub async fn alone<S: System<Target: Lockers>>(
    cluster: &Cluster<S>,
    keys: &Keys,
    warm_up: Duration,
    measured: Duration,
) -> Result<Alone, ClusterError> {
    let (mut locks, mut sets) = (histogram(), histogram());
    for member in 0..MEMBERS {
        let mut locker = cluster.target([member]).locker(0, ALONE.into()).await?;
        let from = Instant::now() + warm_up;
        let mut begun = Instant::now();
        while begun < from + measured {
            let both = async {
                locker.set(keys.path(0), value()).await?;
                let written = Instant::now();
                locker.lock().await?;
                locker.unlock().await?;
                Ok((written, Instant::now()))
            };
            let (written, done) = timeout(PATIENCE, both).await.unwrap_or(Err(LoadError::Silent))?;
            if begun >= from {
                sets.saturating_record(nanoseconds(written - begun));
                locks.saturating_record(nanoseconds(done - written));
            }
            begun = done;
        }
        locker.close().await?;
    }
    let median_us = |times: hdrhistogram::Histogram<u64>| times.value_at_quantile(0.5) as f64 / 1e3;
    Ok(Alone { lock_us: median_us(locks), set_us: median_us(sets) })
}

/// The median of a hand-over in microseconds, with contenders at all members.
///
/// # Errors
/// As for [`PassAround::run`].
pub async fn hand_over<S: System<Target: Lockers>>(
    cluster: &Cluster<S>,
    plan: PassAround,
) -> Result<f64, ClusterError> {
    let times = plan.run(&cluster.everyone(), &CONTENDED.into()).await?;
    Ok(times.value_at_quantile(0.5) as f64 / 1e3)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
