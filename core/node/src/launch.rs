//! Setting a member going on what it begins with: driver and journal, without a network.

use std::path::PathBuf;
use std::sync::Arc;

use doozer_journal::{Birth, Disk, Options};
use doozer_member::driver::Driver;
use doozer_member::keeper::{Failure, Keeper};
use doozer_member::recovery::{self, Begin, Role};
use doozer_member::snapshot::Schedule;
use doozer_paxos::{ClusterId, Incarnation};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::birth;
use crate::config::{Config, Limits};
use crate::drive::drive;
use crate::error::StartError;
use crate::host::World;
use crate::input::{Input, channel};
use crate::journal_thread::JournalThread;
use crate::shared::{Identity, Shared};
use crate::snapshot::Snapshots;

/// What a member begins with, and what keeps it going: with a journal, also the size of its snapshot in bytes.
pub(crate) struct Opened<D: Disk> {
    begin: Begin,
    journal: Option<(Keeper<D>, u64)>,
}

/// A new cluster that lives in memory.
pub(crate) fn open_memory<D: Disk>(config: &Config) -> Result<Opened<D>, StartError> {
    let begin = recovery::open_memory(new_birth()?, Role::Founder, store_options(config)?);
    Ok(Opened { begin, journal: None })
}

/// Opens a data directory, or makes a new one. Blocks on the disk.
pub(crate) fn open_directory<D: Disk>(disk: &D, config: &Config) -> Result<Opened<D>, StartError> {
    let path = PathBuf::from(disk.path(""));
    let Limits { data_bytes_max: bytes_max, log_segment_bytes: segment_bytes, .. } = config.limits;
    let bounds = Options { segment_bytes, bytes_max };
    let birth = new_birth()?;
    let opened = recovery::open(disk, || birth, Role::Founder, bounds, store_options(config)?);
    let (begin, keeper, snapshot_bytes) = opened.map_err(|source| StartError::Data { path, source })?;
    Ok(Opened { begin, journal: Some((keeper, snapshot_bytes)) })
}

fn new_birth() -> Result<Birth, StartError> {
    Ok(Birth { cluster: ClusterId(random()?), incarnation: Incarnation(random()?) })
}

fn store_options(config: &Config) -> Result<doozer_store::Options, StartError> {
    Ok(doozer_store::Options { history: config.history, hash_seed: u64::from_le_bytes(random()?) })
}

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|source| StartError::System {
        what: "random bytes",
        source: std::io::Error::other(source),
    })?;
    Ok(bytes)
}

/// A member that decides, applies and keeps, and serves nobody yet.
pub(crate) struct Launched<D: Disk> {
    pub shared: Arc<Shared>,
    running: Running<D>,
}

struct Running<D: Disk> {
    inputs: mpsc::UnboundedSender<Input>,
    driver: Task<Option<Failure>>,
    journal: Option<JournalThread<D>>,
}

/// A task that ends with its owner. The driver would not end by itself: what it shares with others holds the way to it.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sets it going. `address` is what it says of itself. On return everything in its log is applied, and so are the
/// member's own first writes.
pub(crate) async fn launch<D: Disk>(
    config: &Config,
    opened: Opened<D>,
    address: String,
) -> Result<Launched<D>, StartError> {
    let Opened { begin, journal } = opened;
    let (cluster, id, durable) = (begin.cluster, begin.id, journal.is_some());
    let (inputs, receiver) = channel();
    let snapshot_bytes = journal.as_ref().map_or(0, |(_, bytes)| *bytes);
    let journal = journal
        .map(|(keeper, _)| JournalThread::start(keeper, inputs.clone()))
        .transpose()
        .map_err(|source| StartError::System { what: "a thread", source })?;
    let snapshots = journal.clone().map(|journal| {
        let schedule = Schedule::new(config.limits.snapshot_log_bytes, snapshot_bytes);
        Snapshots::new(schedule, journal, inputs.clone())
    });
    let world = World { journal: journal.clone() };
    let driver = Driver::new(begin, config.driver_settings(), world);
    let local = Arc::clone(driver.local());
    let driver = Task(tokio::spawn(drive(driver, receiver, snapshots)));
    let mut running = Running { inputs: inputs.clone(), driver, journal };
    running.settle().await?;
    let own = birth::missing(config, id, &address, local.state.read().store());
    if !own.is_empty() {
        let _ = inputs.send(Input::Own(own));
        running.settle().await?;
    }
    let cluster_name = birth::cluster_name(local.state.read().store());
    let identity = Identity {
        cluster,
        id,
        cluster_name: cluster_name.unwrap_or_else(|| config.cluster_name.clone()),
        address,
        version: config.version.clone(),
        durable,
    };
    let shared = Shared::new(identity, config.secrets.clone(), config.limits, local, inputs);
    Ok(Launched { shared: Arc::new(shared), running })
}

impl<D: Disk> Launched<D> {
    /// Completes only if the member has to stop by itself. Cancel-safe.
    pub async fn failed(&mut self) -> Failure {
        self.running.failed().await
    }

    /// Takes no more writes, answers those under way, makes everything durable and lets go of the data.
    pub async fn stop(self) {
        let Running { inputs, mut driver, journal } = self.running;
        let (done, ended) = oneshot::channel();
        if inputs.send(Input::Stop(done)).is_ok() {
            let _ = ended.await;
        }
        if let Some(journal) = &journal {
            journal.stop().await;
        }
        let _ = (&mut driver.0).await;
    }
}

impl<D: Disk> Running<D> {
    async fn failed(&mut self) -> Failure {
        match (&mut self.driver.0).await {
            Ok(Some(failure)) => failure,
            Ok(None) => std::future::pending().await,
            Err(error) => Failure(format!("the driver ended: {error}")),
        }
    }

    async fn settle(&mut self) -> Result<(), StartError> {
        let (done, settled) = oneshot::channel();
        let _ = self.inputs.send(Input::Settled(done));
        tokio::select! {
            Ok(()) = settled => Ok(()),
            failure = self.failed() => Err(StartError::Failed(failure)),
        }
    }
}
