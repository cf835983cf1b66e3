//! What must hold for any bytes in a data directory: the seeded test calls it, and so does a target of `core/fuzz`.

use std::cell::LazyCell;

use doozer_journal::{OpenError, SimDisk};

use super::*;

/// Decisions: what a fuzzer wants, and then what a seed brings.
pub struct Choices<'a> {
    tape: &'a [u8],
    rng: Rng,
}

impl<'a> Choices<'a> {
    pub fn seeded(seed: u64) -> Choices<'a> {
        Choices { tape: &[], rng: Rng(seed) }
    }

    /// Draws these bytes first.
    pub fn of(tape: &'a [u8]) -> Choices<'a> {
        Choices { tape, rng: Rng(0) }
    }

    fn next(&mut self) -> u64 {
        match self.tape.split_first_chunk() {
            Some((number, rest)) => {
                self.tape = rest;
                u64::from_le_bytes(*number)
            }
            None => self.rng.next(),
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number that tests bounds.
    fn nasty(&mut self) -> u64 {
        const EDGES: [u64; 10] = [0, 1, 255, 256, 4096, 65536, u32::MAX as u64, 1 << 40, 1 << 63, u64::MAX];
        let edge = EDGES[self.pick(EDGES.len())];
        match self.below(3) {
            0 => edge,
            1 => edge.wrapping_add(self.below(5)).wrapping_sub(2),
            _ => self.next() >> self.below(64),
        }
    }
}

/// What a start came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    Whole,
    Suspect,
    Refused,
}

/// A directory as it was written, and what is known to be in it.
struct Original {
    disk: SimDisk,
    options: Options,
    found: Recovered,
    state: Vec<u8>,
    /// Every entry that can be read from it, with its snapshot or without.
    entries: Vec<Entry>,
}

/// A start from a directory in which some files were changed. It never panics; it serves nothing that was not written, and
/// no less than was acknowledged unless it says so; whoever is refused is told which file it is about.
pub fn start_from_any_bytes(choices: &mut Choices<'_>) -> Start {
    thread_local! {
        static ORIGINALS: LazyCell<Vec<Original>> = LazyCell::new(originals);
    }
    ORIGINALS.with(|originals| start(&originals[choices.pick(originals.len())], choices))
}

fn start(original: &Original, choices: &mut Choices<'_>) -> Start {
    let disk = original.disk.fork();
    let names: Vec<String> = disk.files().into_iter().filter(|name| name != "LOCK").collect();
    let (files, mut is_sealed) = (1 + choices.below(2), false);
    for _ in 0..files {
        let name = &names[choices.pick(names.len())];
        let Some(mut bytes) = disk.contents(name) else { continue };
        if choices.below(16) == 0 {
            disk.lose(name);
            continue;
        }
        is_sealed |= change(&mut bytes, choices);
        disk.put(name, &bytes);
    }
    let (journal, recovered) = match Journal::open(disk.clone(), original.options) {
        Ok(opened) => opened,
        Err(OpenError::Io(failure)) => panic!("{failure}"),
        Err(error) => {
            let text = error.to_string();
            assert!(
                ["sim/SUPER", "sim/MARK", "sim/log", "sim/snap"].iter().any(|name| text.contains(name)),
                "{text}"
            );
            return Start::Refused;
        }
    };
    check_chain(&recovered);
    if is_sealed {
        // Fields that only a checksum covers may say anything.
        drop(journal.snapshot_reader().map(|reader| reader.map(read_snapshot)));
    } else {
        original.check(&recovered, files);
        original.check_state(&journal);
        go_on(&disk, journal, &recovered, original.options);
    }
    if recovered.suspect.is_some() { Start::Suspect } else { Start::Whole }
}

/// What holds whatever a field may say.
fn check_chain(recovered: &Recovered) {
    let cluster = recovered.cluster;
    let hash = recovered.entries.last().map_or(EntryHash::NONE, |entry| entry.hash(cluster));
    let snapshot = recovered.snapshot.as_ref().map(|meta| meta.head.hash);
    assert!(
        recovered.last_hash == hash || Some(recovered.last_hash) == snapshot || recovered.last == Slot(0)
    );
    assert!(recovered.suspect.is_none_or(|end| end.acc_ballot <= recovered.promised));
}

impl Original {
    fn of(disk: SimDisk, options: Options) -> Original {
        let (journal, found) = Journal::open(disk.fork(), options).unwrap();
        let state = read_snapshot(journal.snapshot_reader().unwrap().unwrap()).unwrap();
        let without = disk.fork();
        let snapshots = without.files().into_iter().filter(|name| name.starts_with("snap/"));
        snapshots.for_each(|name| without.lose(&name));
        let early = match Journal::open(without, options) {
            Ok((_, early)) => early.entries,
            Err(_) => Vec::new(),
        };
        let entries = [early, found.entries.clone()].concat();
        Original { disk, options, found, state, entries }
    }

    /// What was read is what was written, up to its end; and that is the end there was, unless it says that it may not be.
    fn check(&self, recovered: &Recovered, files: u64) {
        let ours = &self.found;
        assert_eq!((recovered.cluster, recovered.incarnation), (ours.cluster, ours.incarnation));
        assert_eq!(recovered.promised, ours.promised);
        assert!(recovered.last <= ours.last);
        for entry in &recovered.entries {
            assert!(self.entries.contains(entry), "{entry:?}");
        }
        // With one file spoilt there is always another that tells what the end was.
        let is_whole = (recovered.last_hash, recovered.acc_ballot) == (ours.last_hash, ours.acc_ballot);
        assert!(is_whole || recovered.suspect.is_some() || files > 1, "{recovered:?}");
    }

    fn check_state(&self, journal: &Journal<SimDisk>) {
        if let Some(Ok(reader)) = journal.snapshot_reader()
            && let Ok(state) = read_snapshot(reader)
        {
            assert_eq!(state, self.state);
        }
    }
}

/// What was made of a spoilt directory takes the next entry, and has it at the next start.
fn go_on(disk: &SimDisk, mut journal: Journal<SimDisk>, recovered: &Recovered, options: Options) {
    let entry = Entry {
        slot: recovered.last.next(),
        birth: recovered.promised,
        previous: recovered.last_hash,
        wall_ms: 0,
        config: None,
        commands: vec![Bytes::from_static(b"next")],
    };
    let hash = entry.hash(recovered.cluster);
    let append = Append {
        acc_ballot: recovered.promised,
        epoch: recovered.epoch,
        from: entry.slot,
        entries: vec![entry],
        last_hash: hash,
    };
    journal.append(&append).unwrap();
    journal.sync().unwrap();
    drop(journal);
    let (_, again) = Journal::open(disk.clone(), options).unwrap();
    assert_eq!((again.last, again.last_hash), (append.from, hash));
    assert_eq!(again.suspect, recovered.suspect);
}

/// Two directories written now, of a member alone and of one of two, and the one that was kept of the first format.
fn originals() -> Vec<Original> {
    let two = [ME, Incarnation([7; 16])];
    let mut kept = Original::of(kept(), Options { segment_bytes: 24 << 10, bytes_max: None });
    // What was cut is in the log again if the record that cut it is lost.
    let fifth = kept.entries.iter().find(|entry| entry.slot == Slot(5)).unwrap();
    let log = PlainLog { base: Slot(5), base_hash: fifth.hash(CLUSTER), ..PlainLog::new() };
    kept.entries.extend(log.make(Slot(6), ballot(4), 1, &[b"set /e 5".to_vec()]).entries);
    vec![Original::of(written(&[ME]), SMALL), Original::of(written(&two), SMALL), kept]
}

fn written(voters: &[Incarnation]) -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
    journal.promise(ballot(2)).unwrap();
    let mut log = PlainLog::of(voters);
    for slot in 1..10 {
        let append = log.make(Slot(slot), ballot(2), 1, &[vec![slot as u8; 100]]);
        log.take(&append);
        journal.append(&append).unwrap();
        journal.sync().unwrap();
    }
    let mut writer = journal.snapshot_writer(log.head_at(Slot(3))).unwrap();
    writer.write(&[5; 300]).unwrap();
    journal.snapshot_committed(&writer.finish().unwrap()).unwrap();
    disk
}

fn kept() -> SimDisk {
    macro_rules! put {
        ($disk:ident, $($name:literal)*) => {
            $($disk.put($name, include_bytes!(concat!("../golden/format-1/", $name)));)*
        };
    }
    let disk = SimDisk::new(1);
    put!(disk, "SUPER" "MARK" "log/0000000000000002.log" "log/0000000000000003.log" "log/0000000000000004.log");
    put!(disk, "log/spare-0000000000000003" "snap/0000000000000004.snap");
    disk
}

/// Changes a file; whether a block of it was sealed again.
fn change(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) -> bool {
    let len = bytes.len() as u64;
    if len == 0 {
        return false;
    }
    match choices.below(10) {
        0 => *bytes = (0..choices.below(20_000)).map(|_| choices.next() as u8).collect(),
        1 => bytes.truncate(choices.below(len + 1) as usize),
        2 => {
            let from = choices.below(len) as usize;
            let to = (from + choices.below(9000) as usize).min(bytes.len());
            bytes[from..to].iter_mut().for_each(|byte| *byte = choices.next() as u8);
        }
        3 | 4 => bytes[choices.below(len) as usize] ^= 1 << choices.below(8),
        5 => {
            // A write that went astray.
            let sectors = len.div_ceil(4096);
            let (from, to) = (choices.below(sectors) * 4096, choices.below(sectors) * 4096);
            let sector = bytes[from as usize..].iter().copied().take(4096).collect::<Vec<_>>();
            let end = bytes.len().min(to as usize + sector.len());
            bytes[to as usize..end].copy_from_slice(&sector[..end - to as usize]);
        }
        _ => return reseal(bytes, choices),
    }
    false
}

/// Changes a field of some sealed block and makes its checksum right again: the checks behind the checksums are reached too.
fn reseal(bytes: &mut [u8], choices: &mut Choices<'_>) -> bool {
    let is_block = |at: usize, len: usize| {
        let Some(block) = bytes.get(at..at + len) else { return false };
        block[len - 4..] == crc32c::crc32c(&block[..len - 4]).to_le_bytes()
    };
    let mut blocks: Vec<(usize, usize)> = (0..bytes.len()).step_by(256).map(|at| (at, 256)).collect();
    blocks.extend([(0, 4096), (bytes.len().saturating_sub(256), 256)]);
    blocks.retain(|(at, len)| is_block(*at, *len) && bytes[*at] != 0);
    if blocks.is_empty() {
        return false;
    }
    let (at, len) = blocks[choices.pick(blocks.len())];
    for _ in 0..1 + choices.below(2) {
        let field = at + 12 + 4 * choices.pick(56);
        let value = choices.nasty().to_le_bytes();
        let width = [1, 4, 8][choices.pick(3)];
        bytes[field..field + width].copy_from_slice(&value[..width]);
    }
    let crc = crc32c::crc32c(&bytes[at..at + len - 4]);
    bytes[at + len - 4..at + len].copy_from_slice(&crc.to_le_bytes());
    true
}
