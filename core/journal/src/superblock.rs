//! The superblock: who this member is and what it promised. Two copies in different sectors of one file.

use doozer_paxos::codec::put_ballot;
use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, ClusterId, Incarnation, Slot};

use crate::block::{self, BLOCK, BadBlock, COUNT_MAX, Draft, Magic, SECTOR};
use crate::disk::{Disk, DiskFile};
use crate::error::{IoFailure, OpenError};
use crate::file::{DiskExt, Named};
use crate::names;

const MAGIC: Magic = *b"DZSUPER\0";

/// The format of a copy that says that the end of the log is suspect. An older doozerd, which would take no notice of
/// that, must not start from it; once it is made good, the format is the first again.
const WITH_SUSPECT: u32 = 2;

/// The contents of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Super {
    pub(crate) generation: u64,
    pub(crate) cluster: ClusterId,
    pub(crate) incarnation: Incarnation,
    /// How often this directory was opened. 0: its birth is not finished, and nothing was ever appended.
    pub(crate) boot: u64,
    pub(crate) promised: Ballot,
    pub(crate) epoch: u64,
    /// An end of the log that was cut because it could not be read, though it may have been acknowledged.
    pub(crate) suspect: Option<Suspect>,
}

impl Super {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut draft = match self.suspect {
            None => Draft::new(MAGIC),
            Some(_) => Draft::of_format(MAGIC, WITH_SUSPECT),
        };
        draft.u32(0).u64(self.generation).bytes(&self.cluster.0).bytes(&self.incarnation.0).u64(self.boot);
        put_ballot(&mut draft.0, &self.promised);
        draft.u32(0).u64(self.epoch);
        if let Some(suspect) = &self.suspect {
            put_ballot(&mut draft.0, &suspect.acc_ballot);
            draft.u32(0).u64(suspect.last.0);
        }
        draft.seal(BLOCK)
    }

    fn decode(bytes: &[u8]) -> Result<Super, BadBlock> {
        let (format, mut reader) = block::open_up_to(bytes, MAGIC, WITH_SUSPECT)?;
        reader.u32()?;
        let generation = reader.u64()?;
        let cluster = ClusterId(reader.array()?);
        let incarnation = Incarnation(reader.array()?);
        let boot = reader.u64()?;
        let promised = reader.ballot()?;
        reader.u32()?;
        if generation.max(boot) > COUNT_MAX {
            return Err(BadBlock::Unreadable);
        }
        let epoch = reader.u64()?;
        let suspect = if format == WITH_SUSPECT {
            let acc_ballot = reader.ballot()?;
            reader.u32()?;
            Some(Suspect { acc_ballot, last: Slot(reader.u64()?) })
        } else {
            None
        };
        Ok(Super { generation, cluster, incarnation, boot, promised, epoch, suspect })
    }

    /// The greater of what is suspect already and what was found now.
    pub(crate) fn add_suspect(&mut self, found: Suspect) {
        self.suspect = self.suspect.into_iter().chain([found]).max_by_key(Suspect::rank);
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct SuperFile<F> {
    file: Named<F>,
    pub(crate) newest: Super,
    /// The copy to write first: an unreadable one, else the older.
    first: u64,
}

/// What was read, and whether a copy was unreadable.
pub(crate) type Loaded<F> = (SuperFile<F>, Option<String>);

/// Makes the file. With it there, the directory has an identity.
pub(crate) fn create<D: Disk>(disk: &D, newest: Super) -> Result<(), IoFailure> {
    let mut bytes = vec![0; 2 * SECTOR as usize];
    for at in [0, SECTOR as usize] {
        bytes[at..at + BLOCK].copy_from_slice(&newest.encode());
    }
    disk.publish("", names::SUPER_NEW, names::SUPER, &bytes)
}

/// Reads both copies; changes nothing.
pub(crate) fn load<D: Disk>(disk: &D) -> Result<Loaded<D::File>, OpenError> {
    let file = disk.open_named(names::SUPER, false)?;
    let size = file.size()?;
    let mut copies = Vec::new();
    for offset in [0, SECTOR] {
        copies.push(match Super::decode(&file.read_padded(offset, BLOCK, size)?) {
            Err(BadBlock::Newer(found)) => {
                return Err(OpenError::Newer { file: file.path().to_owned(), found });
            }
            Err(BadBlock::Unreadable) => None,
            Ok(copy) => Some(copy),
        });
    }
    let lost = |what: &str| OpenError::IdentityLost { file: file.path().to_owned(), what: what.to_owned() };
    let (newest, first, note) = match (copies[0], copies[1]) {
        (Some(a), Some(b)) if (a.cluster, a.incarnation) != (b.cluster, b.incarnation) => {
            return Err(lost("has two intact copies of different members"));
        }
        (Some(a), Some(b)) if a.generation > b.generation => (a, 1, None),
        (Some(_), Some(b)) => (b, 0, None),
        (Some(a), None) => (a, 1, Some("second")),
        (None, Some(b)) => (b, 0, Some("first")),
        (None, None) => return Err(lost("is unreadable in both its copies")),
    };
    let note = note.map(|which| format!("the {which} copy of {} was unreadable", file.path()));
    Ok((SuperFile { file, newest, first }, note))
}

impl<F: DiskFile> SuperFile<F> {
    /// Makes a new generation durable in both copies, one after the other. With only one of them written, its loss
    /// to bit rot would silently bring back the promise before; so both are, and whichever survives is either the
    /// newest or older than anything acknowledged.
    pub(crate) fn update(&mut self, change: impl FnOnce(&mut Super)) -> Result<(), IoFailure> {
        change(&mut self.newest);
        self.newest.generation += 1;
        for copy in [self.first, 1 - self.first] {
            self.file.write(&self.newest.encode(), copy * SECTOR)?;
            self.file.sync()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimDisk;

    const SUPER: Super = Super {
        generation: 1,
        cluster: ClusterId([1; 16]),
        incarnation: Incarnation([2; 16]),
        boot: 0,
        promised: Ballot::ZERO,
        epoch: 0,
        suspect: None,
    };

    fn promise(n: u64) -> impl FnOnce(&mut Super) {
        move |s| s.promised = Ballot { n, epoch: 5, incarnation: Incarnation([2; 16]) }
    }

    #[test]
    fn decodes_what_it_encodes() {
        let full = Super { generation: 3, boot: 4, epoch: 5, ..SUPER };
        assert_eq!(Super::decode(&full.encode()), Ok(full));
        let suspect = Super { suspect: Some(Suspect { acc_ballot: Ballot::ZERO, last: Slot(9) }), ..full };
        assert_eq!(Super::decode(&suspect.encode()), Ok(suspect));
    }

    #[test]
    fn an_older_version_reads_it_only_without_a_suspect_end() {
        assert!(block::open(&SUPER.encode(), MAGIC).is_ok());
        let suspect = Super { suspect: Some(Suspect { acc_ballot: Ballot::ZERO, last: Slot(9) }), ..SUPER };
        assert_eq!(block::open(&suspect.encode(), MAGIC).err(), Some(BadBlock::Newer(2)));
    }

    #[test]
    fn the_greater_suspect_end_counts() {
        let end = |n, last| Suspect { acc_ballot: Ballot { n, ..Ballot::ZERO }, last: Slot(last) };
        let mut found = SUPER;
        for (add, expected) in [
            (end(2, 9), end(2, 9)),
            (end(1, 50), end(2, 9)),
            (end(2, 10), end(2, 10)),
            (end(3, 1), end(3, 1)),
        ] {
            found.add_suspect(add);
            assert_eq!(found.suspect, Some(expected));
        }
    }

    #[test]
    fn either_copy_alone_tells_the_last_promise() {
        let disk = SimDisk::new(1);
        create(&disk, SUPER).unwrap();
        for n in 1..4 {
            let (mut file, note) = load(&disk).unwrap();
            assert_eq!((file.newest.promised.n, note), (n - 1, None));
            file.update(promise(n)).unwrap();
            for offset in [0, 4096] {
                let rotten = disk.fork();
                let mut bytes = rotten.contents("SUPER").unwrap();
                bytes[offset + 80] ^= 1;
                rotten.put("SUPER", &bytes);
                let (mut file, note) = load(&rotten).unwrap();
                assert_eq!((file.newest.promised.n, note.is_some()), (n, true));
                file.update(|_| ()).unwrap();
                assert_eq!(load(&rotten).unwrap().1, None, "an update repairs the copy");
            }
        }
    }

    #[test]
    fn a_crash_in_an_update_leaves_the_old_or_the_new_promise() {
        for seed in 0..200 {
            let disk = SimDisk::new(seed);
            create(&disk, SUPER).unwrap();
            let (mut file, _) = load(&disk).unwrap();
            file.update(promise(1)).unwrap();
            disk.power_off(seed % 4 + 1);
            assert!(file.update(promise(2)).is_err());
            disk.crash();
            let found = load(&disk).unwrap().0.newest.promised.n;
            assert!(found == 1 || found == 2, "seed {seed}: {found}");
        }
    }
}
