//! Writing a snapshot: under a temporary name, synced, renamed, the directory synced.

use doozer_paxos::ClusterId;

use super::{PAYLOAD, SnapshotHead, SnapshotMeta, VOTERS_MAX, block_crc, trailer_offset};
use crate::block::SECTOR;
use crate::disk::Disk;
use crate::error::{IoFailure, SnapshotError};
use crate::file::{DiskExt, Named};
use crate::names;

/// Writes one snapshot. It needs no journal, so another thread may write it while appends go on. Dropped before
/// [`SnapshotWriter::finish`], it removes what it wrote.
#[derive(Debug)]
pub struct SnapshotWriter<D: Disk> {
    disk: D,
    cluster: ClusterId,
    head: SnapshotHead,
    file: Named<D::File>,
    block: Vec<u8>,
    body_bytes: u64,
    hasher: blake3::Hasher,
    is_finished: bool,
}

impl<D: Disk> SnapshotWriter<D> {
    pub(crate) fn create(disk: D, cluster: ClusterId, head: SnapshotHead) -> Result<Self, SnapshotError> {
        assert!(head.config.voters.len() <= VOTERS_MAX, "{} voters", head.config.voters.len());
        let file = disk.open_named(&names::snapshot_new(head.slot), true)?;
        file.set_size(0)?;
        Ok(SnapshotWriter {
            disk,
            cluster,
            head,
            file,
            block: Vec::with_capacity(PAYLOAD + 4),
            body_bytes: 0,
            hasher: blake3::Hasher::new(),
            is_finished: false,
        })
    }

    /// Appends to the body. Blocks while a full block is written.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), SnapshotError> {
        self.hasher.update(bytes);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PAYLOAD - self.block.len()));
            self.block.extend_from_slice(now);
            if self.block.len() == PAYLOAD {
                self.write_block()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Makes the snapshot durable under its name. Blocks until it is. Then give what it returns to
    /// `Journal::snapshot_committed`.
    pub fn finish(mut self) -> Result<SnapshotMeta, SnapshotError> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        let meta = SnapshotMeta::new(self.head.clone(), self.body_bytes);
        self.file.write(&meta.encode_end(&self.hasher.finalize()), trailer_offset(self.body_bytes))?;
        self.file.write(&meta.encode(self.cluster), 0)?;
        self.file.sync()?;
        self.disk.rename_named(&names::snapshot_new(meta.head.slot), &names::snapshot(meta.head.slot))?;
        self.is_finished = true;
        self.disk.sync_named(names::SNAP)?;
        Ok(meta)
    }

    fn write_block(&mut self) -> Result<(), IoFailure> {
        let index = self.body_bytes / PAYLOAD as u64;
        let at = SECTOR + index * (PAYLOAD as u64 + 4);
        let crc = block_crc(index, &self.block);
        self.body_bytes += self.block.len() as u64;
        self.block.extend_from_slice(&crc.to_le_bytes());
        self.file.write(&self.block, at)?;
        self.block.clear();
        Ok(())
    }
}

impl<D: Disk> Drop for SnapshotWriter<D> {
    fn drop(&mut self) {
        if !self.is_finished {
            // If this fails too, the next start removes it.
            let _ = self.disk.remove(&names::snapshot_new(self.head.slot));
        }
    }
}
