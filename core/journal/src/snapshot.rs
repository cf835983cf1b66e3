//! Snapshot files: the state up to one slot, as opaque bytes, checked block by block and as a whole.
//! Never here: what the bytes mean, and when the log may be cut (see `Journal::snapshot_committed`).

mod reader;
mod writer;

use doozer_paxos::{ClusterId, Config, EntryHash, Incarnation, Slot};

pub use reader::SnapshotReader;
pub use writer::SnapshotWriter;

use crate::block::{self, BLOCK, BadBlock, COUNT_MAX, Draft, Magic, SECTOR};

const MAGIC: Magic = *b"DZSNAP\0\0";
const END: Magic = *b"DZSNAPZ\0";

/// Body bytes in a block; with its CRC32C a full one is 64 KiB.
pub(crate) const PAYLOAD: usize = (64 << 10) - 4;

/// More voters than this do not fit the header.
pub const VOTERS_MAX: usize = 200;

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The last slot applied in it.
    pub slot: Slot,
    /// The hash of that slot's entry.
    pub hash: EntryHash,
    /// The wall time of that slot, milliseconds since 1970.
    pub wall_ms: u64,
    /// The configuration in force after that slot.
    pub config: Config,
}

/// A snapshot that is complete and durable. Made only by [`SnapshotWriter::finish`] and by opening a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotMeta {
    /// What it is of.
    pub head: SnapshotHead,
    /// Bytes of the state in it.
    pub body_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

impl SnapshotMeta {
    fn new(head: SnapshotHead, body_bytes: u64) -> Self {
        SnapshotMeta { head, body_bytes, file_bytes: trailer_offset(body_bytes) + BLOCK as u64 }
    }

    fn encode(&self, cluster: ClusterId) -> Vec<u8> {
        let SnapshotHead { slot, hash, wall_ms, config } = &self.head;
        let mut draft = Draft::new(MAGIC);
        draft.u32(config.voters.len() as u32).bytes(&cluster.0).u64(slot.0).bytes(&hash.0).u64(*wall_ms);
        draft.u64(self.body_bytes).u64(config.epoch);
        config.voters.iter().for_each(|voter| _ = draft.bytes(&voter.0));
        draft.seal(SECTOR as usize)
    }

    fn decode(bytes: &[u8]) -> Result<(ClusterId, SnapshotMeta), BadBlock> {
        let mut r = block::open(bytes, MAGIC)?;
        let count = r.u32()?;
        let cluster = ClusterId(r.array()?);
        let (slot, hash, wall_ms) = (Slot(r.u64()?), EntryHash(r.array()?), r.u64()?);
        let (body_bytes, epoch) = (r.u64()?, r.u64()?);
        if count as usize > VOTERS_MAX || body_bytes > COUNT_MAX || slot.0 > COUNT_MAX {
            return Err(BadBlock::Unreadable);
        }
        let voters = (0..count).map(|_| r.array().map(Incarnation)).collect::<Result<_, _>>()?;
        let head = SnapshotHead { slot, hash, wall_ms, config: Config { epoch, voters } };
        Ok((cluster, SnapshotMeta::new(head, body_bytes)))
    }

    fn encode_end(&self, digest: &blake3::Hash) -> Vec<u8> {
        let mut draft = Draft::new(END);
        draft
            .u32(0)
            .u64(self.head.slot.0)
            .bytes(&self.head.hash.0)
            .u64(self.body_bytes)
            .bytes(digest.as_bytes());
        draft.seal(BLOCK)
    }
}

fn trailer_offset(body_bytes: u64) -> u64 {
    SECTOR + body_bytes + 4 * body_bytes.div_ceil(PAYLOAD as u64)
}

/// The checksum of a block covers its index, so that a block in the wrong place is noticed.
fn block_crc(index: u64, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&index.to_le_bytes()), payload)
}
