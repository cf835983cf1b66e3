//! The superblock: who this member is and what it promised. Two copies in different sectors of one file.

use doozer_paxos::codec::put_ballot;
use doozer_paxos::{Ballot, ClusterId, Incarnation};

use crate::block::{self, BLOCK, BadBlock, COUNT_MAX, Draft, Magic, SECTOR};
use crate::disk::{Disk, DiskFile};
use crate::error::{IoFailure, OpenError};
use crate::file::{DiskExt, Named};
use crate::names;

const MAGIC: Magic = *b"DZSUPER\0";

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
}

impl Super {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut draft = Draft::new(MAGIC);
        draft.u32(0).u64(self.generation).bytes(&self.cluster.0).bytes(&self.incarnation.0).u64(self.boot);
        put_ballot(&mut draft.0, &self.promised);
        draft.u32(0).u64(self.epoch);
        draft.seal(BLOCK)
    }

    fn decode(bytes: &[u8]) -> Result<Super, BadBlock> {
        let mut reader = block::open(bytes, MAGIC)?;
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
        Ok(Super { generation, cluster, incarnation, boot, promised, epoch: reader.u64()? })
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
    };

    fn promise(n: u64) -> impl FnOnce(&mut Super) {
        move |s| s.promised = Ballot { n, priority: 5, incarnation: Incarnation([2; 16]) }
    }

    #[test]
    fn decodes_what_it_encodes() {
        let full = Super { generation: 3, boot: 4, epoch: 5, ..SUPER };
        assert_eq!(Super::decode(&full.encode()), Ok(full));
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
