//! Locks: what is measured of each cluster in turn, and which lines of the table it fills.

use std::time::Duration;

use doozer_bench::Keys;
use doozer_bench::cluster::{Cluster, ClusterError, System};
use doozer_bench::handover::PassAround;
use doozer_bench::lock::Lockers;
use doozer_bench::measure::locks::{alone, hand_over};

use crate::steps::{Measured, Plan};

/// How many want the same lock.
const FEW: usize = 2;
const MANY: usize = 200;

/// How long one holds the lock where it is not given back as soon as the other waits: a member of etcd looks ten times a
/// second for watches that began in the past, and tells them nothing before that.
const HOLD: Duration = Duration::from_millis(150);

/// One thing to do with a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStep {
    WarmUp,
    Alone,
    HandOver,
    HandOverHeld,
    HandOverAmongMany,
}

impl LockStep {
    /// Does it.
    pub async fn run<S: System<Target: Lockers>>(
        self,
        cluster: &Cluster<S>,
        keys: &Keys,
        plan: &Plan,
    ) -> Result<Measured, ClusterError> {
        let Plan { figures, settings, .. } = plan;
        let window = settings.window;
        let among = |contenders, hold| PassAround { contenders, hold, warm_up: window / 4, measured: window };
        let (quick, many) = (among(FEW, Duration::ZERO), among(MANY, Duration::ZERO));
        let held = PassAround { measured: 3 * window, ..among(FEW, HOLD) };
        let one = |figure, value| Ok(vec![(figure, value)]);
        match self {
            LockStep::WarmUp => {
                let measured = settings.warm_up / 8;
                alone(cluster, keys, measured, measured).await?;
                for plan in [quick, many] {
                    hand_over(cluster, PassAround { measured, ..plan }).await?;
                }
                Ok(Vec::new())
            }
            LockStep::Alone => {
                let alone = alone(cluster, keys, window / 8, window / 2).await?;
                Ok(vec![(figures.lock, alone.lock_us), (figures.lock_set, alone.set_us)])
            }
            LockStep::HandOver => one(figures.hand_over, hand_over(cluster, quick).await?),
            LockStep::HandOverHeld => one(figures.hand_over_held, hand_over(cluster, held).await?),
            LockStep::HandOverAmongMany => one(figures.hand_over_many, hand_over(cluster, many).await?),
        }
    }
}
