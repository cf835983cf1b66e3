//! A member: started, used, stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use doozer_journal::RealDisk;
use doozer_store::validate;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::config::{Config, Data};
use crate::embedded::Embedded;
use crate::error::{Failure, StartError};
use crate::launch::{Launched, launch, open_directory, open_memory};
use crate::server::listen::{Doors, listen};
use crate::server::tls;

/// How long a stop waits for what is under way.
const STOP: Duration = Duration::from_secs(5);

/// The largest value that can be chosen.
const VALUE_BYTES_MAX: u64 = doozer_store::VALUE_BYTES_MAX as u64;

/// A running member. Dropped without [`Node::stop`] it ends soon after, as if it had crashed, which loses nothing either.
pub struct Node {
    launched: Launched<RealDisk>,
    address: Option<SocketAddr>,
    embedded: Embedded,
    stopping: watch::Sender<bool>,
    server: JoinHandle<()>,
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
        let address = shown_address(&config, bound);

        let begin = match &config.data {
            Data::Memory => open_memory(&config)?,
            Data::Directory(path) => {
                let (disk, config) = (RealDisk::new(path), config.clone());
                let opened = tokio::task::spawn_blocking(move || open_directory(&disk, &config)).await;
                let lost = |error| StartError::System { what: "a thread", source: io::Error::other(error) };
                opened.map_err(lost)??
            }
        };
        let launched = launch(&config, begin, address).await?;
        let (stopping, stop) = watch::channel(false);
        let (embedded, within) = Embedded::new(&launched.shared);
        let doors = Doors { listener, tls, within };
        let server = tokio::spawn(listen(doors, Arc::clone(&launched.shared), stop));
        Ok(Node { launched, address: bound, embedded, stopping, server })
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

    /// The current revision of its store.
    pub fn revision(&self) -> i64 {
        self.launched.shared.state().read().store().revision().to_raw()
    }

    /// Completes only if the member has to stop by itself, because its disk failed. Cancel-safe.
    pub async fn failed(&mut self) -> Failure {
        self.launched.failed().await
    }

    /// Takes no more requests, answers the writes under way, makes everything durable, and ends. Whatever is not
    /// done after a few seconds is dropped, as in a crash.
    pub async fn stop(self) {
        let Node { launched, stopping, server, .. } = self;
        stopping.send_replace(true);
        let graceful = async {
            let _ = server.await;
            launched.stop().await;
        };
        match timeout(STOP, graceful).await {
            Ok(()) => info!("stopped"),
            Err(_) => warn!("stopped with requests still under way"),
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

/// The address others are told: as it was given, unless the system chose the port, or it stands for every address of
/// this host, which tells others nothing.
fn shown_address(config: &Config, bound: Option<SocketAddr>) -> String {
    let (Some(given), Some(bound)) = (&config.listen, bound) else { return String::new() };
    match given.rsplit_once(':') {
        _ if bound.ip().is_unspecified() => format!("{}:{}", config.hostname, bound.port()),
        Some((host, port)) if port.parse() == Ok(0_u16) => format!("{host}:{}", bound.port()),
        _ => given.clone(),
    }
}
