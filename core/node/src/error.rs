//! Why a member could not start, or had to stop.

use std::io;
use std::path::PathBuf;

use doozer_journal::OpenError;
pub use doozer_member::keeper::Failure;
use doozer_member::recovery::RecoveryError;
use doozer_wire::{Address, UriError};

/// Why a member could not start. Each message is one line that names the thing and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listen address cannot be used.
    #[error("cannot listen on {address}: {source}; {}", listen_advice(.source))]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The cluster's name is no path component.
    #[error("{0:?} cannot be a cluster's name: use letters, digits and . - _ : @ = + ~")]
    ClusterName(String),
    /// The largest value is outside what the store allows.
    #[error("the largest value cannot be {0} bytes: choose 1 to {1}")]
    ValueBytesMax(u64, u64),
    /// A setting of the cluster's is outside what the store allows.
    #[error("{} cannot be {told} {}: choose {} to {}", .setting.path, .setting.unit, .setting.min, .setting.max)]
    Setting {
        /// Which.
        setting: &'static doozer_store::Setting,
        /// What it was to be.
        told: u64,
    },
    /// Nobody can reach a member that is to be one of several.
    #[error("to be one of several members it must listen: give it an address with -l")]
    NoListen,
    /// The boot cluster's URI does not say where it is.
    #[error(
        "the boot cluster's URI holds no address: give it as doozer:?ca=HOST:PORT&sk=SECRET, or HOST:PORT,HOST:PORT"
    )]
    BootNowhere,
    /// Members on other machines would be told an address at which they reach themselves.
    #[error(
        "{0} is an address within this machine, and the boot cluster is elsewhere: give one at which others reach this \
         member with -l, or with --advertise"
    )]
    BootLoopback(Address),
    /// There is no talking to the boot cluster.
    #[error("the boot cluster: {}", .0.detail())]
    Boot(doozer_client::Error),
    /// Members would be told an address of which they can make nothing.
    #[error(
        "{address} cannot be told to other members: {source}; listen on an address of this machine with -l"
    )]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        source: UriError,
    },
    /// The data directory cannot be opened.
    #[error("data directory {}: {source}{}", path.display(), data_advice(.source))]
    Data {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        source: RecoveryError,
    },
    /// Who lost its identity had others, and nobody is named who could have what it had.
    #[error(
        "data directory {}: it has what is left of a member that lost who it was (lost-…): give the addresses of its cluster \
         with -a, or use an empty directory", .0.display()
    )]
    LostIdentity(PathBuf),
    /// The member failed before it was up.
    #[error(transparent)]
    Failed(Failure),
    /// A certificate or key cannot be used.
    #[error("TLS: {}: {problem}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system refused something every program needs.
    #[error("the system refused {what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn listen_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "is another doozerd running there? choose another address with -l",
        io::ErrorKind::PermissionDenied => "choose a port above 1023 with -l",
        _ => "choose an address of this machine with -l",
    }
}

fn data_advice(error: &RecoveryError) -> &'static str {
    match error {
        RecoveryError::Journal(OpenError::Io(_)) => {
            "; it must be a directory that this user can read and write, on a sound disk"
        }
        _ => "",
    }
}
