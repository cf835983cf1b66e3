//! Any bytes in any file: opening answers, it never panics, and never with what was not written. Blocks are sealed
//! again after the change, so that the checks behind the checksums are reached too.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use doozer_journal::{Journal, OpenError, SimDisk};
use doozer_paxos::{EntryHash, Incarnation, Slot};
use support::*;

fn directory(voters: &[Incarnation]) -> SimDisk {
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

/// A number that tests bounds.
fn nasty(rng: &mut Rng) -> u64 {
    let edge = [0, 1, 255, 256, 4096, 65536, u64::from(u32::MAX), 1 << 40, 1 << 63, u64::MAX]
        [rng.below(10) as usize];
    match rng.below(3) {
        0 => edge,
        1 => edge.wrapping_add(rng.below(5)).wrapping_sub(2),
        _ => rng.next() >> rng.below(64),
    }
}

fn change(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let len = bytes.len() as u64;
    match rng.below(10) {
        0 => *bytes = (0..rng.below(20_000)).map(|_| rng.next() as u8).collect(),
        1 => bytes.truncate(rng.below(len + 1) as usize),
        2 => {
            let from = rng.below(len) as usize;
            let to = (from + rng.below(9000) as usize).min(bytes.len());
            bytes[from..to].iter_mut().for_each(|byte| *byte = rng.next() as u8);
        }
        _ => reseal(rng, bytes),
    }
}

/// Changes a field of some sealed block and makes its checksum right again.
fn reseal(rng: &mut Rng, bytes: &mut [u8]) {
    let is_block = |bytes: &[u8], at: usize, len: usize| {
        let Some(block) = bytes.get(at..at + len) else { return false };
        block[len - 4..] == crc32c::crc32c(&block[..len - 4]).to_le_bytes()
    };
    let mut blocks: Vec<(usize, usize)> = (0..bytes.len()).step_by(256).map(|at| (at, 256)).collect();
    blocks.extend([(0, 4096), (bytes.len().saturating_sub(256), 256)]);
    blocks.retain(|(at, len)| is_block(bytes, *at, *len) && bytes[*at] != 0);
    if blocks.is_empty() {
        return;
    }
    let (at, len) = blocks[rng.below(blocks.len() as u64) as usize];
    for _ in 0..1 + rng.below(2) {
        let field = at + 12 + 4 * rng.below(56) as usize;
        let value = nasty(rng).to_le_bytes();
        let width = [1, 4, 8][rng.below(3) as usize];
        bytes[field..field + width].copy_from_slice(&value[..width]);
    }
    let crc = crc32c::crc32c(&bytes[at..at + len - 4]);
    bytes[at + len - 4..at + len].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn any_bytes_get_an_answer() {
    let both = [directory(&[ME]), directory(&[ME, Incarnation([7; 16])])];
    let names: Vec<String> = both[0].files().into_iter().filter(|name| name != "LOCK").collect();
    let (mut opened, mut suspect, mut refused) = (0, 0, 0);
    for seed in seeds(6000) {
        with_seed(seed, |seed| {
            let mut rng = Rng(seed);
            let disk = both[(seed % 2) as usize].fork();
            for _ in 0..1 + rng.below(2) {
                let name = &names[rng.below(names.len() as u64) as usize];
                let mut bytes = disk.contents(name).unwrap();
                change(&mut rng, &mut bytes);
                disk.put(name, &bytes);
            }
            match Journal::open(disk, SMALL) {
                Ok((_, recovered)) => {
                    let hash = recovered.entries.last().map_or(EntryHash::NONE, |entry| entry.hash(CLUSTER));
                    let snapshot = recovered.snapshot.as_ref().map(|meta| meta.head.hash);
                    assert!(
                        recovered.last_hash == hash
                            || Some(recovered.last_hash) == snapshot
                            || recovered.last == Slot(0)
                    );
                    assert!(recovered.suspect.is_none_or(|end| end.acc_ballot <= recovered.promised));
                    opened += 1;
                    suspect += u64::from(recovered.suspect.is_some());
                }
                Err(OpenError::Io(failure)) => panic!("{failure}"),
                Err(_) => refused += 1,
            }
        });
    }
    assert!(
        seeds(6000).len() == 1 || (opened > 500 && suspect > 50 && refused > 500),
        "{opened} opened, {suspect} suspect, {refused} refused"
    );
}
