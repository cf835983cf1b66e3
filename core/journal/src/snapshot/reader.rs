//! Reading a snapshot: every block is checked before it is given out, the whole at the end.

use bytes::Bytes;
use doozer_paxos::{ClusterId, EntryHash, Slot};

use super::{END, PAYLOAD, SnapshotMeta, block_crc, trailer_offset};
use crate::block::{self, BLOCK, BadBlock, SECTOR};
use crate::disk::Disk;
use crate::error::{Damage, SnapshotError};
use crate::file::{DiskExt, Named};
use crate::names;

/// Streams the body of one snapshot. It needs no journal and may be used from another thread; the file stays
/// readable while it is open, even if a newer snapshot takes its place.
#[derive(Debug)]
pub struct SnapshotReader<D: Disk> {
    file: Named<D::File>,
    meta: SnapshotMeta,
    read: u64,
    hasher: blake3::Hasher,
    is_checked: bool,
}

impl<D: Disk> SnapshotReader<D> {
    /// Opens the snapshot at `slot` and checks its header and its length.
    pub fn open(disk: &D, cluster: ClusterId, slot: Slot) -> Result<Self, SnapshotError> {
        let file = disk.open_named(&names::snapshot(slot), false)?;
        let size = file.size()?;
        let head = file.read_padded(0, SECTOR as usize, size)?;
        let meta = match SnapshotMeta::decode(&head) {
            Err(BadBlock::Newer(found)) => {
                return Err(SnapshotError::Newer { file: file.path().to_owned(), found });
            }
            Err(BadBlock::Unreadable) => return Err(damage(&file, 0, slot, "its header is unreadable")),
            Ok((found, _)) if found != cluster => {
                return Err(SnapshotError::Foreign { file: file.path().to_owned(), found, ours: cluster });
            }
            Ok((_, meta)) if meta.head.slot != slot => {
                return Err(damage(
                    &file,
                    0,
                    slot,
                    &format!("it is the snapshot of slot {}", meta.head.slot),
                ));
            }
            Ok((_, meta)) => meta,
        };
        if size != meta.file_bytes {
            let what = format!("it has {size} bytes instead of {}", meta.file_bytes);
            return Err(damage(&file, size.min(meta.file_bytes), slot, &what));
        }
        Ok(SnapshotReader { file, meta, read: 0, hasher: blake3::Hasher::new(), is_checked: false })
    }

    /// What the snapshot is of.
    pub fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    /// The next part of the body, or `None` once all of it was read and the whole is as it was written. Blocks.
    /// Nothing that was read is to be relied on before `None`: a block is checked by itself, but that the blocks
    /// belong together only at the end.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        let left = self.meta.body_bytes - self.read;
        if left == 0 {
            return if self.is_checked { Ok(None) } else { self.check_end().map(|()| None) };
        }
        let len = left.min(PAYLOAD as u64) as usize;
        let index = self.read / PAYLOAD as u64;
        let at = SECTOR + index * (PAYLOAD as u64 + 4);
        let mut block = vec![0; len + 4];
        self.file.read(&mut block, at)?;
        let crc = block.split_off(len);
        if crc != block_crc(index, &block).to_le_bytes() {
            return Err(damage(
                &self.file,
                at,
                self.meta.head.slot,
                &format!("block {index} fails its checksum"),
            ));
        }
        self.hasher.update(&block);
        self.read += len as u64;
        Ok(Some(Bytes::from(block)))
    }

    /// Reads and checks everything that is left.
    pub(crate) fn verify(mut self) -> Result<SnapshotMeta, SnapshotError> {
        while self.next_chunk()?.is_some() {}
        Ok(self.meta)
    }

    fn check_end(&mut self) -> Result<(), SnapshotError> {
        let at = trailer_offset(self.meta.body_bytes);
        let mut bytes = [0; BLOCK];
        self.file.read(&mut bytes, at)?;
        let expected = (
            self.meta.head.slot,
            self.meta.head.hash,
            self.meta.body_bytes,
            *self.hasher.finalize().as_bytes(),
        );
        match decode_end(&bytes) {
            Ok(found) if found == expected => {
                self.is_checked = true;
                Ok(())
            }
            Ok(_) => {
                Err(damage(&self.file, at, self.meta.head.slot, "its body is not the one its trailer names"))
            }
            Err(BadBlock::Newer(found)) => {
                Err(SnapshotError::Newer { file: self.file.path().to_owned(), found })
            }
            Err(BadBlock::Unreadable) => {
                Err(damage(&self.file, at, self.meta.head.slot, "its trailer is unreadable"))
            }
        }
    }
}

fn decode_end(bytes: &[u8]) -> Result<(Slot, EntryHash, u64, [u8; 32]), BadBlock> {
    let mut r = block::open(bytes, END)?;
    r.u32()?;
    Ok((Slot(r.u64()?), EntryHash(r.array()?), r.u64()?, r.array()?))
}

fn damage<F: crate::DiskFile>(file: &Named<F>, offset: u64, slot: Slot, what: &str) -> SnapshotError {
    Damage {
        file: file.path().to_owned(),
        offset,
        record: None,
        slots: None,
        hash: None,
        what: format!("{what} (snapshot of slot {slot})"),
    }
    .into()
}
