//! What a member that is killed, held or slow costs those who write to the others.

use std::io;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::child::Process;
use crate::cluster::{Cluster, ClusterError, MEMBERS, System};
use crate::keys::Keys;
use crate::load::Kind;
use crate::measure::rates::one_at_a_time;
use crate::measure::{PATIENCE, millis, value};
use crate::probe::Probe;

/// How long after a fault it may still cost more.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a slow member is held, and then goes on.
const SLOW: Duration = Duration::from_millis(50);

/// What became of a leader's death, in milliseconds from the signal to the first acknowledgement of a write that was sent
/// when the leader was gone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failover {
    /// For a client of a member that is left.
    pub at_survivor_ms: f64,
    /// For a client of the leader, which has to find another member.
    pub at_victim_ms: f64,
}

/// Kills the leader (SIGKILL) under two clients that write all the time, and revives it. `turn` says which of the others
/// the first of them uses.
///
/// # Errors
/// If nothing is acknowledged for a minute, or the member does not come back.
pub async fn kill_leader<S: System>(
    cluster: &mut Cluster<S>,
    keys: &Keys,
    turn: usize,
) -> Result<Failover, ClusterError> {
    let leader = cluster.leader().await?;
    let [survivor, other] = others(leader, turn);
    let mut at_survivor = Probe::start(cluster.target([survivor]), keys.path(0), value());
    let mut at_victim = Probe::start(cluster.target([leader, survivor, other]), keys.path(1), value());
    let begun = Instant::now();
    at_survivor.next(begun, PATIENCE).await?;
    at_victim.next(begun, PATIENCE).await?;

    let killed = Instant::now();
    cluster.kill(leader).await?;
    let gone = Instant::now();
    let (survivor, victim) = tokio::join!(at_survivor.next(gone, PATIENCE), at_victim.next(gone, PATIENCE));
    let failover =
        Failover { at_survivor_ms: millis(survivor?.at - killed), at_victim_ms: millis(victim?.at - killed) };
    drop((at_survivor, at_victim));
    cluster.revive(leader)?;
    cluster.all_serve().await?;
    Ok(failover)
}

/// Holds the leader for this long (SIGSTOP): the longest time in milliseconds in which no write of a client of another
/// member was acknowledged, from then until a second after it went on.
///
/// # Errors
/// If nothing is acknowledged for a minute.
pub async fn hold_leader<S: System>(
    cluster: &mut Cluster<S>,
    keys: &Keys,
    turn: usize,
    hold: Duration,
) -> Result<f64, ClusterError> {
    let leader = cluster.leader().await?;
    let [survivor, _] = others(leader, turn);
    let mut probe = Probe::start(cluster.target([survivor]), keys.path(0), value());
    probe.next(Instant::now(), PATIENCE).await?;

    let held = Instant::now();
    cluster.process(leader)?.pause()?;
    sleep(hold).await;
    cluster.process(leader)?.resume()?;
    probe.next(Instant::now() + SETTLE, PATIENCE).await?;
    let gap = probe.longest_gap(held);
    drop(probe);
    cluster.all_serve().await?;
    Ok(millis(gap))
}

/// How many times as long as before and afterwards a write at the other members takes, at the median, while a member that
/// does not lead is dead; from a second after its death on. One request at a time, each figure over `measured` at each of
/// the two.
///
/// # Errors
/// If a write fails, or the member does not come back.
pub async fn with_one_dead<S: System>(
    cluster: &mut Cluster<S>,
    keys: &Keys,
    turn: usize,
    measured: Duration,
) -> Result<f64, ClusterError> {
    let leader = cluster.leader().await?;
    let [victim, other] = others(leader, turn);
    let others = [leader, other];
    let before = one_at_a_time(cluster, keys, Kind::Set, &others, measured / 4, measured).await?;
    cluster.kill(victim).await?;
    let during = one_at_a_time(cluster, keys, Kind::Set, &others, SETTLE, measured).await?;
    cluster.revive(victim)?;
    cluster.all_serve().await?;
    let after = one_at_a_time(cluster, keys, Kind::Set, &others, measured / 4, measured).await?;
    // What drifts, such as a virtual machine that goes on compiling, is in both.
    Ok(during / f64::midpoint(before, after))
}

/// The same while it is held half of the time, for 50 ms at once.
///
/// # Errors
/// If a write fails.
pub async fn with_one_slow<S: System>(
    cluster: &mut Cluster<S>,
    keys: &Keys,
    turn: usize,
    measured: Duration,
) -> Result<f64, ClusterError> {
    let leader = cluster.leader().await?;
    let [victim, other] = others(leader, turn);
    let others = [leader, other];
    let before = one_at_a_time(cluster, keys, Kind::Set, &others, measured / 4, measured).await?;
    let measuring = one_at_a_time(cluster, keys, Kind::Set, &others, SETTLE, measured);
    let process = cluster.process(victim)?;
    let during = tokio::select! {
        during = measuring => during?,
        gone = slow(process) => return Err(gone.into()),
    };
    process.resume()?;
    cluster.all_serve().await?;
    let after = one_at_a_time(cluster, keys, Kind::Set, &others, measured / 4, measured).await?;
    Ok(during / f64::midpoint(before, after))
}

/// Those who do not lead, in an order that changes with the turn.
fn others(leader: usize, turn: usize) -> [usize; MEMBERS - 1] {
    let turn = turn % 2;
    [(leader + 1 + turn) % MEMBERS, (leader + 2 - turn) % MEMBERS]
}

/// Holds a process and lets it go on until it has gone.
async fn slow(process: &Process) -> io::Error {
    let held = || async {
        process.pause()?;
        sleep(SLOW).await;
        process.resume()
    };
    loop {
        if let Err(gone) = held().await {
            return gone;
        }
        sleep(SLOW).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_lead() {
        for leader in 0..MEMBERS {
            let (even, odd) = (others(leader, 4), others(leader, 5));
            assert_eq!([even[1], even[0]], odd, "they take turns");
            let mut all = [leader, even[0], even[1]];
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2]);
        }
    }
}
