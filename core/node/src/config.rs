//! What a member is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use doozer_client::Tls;
use doozer_member::driver::Settings;
use doozer_paxos::replica;
use doozer_store::History;
use doozer_wire::{Address, Uri};

use crate::access::Secrets;
use crate::pace::TICK;

/// Where a member keeps its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nowhere but in memory: a restart is a new member of a new cluster.
    Memory,
    /// In this directory, which is made if it is not there. Every write is on disk before it is answered.
    Directory(PathBuf),
}

/// Certificates for connections of clients and between members, in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain of this member.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// If given, clients and members must show a certificate signed by one of these.
    pub client_ca: Option<PathBuf>,
}

/// Another cluster, in which the members of this one find each other by its name, and clients find them.
#[derive(Debug, Clone)]
pub struct Boot {
    /// Where it is. Its secret is presented there, or else this cluster's own.
    pub uri: Uri,
    /// TLS for it; without it, the connection is plain TCP.
    pub tls: Option<Tls>,
    /// How many are to vote in a cluster that is founded: there are places for so many, which those who come take.
    pub voters: usize,
}

/// Everything [`Node::start`](crate::Node::start) needs. [`Config::default`] is a durable member's defaults, except
/// that it listens nowhere and keeps everything in memory.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HOST:PORT` to serve clients on; port 0 takes a free one. `None` serves only the host process.
    pub listen: Option<String>,
    /// Where others reach it, if that is not where it listens: behind a proxy, or a translation of addresses.
    pub reached_at: Option<Address>,
    /// Members of the cluster to be joined, this one's own address among them or not. If none of them runs one, and all are
    /// started with the same list, its own address included, they found one together. Used by a member that has no data yet,
    /// and to find the others when their addresses have changed.
    pub attach: Vec<Address>,
    /// Where members of a cluster of this name are found. A member that has no data joins them; if there never were any, or
    /// each of them says that it has nothing, it founds the cluster. One that has data is who it was. As long as it runs it
    /// is found there itself.
    pub boot: Option<Boot>,
    /// The cluster's name, `/ctl/name`. Used at a cluster's birth only.
    pub cluster_name: String,
    /// Where the state is kept.
    pub data: Data,
    /// How much history this member keeps.
    pub history: History,
    /// The largest value in bytes, `/ctl/settings/max-value`. Used at a cluster's birth only.
    pub value_bytes_max: u64,
    /// How many sessions there may be, `/ctl/settings/max-sessions`. Used at a cluster's birth only; `None`: the usual.
    pub sessions_max: Option<u64>,
    /// The bytes of memory that all sessions may take together, `/ctl/settings/max-session-bytes`; likewise.
    pub session_bytes_max: Option<u64>,
    /// The cluster's secrets.
    pub secrets: Secrets,
    /// TLS for connections of clients and between members.
    pub tls: Option<TlsFiles>,
    /// What `/ctl/node/ID/hostname` says.
    pub hostname: String,
    /// What `/ctl/node/ID/version` says.
    pub version: String,
    /// Within how long a write and a linearizable read are answered, with an error if the member hears of no majority.
    pub answer_within: Duration,
    /// For how long a voter may be silent before the cluster gives its place to a stand-by, or leaves it open; one that was
    /// started anew at the same address gets it within seconds. Zero: the cluster replaces nobody. What the proposer was
    /// given counts.
    pub replace_after: Duration,
    /// Bounds that protect this member from its clients.
    pub limits: Limits,
}

impl Config {
    pub(crate) fn driver_settings(&self) -> Settings {
        let ticks =
            |duration: Duration| u64::try_from(duration.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        let limits = replica::Limits::default();
        Settings {
            answer_within_ticks: ticks(self.answer_within).max(1),
            silent_rounds_max: ticks(self.replace_after).div_ceil(limits.round_ticks),
            limits,
        }
    }
}

/// Bounds that protect a member from its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections served at a time; one more is refused by closing it.
    pub connections_max: usize,
    /// WAITs, WATCHes and reads of future revisions outstanding over all connections; one more is answered OVERLOADED.
    pub waits_max: usize,
    /// Writes of one connection that are not answered yet; while there are so many the connection is not read.
    pub writes_in_flight_max: usize,
    /// Linearizable reads of one connection that wait for an answer; likewise.
    pub reads_in_flight_max: usize,
    /// Bytes of the writes.
    pub write_bytes_in_flight_max: usize,
    /// Bytes the data directory may take; a write that needs more is refused as on a full disk. `None`: what the disk
    /// has.
    pub data_bytes_max: Option<u64>,
    /// Length of a segment file of the log in bytes: what is made ready at a time.
    pub log_segment_bytes: u64,
    /// Bytes of the log since the last snapshot that call for the next one (or twice the size of the last snapshot,
    /// whichever is greater).
    pub snapshot_log_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 20_000,
            waits_max: 1_000_000,
            writes_in_flight_max: 4096,
            reads_in_flight_max: 4096,
            write_bytes_in_flight_max: 16 << 20,
            data_bytes_max: None,
            log_segment_bytes: 16 << 20,
            snapshot_log_bytes: 64 << 20,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: None,
            reached_at: None,
            attach: Vec::new(),
            boot: None,
            cluster_name: "local".to_owned(),
            data: Data::Memory,
            history: History::default(),
            value_bytes_max: 1 << 20,
            sessions_max: None,
            session_bytes_max: None,
            secrets: Secrets::default(),
            tls: None,
            hostname: "localhost".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            answer_within: Duration::from_secs(5),
            replace_after: Duration::from_secs(60),
            limits: Limits::default(),
        }
    }
}
