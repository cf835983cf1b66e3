//! The mark: which record is the last one synced. Written after every sync and before its completion is reported,
//! without a sync of its own.
//!
//! A record's header says what was synced when it was written, so it proves everything before it; nothing in the log
//! proves the very last record. Were that one damaged, it would look like one that was never finished, and would be cut
//! though it was acknowledged. The mark closes this: a process that is killed loses nothing it has written, so the mark
//! then says exactly what may have been acknowledged. A power cut may take the newest mark back to an older one; then
//! only damage to the very last records in that same moment goes unnoticed. A copy is smaller than the smallest
//! sector, so no crash makes it unreadable.

use doozer_paxos::{ClusterId, EntryHash, Incarnation, Slot};

use crate::RecordNumber;
use crate::block::{self, BLOCK, BadBlock, COUNT_MAX, Draft, Magic, SECTOR};
use crate::disk::{Disk, DiskFile};
use crate::error::{IoFailure, OpenError};
use crate::file::{DiskExt, Named};
use crate::names;

const MAGIC: Magic = *b"DZMARK\0\0";

/// Whose mark it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) cluster: ClusterId,
    pub(crate) incarnation: Incarnation,
}

/// The last synced record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) record: RecordNumber,
    pub(crate) segment: u64,
    pub(crate) position: u64,
    /// The last slot of the log with this record, and its hash.
    pub(crate) last: Slot,
    pub(crate) last_hash: EntryHash,
}

impl Mark {
    pub(crate) const NONE: Mark =
        Mark { record: RecordNumber(0), segment: 0, position: 0, last: Slot(0), last_hash: EntryHash::NONE };

    fn encode(&self, owner: Owner, generation: u64) -> Vec<u8> {
        let mut draft = Draft::new(MAGIC);
        draft.u32(0).u64(generation).bytes(&owner.cluster.0).bytes(&owner.incarnation.0);
        draft.u64(self.record.0).u64(self.segment).u64(self.position);
        draft.u64(self.last.0).bytes(&self.last_hash.0);
        draft.seal(BLOCK)
    }

    fn decode(bytes: &[u8], owner: Owner) -> Result<(u64, Mark), BadBlock> {
        let mut reader = block::open(bytes, MAGIC)?;
        reader.u32()?;
        let generation = reader.u64()?;
        let found = Owner { cluster: ClusterId(reader.array()?), incarnation: Incarnation(reader.array()?) };
        if found != owner || generation > COUNT_MAX {
            return Err(BadBlock::Unreadable);
        }
        let record = RecordNumber(reader.u64()?);
        let (segment, position) = (reader.u64()?, reader.u64()?);
        let last = Slot(reader.u64()?);
        Ok((generation, Mark { record, segment, position, last, last_hash: EntryHash(reader.array()?) }))
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct MarkFile<F> {
    file: Named<F>,
    owner: Owner,
    generation: u64,
}

impl<F: DiskFile> MarkFile<F> {
    /// Writes over the older copy.
    pub(crate) fn write(&mut self, mark: &Mark) -> Result<(), IoFailure> {
        self.generation += 1;
        self.file.write(&mark.encode(self.owner, self.generation), self.generation % 2 * SECTOR)
    }

    pub(crate) fn sync(&self) -> Result<(), IoFailure> {
        self.file.sync()
    }
}

/// What is known of the last synced record when a directory is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// At least this one was synced; `None`: no copy is readable.
    pub(crate) mark: Option<Mark>,
    /// Both copies are readable. If not, the lost one may have named a later record; a crash never does that.
    pub(crate) is_whole: bool,
    /// The greatest generation seen.
    pub(crate) generation: u64,
}

/// The marks of a directory; changes nothing. Also what is wrong with them.
pub(crate) fn load<D: Disk>(disk: &D, owner: Owner) -> Result<(Known, Option<String>), OpenError> {
    let Some(file) = disk.find(names::MARK)? else {
        let note = format!("{} was missing", disk.path(names::MARK));
        return Ok((Known { mark: None, is_whole: false, generation: 0 }, Some(note)));
    };
    let size = file.size()?;
    let (mut newest, mut bad) = (None::<(u64, Mark)>, 0);
    for offset in [0, SECTOR] {
        match Mark::decode(&file.read_padded(offset, BLOCK, size)?, owner) {
            Err(BadBlock::Newer(found)) => {
                return Err(OpenError::Newer { file: file.path().to_owned(), found });
            }
            Err(BadBlock::Unreadable) => bad += 1,
            Ok(copy) if newest.is_none_or(|(generation, _)| copy.0 > generation) => newest = Some(copy),
            Ok(_) => {}
        }
    }
    let note = (bad > 0).then(|| format!("{bad} of 2 copies of {} were unreadable", file.path()));
    let known = Known {
        mark: newest.map(|(_, mark)| mark),
        is_whole: bad == 0,
        generation: newest.map_or(0, |(generation, _)| generation),
    };
    Ok((known, note))
}

/// Makes both copies anew, durably: whatever they said before, nobody will read it again.
pub(crate) fn renew<D: Disk>(
    disk: &D,
    owner: Owner,
    known: &mut Known,
    mark: &Mark,
) -> Result<(), IoFailure> {
    let generation = known.generation + 1;
    let mut bytes = vec![0; 2 * SECTOR as usize];
    for at in [0, SECTOR as usize] {
        bytes[at..at + BLOCK].copy_from_slice(&mark.encode(owner, generation));
    }
    disk.publish("", names::MARK_NEW, names::MARK, &bytes)?;
    *known = Known { mark: Some(*mark), is_whole: true, generation };
    Ok(())
}

/// Makes both copies anew unless all is well, then writes `mark` and syncs it.
pub(crate) fn start<D: Disk>(
    disk: &D,
    owner: Owner,
    mut known: Known,
    mark: &Mark,
) -> Result<MarkFile<D::File>, IoFailure> {
    if !known.is_whole {
        renew(disk, owner, &mut known, mark)?;
    }
    let file = disk.open_named(names::MARK, false)?;
    let mut mark_file = MarkFile { file, owner, generation: known.generation };
    mark_file.write(mark)?;
    mark_file.sync()?;
    Ok(mark_file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimDisk;

    const OWNER: Owner = Owner { cluster: ClusterId([1; 16]), incarnation: Incarnation([2; 16]) };

    fn mark(n: u64) -> Mark {
        Mark {
            record: RecordNumber(n),
            segment: 1,
            position: 4096,
            last: Slot(n),
            last_hash: EntryHash([n as u8; 32]),
        }
    }

    fn found(disk: &SimDisk) -> Option<Mark> {
        load(disk, OWNER).unwrap().0.mark
    }

    fn started(disk: &SimDisk) -> MarkFile<crate::sim::SimFile> {
        let nothing = Known { mark: None, is_whole: false, generation: 0 };
        start(disk, OWNER, nothing, &mark(1)).unwrap()
    }

    #[test]
    fn the_newest_of_both_copies_counts_and_survives_a_kill() {
        let disk = SimDisk::new(1);
        assert_eq!(found(&disk), None);
        let mut file = started(&disk);
        for n in 2..5 {
            file.write(&mark(n)).unwrap();
            assert_eq!(found(&disk.fork()), Some(mark(n)));
        }
    }

    #[test]
    fn a_crash_leaves_some_earlier_mark_and_both_copies_readable() {
        for seed in 0..200 {
            let disk = SimDisk::new(seed);
            let mut file = started(&disk);
            (2..9).for_each(|n| file.write(&mark(n)).unwrap());
            disk.crash();
            let (known, note) = load(&disk, OWNER).unwrap();
            assert!((1..9).any(|n| known.mark == Some(mark(n))), "seed {seed}: {known:?}");
            assert!(known.is_whole && note.is_none(), "seed {seed}: {note:?}");
        }
    }

    #[test]
    fn another_members_mark_is_not_believed() {
        let disk = SimDisk::new(1);
        started(&disk);
        let other = Owner { incarnation: Incarnation([3; 16]), ..OWNER };
        assert_eq!(load(&disk, other).unwrap().0.mark, None);
    }
}
