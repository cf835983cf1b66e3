//! Many watchers, many files, and nothing to do: what they take.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::cluster::{Cluster, ClusterError, MEMBERS, System};
use crate::connection::{Connect, Request};
use crate::fanout::FanOut;
use crate::keys::Keys;
use crate::measure::{millis, value};
use crate::report::median;

const SETTLE: Duration = Duration::from_secs(1);

/// The median of so many writes, in milliseconds from the sending of each to the moment in which the last of so many
/// watchers, each on a connection of its own, has been told.
///
/// # Errors
/// If a connection breaks.
pub async fn fan_out<S: System>(
    cluster: &Cluster<S>,
    keys: &Keys,
    watchers: usize,
    writes: usize,
) -> Result<f64, ClusterError> {
    let target = cluster.everyone();
    let mut fan_out = FanOut::connect(&target, keys.path(0), watchers).await?;
    let mut times = Vec::with_capacity(writes);
    for number in 0..writes {
        // A writer at each member in turn.
        let mut writer = target.connect(number).await?;
        times.push(millis(fan_out.write(&mut writer, value()).await?));
    }
    Ok(median(times.into_iter()).unwrap_or(f64::NAN))
}

/// The resident memory of the largest member, in bytes.
///
/// # Errors
/// If one has gone.
pub fn resident<S: System>(cluster: &Cluster<S>) -> Result<f64, ClusterError> {
    Ok(cluster.resident_bytes()?.into_iter().max().unwrap_or_default() as f64)
}

/// Kills this member and starts it with its data: milliseconds from its start until it has answered a linearizable read.
///
/// # Errors
/// If it does not come back.
pub async fn restart_one<S: System>(
    cluster: &mut Cluster<S>,
    keys: &Keys,
    number: usize,
) -> Result<f64, ClusterError> {
    cluster.kill(number).await?;
    let started = Instant::now();
    cluster.revive(number)?;
    cluster.done(number, &Request::Get(keys.path(number))).await?;
    let took = started.elapsed();
    cluster.all_serve().await?;
    Ok(millis(took))
}

/// Kills all members and starts them with their data: milliseconds from their start until a write at each of them has been
/// acknowledged.
///
/// # Errors
/// If they do not come back.
pub async fn restart_all<S: System>(cluster: &mut Cluster<S>) -> Result<f64, ClusterError> {
    for number in 0..MEMBERS {
        cluster.kill(number).await?;
    }
    let started = Instant::now();
    cluster.start_all()?;
    cluster.all_serve().await?;
    Ok(millis(started.elapsed()))
}

/// What a cluster does while nobody asks anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Idle {
    /// What all members together use of one processor, in per cent.
    pub processor_percent: f64,
    /// By how many revisions it gets on.
    pub revisions: i64,
}

/// Asks nothing for this long, after a second in which it may still finish what it was asked.
///
/// # Errors
/// If a member has gone.
pub async fn idle<S: System>(cluster: &Cluster<S>, over: Duration) -> Result<Idle, ClusterError> {
    // Not to wait for anything: the time itself is what is measured.
    sleep(SETTLE).await;
    let revision = cluster.revision(0).await?;
    let (started, before) = (Instant::now(), cluster.processor_time()?);
    sleep(over).await;
    let used = cluster.processor_time()?.saturating_sub(before);
    let processor_percent = used.as_secs_f64() / started.elapsed().as_secs_f64() * 100.0;
    Ok(Idle { processor_percent, revisions: cluster.revision(0).await? - revision })
}
