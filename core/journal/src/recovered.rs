//! What opening a data directory finds.

use std::fmt;

use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, ClusterId, Entry, EntryHash, Incarnation, Slot};

use crate::{Damage, RecordNumber, SnapshotMeta};

/// What a member was before it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its cluster.
    pub cluster: ClusterId,
    /// Who it is.
    pub incarnation: Incarnation,
    /// How often this directory was opened, this time included (if it was not refused); durable.
    pub boot: u64,
    /// The greatest ballot it promised or accepted under.
    pub promised: Ballot,
    /// The ballot under which its log was last accepted.
    pub acc_ballot: Ballot,
    /// The configuration that its last append named, or its snapshot's if that is later.
    pub epoch: u64,
    /// The snapshot to start from.
    pub snapshot: Option<SnapshotMeta>,
    /// All entries after the snapshot.
    pub entries: Vec<Entry>,
    /// The last slot of the log: of the last entry, else of the snapshot.
    pub last: Slot,
    /// Its hash.
    pub last_hash: EntryHash,
    /// What was cut from the end because it was never acknowledged. Worth a line in the log.
    pub torn: Option<Torn>,
    /// An end of the log that may have been acknowledged and cannot be read: cut by this start, or by an earlier one and
    /// not made good since (see `Journal::sound`). The log is what stood before it: no proof of what this member had,
    /// so it must not vote. With several ends, the greatest.
    pub suspect: Option<Suspect>,
    /// What was found amiss and put right, or cut as suspect, a line each.
    pub repaired: Vec<String>,
    /// The log or the snapshot was damaged, and others have what was lost: it was put aside, and the log begins anew.
    pub anew: Option<Anew>,
}

/// A damaged log that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// What is wrong, and where it was.
    pub damage: Damage,
    /// The directory that its files are in now.
    pub kept_in: String,
}

/// The end of a log that was being written when the member stopped. Nothing of it was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: String,
    /// Where the cut is.
    pub offset: u64,
    /// The first record that was cut.
    pub record: RecordNumber,
    /// Its first and last slot, if a header of it was there.
    pub slots: Option<(Slot, Slot)>,
    /// How many records behind it went with it.
    pub later: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Torn { file, offset, record, later, why, .. } = self;
        write!(f, "{file} was cut at byte {offset}: record {record} was never finished ({why})")?;
        match later {
            0 => Ok(()),
            later => write!(f, ", nor were {later} after it"),
        }
    }
}
