//! Every call to the disk fails once, in turn, over a run that does everything: never a panic, never a lost
//! acknowledged write, and every error says which file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use doozer_journal::sim::{Call, Fault};
use doozer_journal::{AppendError, Disk, Full, Journal, OpenError, Options, SimDisk};
use doozer_paxos::Slot;
use support::*;

/// What the run did so far.
struct Done {
    /// The log as acknowledged last, and after each append since.
    logs: Vec<PlainLog>,
    promised: u64,
    errors: Vec<String>,
}

type Step<T> = Result<T, ()>;

impl Done {
    fn new() -> Self {
        Done { logs: vec![PlainLog::new()], promised: 0, errors: Vec::new() }
    }

    fn log(&self) -> &PlainLog {
        self.logs.last().unwrap()
    }

    /// Ends the run at an error, which must name a file.
    fn step<T, E: std::fmt::Display>(&mut self, result: Result<T, E>) -> Step<T> {
        result.map_err(|error| self.errors.push(error.to_string()))
    }

    fn append(&mut self, journal: &mut Journal<SimDisk>, from: Slot, sizes: &[usize]) -> Step<()> {
        let commands: Vec<Vec<u8>> = sizes.iter().map(|size| vec![from.0 as u8; *size]).collect();
        let append = self.log().make(from, ballot(self.promised), 1, &commands);
        let mut log = self.log().clone();
        log.take(&append);
        let result = journal.append(&append);
        if !matches!(result, Err(AppendError::Full(_))) {
            self.logs.push(log);
        }
        self.step(result).map(|_| ())
    }

    fn sync(&mut self, journal: &mut Journal<SimDisk>) -> Step<()> {
        let synced = journal.sync();
        let synced = self.step(synced)?;
        assert_eq!(synced.slot, self.log().last());
        self.logs.drain(..self.logs.len() - 1);
        Ok(())
    }

    fn promise(&mut self, journal: &mut Journal<SimDisk>, n: u64) -> Step<()> {
        let done = journal.promise(ballot(n));
        self.step(done)?;
        self.promised = n;
        Ok(())
    }

    fn snapshot(&mut self, journal: &mut Journal<SimDisk>, slot: Slot) -> Step<()> {
        let hash = self.log().hash_at(slot).unwrap();
        let meta = self.step(write_snapshot(journal, slot, hash))?;
        let done = journal.snapshot_committed(&meta);
        self.step(done)
    }
}

fn run(disk: &SimDisk, done: &mut Done) -> Step<()> {
    let (mut journal, _) = done.step(Journal::create(disk.clone(), BIRTH, SMALL))?;
    done.promise(&mut journal, 1)?;
    for slot in 1..8 {
        done.append(&mut journal, Slot(slot), &[200])?;
        done.sync(&mut journal)?;
    }
    done.append(&mut journal, Slot(8), &[9000, 0, 30_000])?;
    done.append(&mut journal, Slot(11), &[200])?;
    done.sync(&mut journal)?;
    let prepared = journal.prepare();
    done.step(prepared)?;
    done.append(&mut journal, Slot(12), &[100_000])?;
    done.sync(&mut journal)?;
    done.append(&mut journal, Slot(13), &[1, 2])?;
    done.append(&mut journal, Slot(12), &[3])?;
    done.snapshot(&mut journal, Slot(9))?;
    done.sync(&mut journal)?;
    let marked = journal.sync_mark();
    done.step(marked)?;
    done.snapshot(&mut journal, Slot(12))?;
    drop(journal);
    let (mut journal, recovered) = done.step(Journal::open(disk.clone(), SMALL))?;
    assert!(done.log().is(&recovered));
    done.promise(&mut journal, 2)?;
    for slot in 13..24 {
        done.append(&mut journal, Slot(slot), &[5000])?;
        done.sync(&mut journal)?;
    }
    // From another member, far ahead.
    let hash = doozer_paxos::EntryHash([9; 32]);
    let ahead = PlainLog { base: Slot(90), base_hash: hash, acc_ballot: ballot(2), ..PlainLog::new() };
    done.logs.push(ahead);
    done.snapshot(&mut journal, Slot(90))?;
    done.append(&mut journal, Slot(91), &[7])?;
    done.sync(&mut journal)
}

/// Starts again without a fault and compares.
fn check(disk: &SimDisk, done: &Done, name: &str) {
    match Journal::exists(disk) {
        Ok(true) => {}
        Ok(false) => {
            assert_eq!((done.promised, done.log().last()), (0, Slot(0)), "{name}: the directory is gone");
            return;
        }
        Err(error) => panic!("{name}: {error}"),
    }
    let (journal, recovered) =
        Journal::open(disk.clone(), SMALL).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(done.logs.iter().any(|log| log.is(&recovered)), "{name}: {recovered:#?}");
    assert!(recovered.promised >= ballot(done.promised) || done.promised == 0, "{name}");
    check_snapshot(&journal, &recovered).unwrap();
}

fn walk(name: &str, plant: impl Fn(&SimDisk, u64)) -> u64 {
    for nth in 1.. {
        let name = format!("{name}, call {nth}");
        let disk = SimDisk::new(nth);
        let mut done = Done::new();
        plant(&disk, nth);
        let result = run(&disk, &mut done);
        if !disk.has_struck() {
            assert_eq!(result, Ok(()), "{name}: {:?}", done.errors);
            return nth - 1;
        }
        for error in &done.errors {
            assert!(error.contains("sim/"), "{name}: no file is named in: {error}");
        }
        let killed = disk.fork();
        check(&killed, &done, &format!("{name}, killed"));
        // A power cut later must not undo what that start relied on.
        killed.crash();
        check(&killed, &done, &format!("{name}, killed, opened, crashed"));
        disk.crash();
        check(&disk, &done, &format!("{name}, crashed"));
    }
    unreachable!()
}

#[test]
fn any_call_may_fail() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::Short] {
        let calls = walk(&format!("{fault:?}"), |disk, nth| disk.fail(nth, None, fault));
        assert!(calls > 200, "only {calls} calls");
    }
}

#[test]
fn the_power_may_go_at_any_call() {
    walk("power off", |disk, nth| disk.power_off(nth));
}

#[test]
fn any_call_of_a_start_may_fail() {
    let disk = SimDisk::new(3);
    let mut done = Done::new();
    run(&disk, &mut done).unwrap();
    let (mut journal, _) = {
        Journal::open(
            {
                disk.kill();
                disk.clone()
            },
            SMALL,
        )
        .unwrap()
    };
    done.append(&mut journal, Slot(92), &[5000, 1]).unwrap();
    disk.crash();
    for nth in 1.. {
        let disk = disk.fork();
        disk.power_off(nth);
        match Journal::open(disk.clone(), SMALL) {
            Ok(_) => return assert!(nth > 30, "only {nth} calls"),
            Err(OpenError::Io(failure)) => assert!(failure.file.starts_with("sim/"), "{failure}"),
            Err(error) => panic!("{error}"),
        }
        disk.crash();
        check(&disk, &done, &format!("start interrupted at call {nth}"));
    }
}

#[test]
fn a_full_disk_refuses_appends_and_recovers_by_itself() {
    let disk = SimDisk::new(5);
    let mut done = Done::new();
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
    done.promise(&mut journal, 1).unwrap();
    disk.set_capacity(Some(disk.used() + 1000));
    let mut slot = 1;
    while done.append(&mut journal, Slot(slot), &[200]).is_ok() {
        slot += 1;
    }
    assert!(slot > 7, "the prepared segment was not used: {slot}");
    assert!(
        done.errors[0].contains("no room for the log: cannot write sim/log/segment.tmp"),
        "{:?}",
        done.errors
    );
    // What is there can be synced, read again after a crash, and added to when there is room.
    done.sync(&mut journal).unwrap();
    assert!(done.append(&mut journal, Slot(slot), &[200]).is_err());
    let crashed = disk.fork();
    crashed.crash();
    check(&crashed, &done, "full, crashed");
    disk.set_capacity(None);
    done.append(&mut journal, Slot(slot), &[200]).unwrap();
    done.sync(&mut journal).unwrap();
    drop(journal);
    check(&disk, &done, "room again");
}

#[test]
fn a_record_refused_in_the_middle_never_comes_back() {
    for seed in 0..60 {
        let disk = SimDisk::new(seed);
        let mut done = Done::new();
        let (mut journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
        done.promise(&mut journal, 1).unwrap();
        done.append(&mut journal, Slot(1), &[10]).unwrap();
        disk.fail(1, Some(Call::Write), Fault::Enospc);
        assert!(done.append(&mut journal, Slot(2), &[300]).is_err());
        if seed % 2 == 0 {
            // Another one takes its slot and its place.
            done.append(&mut journal, Slot(2), &[20]).unwrap();
            done.sync(&mut journal).unwrap();
        }
        disk.crash();
        let (_, recovered) = Journal::open(disk, SMALL).unwrap();
        assert!(done.logs.iter().any(|log| log.is(&recovered)), "seed {seed}: {recovered:#?}");
        assert_eq!(recovered.torn, None, "seed {seed}: remains were left");
    }
}

#[test]
fn the_bound_refuses_a_segment_and_truncation_makes_room() {
    let disk = SimDisk::new(6);
    let mut done = Done::new();
    let options = Options { bytes_max: Some(160 << 10), ..SMALL };
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, options).unwrap();
    done.promise(&mut journal, 1).unwrap();
    let mut slot = 1;
    let refused = loop {
        let append = done.log().make(Slot(slot), ballot(1), 1, &[vec![1; 200]]);
        match journal.append(&append) {
            Ok(_) => done.logs.push({
                let mut log = done.log().clone();
                log.take(&append);
                log
            }),
            Err(error) => break error,
        }
        slot += 1;
    };
    assert!(
        matches!(refused, AppendError::Full(Full::Bound { max: 163_840, needed: 65_536, .. })),
        "{refused}"
    );
    assert_eq!(slot, 15, "two segments of seven records");
    done.sync(&mut journal).unwrap();
    let log_bytes = journal.log_bytes_since_snapshot();
    assert_eq!(log_bytes, 14 * 8192);
    // A snapshot of slot 11: the first segment is given up, and its file used again.
    let hash = done.log().hash_at(Slot(14)).unwrap();
    let mut writer = journal.snapshot_writer(head(Slot(14), hash)).unwrap();
    writer.write(b"state").unwrap();
    journal.snapshot_committed(&writer.finish().unwrap()).unwrap();
    assert_eq!(journal.log_bytes_since_snapshot(), 0);
    done.append(&mut journal, Slot(15), &[200]).unwrap();
    done.sync(&mut journal).unwrap();
    assert_eq!(disk.list("log").unwrap(), ["0000000000000002.log", "0000000000000003.log"]);
    drop(journal);
    let (_, recovered) = Journal::open(disk, SMALL).unwrap();
    assert!(done.log().is(&recovered));
}

#[test]
fn after_a_failed_sync_everything_fails() {
    let disk = SimDisk::new(7);
    let mut done = Done::new();
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
    done.promise(&mut journal, 1).unwrap();
    done.append(&mut journal, Slot(1), &[10]).unwrap();
    disk.fail(1, Some(Call::Sync), Fault::Eio);
    assert!(journal.sync().is_err());
    let calls = disk.count_all();
    assert!(journal.sync().is_err() && journal.sync_mark().is_err() && journal.promise(ballot(5)).is_err());
    assert!(journal.prepare().is_err() && journal.truncate(Slot(1)).is_err());
    let append = done.log().make(Slot(2), ballot(1), 1, &[vec![1]]);
    let error = journal.append(&append).unwrap_err().to_string();
    assert!(
        error.contains("cannot sync sim/log/0000000000000001.log") && error.contains("stop this member"),
        "{error}"
    );
    assert_eq!(disk.count_all(), calls, "a closed journal touched the disk");
}

#[test]
fn the_segment_of_the_last_synced_record_is_kept() {
    for seed in 0..40 {
        let disk = SimDisk::new(seed);
        let mut done = Done::new();
        let (mut journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
        done.promise(&mut journal, 1).unwrap();
        for slot in 1..8 {
            done.append(&mut journal, Slot(slot), &[200]).unwrap();
        }
        done.sync(&mut journal).unwrap();
        // In a segment of its own, not synced: alone it would be all that tells the accepted ballot.
        done.promise(&mut journal, 2).unwrap();
        done.append(&mut journal, Slot(8), &[200]).unwrap();
        done.snapshot(&mut journal, Slot(7)).unwrap();
        assert_eq!(disk.list("log").unwrap(), ["0000000000000001.log", "0000000000000002.log"]);
        let crashed = disk.fork();
        crashed.crash();
        check(&crashed, &done, &format!("seed {seed}"));
        done.sync(&mut journal).unwrap();
        journal.truncate(Slot(7)).unwrap();
        assert_eq!(disk.list("log").unwrap(), ["0000000000000002.log", "spare-0000000000000002"]);
    }
}
