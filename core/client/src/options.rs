//! What a client, and a single call, can be told.

use std::path::PathBuf;
use std::time::Duration;

pub use doozer_wire::Consistency;
use doozer_wire::Secret;

/// How long a call may take unless it says otherwise, and how long opening a client may.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How a client works. The default is right for most programs.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a call may take, reconnecting included; `None` is without end. WAIT and WATCH never end by
    /// themselves. Default: 10 s.
    pub timeout: Option<Duration>,
    /// How long opening the client may take, over all addresses. Default: 10 s.
    pub connect_timeout: Duration,
    /// The URI of the cluster in which the addresses are looked up if the URI holds only a cluster's name. Default:
    /// what the environment's `DOOZER_BOOT_URI` says.
    pub boot: Option<String>,
    /// TLS; without it, the connection is plain TCP.
    pub tls: Option<Tls>,
    /// What ACCESS presents on each connection; `None` is the URI's own.
    pub secret: Option<Secret>,
    /// What the client calls itself to members, for their logs.
    pub name: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeout: Some(TIMEOUT),
            connect_timeout: TIMEOUT,
            boot: std::env::var("DOOZER_BOOT_URI").ok().filter(|uri| !uri.is_empty()),
            tls: None,
            secret: None,
            name: concat!("doozer-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// TLS for the connections of a client. Files are in PEM form and read when the client is opened.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The certificates that may have signed a member's.
    pub ca: PathBuf,
    /// This client's certificate chain, for clusters that ask for one; then `key` is needed too.
    pub certificate: Option<PathBuf>,
    /// The private key of `certificate`.
    pub key: Option<PathBuf>,
    /// The name that a member's certificate must be for. Default: the host of the address.
    pub server_name: Option<String>,
}

/// How one call works; see [`Client::with`](crate::Client::with).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallOptions {
    /// How long it may take.
    pub timeout: Timeout,
    /// How fresh a read without a revision must be.
    pub consistency: Consistency,
}

/// How long a call may take, reconnecting included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timeout {
    /// As long as the client's [`Options::timeout`] says; a WAIT without end.
    #[default]
    Usual,
    /// Without end.
    Never,
    /// So long.
    After(Duration),
}

/// What a LIST leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListOptions {
    /// At most so many files, the first ones; `None` is all.
    pub limit: Option<u64>,
    /// Leave the values out.
    pub keys_only: bool,
}
