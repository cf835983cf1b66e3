//! The journal of one member: its log and its promise, open for writing.

mod open;

use std::ops::RangeInclusive;

use doozer_paxos::{Append, Ballot, ClusterId, EntryHash, Incarnation, Slot};

use crate::block::{BLOCK, SECTOR};
use crate::chain::Chain;
use crate::disk::Disk;
use crate::error::{AppendError, Fatal, IoFailure, SnapshotError};
use crate::file::DiskExt;
use crate::log::{Beginning, Log};
use crate::mark::{Mark, MarkFile, Owner};
use crate::superblock::SuperFile;
use crate::{Full, RecordNumber, SnapshotHead, SnapshotMeta, SnapshotReader, SnapshotWriter, names, record};

/// Who a new member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    /// Its cluster.
    pub cluster: ClusterId,
    /// Its new name: random, never used before.
    pub incarnation: Incarnation,
}

/// How a journal uses the disk. All may differ from start to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Length of a segment file in bytes, rounded up to whole sectors. A larger record gets a segment of its own.
    pub segment_bytes: u64,
    /// Bytes that the data directory may have before appends are refused as [`AppendError::Full`]. A snapshot being
    /// written is not counted.
    pub bytes_max: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options { segment_bytes: 16 << 20, bytes_max: None }
    }
}

/// What is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synced {
    /// The last record.
    pub record: RecordNumber,
    /// The last slot of the log with that record.
    pub slot: Slot,
}

/// The log and the promise of one member, locked against other processes for as long as it lives.
///
/// Every call blocks until the disk has answered; give the journal a thread of its own. After a [`Fatal`] every later
/// call returns the same error: stop the process.
#[derive(Debug)]
pub struct Journal<D: Disk> {
    disk: D,
    owner: Owner,
    superblock: SuperFile<D::File>,
    mark: MarkFile<D::File>,
    log: Log<D>,
    chain: Chain,
    acc_ballot: Ballot,
    epoch: u64,
    /// The last record appended.
    written: Mark,
    /// The last record known to be on the disk.
    synced: Mark,
    /// The last record that the mark file names.
    marked: RecordNumber,
    log_bytes: u64,
    snapshot: Option<SnapshotMeta>,
    failed: Option<Fatal>,
    scratch: Vec<u8>,
    _lock: D::Lock,
}

impl<D: Disk> Journal<D> {
    /// Appends one record, atomically: after a crash all of it counts or nothing. It is durable after the next
    /// [`Journal::sync`]. Without room ([`AppendError::Full`]) nothing of it counts, and the log is as before.
    ///
    /// # Panics
    /// If it does not follow the log: `from` at most one after the last slot and above the snapshot, entries dense,
    /// each one's `previous` the hash of the entry before, `last_hash` that of the last, under a ballot that is
    /// promised and not below the last one, in an epoch not below the last one unless it cuts.
    pub fn append(&mut self, append: &Append) -> Result<RecordNumber, AppendError> {
        self.check_usable()?;
        let previous = self.check_follows(append);
        self.write_record(append, previous)
    }

    /// Makes every appended record durable and notes that in the mark. What it returns may be acknowledged.
    pub fn sync(&mut self) -> Result<Synced, Fatal> {
        self.check_usable()?;
        self.sync_log()?;
        if self.marked < self.synced.record {
            self.mark.write(&self.synced).map_err(|failure| self.poison(failure))?;
            self.marked = self.synced.record;
        }
        Ok(Synced { record: self.synced.record, slot: self.synced.last })
    }

    /// Makes the mark durable: call it when idle for a moment, and before a clean stop. Without it everything is
    /// safe too; with it, later damage to the very last records is told from a crash even after a power cut.
    pub fn sync_mark(&mut self) -> Result<(), Fatal> {
        self.check_usable()?;
        self.mark.sync().map_err(|failure| self.poison(failure))
    }

    /// Makes a promise durable.
    ///
    /// # Panics
    /// If it is lower than one made before.
    pub fn promise(&mut self, ballot: Ballot) -> Result<(), Fatal> {
        self.check_usable()?;
        let promised = self.promised();
        assert!(ballot >= promised, "a promise of {ballot:?} after one of {promised:?}");
        if ballot == promised {
            return Ok(());
        }
        let epoch = self.epoch;
        let done = self.superblock.update(|s| (s.promised, s.epoch) = (ballot, epoch));
        done.map_err(|failure| self.poison(failure))
    }

    /// What made the end of the log suspect is made good: forgets [`crate::Recovered::suspect`], durably. Everything that
    /// was appended is made durable before, since it is what that rests on. Without a suspect end it does nothing.
    pub fn sound(&mut self) -> Result<(), Fatal> {
        self.check_usable()?;
        if self.superblock.newest.suspect.is_none() {
            return Ok(());
        }
        self.sync()?;
        let done = self.superblock.update(|s| s.suspect = None);
        done.map_err(|failure| self.poison(failure))
    }

    /// Makes the next segment's file ready, so that an append need not wait for it: call it when idle.
    /// [`AppendError::Full`] does no harm.
    pub fn prepare(&mut self) -> Result<(), AppendError> {
        self.check_usable()?;
        let other_bytes = self.other_bytes();
        let done = self.log.prepare(other_bytes);
        self.note_fatal(done)
    }

    /// Gives up segments whose records all end at or below `upto`, though never above the last committed snapshot.
    pub fn truncate(&mut self, upto: Slot) -> Result<(), Fatal> {
        self.check_usable()?;
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let upto = upto.min(snapshot.head.slot);
        // The last synced record stays: only it tells the accepted ballot, and a later one may still be lost.
        self.log.truncate(upto, self.synced.segment).map_err(|failure| self.poison(failure))
    }

    /// Starts a snapshot file. `head` must be of a decided slot; the writer may go to another thread.
    ///
    /// # Panics
    /// If `head` names more than [`crate::snapshot::VOTERS_MAX`] voters.
    pub fn snapshot_writer(&self, head: SnapshotHead) -> Result<SnapshotWriter<D>, SnapshotError> {
        SnapshotWriter::create(self.disk.clone(), self.owner.cluster, head)
    }

    /// Opens the last committed snapshot, if there is one; the reader may go to another thread.
    pub fn snapshot_reader(&self) -> Option<Result<SnapshotReader<D>, SnapshotError>> {
        let slot = self.snapshot.as_ref()?.head.slot;
        Some(SnapshotReader::open(&self.disk, self.owner.cluster, slot))
    }

    /// From now on `meta` is the snapshot to start from: older ones are removed, and the log up to it is given up.
    /// If the log does not have the snapshot's entry at its slot (it came from another member), the whole log is
    /// dropped, and goes on after that slot. [`AppendError::Full`] leaves all as before.
    ///
    /// # Panics
    /// If `meta` is older than the last one.
    pub fn snapshot_committed(&mut self, meta: &SnapshotMeta) -> Result<(), AppendError> {
        self.check_usable()?;
        let SnapshotHead { slot, hash, .. } = meta.head;
        let before = self.snapshot.as_ref().map_or(Slot(0), |snapshot| snapshot.head.slot);
        assert!(slot >= before, "a snapshot of slot {slot} after one of {before}");
        if self.has(slot, hash) {
            self.chain.rebase(slot);
        } else {
            self.restart_behind(slot, hash, meta.head.config.epoch)?;
        }
        self.snapshot = Some(meta.clone());
        self.remove_snapshots_below(slot).map_err(|failure| self.poison(failure))?;
        Ok(self.truncate(slot)?)
    }

    /// The greatest ballot promised; durable.
    pub fn promised(&self) -> Ballot {
        self.superblock.newest.promised
    }

    /// The ballot of the last append, synced or not.
    pub fn acc_ballot(&self) -> Ballot {
        self.acc_ballot
    }

    /// The last slot of the log, synced or not.
    pub fn last(&self) -> Slot {
        self.chain.last()
    }

    /// The hash of the entry at the last slot.
    pub fn last_hash(&self) -> EntryHash {
        self.chain.last_hash()
    }

    /// Whether the log's entry at `slot` has this hash, synced or not; the slot that the log begins behind counts as its own.
    pub fn has(&self, slot: Slot, hash: EntryHash) -> bool {
        self.chain.hash_at(slot) == Some(hash)
    }

    /// The slots that the log holds, from the first after the snapshot to the last.
    pub fn slots(&self) -> RangeInclusive<u64> {
        self.chain.base().0 + 1..=self.chain.last().0
    }

    /// The last committed snapshot.
    pub fn snapshot(&self) -> Option<&SnapshotMeta> {
        self.snapshot.as_ref()
    }

    /// Bytes of all files: segments with their unused parts, spares, the snapshot.
    pub fn bytes_on_disk(&self) -> u64 {
        self.log.bytes() + self.other_bytes()
    }

    /// Bytes of records that came after the last committed snapshot: what a start has to read and apply again.
    pub fn log_bytes_since_snapshot(&self) -> u64 {
        self.log_bytes - self.chain.log_bytes_at(self.chain.base())
    }

    fn other_bytes(&self) -> u64 {
        4 * SECTOR + self.snapshot.as_ref().map_or(0, |snapshot| snapshot.file_bytes)
    }

    fn check_usable(&self) -> Result<(), Fatal> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn poison(&mut self, failure: IoFailure) -> Fatal {
        self.failed.insert(Fatal(failure)).clone()
    }

    fn note_fatal<T>(&mut self, done: Result<T, AppendError>) -> Result<T, AppendError> {
        if let Err(AppendError::Fatal(fatal)) = &done {
            self.failed = Some(fatal.clone());
        }
        done
    }

    /// The hash of the entry before `append`, having checked that it follows the log.
    fn check_follows(&self, append: &Append) -> EntryHash {
        let (from, base, last) = (append.from, self.chain.base(), self.last());
        let before = from.0.checked_sub(1).filter(|_| from > base).map(Slot);
        let Some(previous) = before.and_then(|before| self.chain.hash_at(before)) else {
            panic!("slot {from} does not follow the log of {base} to {last}");
        };
        let promised = self.promised();
        assert!(
            append.acc_ballot <= promised,
            "accepted under {:?}, promised {promised:?}",
            append.acc_ballot
        );
        assert!(append.acc_ballot >= self.acc_ballot, "{:?} after {:?}", append.acc_ballot, self.acc_ballot);
        assert!(from <= last || append.epoch >= self.epoch, "epoch {} after {}", append.epoch, self.epoch);
        // Hashing again costs little beside a sync, and what does not add up could not be read back.
        let mut follows = previous;
        for (slot, entry) in (from.0..).zip(&append.entries) {
            assert!(entry.slot == Slot(slot), "slot {} where {slot} was due", entry.slot);
            assert!(entry.previous == follows, "slot {slot} does not follow the log");
            follows = entry.hash(self.owner.cluster);
        }
        assert!(follows == append.last_hash, "the last hash is not that of the last entry");
        previous
    }

    fn write_record(&mut self, append: &Append, previous: EntryHash) -> Result<RecordNumber, AppendError> {
        let record_len = record::total_len(record::body_len(append));
        let (place, position) = match self.log.room_for(record_len) {
            Some(there) => there,
            None => self.begin_segment(record_len)?,
        };
        let record = RecordNumber(self.written.record.0 + 1);
        let stamp = record::Stamp { place, record, position, previous, synced: self.synced.record };
        let header = record::encode(append, &stamp, &mut self.scratch);
        if let Err(failure) = self.log.write(&self.scratch, position) {
            return Err(self.take_back(&header, failure));
        }
        self.log.advance(record_len, header.last);
        self.count(append, &header);
        Ok(record)
    }

    /// The record is written: the log has changed.
    fn count(&mut self, append: &Append, header: &record::Header) {
        self.log_bytes += header.total_len;
        self.chain.cut_behind(header.before());
        for (index, _) in append.entries.iter().enumerate() {
            let hash = append.entries.get(index + 1).map_or(append.last_hash, |next| next.previous);
            self.chain.push(hash, self.log_bytes);
        }
        (self.acc_ballot, self.epoch) = (append.acc_ballot, append.epoch);
        self.written = mark_of(header);
    }

    /// A write of a record failed. Without room, what it left is erased, durably, so that no crash brings it back.
    fn take_back(&mut self, header: &record::Header, failure: IoFailure) -> AppendError {
        if !failure.is_full() {
            return self.poison(failure).into();
        }
        match self.log.erase(header.position, header.total_len) {
            Ok(()) => Full::Disk(failure).into(),
            Err(failure) => self.poison(failure).into(),
        }
    }

    /// Begins the next segment. The one before is synced first: so only the last segment ever has records that may
    /// be torn, and its header proves all before it.
    fn begin_segment(&mut self, record_len: u64) -> Result<(record::Place, u64), AppendError> {
        self.sync_log()?;
        let beginning = Beginning {
            first_record: RecordNumber(self.written.record.0 + 1),
            before: self.chain.last(),
            chain: self.chain.last_hash(),
            record_len,
            other_bytes: self.other_bytes(),
        };
        let done = self.log.begin(&beginning);
        self.note_fatal(done)?;
        match self.log.room_for(record_len) {
            Some(there) => Ok(there),
            None => unreachable!("a segment is begun for this very record"),
        }
    }

    fn sync_log(&mut self) -> Result<(), Fatal> {
        if self.synced.record < self.written.record {
            self.log.sync().map_err(|failure| self.poison(failure))?;
            self.synced = self.written;
        }
        Ok(())
    }

    /// Drops the log and goes on behind a snapshot's slot. A record without entries says so, durably: without it, if
    /// the snapshot were damaged later, an older log could be taken for all there ever was.
    fn restart_behind(&mut self, slot: Slot, hash: EntryHash, epoch: u64) -> Result<(), AppendError> {
        let old = self.chain.clone();
        self.chain = Chain::new(slot, hash, self.log_bytes);
        let restart = Append {
            acc_ballot: self.acc_ballot,
            epoch: self.epoch.max(epoch),
            from: slot.next(),
            entries: Vec::new(),
            last_hash: hash,
        };
        match self.write_record(&restart, hash) {
            Ok(_) => {}
            Err(error) => {
                self.chain = old;
                return Err(error);
            }
        }
        Ok(self.sync().map(|_| ())?)
    }

    fn remove_snapshots_below(&self, slot: Slot) -> Result<(), IoFailure> {
        for name in self.disk.list_named(names::SNAP)? {
            if names::parse(&name, "", ".snap").is_some_and(|number| number < slot.0) {
                self.disk.remove_named(&format!("{}/{name}", names::SNAP))?;
            }
        }
        self.disk.sync_named(names::SNAP)
    }
}

fn mark_of(header: &record::Header) -> Mark {
    Mark {
        record: header.record,
        segment: header.place.segment,
        position: header.position,
        last: header.last,
        last_hash: header.last_hash,
    }
}

const _: () = assert!(BLOCK <= 512, "a copy of the mark must fit the smallest sector");
