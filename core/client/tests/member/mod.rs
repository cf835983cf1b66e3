//! Real members on free ports, and a relay that can cut the connections through it.

#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doozer_client::{Client, Connector, Options};
use doozer_node::{Config, Node};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub fn config() -> Config {
    Config { listen: Some("127.0.0.1:0".into()), ..Config::default() }
}

pub async fn member() -> (Node, SocketAddr) {
    start(config()).await
}

pub async fn start(config: Config) -> (Node, SocketAddr) {
    let node = Node::start(config).await.unwrap();
    let address = node.address().unwrap();
    (node, address)
}

pub async fn client(address: SocketAddr) -> Client {
    Client::connect(&address.to_string()).await.unwrap()
}

pub fn impatient() -> Options {
    Options { connect_timeout: Duration::from_secs(2), boot: None, ..Options::default() }
}

/// A port on which nobody listens.
pub async fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Passes bytes on, until it is told to cut.
pub struct Relay {
    pub address: SocketAddr,
    cuts: watch::Sender<u64>,
    /// Connections taken so far.
    pub connections: Arc<AtomicUsize>,
    /// Connections open now.
    pub open: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Relay {
    pub async fn to(member: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = watch::Sender::new(0);
        let (connections, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut task = JoinSet::new();
        let counts = (Arc::clone(&connections), Arc::clone(&open));
        task.spawn(serve(listener, member, cuts.subscribe(), counts));
        Relay { address, cuts, connections, open, _task: task }
    }

    /// Cuts all connections; new ones are taken.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// A connector that knows no other way than this.
    pub fn connector(&self) -> impl Connector + use<> {
        let address = self.address;
        move || TcpStream::connect(address)
    }
}

async fn serve(
    listener: TcpListener,
    member: SocketAddr,
    cuts: watch::Receiver<u64>,
    (connections, open): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    let mut tasks = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        open.fetch_add(1, Ordering::SeqCst);
        let open = Arc::clone(&open);
        let mut cuts = cuts.clone();
        cuts.mark_unchanged();
        tasks.spawn(async move {
            if let Ok(mut far) = TcpStream::connect(member).await {
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = cuts.changed() => {}
                }
            }
            drop(near);
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// A way to a member that can be closed.
pub struct Gate {
    pub relay: Relay,
    is_open: watch::Sender<bool>,
}

impl Gate {
    pub async fn to(member: SocketAddr, options: Options) -> (Gate, Client) {
        let relay = Relay::to(member).await;
        let (is_open, address) = (watch::Sender::new(true), relay.address);
        let opened = is_open.subscribe();
        let connector = move || {
            let mut opened = opened.clone();
            async move {
                let _ = opened.wait_for(|is_open| *is_open).await;
                TcpStream::connect(address).await
            }
        };
        let client = Client::over(connector, options).await.unwrap();
        (Gate { relay, is_open }, client)
    }

    pub fn close(&self) {
        self.is_open.send_replace(false);
        self.relay.cut();
    }

    pub fn open(&self) {
        self.is_open.send_replace(true);
    }
}

/// Options of a client whose session ends soon after it is gone.
pub fn short() -> Options {
    Options { session_ttl: Duration::from_secs(1), ..impatient() }
}

/// Looks until it is so; fails if it never is.
pub async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.unwrap();
}
