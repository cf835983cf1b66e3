//! The sealed block: how every header of every file is framed. A magic word, a version, fields, zeros, a CRC32C over
//! all of it.
//! Never here: what the fields mean.

use doozer_paxos::codec::Reader;

/// The latest format that this crate reads. A block is written in the oldest one that can say what it says.
pub const FORMAT: u32 = 2;

/// The format of every block, but for a superblock with more to say.
const FIRST: u32 = 1;

/// Length of every sealed block but a snapshot's header.
pub(crate) const BLOCK: usize = 256;

/// What devices of today write in one piece at best, and the unit that this crate never writes twice once it holds
/// something acknowledged.
pub(crate) const SECTOR: u64 = 4096;

/// No counter reaches this in the life of a disk; a block with a greater one is no block of ours, however well its CRC
/// fits, and so no sum overflows.
pub(crate) const COUNT_MAX: u64 = 1 << 62;

pub(crate) type Magic = [u8; 8];

/// Why bytes are no block of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadBlock {
    /// Not one, or a damaged one.
    Unreadable,
    /// One of a later format. Every format keeps magic, version, length and CRC where they are, so that this is known
    /// for certain and never mistaken for damage.
    Newer(u32),
}

/// A block to be filled and sealed.
#[derive(Debug)]
pub(crate) struct Draft(pub(crate) Vec<u8>);

impl Draft {
    pub(crate) fn new(magic: Magic) -> Self {
        Draft::of_format(magic, FIRST)
    }

    pub(crate) fn of_format(magic: Magic, format: u32) -> Self {
        let mut bytes = Vec::with_capacity(BLOCK);
        bytes.extend_from_slice(&magic);
        bytes.extend_from_slice(&format.to_le_bytes());
        Draft(bytes)
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Fills with zeros to `len` and puts the CRC in the last four bytes.
    pub(crate) fn seal(mut self, len: usize) -> Vec<u8> {
        assert!(self.0.len() + 4 <= len, "{} bytes of fields do not fit a block of {len}", self.0.len());
        self.0.resize(len - 4, 0);
        let crc = crc32c::crc32c(&self.0);
        self.u32(crc);
        self.0
    }
}

/// The fields of the block that `bytes` are, if they are one.
pub(crate) fn open(bytes: &[u8], magic: Magic) -> Result<Reader<'_>, BadBlock> {
    open_up_to(bytes, magic, FIRST).map(|(_, reader)| reader)
}

/// The same of a block that there is in several formats: which one it is of, and its fields.
pub(crate) fn open_up_to(bytes: &[u8], magic: Magic, latest: u32) -> Result<(u32, Reader<'_>), BadBlock> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(BadBlock::Unreadable)?;
    if !body.starts_with(&magic) || crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Err(BadBlock::Unreadable);
    }
    let mut reader = Reader::new(&body[magic.len()..]);
    match reader.u32().map_err(|_| BadBlock::Unreadable)? {
        format if (FIRST..=latest).contains(&format) => Ok((format, reader)),
        newer if newer > latest => Err(BadBlock::Newer(newer)),
        _ => Err(BadBlock::Unreadable),
    }
}

impl From<doozer_paxos::codec::Short> for BadBlock {
    fn from(_: doozer_paxos::codec::Short) -> Self {
        BadBlock::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: Magic = *b"DZTEST\0\0";

    #[test]
    fn opens_what_was_sealed_and_nothing_with_a_flipped_bit() {
        let mut draft = Draft::new(MAGIC);
        draft.u64(7);
        let sealed = draft.seal(64);
        assert_eq!(open(&sealed, MAGIC).unwrap().u64(), Ok(7));
        assert_eq!(open(&sealed, *b"DZOTHER\0").err(), Some(BadBlock::Unreadable));
        for bit in 0..64 * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&bad, MAGIC).err(), Some(BadBlock::Unreadable), "bit {bit}");
        }
    }

    #[test]
    fn a_later_format_is_told_from_damage() {
        let mut draft = Draft::new(MAGIC);
        draft.0[8..12].copy_from_slice(&9u32.to_le_bytes());
        assert_eq!(open(&draft.seal(64), MAGIC).err(), Some(BadBlock::Newer(9)));
    }
}
