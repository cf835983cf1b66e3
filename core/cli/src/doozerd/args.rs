//! The command line of doozerd.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Parser, ValueEnum};
use doozer_wire::{Address, DEFAULT_PORT, UriError};

use super::size::Size;

const EXAMPLES: &str = "\
Examples:
  doozerd             a durable member at 127.0.0.1:8046, with its data in
                      ./local-8046.doozer
  doozerd --memory    one that forgets everything when it stops
  doozerd -l 10.0.0.5:8046 -c prod --data-dir /var/lib/doozer
  doozerd -l 10.0.0.5:8046 -a 10.0.0.5:8046 -a 10.0.0.6:8046 -a 10.0.0.7:8046
                      one of three that found a cluster together
  doozerd -l 10.0.0.5:8046 -c prod -b 10.0.1.1:8046,10.0.1.2:8046
                      the same without knowing the others' addresses, which
                      another cluster keeps
  doozerd --tls-cert member.pem --tls-key member.key --tls-ca clients.pem
  doozerd recover --data-dir DIR --to NEW
                      a new cluster from the last one of a lost majority

Environment:
  DOOZER_RWSECRET     the secret that writing needs
  DOOZER_ROSECRET     if set, reading needs one of the two
  DOOZER_RWSECRET_FILE, DOOZER_ROSECRET_FILE
                      files to take them from
  DOOZER_BOOT_URI     the boot cluster, if -b does not say it
  DOOZER_LOG, RUST_LOG
                      what to log if --log-level does not say it, such as
                      info or doozer_node=debug

It serves once its one line stands on standard error, and stops at SIGTERM or
SIGINT; a second one ends it at once.

Exit status:
  0 after a stop, 1 if its disk failed while it ran, 2 if it could not start,
  128 and the signal's number if a second signal ended it";

const RECOVER: &str = "\
Stop every member that is left first: the old cluster must never go on beside
the new one. Show what each of them has, and take the one with the greatest
ballot; of those with the same ballot, the one with the last slot.

  doozerd recover --data-dir /var/lib/doozer
  doozerd recover --data-dir /var/lib/doozer --to /var/lib/doozer-2
  doozerd -l 10.0.0.5:8046 --data-dir /var/lib/doozer-2

The new cluster has the same files, and all of the survivor's log, decided or
not. Its revision is 2^32 further on, and older ones cannot be read there.
Start the other members with empty data directories and -a: they join, and take
the places that are open.";

/// The cluster's name if none is given.
pub(super) const DEFAULT_CLUSTER: &str = "local";

/// A Doozer member: keeps a small tree of files, consistent and durable, and tells whoever waits what changed.
#[derive(Debug, Parser)]
#[command(name = "doozerd", version, disable_version_flag = true, after_help = EXAMPLES)]
pub(super) struct Args {
    /// The address to serve clients on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:8046")]
    pub listen: Listen,

    /// Where clients and other members reach it, if that is not where it listens: behind a proxy, or a translation of addresses
    #[arg(long, value_name = "ADDR")]
    pub advertise: Option<Address>,

    /// A member of the cluster to join; may be given several times. Members that are started with the same list, each one's
    /// own address included, found a cluster together if none of them has one
    #[arg(short, long, value_name = "ADDR")]
    pub attach: Vec<Address>,

    /// Another cluster, which keeps the addresses of this cluster's members under its name. Members that are started with
    /// it find each other there; the first of them founds the cluster. An empty one is none
    #[arg(short, long, value_name = "URI")]
    pub boot: Option<String>,

    /// Speak TLS with the boot cluster, whose certificate one of these signed (PEM) [default: those of --tls-ca]
    #[arg(long, value_name = "FILE")]
    pub boot_tls_ca: Option<PathBuf>,

    /// How many are to vote in a cluster that is founded by way of a boot cluster; further members stand by
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    pub voters: u8,

    /// The cluster's name, taken when the cluster is born, and looked for in a boot cluster
    #[arg(short, long, value_name = "NAME", default_value = DEFAULT_CLUSTER)]
    pub cluster: String,

    /// The address of the web view, which this version does not have; `false` for none
    #[arg(short, long, value_name = "ADDR")]
    pub web: Option<String>,

    /// The data directory, made if it is not there [default: ./NAME-PORT.doozer]
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    pub data_dir: Option<PathBuf>,

    /// Keep nothing on disk
    #[arg(long)]
    pub memory: bool,

    /// Revisions of history to keep
    #[arg(long, value_name = "N", default_value_t = 360_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub history: u64,

    /// Bytes of history to keep, such as 64MiB
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub history_bytes: Size,

    /// The largest value a file may have, taken when the cluster is born
    #[arg(long, value_name = "SIZE", default_value = "1MiB")]
    pub max_value: Size,

    /// How many sessions there may be, taken when the cluster is born [default: 65536]
    #[arg(long, value_name = "N")]
    pub max_sessions: Option<u64>,

    /// The memory that all sessions may take together, taken when the cluster is born [default: 256MiB]
    #[arg(long, value_name = "SIZE")]
    pub max_session_bytes: Option<Size>,

    /// Serve clients over TLS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Demand client certificates signed by one of these (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_ca: Option<PathBuf>,

    /// Seconds within which a write and a read are answered, with an error if this member hears of no majority
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub answer_within: u64,

    /// Seconds of silence after which a voter is replaced by a stand-by; 0: never
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,

    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// How much to log [default: warn]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,

    /// Print the version
    #[arg(short, long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Shows what the data directory of a survivor has when a majority of the members is lost for good, and makes a new cluster of
/// it.
#[derive(Debug, Parser)]
#[command(name = "doozerd recover", bin_name = "doozerd recover", after_help = RECOVER)]
pub(super) struct RecoverArgs {
    /// The survivor's data directory; nothing in it is changed
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,

    /// The data directory to make; without it, what the survivor has is shown and nothing is done
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// An address to listen on: as a client's, and the port may be 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listen(Address);

impl Listen {
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

impl FromStr for Listen {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Listen, UriError> {
        // A client's address cannot have that port.
        if let Some(host) = text.strip_suffix(":0")
            && let Ok(address) = format!("{host}:{DEFAULT_PORT}").parse::<Address>()
        {
            return Ok(Listen(Address { port: 0, ..address }));
        }
        text.parse().map(Listen)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
        RecoverArgs::command().debug_assert();
    }

    #[test]
    fn listen_addresses() {
        let cases = [
            ("127.0.0.1:8046", "127.0.0.1:8046"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("localhost", "localhost:8046"),
            ("[::1]", "[::1]:8046"),
            ("[::1]:0", "[::1]:0"),
        ];
        for (text, shown) in cases {
            assert_eq!(
                text.parse::<Listen>().map(|listen| listen.to_string()),
                Ok(shown.to_owned()),
                "{text}"
            );
        }
        for text in ["", ":0", ":8046", "::1", "::1:0", "a:b", "a:65536", "a b:1"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }
}
