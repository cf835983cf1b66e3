//! What can go wrong, in words that name the file and say what to do.

use std::io;
use std::sync::Arc;

use doozer_paxos::{ClusterId, EntryHash, Slot};

use crate::Recovered;
use crate::block::FORMAT;

/// A call to the disk that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {action} {file}{}: {cause}", .offset.map(|o| format!(" at byte {o}")).unwrap_or_default())]
pub struct IoFailure {
    /// What was tried.
    pub action: &'static str,
    /// On which file or directory.
    pub file: String,
    /// Where in it.
    pub offset: Option<u64>,
    /// What the system says.
    pub cause: Arc<io::Error>,
}

impl IoFailure {
    /// Whether there was no room.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self.cause.kind(), StorageFull | QuotaExceeded)
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.cause.kind() == io::ErrorKind::NotFound
    }
}

/// The journal is closed for good: what is on the disk is no longer known. The process must stop; the next start
/// recovers. Trying again is never right: a sync that succeeds after one that failed proves nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}; the journal is closed: stop this member, look at the disk, then start it again")]
pub struct Fatal(#[from] pub IoFailure);

/// Why there was no room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Full {
    /// The disk has none.
    #[error(transparent)]
    Disk(#[from] IoFailure),
    /// The bound that was set has none.
    #[error("the data directory has {used} bytes of the {max} allowed, and {needed} more are needed")]
    Bound {
        /// Bytes on the disk now.
        used: u64,
        /// The bound.
        max: u64,
        /// Bytes of the next segment.
        needed: u64,
    },
}

/// Why a record was not appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// No room. Nothing of the record counts, now or after a crash, and a later append may succeed.
    #[error("no room for the log: {0}")]
    Full(#[from] Full),
    /// The journal is closed for good.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Something acknowledged that cannot be read as it was written. Nothing was changed on the disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file} is damaged at byte {offset}: {what}{}. Nothing was changed. Restore this data directory from a copy, \
     or take it away and let the member join anew",
    self.shown_slots()
)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// The number of the record there, if it is one.
    pub record: Option<u64>,
    /// First and last slot of the record, if a header still tells.
    pub slots: Option<(Slot, Slot)>,
    /// The hash of the record's last entry, if a header or the mark still tells.
    pub hash: Option<EntryHash>,
    /// What is wrong.
    pub what: String,
}

impl Damage {
    fn shown_slots(&self) -> String {
        match (self.record, self.slots) {
            (_, Some((from, last))) => format!(" (slots {from} to {last})"),
            (Some(record), None) => format!(" (record {record})"),
            (None, None) => String::new(),
        }
    }
}

/// A directory whose log or snapshot is damaged, of a member that nobody else can help: who it is and what is intact
/// before the damage. There is no journal with it, so nothing can be written.
#[derive(Debug)]
pub struct Damaged {
    /// What is wrong, and where.
    pub damage: Damage,
    /// The identity, and everything intact before the damage.
    pub recovered: Recovered,
}

/// Why a data directory cannot be opened or created. Nothing was changed in it, except by an [`OpenError::Io`] in the
/// middle of repairs, which the next start takes up again.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// Another process uses it.
    #[error("{path} is in use: {holder}. Stop that process, or give this one another data directory")]
    Locked {
        /// The lock's path.
        path: String,
        /// What the other process left in the lock: its id and what it is for.
        holder: String,
    },
    /// There is nothing here yet.
    #[error("{path} holds no data of a member")]
    Missing {
        /// The directory.
        path: String,
    },
    /// There is a journal here already.
    #[error("{path} holds a member's data already: open it, or use another data directory")]
    Exists {
        /// The directory.
        path: String,
    },
    /// The directory is used for something else.
    #[error(
        "{path} is not a data directory of doozerd: it has {found:?} but no SUPER. Use an empty directory"
    )]
    NotOurs {
        /// The directory.
        path: String,
        /// One of the names in it.
        found: String,
    },
    /// Written by a later version.
    #[error(
        "{file} was written by a newer doozerd: format {found}, this one reads up to {FORMAT}; nothing was touched"
    )]
    Newer {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
    },
    /// Who this member is, and what it promised, can no longer be read.
    #[error(
        "the identity of this member is lost: {file} {what}. Restore it from a copy, or keep these files aside and \
         let the member join anew with an empty data directory"
    )]
    IdentityLost {
        /// The superblock.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file of another cluster.
    #[error(
        "{file} belongs to cluster {found}, but this is a directory of cluster {ours}: take that file away"
    )]
    Foreign {
        /// The file.
        file: String,
        /// The cluster it names.
        found: ClusterId,
        /// The cluster of the superblock.
        ours: ClusterId,
    },
    /// Something acknowledged is damaged.
    #[error("{}", .0.damage)]
    Damaged(Box<Damaged>),
}

/// Why a snapshot cannot be written or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SnapshotError {
    /// The disk failed or is full. The journal itself is not affected.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// It is not as it was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// Written by a later version.
    #[error(
        "{file} was written by a newer doozerd: format {found}, this one reads up to {FORMAT}; nothing was touched"
    )]
    Newer {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
    },
    /// Of another cluster.
    #[error(
        "{file} belongs to cluster {found}, but this is a directory of cluster {ours}: take that file away"
    )]
    Foreign {
        /// The file.
        file: String,
        /// The cluster it names.
        found: ClusterId,
        /// The cluster of the superblock.
        ours: ClusterId,
    },
}

impl From<SnapshotError> for OpenErrorOrDamage {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Io(failure) => OpenErrorOrDamage::Open(failure.into()),
            SnapshotError::Damaged(damage) => OpenErrorOrDamage::Damage(damage),
            SnapshotError::Newer { file, found } => OpenErrorOrDamage::Open(OpenError::Newer { file, found }),
            SnapshotError::Foreign { file, found, ours } => {
                OpenErrorOrDamage::Open(OpenError::Foreign { file, found, ours })
            }
        }
    }
}

/// Inside recovery: damage may be survivable, or is reported together with what is intact; the rest ends it.
#[derive(Debug)]
pub(crate) enum OpenErrorOrDamage {
    Open(OpenError),
    Damage(Damage),
}

impl<E: Into<OpenError>> From<E> for OpenErrorOrDamage {
    fn from(error: E) -> Self {
        OpenErrorOrDamage::Open(error.into())
    }
}

impl From<Damage> for OpenErrorOrDamage {
    fn from(damage: Damage) -> Self {
        OpenErrorOrDamage::Damage(damage)
    }
}
