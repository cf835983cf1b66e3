//! Reading the log of a directory: which records stand there, where they end, and what the end means.
//! Never here: a write. What is torn is cut, and what needs it rewritten, by the caller.

use std::collections::BTreeSet;

use bytes::Bytes;
use doozer_paxos::{Entry, EntryHash, Slot};

use crate::block::{BLOCK, BadBlock, SECTOR};
use crate::disk::Disk;
use crate::error::{Damage, IoFailure, OpenError, OpenErrorOrDamage};
use crate::file::{CHUNK, DiskExt, Named};
use crate::mark::{Known, Mark, Owner};
use crate::record::{self, Copy};
use crate::tail::Tail;
use crate::{RecordNumber, Torn, names, segment};

/// A segment file that is part of the log.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) header: segment::Header,
    /// The length of the file, which damage may have made differ from the header's.
    pub(crate) size: u64,
    /// A copy of the header was unreadable.
    pub(crate) needs_header: bool,
    /// The greatest slot of any record in it.
    pub(crate) slot_max: Slot,
}

/// A record that is as it was written.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) header: record::Header,
    pub(crate) body: Bytes,
    pub(crate) entries: Vec<Entry>,
    /// A copy of the header was unreadable.
    pub(crate) needs_write: bool,
}

/// What the log of a directory is.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) segments: Vec<SegmentFile>,
    pub(crate) records: Vec<Found>,
    /// Every record up to this one is known to have been synced.
    pub(crate) proven: RecordNumber,
    /// The number of the record after the last one.
    pub(crate) next: RecordNumber,
    /// The offset behind the last record in the last segment.
    pub(crate) end: u64,
    /// What stands behind `end`, is not the log's, and must not stay.
    pub(crate) tail: Option<Tail>,
    /// A copy of the mark is lost, and may have named a later record than the other.
    pub(crate) is_mark_lost: bool,
    pub(crate) damage: Option<Damage>,
    pub(crate) notes: Vec<String>,
    /// Segments from before a gap: left over from a truncation, if a snapshot covers them.
    pub(crate) leftovers: Vec<u64>,
}

/// Reads all segments. `known` is what the mark says.
pub(crate) fn scan<D: Disk>(disk: &D, owner: Owner, known: &Known) -> Result<Scan, OpenError> {
    let mut numbers: BTreeSet<u64> =
        disk.list_named(names::LOG)?.iter().filter_map(|name| names::parse(name, "", ".log")).collect();
    let scan = Scan { is_mark_lost: !known.is_whole, ..Scan::default() };
    let mut scanner = Scanner { disk, owner, mark: known.mark, scan };
    let mut run = Vec::new();
    while let Some(number) = numbers.pop_last() {
        if run.last().is_some_and(|above: &u64| number + 1 != *above) {
            scanner.scan.leftovers = numbers.into_iter().chain([number]).collect();
            break;
        }
        run.push(number);
    }
    run.reverse();
    match scanner.walk(&run) {
        Ok(()) => {}
        Err(OpenErrorOrDamage::Damage(damage)) => scanner.scan.damage = Some(damage),
        Err(OpenErrorOrDamage::Open(error)) => return Err(error),
    }
    Ok(scanner.scan)
}

struct Scanner<'a, D: Disk> {
    disk: &'a D,
    owner: Owner,
    mark: Option<Mark>,
    scan: Scan,
}

/// Why there is no whole record at a place.
struct Stop {
    /// The header that names it, and what is wrong with its body.
    named: Option<(record::Header, String)>,
    /// Headers of this and later records behind the place.
    beyond: Vec<record::Header>,
}

/// A segment being read.
struct Cursor<F> {
    file: Named<F>,
    header: segment::Header,
    place: record::Place,
    size: u64,
    position: u64,
    /// The first record of the segment after this one.
    next_segment: Option<RecordNumber>,
}

impl<D: Disk> Scanner<'_, D> {
    fn walk(&mut self, run: &[u64]) -> Result<(), OpenErrorOrDamage> {
        for &number in run {
            let segment = self.segment_header(number)?;
            self.scan.segments.push(segment);
        }
        let Some(first) = self.scan.segments.first() else { return Ok(()) };
        self.scan.next = first.header.first_record;
        self.scan.proven = RecordNumber(self.scan.next.0 - 1);
        if let Some(mark) = self.mark {
            self.scan.proven = self.scan.proven.max(mark.record);
        }
        for index in 0..self.scan.segments.len() {
            self.walk_segment(index)?;
            if self.scan.tail.is_some() {
                break;
            }
        }
        self.miss_the_last_record()?;
        self.check_mark()
    }

    fn segment_header(&mut self, number: u64) -> Result<SegmentFile, OpenErrorOrDamage> {
        let file = self.disk.open_named(&names::segment(number), false)?;
        let size = file.size()?;
        let sector = file.read_padded(0, SECTOR as usize, size)?;
        let mut copies = Vec::new();
        for at in segment::COPIES {
            match segment::Header::decode(&sector[at as usize..][..BLOCK]) {
                Ok(header) => copies.push(header),
                Err(BadBlock::Unreadable) => {}
                Err(BadBlock::Newer(found)) => {
                    return Err(OpenError::Newer { file: file.path().to_owned(), found }.into());
                }
            }
        }
        let bad = |what: &str| -> OpenErrorOrDamage { damage_at(&file, 0, None, what).into() };
        let Some(header) = copies.first().copied() else {
            return Err(bad("both copies of its header are unreadable"));
        };
        if header.owner.cluster != self.owner.cluster {
            let (found, ours) = (header.owner.cluster, self.owner.cluster);
            return Err(OpenError::Foreign { file: file.path().to_owned(), found, ours }.into());
        }
        if header.number != number || header.owner != self.owner || copies.iter().any(|copy| *copy != header)
        {
            return Err(bad("its header is that of another segment"));
        }
        let needs_header = copies.len() < segment::COPIES.len();
        if needs_header {
            self.scan.notes.push(format!("a copy of the header of {} was unreadable", file.path()));
        }
        Ok(SegmentFile { header, size, needs_header, slot_max: Slot(0) })
    }

    fn walk_segment(&mut self, index: usize) -> Result<(), OpenErrorOrDamage> {
        let mut cursor = self.cursor(index)?;
        let header = cursor.header;
        if header.first_record != self.scan.next {
            let what = format!("it begins with record {}, not {}", header.first_record, self.scan.next);
            return Err(damage_at(&cursor.file, 0, None, &what).into());
        }
        self.prove(RecordNumber(header.first_record.0 - 1));
        loop {
            self.scan.end = cursor.position;
            match self.read_record(&cursor)? {
                Ok(found) => {
                    self.prove(found.header.synced);
                    let segment = &mut self.scan.segments[index];
                    segment.slot_max = segment.slot_max.max(found.header.last);
                    cursor.position = found.header.end();
                    self.scan.next.0 += 1;
                    self.scan.records.push(found);
                }
                Err(Stop { named: None, .. }) if cursor.next_segment == Some(self.scan.next) => return Ok(()),
                Err(stop) => return self.end_with(index, &cursor, &stop),
            }
        }
    }

    fn cursor(&self, index: usize) -> Result<Cursor<D::File>, IoFailure> {
        let SegmentFile { header, size, .. } = self.scan.segments[index];
        let file = self.disk.open_named(&names::segment(header.number), false)?;
        let next_segment = self.scan.segments.get(index + 1).map(|segment| segment.header.first_record);
        Ok(Cursor { file, header, place: header.place(), size, position: SECTOR, next_segment })
    }

    fn prove(&mut self, record: RecordNumber) {
        self.scan.proven = self.scan.proven.max(record);
    }

    /// The record at the cursor, or what stands there instead.
    fn read_record(&mut self, cursor: &Cursor<D::File>) -> Result<Result<Found, Stop>, OpenErrorOrDamage> {
        let (file, at) = (&cursor.file, cursor.position);
        let is_this = |header: &record::Header| header.record == self.scan.next && header.position == at;
        let bytes = file.read_padded(at, BLOCK, cursor.size)?;
        let copy_a = find(cursor, &bytes, Copy::A)?.filter(is_this);
        let mut beyond = Vec::new();
        if copy_a.is_none() && cursor.next_segment != Some(self.scan.next) {
            beyond = headers_beyond(cursor, self.scan.next)?;
        }
        let named = copy_a.or_else(|| beyond.iter().copied().find(is_this));
        let Some(header) = named else { return Ok(Err(Stop { named: None, beyond })) };
        let fail = |why: String, beyond| Ok(Err(Stop { named: Some((header, why)), beyond }));
        if header.end() > cursor.header.len {
            let beyond = headers_beyond(cursor, self.scan.next)?;
            return fail("its header names an end behind that of the segment".to_owned(), beyond);
        }
        // Not the zeros between body and copy B, which for a small record would be most of it.
        let record = Bytes::from(file.read_padded(at, record::body_end(header.body_len), cursor.size)?);
        let copy_b = file.read_padded(header.end() - BLOCK as u64, BLOCK, cursor.size)?;
        let copy_b = find(cursor, &copy_b, Copy::B)?;
        let opened = match copy_b {
            Some(other) if other != header => Err("the two copies of its header differ".to_owned()),
            _ => record::open_body(&header, record),
        };
        match opened {
            Err(why) => fail(why, headers_beyond(cursor, self.scan.next)?),
            Ok((body, entries)) => {
                let needs_write = copy_a.is_none() || copy_b.is_none();
                Ok(Ok(Found { header, body, entries, needs_write }))
            }
        }
    }

    /// There is no whole record at the cursor: the end of the log, or the beginning of a tail. What the tail means is
    /// not known before the log in front of it is.
    fn end_with(
        &mut self,
        index: usize,
        cursor: &Cursor<D::File>,
        stop: &Stop,
    ) -> Result<(), OpenErrorOrDamage> {
        let next = self.scan.next;
        let mut headers = stop.beyond.clone();
        let mut witness = self.witness(cursor, &stop.beyond)?;
        for later in index + 1..self.scan.segments.len() {
            let cursor = self.cursor(later)?;
            if cursor.header.first_record <= next {
                let what = format!("it begins with record {}, not behind {next}", cursor.header.first_record);
                return Err(damage_at(&cursor.file, 0, None, &what).into());
            }
            let behind = headers_beyond(&cursor, next)?;
            witness = witness.or(self.witness(&cursor, &behind)?);
            headers.extend(behind);
        }
        headers.iter().for_each(|header| self.prove(header.synced));
        let is_last = index + 1 == self.scan.segments.len();
        if is_last && headers.is_empty() && next > self.scan.proven {
            return Ok(());
        }
        let (header, why) = match &stop.named {
            Some((header, why)) => (Some(header), why.clone()),
            None => (None, "no header of it can be read".to_owned()),
        };
        let torn = Torn {
            file: cursor.file.path().to_owned(),
            offset: cursor.position,
            record: next,
            slots: header.map(|h| (h.from, h.last)),
            later: headers.iter().filter(|header| header.record > next).count(),
            why,
        };
        let segment = cursor.header.number;
        self.scan.tail = Some(Tail { torn, segment, hash: header.map(|h| h.last_hash), headers, witness });
        Ok(())
    }

    /// An intact record among these that was written when the next one of the log was synced.
    fn witness(
        &self,
        cursor: &Cursor<D::File>,
        headers: &[record::Header],
    ) -> Result<Option<RecordNumber>, IoFailure> {
        let next = self.scan.next;
        for header in headers.iter().filter(|header| header.record > next && header.synced >= next) {
            let len = record::body_end(header.body_len);
            if header.end() <= cursor.header.len
                && record::open_body(
                    header,
                    Bytes::from(cursor.file.read_padded(header.position, len, cursor.size)?),
                )
                .is_ok()
            {
                return Ok(Some(header.record));
            }
        }
        Ok(None)
    }

    /// The segment with the last record is never given up: if no record is left, it was lost.
    fn miss_the_last_record(&mut self) -> Result<(), OpenErrorOrDamage> {
        let Scan { records, tail, next, leftovers, .. } = &self.scan;
        if !records.is_empty() || tail.is_some() || *next == RecordNumber(1) {
            return Ok(());
        }
        let record = RecordNumber(next.0 - 1);
        let why = "it is missing, with the segment it was in".to_owned();
        let cursor = self.cursor(0)?;
        if !leftovers.is_empty() {
            let what = format!("record {record} was synced, but {why}");
            return Err(damage(self.disk.path(names::LOG), 0, Some(record), &what).into());
        }
        self.scan.tail = Some(Tail {
            torn: Torn {
                file: cursor.file.path().to_owned(),
                offset: SECTOR,
                record,
                slots: None,
                later: 0,
                why,
            },
            segment: cursor.header.number,
            hash: None,
            headers: Vec::new(),
            witness: None,
        });
        Ok(())
    }

    /// The record that the mark names must be the one it means.
    fn check_mark(&mut self) -> Result<(), OpenErrorOrDamage> {
        let Some(mark) = self.mark else { return Ok(()) };
        let Ok(index) = self.scan.records.binary_search_by_key(&mark.record, |found| found.header.record)
        else {
            return Ok(());
        };
        let found = &self.scan.records[index].header;
        let named = (mark.segment, mark.position, mark.last, mark.last_hash);
        if (found.place.segment, found.position, found.last, found.last_hash) == named {
            return Ok(());
        }
        let file = self.disk.open_named(&names::segment(found.place.segment), false)?;
        let what = format!("record {} is not the one that MARK says was synced", mark.record);
        let mut damage = damage_at(&file, found.position, Some(mark.record), &what);
        damage.hash = Some(mark.last_hash).filter(|hash| *hash != EntryHash::NONE);
        Err(damage.into())
    }
}

fn find<F: crate::DiskFile>(
    cursor: &Cursor<F>,
    bytes: &[u8],
    copy: Copy,
) -> Result<Option<record::Header>, OpenError> {
    record::Header::find(bytes, copy, &cursor.place)
        .map_err(|found| OpenError::Newer { file: cursor.file.path().to_owned(), found })
}

/// All headers from the cursor to the end of the segment that name record `next` or a later one.
fn headers_beyond<F: crate::DiskFile>(
    cursor: &Cursor<F>,
    next: RecordNumber,
) -> Result<Vec<record::Header>, OpenError> {
    let mut headers: Vec<record::Header> = Vec::new();
    let end = cursor.size.min(cursor.header.len);
    let mut at = cursor.position;
    while at < end {
        let piece = cursor.file.read_padded(
            at,
            CHUNK.min(end - at).next_multiple_of(SECTOR) as usize,
            cursor.size,
        )?;
        for sector in piece.chunks(SECTOR as usize) {
            let copy_a = find(cursor, &sector[..BLOCK], Copy::A)?;
            headers.extend(copy_a.filter(|header| header.position == at));
            at += SECTOR;
            let copy_b = find(cursor, &sector[SECTOR as usize - BLOCK..], Copy::B)?;
            headers.extend(copy_b.filter(|header| header.end() == at));
        }
    }
    headers.retain(|header| header.record >= next && header.position >= cursor.position);
    headers.sort_by_key(|header| header.record);
    headers.dedup();
    Ok(headers)
}

fn damage_at<F: crate::DiskFile>(
    file: &Named<F>,
    offset: u64,
    record: Option<RecordNumber>,
    what: &str,
) -> Damage {
    damage(file.path().to_owned(), offset, record, what)
}

fn damage(file: String, offset: u64, record: Option<RecordNumber>, what: &str) -> Damage {
    let what = what.to_owned();
    Damage { file, offset, record: record.map(|r| r.0), slots: None, hash: None, what }
}
