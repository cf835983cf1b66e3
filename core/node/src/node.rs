//! A member: started, used, stopped.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use doozer_journal::RealDisk;
use doozer_store::{MAX_VALUE, SESSION_BYTES, SESSIONS, validate};
use doozer_wire::peer::Introduction;
use doozer_wire::{Address, DEFAULT_PORT};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::boot::{BootCluster, Keeper, locate, seek};
use crate::config::{Boot, Config, Data};
use crate::embedded::Embedded;
use crate::error::{Failure, StartError};
use crate::input::{Input, channel};
use crate::launch::{
    Launched, Opened, Origin, Resident, Surroundings, Task, launch, new_incarnation, open_directory,
    open_memory, resident,
};
use crate::peers::home::Home;
use crate::peers::meet::{Fate, meet};
use crate::server::listen::{Doors, listen};
use crate::server::lobby::Lobby;
use crate::server::tls;

/// How long a stop waits for what is under way.
const STOP: Duration = Duration::from_secs(5);

/// The largest value that can be chosen.
const VALUE_BYTES_MAX: u64 = MAX_VALUE.max as u64;

/// A running member. Dropped without [`Node::stop`] it ends soon after, as if it had crashed, which loses nothing either.
pub struct Node {
    launched: Launched<RealDisk>,
    address: Option<SocketAddr>,
    embedded: Embedded,
    stopping: watch::Sender<bool>,
    server: JoinHandle<()>,
    registration: Option<Registration>,
}

/// What the boot cluster is told of a member while it runs.
struct Registration {
    keeper: Arc<Keeper>,
    _task: Task<()>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("id", &self.launched.shared.id)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// Starts a member: opens or makes its data, brings the store to where it was, and, if it is to listen, serves
    /// clients when this returns. One that is to join a cluster does so first, and waits until that can be. Needs a tokio
    /// runtime. Cancel-safe.
    ///
    /// # Errors
    /// [`StartError`] says what stood in the way; nothing was changed that a later start could miss.
    pub async fn start(mut config: Config) -> Result<Node, StartError> {
        check(&config)?;
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let listener = match &config.listen {
            None => None,
            Some(address) => Some(bind(address).await?),
        };
        let bound = listener.as_ref().map(TcpListener::local_addr).transpose();
        let bound = bound.map_err(|source| StartError::System { what: "the address of a socket", source })?;
        let address = shown_address(&config, bound);
        config.boot = config.boot.filter(|boot| !is_own(boot, &address));
        let (inputs, receiver) = channel();
        let home = home(&config, &address, bound, inputs)?;
        let boot = config.boot.as_ref();
        let boot = boot.map(|boot| BootCluster::new(boot, &config.secrets, &config.cluster_name));

        let (stopping, stop) = watch::channel(false);
        let (within, connections_within) = mpsc::unbounded_channel();
        let (arrival, member) = watch::channel(None);
        let connections = Arc::<AtomicUsize>::default();
        let lobby = Lobby { home: Arc::clone(&home), member, connections, limits: config.limits };
        let connections = Arc::clone(&lobby.connections);
        let doors = Doors { listener, tls, within: connections_within };
        let serve = move || tokio::spawn(listen(doors, Arc::new(lobby), stop));

        // What is on the disk comes first: nobody must hear that there is nothing when there is.
        let data = Store::of(&config);
        let is_alone = config.attach.is_empty() && boot.is_none();
        let resident = data.resident(is_alone).await?;
        if resident == Resident::Lost {
            home.only_joins();
        }
        let (opened, seats, server) = if is_alone || resident == Resident::Somebody {
            let opened = data.open(&config, Origin::founder(home.id())?).await?;
            let (cluster, id) = opened.name();
            home.belongs(cluster, id);
            if opened.is_joining() && is_alone {
                home.warn(
                    "waiting",
                    format_args!(
                        "it has nothing of cluster {cluster} yet, and learns it from the others: give it their addresses with \
                         -a; or, if it never was a part of it, start it with an empty directory"
                    ),
                );
            }
            (opened, seats(&config), serve())
        } else {
            let server = serve();
            let fate = match &boot {
                Some(boot) => seek(&home, boot, seats(&config)).await?,
                None => meet(&home).await,
            };
            fate.tell();
            let (origin, seats) = match fate {
                Fate::Found(seats) => (Origin::founder(home.id())?, seats),
                Fate::Join(cluster, _) => (Origin::joiner(cluster, home.id()), 0),
            };
            (data.open(&config, origin).await?, seats, server)
        };
        let surroundings = Surroundings { home: Arc::clone(&home), receiver, connections, seats };
        let looking = boot.clone().map(|boot| Task(tokio::spawn(locate(Arc::clone(&home), boot))));
        let launched = launch(&config, opened, address, surroundings).await?;
        drop(looking);
        let embedded = Embedded::new(&launched.shared, within);
        arrival.send_replace(Some(Arc::clone(&launched.shared)));
        let registration = boot.map(|boot| {
            let boot = boot.named(&launched.shared.cluster_name);
            let keeper = Arc::new(Keeper { boot, home, embedded: embedded.clone() });
            Registration { _task: Task(tokio::spawn(Arc::clone(&keeper).run())), keeper }
        });
        Ok(Node { launched, address: bound, embedded, stopping, server, registration })
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The way to it for this process: connections in memory, and reads of its state.
    pub fn embedded(&self) -> &Embedded {
        &self.embedded
    }

    /// This member's id, as SELF answers it.
    pub fn id(&self) -> &str {
        &self.launched.shared.id_text
    }

    /// The name its cluster was born with.
    pub fn cluster_name(&self) -> &str {
        &self.launched.shared.cluster_name
    }

    /// The cluster's largest value now, in bytes.
    pub fn value_bytes_max(&self) -> u64 {
        self.launched.shared.value_bytes_max()
    }

    /// How many sessions there may be, and how many bytes they may take together.
    pub fn sessions_max(&self) -> (u64, u64) {
        let state = self.launched.shared.state().read();
        (state.store().sessions_max() as u64, state.store().session_bytes_max() as u64)
    }

    /// The current revision of its store.
    pub fn revision(&self) -> i64 {
        self.launched.shared.state().read().store().revision().to_raw()
    }

    /// Slots that its log had at the start beyond what it could show: a majority has yet to say what became of them.
    pub fn unconfirmed_slots(&self) -> u64 {
        self.launched.unconfirmed_slots
    }

    /// Completes only if the member has to stop by itself, because its disk failed. Cancel-safe.
    pub async fn failed(&mut self) -> Failure {
        self.launched.failed().await
    }

    /// Takes no more requests, answers the writes under way, makes everything durable, and ends. Whatever is not
    /// done after a few seconds is dropped, as in a crash.
    pub async fn stop(self) {
        let Node { launched, stopping, server, registration, .. } = self;
        let keeper = registration.map(|registration| registration.keeper);
        let forgets = !launched.shared.durable;
        stopping.send_replace(true);
        let graceful = async {
            let _ = server.await;
            launched.stop().await;
        };
        match timeout(STOP, graceful).await {
            Ok(()) => {
                info!("stopped");
                // Not before it has ended: whoever finds nobody there takes it that nobody has anything of the cluster.
                if let Some(keeper) = keeper.filter(|_| forgets) {
                    keeper.leave().await;
                }
            }
            Err(_) => warn!("stopped with requests still under way"),
        }
    }
}

/// Where a member's data is, or is to be.
enum Store {
    Memory,
    Disk(RealDisk),
}

impl Store {
    fn of(config: &Config) -> Store {
        match &config.data {
            Data::Memory => Store::Memory,
            Data::Directory(path) => Store::Disk(RealDisk::new(path)),
        }
    }

    async fn resident(&self, is_alone: bool) -> Result<Resident, StartError> {
        match self {
            Store::Memory => Ok(Resident::Nobody),
            Store::Disk(disk) => {
                let disk = disk.clone();
                blocking(move || resident(&disk, is_alone)).await
            }
        }
    }

    /// What is there; or, if there is nothing, a member of this origin.
    async fn open(&self, config: &Config, origin: Origin) -> Result<Opened<RealDisk>, StartError> {
        match self {
            Store::Memory => open_memory(config, origin),
            Store::Disk(disk) => {
                let (disk, config) = (disk.clone(), config.clone());
                blocking(move || open_directory(&disk, &config, origin)).await
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    let lost = |error| StartError::System { what: "a thread", source: io::Error::other(error) };
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

/// What its connections to others are to share.
fn home(
    config: &Config,
    address: &str,
    bound: Option<SocketAddr>,
    inputs: mpsc::UnboundedSender<Input>,
) -> Result<Arc<Home>, StartError> {
    let is_alone = config.attach.is_empty() && config.boot.is_none();
    if bound.is_none() && !is_alone {
        return Err(StartError::NoListen);
    }
    // One that listens nowhere talks to nobody.
    let said = if bound.is_some() { address } else { "localhost" };
    let place = said.parse().map_err(|source| StartError::Address { address: said.to_owned(), source });
    let place = if is_alone { place.or_else(|_| Ok(nowhere())) } else { place }?;
    if let Some(boot) = &config.boot
        && is_loopback(&place)
        && !boot.uri.addresses.iter().all(is_loopback)
    {
        return Err(StartError::BootLoopback(place));
    }
    let introduction = Introduction {
        cluster: None,
        incarnation: new_incarnation()?,
        address: place,
        // Where there is a boot cluster, nobody founds one by the list alone.
        listed: if config.boot.is_some() { Vec::new() } else { config.attach.clone() },
        name: None,
        only_joins: false,
    };
    let connector = config.tls.as_ref().map(tls::connector).transpose()?;
    let bind = bound.map(|bound| bound.ip()).filter(|ip| !ip.is_unspecified());
    let home = Home::new(introduction, config.secrets.of_members(), connector, bind, inputs);
    home.know(config.attach.iter().cloned());
    Ok(home)
}

/// A boot cluster's own members, which the environment may point there too, look for it nowhere.
fn is_own(boot: &Boot, address: &str) -> bool {
    let is_own = boot.uri.addresses.iter().any(|place| place.to_string() == address);
    if is_own {
        warn!("the boot URI names this member's own address, {address}: its cluster is looked for nowhere");
    }
    is_own
}

/// How many are to vote in a cluster that it founds.
fn seats(config: &Config) -> usize {
    config.boot.as_ref().map_or(config.attach.len(), |boot| boot.voters)
}

/// Whether an address leads nowhere but into the machine itself.
fn is_loopback(address: &Address) -> bool {
    let ip = address.host.parse::<IpAddr>();
    ip.map_or(address.host == "localhost", |ip| ip.is_loopback())
}

fn nowhere() -> Address {
    Address { host: "localhost".to_owned(), port: DEFAULT_PORT }
}

fn check(config: &Config) -> Result<(), StartError> {
    let name = &config.cluster_name;
    if name.contains('/') || validate(format!("/{name}").as_bytes()).is_err() || name.is_empty() {
        return Err(StartError::ClusterName(name.clone()));
    }
    if config.boot.as_ref().is_some_and(|boot| boot.uri.addresses.is_empty()) {
        return Err(StartError::BootNowhere);
    }
    if !(1..=VALUE_BYTES_MAX).contains(&config.value_bytes_max) {
        return Err(StartError::ValueBytesMax(config.value_bytes_max, VALUE_BYTES_MAX));
    }
    for (setting, told) in [(&SESSIONS, config.sessions_max), (&SESSION_BYTES, config.session_bytes_max)] {
        if let Some(told) = told
            && !(setting.min as u64..=setting.max as u64).contains(&told)
        {
            return Err(StartError::Setting { setting, told });
        }
    }
    Ok(())
}

async fn bind(address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address: address.to_owned(), source })
}

/// The address others are told: the one at which they are said to reach it; else the one it listens on as it was given, unless the system chose the port, or it stands for every address of
/// this host, which tells others nothing.
fn shown_address(config: &Config, bound: Option<SocketAddr>) -> String {
    let (Some(given), Some(bound)) = (&config.listen, bound) else { return String::new() };
    if let Some(address) = &config.reached_at {
        return address.to_string();
    }
    match given.rsplit_once(':') {
        _ if bound.ip().is_unspecified() => format!("{}:{}", config.hostname, bound.port()),
        Some((host, port)) if port.parse() == Ok(0_u16) => format!("{host}:{}", bound.port()),
        _ => given.clone(),
    }
}
