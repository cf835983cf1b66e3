//! What the journal's tests share: a seeded generator, a naive log, and ways to fill a directory.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod bodies;
pub mod ends;

use bytes::Bytes;
use doozer_journal::{
    Birth, Disk, Journal, Options, Recovered, SnapshotError, SnapshotHead, SnapshotMeta, SnapshotReader,
};
use doozer_paxos::{Append, Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

pub const CLUSTER: ClusterId = ClusterId([0xc1; 16]);
pub const ME: Incarnation = Incarnation([0x3e; 16]);
pub const BIRTH: Birth = Birth { cluster: CLUSTER, incarnation: ME };
pub const SMALL: Options = Options { segment_bytes: 64 << 10, bytes_max: None };

pub fn ballot(n: u64) -> Ballot {
    Ballot { n, epoch: 0, incarnation: ME }
}

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The log as a plain list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainLog {
    /// Everything up to here is in a snapshot.
    pub base: Slot,
    pub base_hash: EntryHash,
    pub entries: Vec<Entry>,
    pub acc_ballot: Ballot,
    /// Who votes, as the first entry says; nobody: it says nothing.
    pub voters: Vec<Incarnation>,
    /// For the test that keeps several: it was synced.
    pub is_acknowledged: bool,
}

impl PlainLog {
    /// Of a cluster of this member alone.
    pub fn new() -> Self {
        PlainLog::of(&[ME])
    }

    pub fn of(voters: &[Incarnation]) -> Self {
        let (base_hash, acc_ballot, voters) = (EntryHash::NONE, Ballot::ZERO, voters.to_vec());
        let entries = Vec::new();
        PlainLog { base: Slot(0), base_hash, entries, acc_ballot, voters, is_acknowledged: false }
    }

    pub fn config(&self) -> Config {
        Config { epoch: 1, voters: self.voters.clone() }
    }

    /// What a snapshot of this slot is headed with.
    pub fn head_at(&self, slot: Slot) -> SnapshotHead {
        SnapshotHead { config: self.config(), ..head(slot, self.hash_at(slot).unwrap()) }
    }

    pub fn last(&self) -> Slot {
        Slot(self.base.0 + self.entries.len() as u64)
    }

    pub fn hash_at(&self, slot: Slot) -> Option<EntryHash> {
        match slot.0.checked_sub(self.base.0)? {
            0 => Some(self.base_hash),
            above => self.entries.get(above as usize - 1).map(|entry| entry.hash(CLUSTER)),
        }
    }

    pub fn last_hash(&self) -> EntryHash {
        self.hash_at(self.last()).unwrap()
    }

    /// An append from `from` on with these commands, one entry each.
    pub fn make(&self, from: Slot, acc_ballot: Ballot, epoch: u64, commands: &[Vec<u8>]) -> Append {
        let mut hash = self.hash_at(Slot(from.0 - 1)).unwrap();
        let mut entries = Vec::new();
        for (slot, command) in (from.0..).zip(commands) {
            let entry = Entry {
                slot: Slot(slot),
                birth: acc_ballot,
                previous: hash,
                wall_ms: 1_700_000_000_000 + slot,
                config: (slot == 1 && !self.voters.is_empty()).then(|| self.config()),
                commands: if command.is_empty() { vec![] } else { vec![Bytes::copy_from_slice(command)] },
            };
            hash = entry.hash(CLUSTER);
            entries.push(entry);
        }
        Append { acc_ballot, epoch, from, entries, last_hash: hash }
    }

    pub fn take(&mut self, append: &Append) {
        self.entries.truncate((append.from.0 - 1 - self.base.0) as usize);
        self.entries.extend_from_slice(&append.entries);
        self.acc_ballot = append.acc_ballot;
    }

    /// Whether `recovered` is this log, byte for byte.
    pub fn is(&self, recovered: &Recovered) -> bool {
        let floor = recovered.snapshot.as_ref().map_or(Slot(0), |meta| meta.head.slot);
        floor >= self.base
            && (recovered.last, recovered.last_hash) == (self.last(), self.last_hash())
            && recovered.entries[..] == self.entries[(floor.0 - self.base.0) as usize..]
            && recovered.acc_ballot == self.acc_ballot
    }
}

/// Of a cluster of this member alone.
pub fn head(slot: Slot, hash: EntryHash) -> SnapshotHead {
    let config = Config { epoch: 1, voters: vec![ME] };
    SnapshotHead { slot, hash, wall_ms: 1_700_000_000_000 + slot.0, config }
}

/// The state at a slot: bytes that its number decides, of a length from none to several blocks.
pub fn state_at(slot: Slot) -> Vec<u8> {
    let mut rng = Rng(slot.0);
    let len = [0, 100, 5000, 65_532, 140_000][rng.below(5) as usize];
    (0..len).map(|_| rng.next() as u8).collect()
}

pub fn write_snapshot<D: Disk>(
    journal: &Journal<D>,
    slot: Slot,
    hash: EntryHash,
) -> Result<SnapshotMeta, SnapshotError> {
    write_snapshot_of(journal, head(slot, hash))
}

pub fn write_snapshot_of<D: Disk>(
    journal: &Journal<D>,
    head: SnapshotHead,
) -> Result<SnapshotMeta, SnapshotError> {
    let slot = head.slot;
    let mut writer = journal.snapshot_writer(head)?;
    for part in state_at(slot).chunks(10_000) {
        writer.write(part)?;
    }
    writer.finish()
}

pub fn read_snapshot<D: Disk>(mut reader: SnapshotReader<D>) -> Result<Vec<u8>, SnapshotError> {
    let mut body = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Checks the snapshot that a journal starts from, if it has one.
pub fn check_snapshot<D: Disk>(journal: &Journal<D>, recovered: &Recovered) -> Result<(), SnapshotError> {
    assert_eq!(journal.snapshot(), recovered.snapshot.as_ref());
    if let Some(reader) = journal.snapshot_reader() {
        let reader = reader?;
        let slot = reader.meta().head.slot;
        assert!(read_snapshot(reader)? == state_at(slot), "the state at slot {slot} is another");
    }
    Ok(())
}

/// The seeds to run: the one in DOOZER_JOURNAL_SEED to replay it, else from 0 on as many as DOOZER_JOURNAL_SEEDS says,
/// else `count`.
pub fn seeds(count: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    match number("DOOZER_JOURNAL_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("DOOZER_JOURNAL_SEEDS").unwrap_or(count)).collect(),
    }
}

/// Runs a check for a seed, naming it if it fails.
pub fn with_seed(seed: u64, check: impl FnOnce(u64)) {
    struct Name(u64);
    impl Drop for Name {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("failed with seed {0}; replay it with DOOZER_JOURNAL_SEED={0}", self.0);
            }
        }
    }
    let _name = Name(seed);
    check(seed);
}
