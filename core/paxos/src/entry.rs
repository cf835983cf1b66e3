//! One slot of the log: a batch of commands, its canonical bytes, and the hash that chains it to the slot before.

use std::fmt;

use bytes::{BufMut, Bytes};

use crate::codec::{Reader, Short, put_ballot};
use crate::{Ballot, ClusterId, Incarnation};

/// A position in the log. The first is 1; 0 is the empty log. A slot is not a revision: one slot holds any number of
/// changes, none included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Slot(pub u64);

impl Slot {
    /// The slot after this one.
    #[must_use]
    pub fn next(self) -> Slot {
        Slot(self.0 + 1)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The hash of an entry, which covers the one before it, and so the whole log up to there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryHash(pub [u8; 32]);

impl EntryHash {
    /// What the first slot of a log follows.
    pub const NONE: EntryHash = EntryHash([0; 32]);
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..6] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…")
    }
}

/// Who votes, from the slot after the one that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Config {
    /// Counts configurations; the first is 1.
    pub epoch: u64,
    /// The voters, in the order of their slots under `/ctl/cal`.
    pub voters: Vec<Incarnation>,
}

/// One slot of the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Where it stands.
    pub slot: Slot,
    /// The ballot under which it was first proposed: never rewritten, and hashed. The ballot under which the log was
    /// last *accepted* is one value beside the log.
    pub birth: Ballot,
    /// The hash of the entry before it.
    pub previous: EntryHash,
    /// The proposer's wall clock, milliseconds since 1970, never going back along the log. For people to read: no
    /// decision uses it.
    pub wall_ms: u64,
    /// A change of the voters (a stop-sign), or the first configuration.
    pub config: Option<Config>,
    /// What to apply, in order. Only a proposer's opening slot has none.
    pub commands: Vec<Bytes>,
}

/// Why bytes are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// The bytes ended too early.
    #[error(transparent)]
    Short(#[from] Short),
    /// A byte that says whether a configuration follows is neither 0 nor 1.
    #[error("the mark before an entry's configuration is {0}, not 0 or 1")]
    Mark(u8),
}

impl Entry {
    /// Appends the canonical bytes: all integers little-endian, `slot u64, birth 28 bytes, previous 32 bytes, wall_ms
    /// u64, config 0|1 [epoch u64, voters u32, 16 bytes each], commands u32, then for each its length u32 and bytes`.
    pub fn encode(&self, out: &mut impl BufMut) {
        self.encode_head(out);
        for command in &self.commands {
            out.put_u32_le(len_u32(command.len()));
            out.put_slice(command);
        }
    }

    /// Length of the canonical bytes.
    pub fn encoded_len(&self) -> usize {
        let config = self.config.as_ref().map_or(0, |c| 12 + 16 * c.voters.len());
        8 + 28 + 32 + 8 + 1 + config + 4 + self.commands.iter().map(|c| 4 + c.len()).sum::<usize>()
    }

    /// Bytes of its commands.
    pub fn command_bytes(&self) -> usize {
        self.commands.iter().map(Bytes::len).sum()
    }

    fn encode_head(&self, out: &mut impl BufMut) {
        out.put_u64_le(self.slot.0);
        put_ballot(out, &self.birth);
        out.put_slice(&self.previous.0);
        out.put_u64_le(self.wall_ms);
        match &self.config {
            None => out.put_u8(0),
            Some(config) => {
                out.put_u8(1);
                out.put_u64_le(config.epoch);
                out.put_u32_le(len_u32(config.voters.len()));
                config.voters.iter().for_each(|voter| out.put_slice(&voter.0));
            }
        }
        out.put_u32_le(len_u32(self.commands.len()));
    }

    /// Reads one entry. The commands share `bytes`; what stands behind the entry is left in `bytes`.
    pub fn decode(bytes: &mut Bytes) -> Result<Entry, BadEntry> {
        let whole = bytes.clone();
        let mut reader = Reader::new(&whole);
        let slot = Slot(reader.u64()?);
        let birth = reader.ballot()?;
        let previous = EntryHash(reader.array()?);
        let wall_ms = reader.u64()?;
        let config = match reader.u8()? {
            0 => None,
            1 => Some(decode_config(&mut reader)?),
            other => return Err(BadEntry::Mark(other)),
        };
        let count = reader.u32()? as usize;
        // A count is believed only as far as the bytes can bear it out.
        let mut commands = Vec::with_capacity(count.min(reader.remaining() / 4));
        for _ in 0..count {
            let len = reader.u32()? as usize;
            commands.push(whole.slice_ref(reader.bytes(len)?));
        }
        *bytes = whole.slice(whole.len() - reader.remaining()..);
        Ok(Entry { slot, birth, previous, wall_ms, config, commands })
    }

    /// BLAKE3 over the cluster and the canonical bytes. `previous` is among those, so equal hashes mean equal logs of
    /// the same cluster up to here.
    pub fn hash(&self, cluster: ClusterId) -> EntryHash {
        let mut head = Vec::with_capacity(128);
        head.extend_from_slice(b"doozer entry 1\0\0");
        head.extend_from_slice(&cluster.0);
        self.encode_head(&mut head);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head);
        for command in &self.commands {
            hasher.update(&len_u32(command.len()).to_le_bytes());
            hasher.update(command);
        }
        EntryHash(*hasher.finalize().as_bytes())
    }
}

fn decode_config(reader: &mut Reader<'_>) -> Result<Config, Short> {
    let epoch = reader.u64()?;
    let count = reader.u32()? as usize;
    let mut voters = Vec::with_capacity(count.min(reader.remaining() / 16));
    for _ in 0..count {
        voters.push(Incarnation(reader.array()?));
    }
    Ok(Config { epoch, voters })
}

#[allow(clippy::expect_used, reason = "a frame is bounded far below 4 GiB, so no command or list reaches it")]
fn len_u32(len: usize) -> u32 {
    u32::try_from(len).expect("lengths in an entry fit 32 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(slot: u64, voters: Option<Vec<[u8; 16]>>, commands: Vec<Vec<u8>>) -> Entry {
        Entry {
            slot: Slot(slot),
            birth: Ballot { n: 3, epoch: 1, incarnation: Incarnation([7; 16]) },
            previous: EntryHash([9; 32]),
            wall_ms: 1_700_000_000_000,
            config: voters.map(|v| Config { epoch: 2, voters: v.into_iter().map(Incarnation).collect() }),
            commands: commands.into_iter().map(Bytes::from).collect(),
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            slot: u64,
            voters in proptest::option::of(proptest::collection::vec(any::<[u8; 16]>(), 0..4)),
            commands in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5),
            tail in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let entry = entry(slot, voters, commands);
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), entry.encoded_len());
            bytes.extend_from_slice(&tail);
            let mut bytes = Bytes::from(bytes);
            prop_assert_eq!(Entry::decode(&mut bytes), Ok(entry));
            prop_assert_eq!(bytes, tail);
        }

        #[test]
        fn any_bytes_are_an_entry_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Bytes::from(bytes);
            let _ = Entry::decode(&mut bytes);
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        let mut bytes = Vec::new();
        entry(5, Some(vec![[1; 16]]), vec![b"abc".to_vec(), Vec::new()]).encode(&mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(
                Entry::decode(&mut Bytes::copy_from_slice(&bytes[..cut])),
                Err(BadEntry::Short(Short)),
                "{cut}"
            );
        }
    }

    #[test]
    fn hash_covers_every_field_and_the_cluster() {
        let cluster = ClusterId([1; 16]);
        let base = entry(5, None, vec![b"ab".to_vec(), b"c".to_vec()]);
        let mut hashes = vec![base.hash(cluster), base.hash(ClusterId([2; 16]))];
        hashes.push(Entry { slot: Slot(6), ..base.clone() }.hash(cluster));
        hashes.push(Entry { birth: Ballot::ZERO, ..base.clone() }.hash(cluster));
        hashes.push(Entry { previous: EntryHash::NONE, ..base.clone() }.hash(cluster));
        hashes.push(Entry { wall_ms: 1, ..base.clone() }.hash(cluster));
        hashes
            .push(Entry { config: Some(Config { epoch: 1, voters: vec![] }), ..base.clone() }.hash(cluster));
        hashes.push(Entry { commands: vec!["a".into(), "bc".into()], ..base.clone() }.hash(cluster));
        for (i, a) in hashes.iter().enumerate() {
            assert_eq!(hashes.iter().position(|b| a == b), Some(i));
        }
    }

    #[test]
    fn hash_is_that_of_the_canonical_bytes() {
        let entry = entry(5, Some(vec![[1; 16]]), vec![b"ab".to_vec()]);
        let mut bytes = b"doozer entry 1\0\0".to_vec();
        bytes.extend_from_slice(&[1; 16]);
        entry.encode(&mut bytes);
        assert_eq!(entry.hash(ClusterId([1; 16])).0, *blake3::hash(&bytes).as_bytes());
    }
}
