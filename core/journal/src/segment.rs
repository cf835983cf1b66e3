//! The header of a segment: one sector of its own, holding two copies.
//!
//! The tag is a hash of everything in the header. Every record repeats it, so that what is left in a reused file, or
//! what a client put into a value to look like a record, is not taken for one: the tag covers the hash of the whole
//! log at the moment the segment was begun, which nobody knew when those bytes were written.

use doozer_paxos::{EntryHash, Slot};

use crate::RecordNumber;
use crate::block::{self, BLOCK, BadBlock, COUNT_MAX, Draft, Magic, SECTOR};
use crate::mark::Owner;
use crate::record::Place;

const MAGIC: Magic = *b"DZSEGMT\0";

/// Offsets of the copies in the first sector.
pub(crate) const COPIES: [u64; 2] = [0, SECTOR - BLOCK as u64];

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) owner: Owner,
    pub(crate) number: u64,
    /// Length of the file.
    pub(crate) len: u64,
    /// The number of the first record that can stand here: all before are synced.
    pub(crate) first_record: RecordNumber,
    /// The end of the log when the segment was begun.
    pub(crate) before: Slot,
    pub(crate) chain: EntryHash,
}

impl Header {
    fn fields(&self) -> Draft {
        let mut draft = Draft::new(MAGIC);
        draft.u32(0).bytes(&self.owner.cluster.0).bytes(&self.owner.incarnation.0);
        draft.u64(self.number).u64(self.len).u64(self.first_record.0).u64(self.before.0).bytes(&self.chain.0);
        draft
    }

    /// The first eight bytes of the BLAKE3 hash of the header up to the tag.
    pub(crate) fn tag(&self) -> u64 {
        let hash = blake3::hash(&self.fields().0);
        let mut tag = [0; 8];
        tag.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(tag)
    }

    /// The whole first sector.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut draft = self.fields();
        draft.u64(self.tag());
        let block = draft.seal(BLOCK);
        let mut sector = vec![0; SECTOR as usize];
        for copy in COPIES {
            sector[copy as usize..][..BLOCK].copy_from_slice(&block);
        }
        sector
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Header, BadBlock> {
        let mut r = block::open(bytes, MAGIC)?;
        r.u32()?;
        let owner = Owner {
            cluster: doozer_paxos::ClusterId(r.array()?),
            incarnation: doozer_paxos::Incarnation(r.array()?),
        };
        let (number, len) = (r.u64()?, r.u64()?);
        let header = Header {
            owner,
            number,
            len,
            first_record: RecordNumber(r.u64()?),
            before: Slot(r.u64()?),
            chain: EntryHash(r.array()?),
        };
        let is_sound =
            len < COUNT_MAX && header.number < COUNT_MAX && (1..COUNT_MAX).contains(&header.first_record.0);
        if r.u64()? != header.tag() || !is_sound {
            return Err(BadBlock::Unreadable);
        }
        Ok(header)
    }

    pub(crate) fn place(&self) -> Place {
        Place { cluster: self.owner.cluster, segment: self.number, tag: self.tag() }
    }
}

#[cfg(test)]
mod tests {
    use doozer_paxos::{ClusterId, Incarnation};

    use super::*;

    #[test]
    fn either_copy_tells_all() {
        let header = Header {
            owner: Owner { cluster: ClusterId([1; 16]), incarnation: Incarnation([2; 16]) },
            number: 3,
            len: 65536,
            first_record: RecordNumber(4),
            before: Slot(5),
            chain: EntryHash([6; 32]),
        };
        let sector = header.encode();
        assert_eq!(sector.len(), 4096);
        for copy in COPIES {
            assert_eq!(Header::decode(&sector[copy as usize..][..BLOCK]), Ok(header));
        }
        assert_ne!(header.tag(), Header { chain: EntryHash([7; 32]), ..header }.tag());
    }
}
