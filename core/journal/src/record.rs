//! One record of the log: an [`Append`] between two copies of its header, in whole sectors.

use bytes::Bytes;
use doozer_paxos::codec::put_ballot;
use doozer_paxos::{Append, Ballot, ClusterId, Entry, EntryHash, Slot};

use crate::RecordNumber;
use crate::block::{self, BLOCK, BadBlock, COUNT_MAX, Draft, Magic, SECTOR};
use crate::file::to_sector;

const MAGIC: Magic = *b"DZRECORD";

/// Where the body starts.
const BODY: usize = BLOCK;

/// Which copy of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copy {
    /// At the start of the record.
    A = 0,
    /// In the last bytes of its last sector.
    B = 1,
}

/// The segment a record stands in, as far as its header repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) cluster: ClusterId,
    pub(crate) segment: u64,
    /// The segment's tag, see [`crate::segment`].
    pub(crate) tag: u64,
}

/// What both copies of a header say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) place: Place,
    pub(crate) record: RecordNumber,
    /// Offset of the record in its segment.
    pub(crate) position: u64,
    pub(crate) total_len: u64,
    pub(crate) body_len: u64,
    pub(crate) body_crc: u32,
    pub(crate) entries: u32,
    pub(crate) acc_ballot: Ballot,
    pub(crate) epoch: u64,
    pub(crate) from: Slot,
    /// The last slot of the log with this record: the one before `from` if it has no entries.
    pub(crate) last: Slot,
    pub(crate) previous: EntryHash,
    pub(crate) last_hash: EntryHash,
    /// The last record known to be synced when this one was written.
    pub(crate) synced: RecordNumber,
}

impl Header {
    fn encode(&self, copy: Copy) -> Vec<u8> {
        let mut draft = Draft::new(MAGIC);
        draft.u32(copy as u32).bytes(&self.place.cluster.0).u64(self.place.segment).u64(self.place.tag);
        draft.u64(self.record.0).u64(self.position).u64(self.total_len).u64(self.body_len);
        draft.u32(self.body_crc).u32(self.entries);
        put_ballot(&mut draft.0, &self.acc_ballot);
        draft.u32(0).u64(self.epoch).u64(self.from.0).u64(self.last.0);
        draft.bytes(&self.previous.0).bytes(&self.last_hash.0).u64(self.synced.0);
        draft.seal(BLOCK)
    }

    fn decode(bytes: &[u8]) -> Result<(u32, Header), BadBlock> {
        let mut r = block::open(bytes, MAGIC)?;
        let copy = r.u32()?;
        let place = Place { cluster: ClusterId(r.array()?), segment: r.u64()?, tag: r.u64()? };
        let (record, position) = (RecordNumber(r.u64()?), r.u64()?);
        let (total_len, body_len, body_crc, entries) = (r.u64()?, r.u64()?, r.u32()?, r.u32()?);
        let acc_ballot = r.ballot()?;
        r.u32()?;
        let (epoch, from, last) = (r.u64()?, Slot(r.u64()?), Slot(r.u64()?));
        let (previous, last_hash) = (EntryHash(r.array()?), EntryHash(r.array()?));
        let synced = RecordNumber(r.u64()?);
        let header = Header {
            place,
            record,
            position,
            total_len,
            body_len,
            body_crc,
            entries,
            acc_ballot,
            epoch,
            from,
            last,
            previous,
            last_hash,
            synced,
        };
        Ok((copy, header))
    }

    /// The header in `bytes`, if it is this copy of one that belongs to this segment and could be true. Whatever is
    /// left of another life of the file, or was meant for another place, is none.
    pub(crate) fn find(bytes: &[u8], copy: Copy, place: &Place) -> Result<Option<Header>, u32> {
        match Header::decode(bytes) {
            Ok((c, header)) if c == copy as u32 && header.place == *place && header.is_sound() => {
                Ok(Some(header))
            }
            Ok(_) | Err(BadBlock::Unreadable) => Ok(None),
            Err(BadBlock::Newer(found)) => Err(found),
        }
    }

    /// The header in `bytes`, if it is this copy of one of this segment, in whichever life of the file. What a damaged log
    /// was at most is told by such.
    pub(crate) fn find_of_any_life(
        bytes: &[u8],
        copy: Copy,
        cluster: ClusterId,
        segment: u64,
    ) -> Result<Option<Header>, u32> {
        match Header::decode(bytes) {
            Ok((_, header)) => Header::find(bytes, copy, &Place { cluster, segment, ..header.place }),
            Err(BadBlock::Unreadable) => Ok(None),
            Err(BadBlock::Newer(found)) => Err(found),
        }
    }

    fn is_sound(&self) -> bool {
        let end = self.from.0.checked_add(u64::from(self.entries));
        end.is_some()
            && end == self.last.0.checked_add(1)
            && self.from > Slot(0)
            && self.last.0 < COUNT_MAX
            && self.synced < self.record
            && self.position.is_multiple_of(SECTOR)
            && self.body_len < COUNT_MAX
            && self.total_len == total_len(self.body_len)
            && self.position < COUNT_MAX
    }

    /// The offset behind the record.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.total_len
    }

    pub(crate) fn before(&self) -> Slot {
        Slot(self.from.0 - 1)
    }
}

/// Length of a record on the disk. At least two sectors, so that the copies of the header never share one.
pub(crate) fn total_len(body_len: u64) -> u64 {
    to_sector(body_len + 2 * BLOCK as u64).max(2 * SECTOR)
}

/// Where a body of this length ends in its record.
pub(crate) fn body_end(body_len: u64) -> usize {
    BODY + body_len as usize
}

/// What an append is written as: [`Header`] without what depends on the place, and the body.
pub(crate) fn body_len(append: &Append) -> u64 {
    append.entries.iter().map(|entry| entry.encoded_len() as u64).sum()
}

/// Where and when a record is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) place: Place,
    pub(crate) record: RecordNumber,
    pub(crate) position: u64,
    pub(crate) previous: EntryHash,
    pub(crate) synced: RecordNumber,
}

/// Encodes a record into `out`, which is cleared first.
pub(crate) fn encode(append: &Append, stamp: &Stamp, out: &mut Vec<u8>) -> Header {
    out.clear();
    out.resize(BODY, 0);
    append.entries.iter().for_each(|entry| entry.encode(out));
    let body_len = (out.len() - BODY) as u64;
    let entries = append.entries.len() as u32;
    let header = Header {
        place: stamp.place,
        record: stamp.record,
        position: stamp.position,
        total_len: total_len(body_len),
        body_len,
        body_crc: crc32c::crc32c(&out[BODY..]),
        entries,
        acc_ballot: append.acc_ballot,
        epoch: append.epoch,
        from: append.from,
        last: Slot(append.from.0 + u64::from(entries) - 1),
        previous: stamp.previous,
        last_hash: append.last_hash,
        synced: stamp.synced,
    };
    frame(&header, out);
    header
}

/// The bytes of a record that was read, exactly as they were written.
pub(crate) fn again(header: &Header, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; BODY];
    out.extend_from_slice(body);
    frame(header, &mut out);
    out
}

fn frame(header: &Header, out: &mut Vec<u8>) {
    out.resize(header.total_len as usize, 0);
    out[..BLOCK].copy_from_slice(&header.encode(Copy::A));
    let b = out.len() - BLOCK;
    out[b..].copy_from_slice(&header.encode(Copy::B));
}

/// The body of a record and its entries, or what is wrong with them. `record` goes at least to the body's end.
pub(crate) fn open_body(header: &Header, record: Bytes) -> Result<(Bytes, Vec<Entry>), String> {
    let body = record.slice(BODY..body_end(header.body_len));
    if crc32c::crc32c(&body) != header.body_crc {
        return Err("the checksum of its body does not match".to_owned());
    }
    let (mut rest, mut entries) = (body.clone(), Vec::new());
    let (mut slot, mut hash) = (header.from, header.previous);
    for _ in 0..header.entries {
        let entry =
            Entry::decode(&mut rest).map_err(|why| format!("slot {slot} in it cannot be read: {why}"))?;
        if entry.slot != slot || entry.previous != hash {
            return Err(format!("slot {slot} in it does not follow the one before"));
        }
        hash = entry.hash(header.place.cluster);
        slot = slot.next();
        entries.push(entry);
    }
    if hash != header.last_hash || !rest.is_empty() {
        return Err("its entries are not those that the header's hash names".to_owned());
    }
    Ok((body, entries))
}

#[cfg(test)]
mod tests {
    use doozer_paxos::Incarnation;

    use super::*;

    const PLACE: Place = Place { cluster: ClusterId([1; 16]), segment: 3, tag: 77 };

    fn append(command: usize) -> Append {
        let entry = Entry {
            slot: Slot(9),
            birth: Ballot { n: 1, epoch: 2, incarnation: Incarnation([4; 16]) },
            previous: EntryHash([5; 32]),
            wall_ms: 6,
            config: None,
            commands: vec![Bytes::from(vec![7; command])],
        };
        let last_hash = entry.hash(PLACE.cluster);
        Append { acc_ballot: entry.birth, epoch: 8, from: Slot(9), entries: vec![entry], last_hash }
    }

    fn encoded(append: &Append) -> (Header, Vec<u8>) {
        let stamp = Stamp {
            place: PLACE,
            record: RecordNumber(12),
            position: 8192,
            previous: EntryHash([5; 32]),
            synced: RecordNumber(11),
        };
        let mut out = Vec::new();
        (encode(append, &stamp, &mut out), out)
    }

    #[test]
    fn both_copies_stand_in_different_sectors_and_say_the_same() {
        let head = append(0).entries[0].encoded_len();
        for command in
            [0, 200, 4096 - 512 - head, 4096 - 511 - head, 4096 - 256 - head, 8192 - 512 - head, 8000, 70_000]
        {
            let append = append(command);
            let (header, bytes) = encoded(&append);
            assert_eq!(bytes.len() as u64, header.total_len);
            assert!(bytes.len() >= 8192 && bytes.len() % 4096 == 0, "{command}: {}", bytes.len());
            let b = &bytes[bytes.len() - BLOCK..];
            assert_eq!(Header::find(&bytes[..BLOCK], Copy::A, &PLACE), Ok(Some(header)));
            assert_eq!(Header::find(b, Copy::B, &PLACE), Ok(Some(header)));
            assert_eq!(Header::find(b, Copy::A, &PLACE), Ok(None));
            let (body, entries) = open_body(&header, Bytes::from(bytes.clone())).unwrap();
            assert_eq!(entries, append.entries);
            assert_eq!(again(&header, &body), bytes);
        }
    }

    #[test]
    fn a_header_of_another_place_is_none() {
        let (_, bytes) = encoded(&append(1));
        for other in [
            Place { cluster: ClusterId([2; 16]), ..PLACE },
            Place { segment: 4, ..PLACE },
            Place { tag: 78, ..PLACE },
        ] {
            assert_eq!(Header::find(&bytes[..BLOCK], Copy::A, &other), Ok(None));
        }
    }

    #[test]
    fn a_sound_body_of_another_record_is_noticed() {
        let (header, bytes) = encoded(&append(30));
        let bytes = Bytes::from(bytes);
        assert!(open_body(&header, bytes.clone()).is_ok());
        for other in [
            Header { last_hash: EntryHash([1; 32]), ..header },
            Header { previous: EntryHash([1; 32]), ..header },
            Header { from: Slot(10), last: Slot(10), ..header },
            Header { entries: 0, last: Slot(8), last_hash: header.previous, ..header },
            Header { entries: 2, last: Slot(10), ..header },
        ] {
            assert!(open_body(&other, bytes.clone()).is_err(), "{other:?}");
        }
    }

    #[test]
    fn every_flipped_bit_of_the_body_is_noticed() {
        let (header, bytes) = encoded(&append(30));
        for bit in BODY * 8..(BODY + header.body_len as usize) * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open_body(&header, Bytes::from(bad)).is_err(), "bit {bit}");
        }
    }
}
