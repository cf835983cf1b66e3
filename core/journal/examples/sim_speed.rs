//! What the journal costs on a simulated disk: small records appended and synced one by one, and a start that reads 200
//! of them. The simulator does both many thousand times a second.
//!
//! `cargo run --release -p doozer-journal --example sim_speed [RECORDS]`

use std::error::Error;
use std::time::Instant;

use bytes::Bytes;
use doozer_journal::{Birth, Journal, Options, SimDisk, SnapshotHead};
use doozer_paxos::{Append, Ballot, ClusterId, Config, Entry, Incarnation};

const COMMAND_BYTES: usize = 200;
/// Records between snapshots, each of which lets the log before it go.
const RECORDS_PER_SNAPSHOT: u64 = 1000;
const RECORDS_AT_START: u64 = 200;
const OPENS: u32 = 200;
const BIRTH: Birth = Birth { cluster: ClusterId([1; 16]), incarnation: Incarnation([2; 16]) };
const BALLOT: Ballot = Ballot { n: 1, epoch: 0, incarnation: BIRTH.incarnation };
const OPTIONS: Options = Options { segment_bytes: 64 << 10, bytes_max: None };

fn main() -> Result<(), Box<dyn Error>> {
    let records: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let (_, mut journal) = new_member()?;
    let start = Instant::now();
    for record in 1..=records {
        append(&mut journal)?;
        if record % RECORDS_PER_SNAPSHOT == 0 {
            snapshot(&mut journal)?;
        }
    }
    let rate = records as f64 / start.elapsed().as_secs_f64();
    println!("append + sync, {COMMAND_BYTES} B: {rate:.0} a second");

    let (disk, mut journal) = new_member()?;
    (0..RECORDS_AT_START).try_for_each(|_| append(&mut journal))?;
    let start = Instant::now();
    for _ in 0..OPENS {
        disk.kill();
        journal = Journal::open(disk.clone(), OPTIONS)?.0;
    }
    let each_us = start.elapsed().as_secs_f64() * 1e6 / f64::from(OPENS);
    println!("open with {RECORDS_AT_START} records: {each_us:.0} us");

    let start = Instant::now();
    for _ in 0..OPENS {
        append(&mut journal)?;
        disk.crash();
        journal = Journal::open(disk.clone(), OPTIONS)?.0;
    }
    let each_us = start.elapsed().as_secs_f64() * 1e6 / f64::from(OPENS);
    println!("append, sync, power cut, open: {each_us:.0} us");
    Ok(())
}

fn new_member() -> Result<(SimDisk, Journal<SimDisk>), Box<dyn Error>> {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, OPTIONS)?;
    journal.promise(BALLOT)?;
    Ok((disk, journal))
}

fn append(journal: &mut Journal<SimDisk>) -> Result<(), Box<dyn Error>> {
    let slot = journal.last().next();
    let entry = Entry {
        slot,
        birth: BALLOT,
        previous: journal.last_hash(),
        wall_ms: slot.0,
        config: None,
        commands: vec![Bytes::from(vec![slot.0 as u8; COMMAND_BYTES])],
    };
    let last_hash = entry.hash(BIRTH.cluster);
    journal.append(&Append { acc_ballot: BALLOT, epoch: 1, from: slot, entries: vec![entry], last_hash })?;
    journal.sync()?;
    Ok(())
}

fn snapshot(journal: &mut Journal<SimDisk>) -> Result<(), Box<dyn Error>> {
    let config = Config { epoch: 1, voters: vec![BIRTH.incarnation] };
    let head = SnapshotHead { slot: journal.last(), hash: journal.last_hash(), wall_ms: 0, config };
    let mut writer = journal.snapshot_writer(head)?;
    writer.write(&[7; 10_000])?;
    let meta = writer.finish()?;
    journal.snapshot_committed(&meta)?;
    Ok(())
}
