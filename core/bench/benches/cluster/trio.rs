//! The three clusters, as far as they could be started.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use doozer_bench::Keys;
use doozer_bench::cluster::{Cluster, ClusterError, System};
use doozer_bench::compare::Subject;
use doozer_bench::doozer::Doozer;
use doozer_bench::lock::Lockers;
use doozer_bench::measure::rates::numbered_rate;
use doozer_bench::measure::{KEYS, fill};
use doozer_bench::server::program;
use doozer_rivals::{Etcd, ZooKeeper};

use crate::TARGET_TMP;
use crate::locks::LockStep;
use crate::steps::{Measured, Plan, Step, shape};

/// A cluster and its files.
pub struct Running<S> {
    cluster: Cluster<S>,
    keys: Keys,
}

/// The three; each is missing if it could not be started, or failed.
pub struct Trio {
    doozer: Option<Running<Doozer>>,
    etcd: Option<Running<Etcd>>,
    zookeeper: Option<Running<ZooKeeper>>,
}

/// The systems that are left out, which is said once.
#[derive(Default)]
pub struct Left(BTreeSet<&'static str>);

impl Trio {
    /// Starts all three with this many files.
    pub async fn start(parent: &Path, files: usize, left: &mut Left) -> Result<Trio, ClusterError> {
        Ok(Trio {
            doozer: start(doozer(false), parent, files, left).await,
            etcd: start(Etcd, parent, files, left).await,
            zookeeper: start(ZooKeeper, parent, files, left).await,
        })
    }

    /// Does this with each of them, one after the other.
    pub async fn step(&mut self, step: Step, round: usize, plan: &mut Plan) {
        take(&mut self.doozer, Subject::Doozer, step, round, plan).await;
        take(&mut self.etcd, Subject::Etcd, step, round, plan).await;
        take(&mut self.zookeeper, Subject::ZooKeeper, step, round, plan).await;
    }

    /// Our SETs once more, numbered by sessions.
    pub async fn numbered_sets(&mut self, round: usize, plan: &mut Plan) {
        let Some(Running { cluster, keys }) = &mut self.doozer else { return };
        match numbered_rate(cluster, keys, shape(256, plan.settings.window)).await {
            Ok(rate) => add(vec![(plan.figures.numbered_set, rate)], Subject::Doozer, round, plan),
            Err(error) => {
                given_up(Subject::Doozer, &"numbered SETs", &error);
                self.doozer = None;
            }
        }
    }

    /// Does this with the lock of each of them, one after the other.
    pub async fn lock_step(&mut self, step: LockStep, round: usize, plan: &mut Plan) {
        take_lock(&mut self.doozer, Subject::Doozer, step, round, plan).await;
        take_lock(&mut self.etcd, Subject::Etcd, step, round, plan).await;
        take_lock(&mut self.zookeeper, Subject::ZooKeeper, step, round, plan).await;
    }
}

/// Doozer without disks.
pub async fn in_memory(parent: &Path, left: &mut Left) -> Option<Running<Doozer>> {
    start(doozer(true), parent, KEYS, left).await
}

/// Does this with a cluster, if there is one; one that fails is given up.
pub async fn take<S: System>(
    running: &mut Option<Running<S>>,
    subject: Subject,
    step: Step,
    round: usize,
    plan: &mut Plan,
) {
    let Some(Running { cluster, keys }) = running else { return };
    match step.run(cluster, keys, round, plan).await {
        Ok(measured) => add(measured, subject, round, plan),
        Err(error) => {
            given_up(subject, &step, &error);
            *running = None;
        }
    }
}

/// The same with its lock.
async fn take_lock<S: System<Target: Lockers>>(
    running: &mut Option<Running<S>>,
    subject: Subject,
    step: LockStep,
    round: usize,
    plan: &mut Plan,
) {
    let Some(Running { cluster, keys }) = running else { return };
    match step.run(cluster, keys, plan).await {
        Ok(measured) => add(measured, subject, round, plan),
        Err(error) => {
            given_up(subject, &step, &error);
            *running = None;
        }
    }
}

fn add(measured: Measured, subject: Subject, round: usize, plan: &mut Plan) {
    measured.into_iter().for_each(|(figure, value)| plan.all.add(figure, subject, round, value));
}

fn given_up(subject: Subject, step: &dyn Debug, error: &ClusterError) {
    eprintln!("{}: {step:?}: {error}; not measured any further here", subject.name());
}

fn doozer(in_memory: bool) -> Doozer {
    Doozer { program: program(TARGET_TMP), in_memory }
}

async fn start<S: System>(system: S, parent: &Path, files: usize, left: &mut Left) -> Option<Running<S>> {
    let name = system.name();
    if left.0.contains(name) {
        return None;
    }
    let started = async {
        let cluster = Cluster::start(system, parent).await?;
        let keys = fill(&cluster, files).await?;
        Ok::<_, ClusterError>(Running { cluster, keys })
    };
    match started.await {
        Ok(running) => Some(running),
        Err(error) => {
            eprintln!("{error}; left out");
            left.0.insert(name);
            None
        }
    }
}
