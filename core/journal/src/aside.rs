//! A damaged log of a member that decides with others: what it was at most, and putting it aside. Who the member is and
//! what it promised stay; what it had, it learns from the others, and until it has all of it again it does not vote.
//!
//! Nothing of a damaged log is used, what is intact included: which part others lack nobody here can tell, and what is
//! decided comes back whole, checked by the hash chain. Its files are kept for people to look at.
//! (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018, section 3: what was damaged may have
//! been decided, so it must neither be voted without nor be taken for all there was.)

use doozer_paxos::log::Suspect;
use doozer_paxos::{Config, Incarnation, Slot};

use crate::block::{BLOCK, SECTOR};
use crate::disk::{Disk, DiskFile};
use crate::error::{IoFailure, OpenError, OpenErrorOrDamage};
use crate::file::{CHUNK, DiskExt, Named};
use crate::mark::{self, Known, Mark, Owner};
use crate::record::{Copy, Header};
use crate::superblock::Super;
use crate::tail::FIRST_EPOCH;
use crate::{RecordNumber, SnapshotReader, names, segment};

/// What is left of a log, damaged or not.
#[derive(Debug, Default)]
struct Remains {
    /// Headers of records, wherever one can be read.
    records: Vec<Header>,
    /// Headers of segments.
    segments: Vec<segment::Header>,
    /// The newest snapshot's slot, by its name.
    snapshot: Option<Slot>,
    /// The configurations that the heads of snapshots tell.
    configs: Vec<Config>,
}

/// What the log was at most, if others decide with this member and anything still tells; changes nothing. `config` is the
/// last one in the intact part of the log.
pub(crate) fn had_at_most<D: Disk>(
    disk: &D,
    superblock: &Super,
    known: &Known,
    config: Option<&Config>,
) -> Result<Option<Suspect>, OpenError> {
    if disk.list_named("")?.contains(&names::damaged(superblock.boot)) {
        // It was being put aside when that was interrupted: written down when everything was still in its place.
        return Ok(superblock.suspect);
    }
    let owner = Owner { cluster: superblock.cluster, incarnation: superblock.incarnation };
    let remains = Remains::read(disk, owner)?;
    let config = remains.configs.iter().chain(config).max_by_key(|config| config.epoch);
    if remains.is_alone(superblock, config) {
        return Ok(None);
    }
    Ok(remains.ends(superblock.promised, known.mark).max_by_key(Suspect::rank))
}

impl Remains {
    fn read<D: Disk>(disk: &D, owner: Owner) -> Result<Remains, OpenError> {
        let mut remains = Remains::default();
        for number in numbers(disk, names::LOG, ".log")? {
            let file = disk.open_named(&names::segment(number), false)?;
            remains.read_segment(&file, owner, number)?;
        }
        for slot in numbers(disk, names::SNAP, ".snap")?.into_iter().map(Slot) {
            remains.snapshot = remains.snapshot.max(Some(slot));
            match SnapshotReader::open(disk, owner.cluster, slot).map_err(OpenErrorOrDamage::from) {
                Ok(reader) => remains.configs.push(reader.meta().head.config.clone()),
                Err(OpenErrorOrDamage::Damage(_)) => {}
                Err(OpenErrorOrDamage::Open(error)) => return Err(error),
            }
        }
        Ok(remains)
    }

    fn read_segment<F: DiskFile>(
        &mut self,
        file: &Named<F>,
        owner: Owner,
        number: u64,
    ) -> Result<(), OpenError> {
        let size = file.size()?;
        let newer = |found| OpenError::Newer { file: file.path().to_owned(), found };
        let first = file.read_padded(0, SECTOR as usize, size)?;
        let copies =
            segment::COPIES.iter().map(|at| segment::Header::decode(&first[*at as usize..][..BLOCK]));
        self.segments
            .extend(copies.flatten().find(|header| header.owner == owner && header.number == number));
        let mut at = SECTOR;
        while at < size {
            let piece = file.read_padded(at, CHUNK.min(size - at).next_multiple_of(SECTOR) as usize, size)?;
            for sector in piece.chunks(SECTOR as usize) {
                let (a, b) = (&sector[..BLOCK], &sector[SECTOR as usize - BLOCK..]);
                let find =
                    |bytes, copy| Header::find_of_any_life(bytes, copy, owner.cluster, number).map_err(newer);
                self.records.extend(find(a, Copy::A)?.filter(|header| header.position == at));
                at += SECTOR;
                self.records.extend(find(b, Copy::B)?.filter(|header| header.end() == at));
            }
        }
        Ok(())
    }

    /// Whether this member alone decides, so that nobody can make good what is lost: it is the only voter of the last
    /// configuration that can be read, and nothing tells of a later one, or of somebody else's ballot in it. Where none can
    /// be read, all there is must be a founder's own. (See `Reader::is_alone` for what a torn end takes.)
    fn is_alone(&self, superblock: &Super, config: Option<&Config>) -> bool {
        let me = superblock.incarnation;
        let own = |incarnation: Incarnation| incarnation == me;
        let epoch = match config {
            _ if superblock.suspect.is_some() => return false,
            Some(config) if config.voters != [me] => return false,
            Some(config) => config.epoch,
            None => FIRST_EPOCH,
        };
        let is_known = config.is_some();
        self.records.iter().all(|header| {
            let is_before = is_known && header.epoch < epoch;
            header.epoch <= epoch && (is_before || own(header.acc_ballot.incarnation))
        }) && (is_known || superblock.promised.n == 0 || own(superblock.promised.incarnation))
    }

    /// Every state that anything tells the log to have had. Nothing was accepted above the promise; what tells no ballot may
    /// have been of the promised one.
    fn ends(&self, promised: doozer_paxos::Ballot, mark: Option<Mark>) -> impl Iterator<Item = Suspect> {
        let named = self
            .records
            .iter()
            .map(move |header| Suspect { acc_ballot: header.acc_ballot.min(promised), last: header.last });
        let last_named = self.records.iter().map(|header| header.record).max();
        let marked = mark.map(|mark| (mark.record, mark.last));
        let begun =
            self.segments.iter().map(|header| (RecordNumber(header.first_record.0 - 1), header.before));
        let later = marked.into_iter().chain(begun).filter(move |(record, _)| Some(*record) > last_named);
        let later = later.map(move |(_, last)| Suspect { acc_ballot: promised, last });
        // A log that goes on behind a snapshot says so in a record, which may be lost.
        let accepted = self.records.iter().map(|header| header.acc_ballot.min(promised)).max();
        let covered = self.snapshot.map(|last| Suspect { acc_ballot: accepted.unwrap_or(promised), last });
        named.chain(later).chain(covered)
    }
}

/// Moves the log and the snapshots into a directory of their own, and returns its path: the next start finds an empty log.
/// The superblock must say already that the log is suspect. A crash in it is followed by the same again.
pub(crate) fn put_aside<D: Disk>(
    disk: &D,
    superblock: &Super,
    known: &mut Known,
) -> Result<String, IoFailure> {
    let aside = names::damaged(superblock.boot);
    disk.create_dir(&aside).map_err(disk.failure("create", &aside))?;
    disk.sync_named("")?;
    for dir in [names::LOG, names::SNAP] {
        for name in disk.list_named(dir)? {
            let from = format!("{dir}/{name}");
            let is_kept = [".log", ".snap"].iter().any(|suffix| names::parse(&name, "", suffix).is_some());
            // The rest is spare: what old records are left in it must not be taken for some of the log that begins anew.
            if is_kept {
                disk.rename_named(&from, &format!("{aside}/{name}"))?
            } else {
                disk.remove_named(&from)?
            }
        }
    }
    [&aside, names::LOG, names::SNAP].iter().try_for_each(|dir| disk.sync_named(dir))?;
    let owner = Owner { cluster: superblock.cluster, incarnation: superblock.incarnation };
    mark::renew(disk, owner, known, &Mark::NONE)?;
    Ok(disk.path(&aside))
}

/// Moves everything of a member that nobody is any more into a directory of its own, and returns its path. Until the last of
/// it is moved the directory shows that something is lost, so that a crash in it is followed by the rest.
pub(crate) fn give_up<D: Disk>(disk: &D) -> Result<String, IoFailure> {
    let there = disk.list_named("")?;
    let before = there.iter().filter_map(|name| names::parse(name, names::LOST, "")).max();
    let aside = names::lost(before.unwrap_or(0) + 1);
    disk.create_dir(&aside).map_err(disk.failure("create", &aside))?;
    disk.sync_named("")?;
    let dirs = [names::LOG, names::SNAP].into_iter().filter(|dir| there.iter().any(|name| name == dir));
    for dir in dirs.clone() {
        for name in disk.list_named(dir)? {
            disk.rename_named(&format!("{dir}/{name}"), &format!("{aside}/{name}"))?;
        }
    }
    for name in [names::MARK, names::SUPER].into_iter().filter(|name| there.iter().any(|it| it == name)) {
        // As long as this one is there, it is looked for in vain.
        dirs.clone().chain([aside.as_str()]).try_for_each(|dir| disk.sync_named(dir))?;
        disk.rename_named(name, &format!("{aside}/{name}"))?;
        disk.sync_named("")?;
    }
    disk.sync_named(&aside)?;
    Ok(disk.path(&aside))
}

fn numbers<D: Disk>(disk: &D, dir: &str, suffix: &str) -> Result<Vec<u64>, IoFailure> {
    Ok(disk.list_named(dir)?.iter().filter_map(|name| names::parse(name, "", suffix)).collect())
}
