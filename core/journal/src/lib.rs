//! The durable log and snapshots of a Doozer member, over a [`Disk`].
//! Never here: what an entry or a snapshot means, when to sync, threads, clocks.
//!
//! [`Journal`] is the log: append, sync, promise, truncate. [`SnapshotWriter`] and [`SnapshotReader`] are its snapshots.
//! [`RealDisk`] is a directory of the system, [`SimDisk`] one in memory that loses, tears and rots on demand. The
//! bytes, and what recovery decides and why, are in `docs/journal-format.md`.
//!
//! One promise above all: what [`Journal::sync`] reported is found again by [`Journal::open`], whole and in order, or
//! `open` says that it cannot. It never answers with less, or with something else, in silence.
#![forbid(unsafe_code)]

use std::fmt;

pub mod disk;
pub mod error;
pub mod real;
pub mod sim;
pub mod snapshot;

mod aside;
mod block;
mod chain;
mod file;
mod journal;
mod log;
mod mark;
mod names;
mod record;
mod recovered;
mod replay;
mod scan;
mod segment;
mod superblock;
mod tail;

pub use block::FORMAT;
pub use disk::{Disk, DiskFile, Locked};
pub use error::{AppendError, Damage, Damaged, Fatal, Full, IoFailure, OpenError, SnapshotError};
pub use journal::{Birth, Journal, Options, Synced};
pub use real::RealDisk;
pub use recovered::{Anew, Recovered, Torn};
pub use sim::SimDisk;
pub use snapshot::{SnapshotHead, SnapshotMeta, SnapshotReader, SnapshotWriter};

/// The number of a record: dense over the life of the log, from 1 on. 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordNumber(pub u64);

impl fmt::Display for RecordNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
