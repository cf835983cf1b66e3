//! Setting a member going on what it begins with: driver and journal, without a network.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use doozer_journal::{Birth, Disk, Journal, OpenError, Options};
use doozer_member::driver::Driver;
use doozer_member::keeper::{Failure, Keeper};
use doozer_member::local::Local;
use doozer_member::recovery::{self, Begin, Role};
use doozer_member::snapshot::Schedule;
use doozer_paxos::{ClusterId, Incarnation};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::error;

use crate::birth;
use crate::config::{Config, Limits};
use crate::drive::drive;
use crate::error::StartError;
use crate::host::World;
use crate::input::Input;
use crate::journal_thread::JournalThread;
use crate::peers::Peers;
use crate::peers::home::Home;
use crate::peers::meet::look_around;
use crate::shared::{Identity, Shared};
use crate::snapshot::Snapshots;

/// What a member begins with, and what keeps it going: with a journal, also the size of its snapshot in bytes.
pub(crate) struct Opened<D: Disk> {
    begin: Begin,
    journal: Option<(Keeper<D>, u64)>,
}

impl<D: Disk> Opened<D> {
    /// In which cluster it is, and who.
    pub fn name(&self) -> (ClusterId, Incarnation) {
        (self.begin.cluster, self.begin.id)
    }

    /// It has no log, and others have one: it is nothing before they have brought it along.
    pub fn is_joining(&self) -> bool {
        self.begin.is_empty() && self.begin.role == Role::Joiner
    }
}

/// How a member that has no data comes into the world.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub birth: Birth,
    pub role: Role,
}

impl Origin {
    /// The founder of a new cluster, as this member of it.
    pub fn founder(incarnation: Incarnation) -> Result<Origin, StartError> {
        let birth = Birth { incarnation, ..new_cluster()? };
        Ok(Origin { birth, role: Role::Founder })
    }

    /// One that joins a cluster.
    pub fn joiner(cluster: ClusterId, incarnation: Incarnation) -> Origin {
        Origin { birth: Birth { cluster, incarnation }, role: Role::Joiner }
    }
}

/// Names for a cluster that is born now, and for its founder.
pub(crate) fn new_cluster() -> Result<Birth, StartError> {
    Ok(Birth { cluster: ClusterId(random()?), incarnation: new_incarnation()? })
}

/// A name for a member that is born now.
pub(crate) fn new_incarnation() -> Result<Incarnation, StartError> {
    Ok(Incarnation(random()?))
}

/// A member that lives in memory.
pub(crate) fn open_memory<D: Disk>(config: &Config, origin: Origin) -> Result<Opened<D>, StartError> {
    let begin = recovery::open_memory(origin.birth, origin.role, store_options(config)?);
    Ok(Opened { begin, journal: None })
}

/// Opens a data directory, or makes a new one. Blocks on the disk.
pub(crate) fn open_directory<D: Disk>(
    disk: &D,
    config: &Config,
    origin: Origin,
) -> Result<Opened<D>, StartError> {
    let path = PathBuf::from(disk.path(""));
    let Limits { data_bytes_max: bytes_max, log_segment_bytes: segment_bytes, .. } = config.limits;
    let bounds = Options { segment_bytes, bytes_max };
    let Origin { birth, role } = origin;
    let opened = recovery::open(disk, || birth, role, bounds, store_options(config)?);
    let (begin, keeper, snapshot_bytes) = opened.map_err(|source| StartError::Data { path, source })?;
    Ok(Opened { begin, journal: Some((keeper, snapshot_bytes)) })
}

/// Whose data is in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resident {
    Somebody,
    Nobody,
    /// Nobody any more: who was there lost its identity, and with it what may have counted. Whoever is born there only joins.
    Lost,
}

/// Looks whose data is in a directory. A member of which nobody can tell any more who it was gives way, if there are others to
/// join; its files are kept. Blocks on the disk.
pub(crate) fn resident<D: Disk>(disk: &D, is_alone: bool) -> Result<Resident, StartError> {
    let path = PathBuf::from(disk.path(""));
    let look = || {
        if !is_alone && let Some((kept_in, why)) = Journal::give_up_identity(disk)? {
            error!("{why}. Done: its files are kept in {kept_in}, and it joins as somebody new");
        }
        Ok((Journal::exists(disk)?, Journal::was_lost(disk)?))
    };
    match look()
        .map_err(|source: OpenError| StartError::Data { path: path.clone(), source: source.into() })?
    {
        (true, _) => Ok(Resident::Somebody),
        (false, false) => Ok(Resident::Nobody),
        (false, true) if is_alone => Err(StartError::LostIdentity(path)),
        (false, true) => Ok(Resident::Lost),
    }
}

pub(crate) fn store_options(config: &Config) -> Result<doozer_store::Options, StartError> {
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
    /// What its log held beyond its state, and others have to decide.
    pub unconfirmed_slots: u64,
    running: Running<D>,
}

struct Running<D: Disk> {
    inputs: mpsc::UnboundedSender<Input>,
    driver: Task<Option<Failure>>,
    journal: Option<JournalThread<D>>,
    /// Looks around for other members.
    _around: Task<()>,
    /// Writes what it says of itself.
    _writes: Option<Task<()>>,
}

/// A task that ends with its owner. The driver would not end by itself: what it shares with others holds the way to it.
pub(crate) struct Task<T>(pub JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a member is set going with, beside its data.
pub(crate) struct Surroundings {
    pub home: Arc<Home>,
    /// The other end of the home's inputs.
    pub receiver: mpsc::UnboundedReceiver<Input>,
    /// Connections that are open.
    pub connections: Arc<AtomicUsize>,
    /// How many are to vote in a cluster that it founds.
    pub seats: usize,
}

/// Sets it going. `address` is what it says of itself. Whoever decides alone has applied everything in its log on return,
/// and its own first writes; one that joins has come along. Others come along, and write, when there is a majority.
pub(crate) async fn launch<D: Disk>(
    config: &Config,
    opened: Opened<D>,
    address: String,
    surroundings: Surroundings,
) -> Result<Launched<D>, StartError> {
    let is_joining = opened.is_joining();
    let Opened { begin, journal } = opened;
    let Surroundings { home, receiver, connections, seats } = surroundings;
    let inputs = home.inputs.clone();
    let (cluster, id, durable) = (begin.cluster, begin.id, journal.is_some());
    home.belongs(cluster, id);
    let snapshot_bytes = journal.as_ref().map_or(0, |(_, bytes)| *bytes);
    let journal = journal
        .map(|(keeper, _)| JournalThread::start(keeper, inputs.clone()))
        .transpose()
        .map_err(|source| StartError::System { what: "a thread", source })?;
    let snapshots = journal.clone().map(|journal| {
        let schedule = Schedule::new(config.limits.snapshot_log_bytes, snapshot_bytes);
        Snapshots::new(schedule, journal, inputs.clone())
    });
    let world = World { journal: journal.clone(), peers: Peers::new(Arc::clone(&home)) };
    // A founder begins alone in its log, and may have taken others in further on: without them nothing is decided there.
    let log = &begin.past.log;
    let takes_in_others = log.config_at(log.last().next()).voters != [id];
    let unconfirmed_slots = if takes_in_others { log.last().0 - begin.position.slot.0 } else { 0 };
    let driver = Driver::new(begin, config.driver_settings(), world);
    let is_alone = driver.replica().is_only_voter() && !takes_in_others;
    let local = Arc::clone(driver.local());
    home.book.read_from(Arc::clone(&local));
    let driver = Task(tokio::spawn(drive(driver, receiver, snapshots, Arc::clone(&home))));
    let around = Task(tokio::spawn(look_around(Arc::clone(&home))));
    let mut running = Running { inputs: inputs.clone(), driver, journal, _around: around, _writes: None };
    let own =
        OwnFiles { config: config.clone(), id, address: address.clone(), seats, local: Arc::clone(&local) };
    if is_alone || is_joining {
        running.settle().await?;
        if own.write(&inputs) {
            running.settle().await?;
        }
    } else {
        running._writes = Some(Task(tokio::spawn(own.write_when_settled(inputs))));
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
    let shared = Shared::new(identity, config.secrets.clone(), config.limits, local, connections, home);
    Ok(Launched { shared: Arc::new(shared), unconfirmed_slots, running })
}

/// What a member writes of itself.
struct OwnFiles {
    config: Config,
    id: Incarnation,
    address: String,
    seats: usize,
    local: Arc<Local>,
}

impl OwnFiles {
    /// Writes what is missing; whether there was something.
    fn write(&self, inputs: &mpsc::UnboundedSender<Input>) -> bool {
        let OwnFiles { config, id, address, seats, local } = self;
        let own = birth::missing(config, *id, address, *seats, local.state.read().machine());
        // The driver is gone only when the member is going down.
        !own.is_empty() && inputs.send(Input::Own(own)).is_ok()
    }

    /// Once this life has begun in the log.
    async fn write_when_settled(self, inputs: mpsc::UnboundedSender<Input>) {
        let (done, settled) = oneshot::channel();
        if inputs.send(Input::Settled(done)).is_ok() && settled.await.is_ok() {
            self.write(&inputs);
        }
    }
}

impl<D: Disk> Launched<D> {
    /// Completes only if the member has to stop by itself. Cancel-safe.
    pub async fn failed(&mut self) -> Failure {
        self.running.failed().await
    }

    /// Takes no more writes, answers those under way, makes everything durable and lets go of the data.
    pub async fn stop(self) {
        let Running { inputs, mut driver, journal, .. } = self.running;
        let (done, ended) = oneshot::channel();
        if inputs.send(Input::Stop(done)).is_ok() {
            let _ = ended.await;
        }
        if let Some(journal) = &journal {
            journal.stop().await;
        }
        let _ = (&mut driver.0).await;
        self.shared.home.closed.send_replace(true);
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
