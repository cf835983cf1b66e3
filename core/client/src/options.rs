//! What a client, and a single call, can be told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use doozer_store::TTL_MS;
pub use doozer_wire::Consistency;
use doozer_wire::{ErrorKind, Secret};

use crate::error::{Error, Subject};
use crate::session::Terms;

/// How long a call may take unless it says otherwise, and how long opening a client may.
const TIMEOUT: Duration = Duration::from_secs(10);

const SESSION_TTL: Duration = Duration::from_secs(10);

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
    /// How long what the client holds by its session outlives its last sign of life: from 1 s to 24 h. Default: 10 s.
    pub session_ttl: Duration,
    /// What its session is called in listings, for people; what is longer than 256 bytes is cut. Default: the program's
    /// name and the process's id.
    pub session_label: Option<String>,
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
            session_ttl: SESSION_TTL,
            session_label: None,
        }
    }
}

impl Options {
    /// What the client's sessions are opened with.
    pub(crate) fn terms(&self) -> Result<Terms, Error> {
        let subject = Subject::new("connect");
        let ttl = self.session_ttl;
        let bounds =
            Duration::from_millis((*TTL_MS.start()).into())..=Duration::from_millis((*TTL_MS.end()).into());
        if !bounds.contains(&ttl) {
            let detail =
                format!("a session's TTL is from {:?} to {:?}, not {ttl:?}", bounds.start(), bounds.end());
            return Err(subject.error(ErrorKind::BadTtl, detail));
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| subject.error(ErrorKind::Io, format!("no randomness: {error}")))?;
        let label = self.session_label.clone().unwrap_or_else(label);
        Ok(Terms { ttl, label: label.into(), seed })
    }
}

/// Names this process to people.
fn label() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&path).file_name().unwrap_or("program".as_ref()).to_string_lossy();
    format!("{program} pid {}", std::process::id())
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
