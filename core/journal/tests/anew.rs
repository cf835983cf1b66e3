//! A member among several whose log is damaged begins it anew, whatever happens while it does: a power cut or an error at any
//! call of the disk. Who it is and what it promised stay, and it never forgets how much it had.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use doozer_journal::sim::Fault;
use doozer_journal::{Journal, OpenError, SimDisk};
use doozer_paxos::Slot;
use support::ends::*;
use support::*;

/// Five records over three segments, and a snapshot of the first two; its log has a hole.
fn damaged() -> SimDisk {
    damaged_on(SimDisk::new(1))
}

fn damaged_on(disk: SimDisk) -> SimDisk {
    let mut running = Running::on(disk, &[ME, PEER], TINY);
    (1..=5).for_each(|_| running.add(ballot(3), 1));
    let meta = write_snapshot_of(&running.journal, running.log.head_at(Slot(2))).unwrap();
    running.journal.snapshot_committed(&meta).unwrap();
    let (disk, _) = running.stop();
    spoil_body(&disk, 2, 0);
    disk
}

fn check_begun_anew(disk: &SimDisk) {
    let (journal, recovered) = open(disk);
    assert_eq!(recovered.suspect, suspect(ballot(3), 5));
    assert_eq!((recovered.incarnation, recovered.promised, recovered.last), (ME, ballot(9), Slot(0)));
    assert!(recovered.snapshot.is_none() && recovered.entries.is_empty());
    drop(journal);
    check_stays(disk, suspect(ballot(3), 5));
}

#[test]
fn what_is_damaged_is_put_aside() {
    let disk = damaged();
    let (_, recovered) = open(&disk.fork());
    let anew = recovered.anew.expect("it is");
    assert!(anew.damage.to_string().contains("record 3 was synced before record 4"), "{}", anew.damage);
    assert_eq!(anew.kept_in, "sim/damaged-0000000000000001");
    check_begun_anew(&disk);
    let files = disk.files();
    assert!(files.iter().any(|name| name == "damaged-0000000000000001/0000000000000002.snap"), "{files:?}");
    assert!(files.iter().any(|name| name == "damaged-0000000000000001/0000000000000002.log"), "{files:?}");
}

#[test]
fn a_power_cut_at_any_call() {
    for seed in 0..6 {
        let whole = damaged_on(SimDisk::new(seed));
        for call in 1.. {
            let disk = whole.fork();
            disk.power_off(call);
            let opened = Journal::open(disk.clone(), TINY);
            let has_struck = opened.is_err();
            drop(opened);
            disk.crash();
            check_begun_anew(&disk);
            if !has_struck {
                break;
            }
        }
    }
}

#[test]
fn an_error_at_any_call() {
    let whole = damaged();
    for call in 1.. {
        let disk = whole.fork();
        disk.fail(call, None, Fault::Eio);
        match Journal::open(disk.clone(), TINY) {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, OpenError::Io(_)), "call {call}: {error}"),
        }
        disk.kill();
        check_begun_anew(&disk);
    }
}

#[test]
fn damaged_again_it_still_owes_all_it_had() {
    let disk = damaged();
    let (mut journal, _) = open(&disk);
    let mut log = PlainLog::of(&[ME, PEER]);
    for slot in 1..4 {
        let append = log.make(Slot(slot), ballot(3), 1, &[vec![1; 60]]);
        log.take(&append);
        journal.append(&append).unwrap();
        journal.sync().unwrap();
    }
    journal.sync_mark().unwrap();
    drop(journal);
    spoil_body(&disk, 1, 1);
    check_begun_anew(&disk);
    assert!(
        disk.files().iter().any(|name| name.starts_with("damaged-0000000000000002/")),
        "{:?}",
        disk.files()
    );
}

#[test]
fn an_emptied_log_that_loses_its_files_is_no_other() {
    let disk = damaged();
    drop(open(&disk));
    disk.files().iter().filter(|name| name.starts_with("log/")).for_each(|name| disk.lose(name));
    check_begun_anew(&disk);
}

#[test]
fn reading_changes_nothing() {
    let disk = damaged();
    let before = contents(&disk);
    let (recovered, damage) = Journal::read(&disk).unwrap();
    assert!(damage.unwrap().to_string().contains("record 3 was synced"));
    assert_eq!((recovered.last, recovered.snapshot.map(|meta| meta.head.slot)), (Slot(2), Some(Slot(2))));
    let (disk, log) = Running::with(&[ME, PEER], TINY, 5).stop();
    let (recovered, damage) = Journal::read(&disk).unwrap();
    assert!(damage.is_none() && log.is(&recovered));
    spoil_body(&disk, 3, 0);
    let (recovered, damage) = Journal::read(&disk).unwrap();
    assert!(damage.is_none() && plain(&log, 4).is(&recovered));
    assert_eq!(recovered.suspect, suspect(ballot(3), 5));
    let held = Journal::open(disk.clone(), TINY).unwrap();
    assert!(matches!(Journal::read(&disk), Err(OpenError::Locked { .. })));
    drop(held);
    assert!(matches!(Journal::read(&SimDisk::new(1)), Err(OpenError::Missing { .. })));
    assert_eq!(contents(&damaged()), before);
}

fn contents(disk: &SimDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let names = disk.files().into_iter().filter(|name| name != "LOCK");
    names.map(|name| (name.clone(), disk.contents(&name))).collect()
}
