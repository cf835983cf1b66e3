//! A new cluster from what one survivor of another has, when a majority of that one is lost for good: nothing of the old
//! directory is changed, and a new one is made.
//! (The log's undecided end counts as well: some of it may have been acknowledged, and nobody is left who could tell.)

use doozer_journal::{Birth, Damage, Disk, Journal, OpenError, Options, SnapshotHead, SnapshotMeta};
use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, ClusterId, EntryHash, Incarnation, Slot};
use doozer_store::Revision;

use crate::machine::{Applied, Machine};
use crate::recovery::{self, RecoveryError, Role};

/// What a survivor has.
#[derive(Debug)]
pub struct Survivor {
    /// The cluster it is of.
    pub cluster: ClusterId,
    /// Who it is.
    pub id: Incarnation,
    /// The ballot under which its log was last accepted. Of several survivors, the one with the greatest has what was
    /// acknowledged; of those with the same ballot, the one with the last slot.
    pub acc_ballot: Ballot,
    /// The last slot of its log that can be read.
    pub last: Slot,
    /// The revision that all of it comes to.
    pub revision: Revision,
    /// An end that it had and lost.
    pub lacks: Option<Suspect>,
    /// What is wrong with its files: everything behind that is lost.
    pub damage: Option<Damage>,
    machine: Machine,
    hash: EntryHash,
    wall_ms: u64,
}

/// Why there is nothing to found a cluster from, or it cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RefoundError {
    /// The old directory cannot be read.
    #[error(transparent)]
    Old(#[from] RecoveryError),
    /// Nothing in it is left to read.
    #[error("{path}: nothing of its state can be read{}", .damage.as_ref().map(|damage| format!(": {} is damaged at byte {}: {}", damage.file, damage.offset, damage.what)).unwrap_or_default())]
    Nothing {
        /// The directory.
        path: String,
        /// What is wrong with it.
        damage: Option<Damage>,
    },
    /// The new directory cannot be made.
    #[error(transparent)]
    New(#[from] OpenError),
    /// The state cannot be written into it.
    #[error(transparent)]
    Write(#[from] doozer_journal::SnapshotError),
    /// Its log cannot go on behind the state.
    #[error(transparent)]
    Append(#[from] doozer_journal::AppendError),
    /// The disk failed.
    #[error(transparent)]
    Fatal(#[from] doozer_journal::Fatal),
}

impl Survivor {
    /// Reads a directory that no process uses: the whole readable log, decided or not. Blocks on the disk.
    ///
    /// # Errors
    /// [`RefoundError`]; nothing was changed.
    pub fn read<D: Disk>(disk: &D, options: doozer_store::Options) -> Result<Survivor, RefoundError> {
        let (recovered, damage) = Journal::read(disk).map_err(RecoveryError::from)?;
        if recovered.last == Slot(0) {
            return Err(RefoundError::Nothing { path: disk.path(""), damage });
        }
        let (mut machine, position, _) = recovery::state(disk, &recovered, Role::Joiner, options)?;
        let mut applied = Applied::default();
        recovered.entries.iter().for_each(|entry| machine.apply(entry, &mut applied));
        Ok(Survivor {
            cluster: recovered.cluster,
            id: recovered.incarnation,
            acc_ballot: recovered.acc_ballot,
            last: recovered.last,
            revision: machine.store().revision(),
            lacks: recovered.suspect,
            damage,
            machine,
            hash: recovered.last_hash,
            wall_ms: recovered.entries.last().map_or(position.wall_ms, |entry| entry.wall_ms),
        })
    }

    /// Makes the data directory of the founder and only voter of a new cluster; returns the revision that it begins at. Blocks
    /// on the disk.
    ///
    /// # Errors
    /// [`RefoundError`]: there is a member's data already, or the disk failed. What was made until then is no whole directory,
    /// and is to be taken away.
    pub fn found<D: Disk>(
        &self,
        disk: &D,
        birth: Birth,
        options: Options,
        store_options: doozer_store::Options,
    ) -> Result<Revision, RefoundError> {
        let mut machine = self.machine.refounded(birth.incarnation, store_options);
        let (mut journal, _) = Journal::create(disk.clone(), birth, options)?;
        let head = SnapshotHead {
            slot: self.last,
            hash: self.hash,
            wall_ms: self.wall_ms,
            config: machine.config().clone(),
        };
        let meta = write_snapshot(&journal, head, &mut machine)?;
        journal.snapshot_committed(&meta)?;
        journal.sync_mark()?;
        Ok(machine.store().revision())
    }
}

fn write_snapshot<D: Disk>(
    journal: &Journal<D>,
    head: SnapshotHead,
    machine: &mut Machine,
) -> Result<SnapshotMeta, RefoundError> {
    let mut writer = journal.snapshot_writer(head)?;
    let mut snapshot = machine.begin_snapshot();
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        let is_more = snapshot.next_chunk(machine, &mut chunk);
        let written = writer.write(&chunk);
        if written.is_err() || !is_more {
            machine.end_snapshot(snapshot);
            written?;
            return Ok(writer.finish()?);
        }
    }
}
