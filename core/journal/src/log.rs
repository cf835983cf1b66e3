//! The segment files of a log that is being written: the current one, those before, and spares.
//! Never here: what stands in a record.

use std::collections::VecDeque;

use doozer_paxos::{EntryHash, Slot};

use crate::block::SECTOR;
use crate::disk::Disk;
use crate::error::{AppendError, Fatal, Full, IoFailure};
use crate::file::{DiskExt, Named, to_sector};
use crate::mark::Owner;
use crate::record::Place;
use crate::scan::SegmentFile;
use crate::{RecordNumber, names, segment};

/// More files than this are not kept for reuse.
pub(crate) const SPARES_MAX: usize = 8;

/// The least a segment may be: its header and a few small records.
const SEGMENT_MIN: u64 = 4 * SECTOR;

/// A segment of the log.
#[derive(Debug, Clone, Copy)]
struct Segment {
    number: u64,
    len: u64,
    /// The greatest slot of any record in it.
    slot_max: Slot,
}

/// The files of the log.
#[derive(Debug)]
pub(crate) struct Log<D: Disk> {
    disk: D,
    owner: Owner,
    segment_bytes: u64,
    /// See [`crate::Options::bytes_max`].
    pub(crate) bytes_max: Option<u64>,
    /// Oldest first; empty only before the first one was begun.
    segments: VecDeque<Segment>,
    current: Option<Current<D::File>>,
    spares: Vec<u64>,
    next_spare: u64,
}

#[derive(Debug)]
struct Current<F> {
    file: Named<F>,
    place: Place,
    len: u64,
    used: u64,
}

/// What a segment begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) first_record: RecordNumber,
    pub(crate) before: Slot,
    pub(crate) chain: EntryHash,
    /// The segment must hold a record of this length.
    pub(crate) record_len: u64,
    /// Bytes on the disk that are not the log's.
    pub(crate) other_bytes: u64,
}

impl<D: Disk> Log<D> {
    pub(crate) fn new(disk: D, owner: Owner, segment_bytes: u64) -> Self {
        Log {
            disk,
            owner,
            segment_bytes: to_sector(segment_bytes).max(SEGMENT_MIN),
            bytes_max: None,
            segments: VecDeque::new(),
            current: None,
            spares: Vec::new(),
            next_spare: 0,
        }
    }

    /// Takes over the segments that recovery found; the log goes on at `end` of the last.
    pub(crate) fn resume(&mut self, found: &[SegmentFile], end: u64) -> Result<(), IoFailure> {
        self.segments = found
            .iter()
            .map(|f| Segment { number: f.header.number, len: f.header.len, slot_max: f.slot_max })
            .collect();
        if let Some(last) = found.last() {
            let file = self.disk.open_for_sectors_named(&names::segment(last.header.number))?;
            self.current =
                Some(Current { file, place: last.header.place(), len: last.header.len, used: end });
        }
        Ok(())
    }

    /// Keeps spare files of the right length, removes the others and whatever was left unfinished.
    pub(crate) fn sweep(&mut self) -> Result<(), IoFailure> {
        for name in self.disk.list_named(names::LOG)? {
            let path = format!("{}/{name}", names::LOG);
            if let Some(number) = names::parse(&name, "spare-", "") {
                self.next_spare = self.next_spare.max(number + 1);
                let is_fit = self.disk.open_named(&path, false)?.size()? == self.segment_bytes;
                if is_fit && self.spares.len() < SPARES_MAX {
                    self.spares.push(number);
                    continue;
                }
                self.disk.remove_named(&path)?;
            } else if path == names::SEGMENT_NEW {
                self.disk.remove_named(&path)?;
            }
        }
        Ok(())
    }

    /// Where the next record goes, if it fits the current segment.
    pub(crate) fn room_for(&self, record_len: u64) -> Option<(Place, u64)> {
        let current = self.current.as_ref()?;
        (current.used + record_len <= current.len).then_some((current.place, current.used))
    }

    pub(crate) fn write(&self, bytes: &[u8], position: u64) -> Result<(), IoFailure> {
        self.current.as_ref().map_or(Ok(()), |current| current.file.write(bytes, position))
    }

    /// Makes durable what was written to the current segment; those before it are.
    pub(crate) fn sync(&self) -> Result<(), IoFailure> {
        self.current.as_ref().map_or(Ok(()), |current| current.file.sync())
    }

    /// Takes back a write that found no room: what it left must not be found after a crash.
    pub(crate) fn erase(&self, position: u64, record_len: u64) -> Result<(), IoFailure> {
        let Some(current) = &self.current else { return Ok(()) };
        current.file.write_zeros(position, position + record_len)?;
        current.file.sync()
    }

    /// The record of this length, just written, counts.
    pub(crate) fn advance(&mut self, record_len: u64, last: Slot) {
        if let (Some(current), Some(segment)) = (&mut self.current, self.segments.back_mut()) {
            current.used += record_len;
            segment.slot_max = segment.slot_max.max(last);
        }
    }

    /// Begins the next segment: durable, and under its name, on return. Everything in the current one is synced.
    /// Without room the log is as before.
    pub(crate) fn begin(&mut self, beginning: &Beginning) -> Result<(), AppendError> {
        let number = self.segments.back().map_or(1, |segment| segment.number + 1);
        let needed = SECTOR + beginning.record_len;
        let len = needed.max(self.segment_bytes);
        let header = segment::Header {
            owner: self.owner,
            number,
            len,
            first_record: beginning.first_record,
            before: beginning.before,
            chain: beginning.chain,
        };
        let name = self.blank_file(len, beginning.other_bytes)?;
        let file = self.label(&name, &header).map_err(full_or_fatal)?;
        self.disk.sync_named(names::LOG).map_err(Fatal)?;
        if len == self.segment_bytes {
            self.spares.pop();
        }
        self.segments.push_back(Segment { number, len, slot_max: Slot(0) });
        self.current = Some(Current { file, place: header.place(), len, used: SECTOR });
        Ok(())
    }

    /// The name of a file of this length that can become a segment: a spare, or one made for the purpose.
    fn blank_file(&mut self, len: u64, other_bytes: u64) -> Result<String, AppendError> {
        if len == self.segment_bytes {
            self.prepare(other_bytes)?;
            if let Some(spare) = self.spares.last() {
                return Ok(names::spare(*spare));
            }
        }
        self.make_blank(len, other_bytes)?;
        Ok(names::SEGMENT_NEW.to_owned())
    }

    /// Writes the header into a file and gives it its name.
    fn label(&self, name: &str, header: &segment::Header) -> Result<Named<D::File>, IoFailure> {
        let file = self.disk.open_for_sectors_named(name)?;
        file.write(&header.encode(), 0)?;
        file.sync()?;
        let target = names::segment(header.number);
        self.disk.rename_named(name, &target)?;
        Ok(file.called(self.disk.path(&target)))
    }

    /// Makes a spare unless there is one.
    pub(crate) fn prepare(&mut self, other_bytes: u64) -> Result<(), AppendError> {
        if !self.spares.is_empty() {
            return Ok(());
        }
        self.make_blank(self.segment_bytes, other_bytes)?;
        self.disk.rename_named(names::SEGMENT_NEW, &names::spare(self.next_spare)).map_err(full_or_fatal)?;
        self.spares.push(self.next_spare);
        self.next_spare += 1;
        Ok(())
    }

    /// Leaves a file of zeros, really written and synced, under the temporary name.
    fn make_blank(&self, len: u64, other_bytes: u64) -> Result<(), AppendError> {
        let used = self.bytes() + other_bytes;
        if let Some(max) = self.bytes_max.filter(|max| used + len > *max) {
            return Err(Full::Bound { used, max, needed: len }.into());
        }
        let fill = || {
            let file = self.disk.open_named(names::SEGMENT_NEW, true)?;
            file.set_size(0)?;
            file.write_zeros(0, len)?;
            file.sync()
        };
        fill().map_err(|failure: IoFailure| {
            // Give the room back; if this fails too, the next attempt or the next start does it.
            let _ = self.disk.remove(names::SEGMENT_NEW);
            full_or_fatal(failure)
        })
    }

    /// Gives up segments from the oldest on, as long as all their records end at or below `upto`; never `keep` (the
    /// one with the last synced record) or a later one. Some files are kept for reuse.
    pub(crate) fn truncate(&mut self, upto: Slot, keep: u64) -> Result<(), IoFailure> {
        let mut spared = Vec::new();
        let is_done = |segment: &Segment| segment.slot_max <= upto && segment.number < keep;
        let count = self.segments.iter().take_while(|segment| is_done(segment)).count();
        for segment in self.segments.drain(..count) {
            let name = names::segment(segment.number);
            if segment.len == self.segment_bytes && self.spares.len() + spared.len() < SPARES_MAX {
                self.disk.rename_named(&name, &names::spare(self.next_spare))?;
                spared.push(self.next_spare);
                self.next_spare += 1;
            } else {
                self.disk.remove_named(&name)?;
            }
        }
        // Only after this is a spare not also found under its old name, and may be written.
        self.disk.sync_named(names::LOG)?;
        self.spares.append(&mut spared);
        Ok(())
    }

    /// Bytes of all segments and spares.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum::<u64>()
            + self.spares.len() as u64 * self.segment_bytes
    }
}

fn full_or_fatal(failure: IoFailure) -> AppendError {
    if failure.is_full() { Full::Disk(failure).into() } else { Fatal(failure).into() }
}
