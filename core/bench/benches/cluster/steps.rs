//! What is measured of each cluster in turn, and which lines of the table it fills.

use std::time::Duration;

use doozer_bench::cluster::{Cluster, ClusterError, MEMBERS, System};
use doozer_bench::compare::{Comparison, FigureId};
use doozer_bench::measure::faults::{hold_leader, kill_leader, with_one_dead, with_one_slow};
use doozer_bench::measure::rates::{Shape, one_at_a_time, rate};
use doozer_bench::measure::sizes::{fan_out, idle, resident, restart_all, restart_one};
use doozer_bench::{Keys, Kind};

use crate::figures::Figures;

/// How much, and for how long.
pub struct Settings {
    /// How often everything is measured.
    pub rounds: usize,
    /// How long a load is measured.
    pub window: Duration,
    /// How long all clusters are asked everything before the first round.
    pub warm_up: Duration,
    /// How often the leader is killed in a round.
    pub kills: usize,
    /// How many connections watch.
    pub watchers: usize,
    /// How often what they watch is written in a round.
    pub writes: usize,
    /// How many files a large cluster has.
    pub files: usize,
    /// How long nothing is asked.
    pub idle: Duration,
}

/// What is to be measured, and what has been.
pub struct Plan {
    pub settings: Settings,
    pub figures: Figures,
    pub all: Comparison,
}

/// One thing to do with a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    WarmUp,
    Set,
    MemorySet,
    OneSet,
    Get,
    LocalGet,
    DeepLocalGet,
    Idle,
    Kill,
    Hold700,
    Hold2000,
    Dead,
    Slow,
    FanOut,
    Resident,
    RestartOne,
    RestartAll,
}

pub type Measured = Vec<(FigureId, f64)>;

impl Step {
    /// Does it.
    pub async fn run<S: System>(
        self,
        cluster: &mut Cluster<S>,
        keys: &Keys,
        round: usize,
        plan: &Plan,
    ) -> Result<Measured, ClusterError> {
        let Plan { figures, settings, .. } = plan;
        let window = settings.window;
        let one = |figure, value| Ok(vec![(figure, value)]);
        match self {
            Step::WarmUp => {
                for kind in [Kind::Set, Kind::Get, Kind::LocalGet] {
                    rate(cluster, keys, kind, shape(256, settings.warm_up / 3)).await?;
                }
                Ok(Vec::new())
            }
            Step::Set => one(figures.set, rate(cluster, keys, Kind::Set, shape(256, window)).await?),
            Step::MemorySet => {
                one(figures.memory_set, rate(cluster, keys, Kind::Set, shape(256, window)).await?)
            }
            Step::Get => one(figures.get, rate(cluster, keys, Kind::Get, shape(64, window)).await?),
            Step::LocalGet => {
                one(figures.local_get, rate(cluster, keys, Kind::LocalGet, shape(64, window)).await?)
            }
            Step::DeepLocalGet => {
                one(figures.deep_local_get, rate(cluster, keys, Kind::LocalGet, shape(256, window)).await?)
            }
            Step::OneSet => {
                let members: [usize; MEMBERS] = std::array::from_fn(|member| member);
                let (warm_up, each) = (window / 8, window / 2);
                one(figures.one_set, one_at_a_time(cluster, keys, Kind::Set, &members, warm_up, each).await?)
            }
            Step::Idle => {
                let idle = idle(cluster, settings.idle).await?;
                let changes = idle.revisions as f64;
                Ok(vec![(figures.idle, idle.processor_percent), (figures.idle_changes, changes)])
            }
            Step::Kill => kills(cluster, keys, round, plan).await,
            Step::Hold700 => {
                one(figures.hold_700, hold_leader(cluster, keys, round, Duration::from_millis(700)).await?)
            }
            Step::Hold2000 => {
                one(figures.hold_2000, hold_leader(cluster, keys, round, Duration::from_secs(2)).await?)
            }
            Step::Dead => one(figures.dead, with_one_dead(cluster, keys, round, window).await?),
            Step::Slow => one(figures.slow, with_one_slow(cluster, keys, round, window).await?),
            Step::FanOut => {
                one(figures.fan_out, fan_out(cluster, keys, settings.watchers, settings.writes).await?)
            }
            Step::Resident => one(figures.resident, resident(cluster)? / 1e6),
            Step::RestartOne => one(figures.restart_one, restart_one(cluster, keys, round % MEMBERS).await?),
            Step::RestartAll => one(figures.restart_all, restart_all(cluster).await?),
        }
    }
}

async fn kills<S: System>(
    cluster: &mut Cluster<S>,
    keys: &Keys,
    round: usize,
    plan: &Plan,
) -> Result<Measured, ClusterError> {
    let (figures, times) = (&plan.figures, plan.settings.kills);
    let mut measured = Vec::with_capacity(2 * times);
    for number in 0..times {
        let failover = kill_leader(cluster, keys, round * times + number).await?;
        measured.push((figures.kill_survivor, failover.at_survivor_ms));
        measured.push((figures.kill_victim, failover.at_victim_ms));
    }
    Ok(measured)
}

pub fn shape(in_flight: usize, measured: Duration) -> Shape {
    Shape { connections: 32, in_flight, warm_up: measured / 4, measured }
}
