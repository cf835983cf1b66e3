//! What an acknowledged append costs beside the least the disk can do: a 4 KiB overwrite of a prepared file and its
//! sync. Both in one run, taking turns, so that they meet the same disk.
//!
//! `cargo run --release -p doozer-journal --example measure -- DIRECTORY [ROUNDS]`

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer_journal::{Birth, Disk, DiskFile, Journal, Options, RealDisk};
use doozer_paxos::{Append, Ballot, ClusterId, Entry, Incarnation};

const COMMAND_BYTES: usize = 200;
const FLOOR_FILE_BYTES: u64 = 16 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let root = PathBuf::from(args.next().unwrap_or_else(|| ".".to_owned())).join("journal-measure");
    let rounds: u64 = args.next().map_or(Ok(2000), |text| text.parse())?;
    std::fs::create_dir(&root)?;
    let measured = measure(&root, rounds);
    std::fs::remove_dir_all(&root)?;
    let (mut appends, mut floors, mut writes) = measured?;
    println!("{rounds} rounds in {}", root.display());
    print_line("append + sync, 200 B", &mut appends);
    print_line("  of that, append", &mut writes);
    print_line("overwrite 4 KiB + fdatasync", &mut floors);
    println!("ratio of the medians: {:.2}", median(&appends).as_secs_f64() / median(&floors).as_secs_f64());
    Ok(())
}

type Times = Vec<Duration>;

fn measure(root: &std::path::Path, rounds: u64) -> Result<(Times, Times, Times), Box<dyn Error>> {
    let (cluster, incarnation) = (ClusterId([1; 16]), Incarnation([2; 16]));
    let birth = Birth { cluster, incarnation };
    let (mut journal, _) = Journal::create(RealDisk::new(root.join("data")), birth, Options::default())?;
    let ballot = Ballot { n: 1, epoch: 0, incarnation };
    journal.promise(ballot)?;
    let floor = RealDisk::new(root).open("floor", true)?;
    (0..FLOOR_FILE_BYTES >> 20).try_for_each(|mib| floor.write_at(&vec![0; 1 << 20], mib << 20))?;
    floor.sync_data()?;
    let (mut appends, mut floors, mut writes) = (Times::new(), Times::new(), Times::new());
    for round in 0..rounds {
        let entry = Entry {
            slot: journal.last().next(),
            birth: ballot,
            previous: journal.last_hash(),
            wall_ms: round,
            config: None,
            commands: vec![Bytes::from(vec![round as u8; COMMAND_BYTES])],
        };
        let last_hash = entry.hash(cluster);
        let append =
            Append { acc_ballot: ballot, epoch: 1, from: entry.slot, entries: vec![entry], last_hash };
        let start = Instant::now();
        journal.append(&append)?;
        writes.push(start.elapsed());
        journal.sync()?;
        appends.push(start.elapsed());
        let start = Instant::now();
        floor.write_at(&[round as u8; 4096], round * 4096 % FLOOR_FILE_BYTES)?;
        floor.sync_data()?;
        floors.push(start.elapsed());
        journal.prepare()?;
    }
    Ok((appends, floors, writes))
}

fn median(times: &[Duration]) -> Duration {
    times[times.len() / 2]
}

fn print_line(name: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    println!("{name:<28} p50 {:>8.1} us   p99 {:>8.1} us   max {:>8.1} us", at(50), at(99), at(100));
}
