//! A member: started, used, stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use doozer_paxos::{Replica, replica};
use doozer_store::validate;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::birth;
use crate::config::{Config, Data};
use crate::driver::run::{Input, channel, run, wall_ms};
use crate::driver::{Driver, InMemory, Persist};
use crate::error::{Failure, StartError};
use crate::journal_thread::JournalThread;
use crate::recovery::{Begin, open_directory, open_memory};
use crate::server::listen::listen;
use crate::server::tls;
use crate::server::writes::WriteReply;
use crate::shared::{Identity, Shared};
use crate::snapshot::Snapshots;
use crate::state::State;

/// How long a stop waits for what is under way.
const STOP: Duration = Duration::from_secs(5);

/// The largest value that can be chosen.
const VALUE_BYTES_MAX: u64 = doozer_store::VALUE_BYTES_MAX as u64;

/// A running member. Dropped without [`Node::stop`] it ends as if it had crashed, which loses nothing either.
pub struct Node {
    shared: Arc<Shared>,
    address: Option<SocketAddr>,
    journal: Option<JournalThread>,
    stopping: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    driver: JoinHandle<Option<Failure>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("id", &self.shared.id)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// Starts a member: opens or makes its data, brings the store to where it was, and, if it is to listen, serves
    /// clients when this returns. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] says what stood in the way; nothing was changed that a later start could miss.
    pub async fn start(config: Config) -> Result<Node, StartError> {
        check(&config)?;
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let listener = match &config.listen {
            None => None,
            Some(address) => Some(bind(address).await?),
        };
        let bound = listener.as_ref().map(TcpListener::local_addr).transpose();
        let bound = bound.map_err(|source| StartError::System { what: "the address of a socket", source })?;
        let address = shown_address(config.listen.as_deref(), bound);

        let (inputs, receiver) = channel();
        let begin = match &config.data {
            Data::Memory => open_memory(&config)?,
            Data::Directory(path) => {
                let (path, config) = (path.clone(), config.clone());
                let opened = tokio::task::spawn_blocking(move || open_directory(&path, &config)).await;
                opened.map_err(|error| StartError::System {
                    what: "a thread",
                    source: std::io::Error::other(error),
                })??
            }
        };
        let is_birth = begin.past.config.is_none();
        let own = if is_birth {
            birth::birth(&config, begin.id, &address)
        } else {
            birth::changes(&config, begin.id, &address, &begin.store)
        };
        let (first, later) = if is_birth { (own, vec![]) } else { (vec![], own) };
        let count = first.len();
        let Begin { cluster, id, store, past, journal } = begin;
        let replica = Replica::start(cluster, id, past, first, wall_ms(), replica::Limits::default());
        let identity = Identity {
            cluster,
            id,
            cluster_name: birth::cluster_name(&store).unwrap_or_else(|| config.cluster_name.clone()),
            address,
            version: config.version.clone(),
            durable: journal.is_some(),
        };
        let state = State::new(store);
        let shared = Shared::new(identity, config.secrets.clone(), config.limits, state, inputs.clone());
        let shared = Arc::new(shared);
        let (driver, journal_thread) = match journal {
            None => (spawn(replica, count, later, InMemory, &shared, receiver, None), None),
            Some((journal, snapshot_bytes)) => {
                let thread = JournalThread::start(journal, inputs.clone())
                    .map_err(|source| StartError::System { what: "a thread", source })?;
                let snapshots =
                    Snapshots::new(Arc::clone(&shared), thread.clone(), inputs.clone(), snapshot_bytes);
                let driver = spawn(replica, count, later, thread.clone(), &shared, receiver, Some(snapshots));
                (driver, Some(thread))
            }
        };
        let (stopping, stop) = watch::channel(false);
        let mut node =
            Node { shared, address: bound, journal: journal_thread, stopping, server: None, driver };
        node.applied_own().await?;
        if let Some(listener) = listener {
            let shared = Arc::clone(&node.shared);
            node.server = Some(tokio::spawn(listen(listener, tls, shared, stop)));
        }
        Ok(node)
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// This member's id, as SELF answers it.
    pub fn id(&self) -> &str {
        &self.shared.id_text
    }

    /// The current revision of its store.
    pub fn revision(&self) -> i64 {
        self.shared.state.read().store.revision().to_raw()
    }

    /// Completes only if the member has to stop by itself, because its disk failed. Cancel-safe.
    pub async fn failed(&mut self) -> Failure {
        match (&mut self.driver).await {
            Ok(Some(failure)) => failure,
            Ok(None) => std::future::pending().await,
            Err(error) => Failure(format!("the driver ended: {error}")),
        }
    }

    /// Takes no more requests, answers the writes under way, makes everything durable, and ends. Whatever is not
    /// done after a few seconds is dropped, as in a crash.
    pub async fn stop(self) {
        let Node { shared, journal, stopping, server, driver, .. } = self;
        stopping.send_replace(true);
        let graceful = async {
            if let Some(server) = server {
                let _ = server.await;
            }
            let (done, ended) = oneshot::channel();
            if shared.inputs.send(Input::Stop(done)).is_ok() {
                let _ = ended.await;
            }
            if let Some(journal) = journal {
                journal.stop().await;
            }
            let _ = driver.await;
        };
        match timeout(STOP, graceful).await {
            Ok(()) => info!("stopped"),
            Err(_) => warn!("stopped with requests still under way"),
        }
    }

    /// Waits until the member's own first writes are applied.
    async fn applied_own(&mut self) -> Result<(), StartError> {
        let (done, applied) = oneshot::channel();
        let _ = self.shared.inputs.send(Input::Settled(done));
        tokio::select! {
            _ = applied => Ok(()),
            failure = self.failed() => Err(StartError::Failed(failure)),
        }
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    let name = &config.cluster_name;
    if name.contains('/') || validate(format!("/{name}").as_bytes()).is_err() || name.is_empty() {
        return Err(StartError::ClusterName(name.clone()));
    }
    if !(1..=VALUE_BYTES_MAX).contains(&config.value_bytes_max) {
        return Err(StartError::ValueBytesMax(config.value_bytes_max, VALUE_BYTES_MAX));
    }
    Ok(())
}

async fn bind(address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address: address.to_owned(), source })
}

/// The address others are told: as it was given, unless the system chose the port.
fn shown_address(given: Option<&str>, bound: Option<SocketAddr>) -> String {
    match (given, bound) {
        (Some(given), Some(bound)) => match given.rsplit_once(':') {
            Some((host, port)) if port.parse() == Ok(0u16) => format!("{host}:{}", bound.port()),
            _ => given.to_owned(),
        },
        _ => String::new(),
    }
}

fn spawn<P: Persist + Send + 'static>(
    replica: Replica,
    own: usize,
    later: Vec<bytes::Bytes>,
    persist: P,
    shared: &Arc<Shared>,
    receiver: tokio::sync::mpsc::UnboundedReceiver<Input>,
    snapshots: Option<Snapshots>,
) -> JoinHandle<Option<Failure>> {
    let mut driver: Driver<WriteReply, P> = Driver::new(replica, own, persist, Arc::clone(shared));
    for command in later {
        driver.propose(command, None);
    }
    tokio::spawn(run(driver, receiver, snapshots))
}
