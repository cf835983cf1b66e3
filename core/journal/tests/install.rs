//! A snapshot that another member sent takes the place of the log, in the way a member does it: write the file, finish
//! it, commit it. Wherever the power goes, a start finds the old log whole or the snapshot whole, and the promise and the
//! ballot under which the log was accepted are never lower than before.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_journal::{Journal, Recovered, SimDisk, SnapshotHead};
use doozer_paxos::{Ballot, Config, EntryHash, Incarnation, Slot};
use support::*;

const PROMISED: u64 = 9;
const ACCEPTED: u64 = 3;

/// What is sent, and the log once it is installed.
struct Sent {
    head: SnapshotHead,
    after: PlainLog,
}

/// A member with a log over two segments and a snapshot of its own, all of it acknowledged.
fn member(seed: u64) -> (SimDisk, Journal<SimDisk>, PlainLog) {
    let disk = SimDisk::new(seed);
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
    let mut log = PlainLog::of(&[ME, Incarnation([7; 16])]);
    journal.promise(ballot(ACCEPTED)).unwrap();
    for slot in 1..=12 {
        let append = log.make(Slot(slot), ballot(ACCEPTED), 1, &[vec![slot as u8; 500]]);
        log.take(&append);
        journal.append(&append).unwrap();
    }
    journal.sync().unwrap();
    let meta = write_snapshot_of(&journal, log.head_at(Slot(4))).unwrap();
    journal.snapshot_committed(&meta).unwrap();
    journal.promise(ballot(PROMISED)).unwrap();
    (disk, journal, log)
}

/// Of a slot that the log does not reach, of one where it has another entry, of one that it has.
fn all_sent(log: &PlainLog) -> [Sent; 3] {
    let config = Config { epoch: 2, voters: vec![ME, Incarnation([7; 16]), Incarnation([8; 16])] };
    let from_elsewhere = |slot, byte| {
        let head = SnapshotHead { config: config.clone(), ..head(Slot(slot), EntryHash([byte; 32])) };
        let after = PlainLog { base: Slot(slot), base_hash: head.hash, entries: vec![], ..log.clone() };
        Sent { head, after }
    };
    let known = Sent { head: log.head_at(Slot(9)), after: log.clone() };
    [from_elsewhere(90, 1), from_elsewhere(9, 2), known]
}

/// What a driver does when its replica asks for it.
fn install(journal: &mut Journal<SimDisk>, sent: &Sent) -> Result<(), String> {
    let meta = write_snapshot_of(journal, sent.head.clone()).map_err(|error| error.to_string())?;
    journal.snapshot_committed(&meta).map_err(|error| error.to_string())
}

/// Whether the snapshot is installed; if it is not, everything is as before.
fn is_installed(disk: &SimDisk, log: &PlainLog, sent: &Sent, name: &str) -> bool {
    let (journal, recovered) = Journal::open(disk.clone(), SMALL).unwrap_or_else(|e| panic!("{name}: {e}"));
    let Recovered { promised, acc_ballot, suspect, snapshot, .. } = &recovered;
    assert_eq!((*promised, *acc_ballot), (ballot(PROMISED), ballot(ACCEPTED)), "{name}");
    assert_eq!((journal.promised(), journal.acc_ballot()), (ballot(PROMISED), ballot(ACCEPTED)), "{name}");
    assert_eq!(*suspect, None, "{name}");
    let slot = snapshot.as_ref().unwrap().head.slot;
    let is_installed = slot == sent.head.slot;
    if is_installed {
        assert_eq!(snapshot.as_ref().unwrap().head, sent.head, "{name}");
        assert!(sent.after.is(&recovered), "{name}: {recovered:#?}");
        assert_eq!(journal.acc_ballot(), sent.after.acc_ballot);
    } else {
        assert_eq!(slot, Slot(4), "{name}");
        assert!(log.is(&recovered), "{name}: {recovered:#?}");
    }
    check_snapshot(&journal, &recovered).unwrap();
    is_installed
}

#[test]
fn the_power_may_go_at_any_call() {
    for kind in 0..3 {
        let (mut before, mut after, mut calls) = (0, 0, 0);
        for nth in 1.. {
            let mut is_done = true;
            for seed in 0..4 {
                let name = format!("sent {kind}, call {nth}, seed {seed}");
                let (disk, mut journal, log) = member(seed);
                let sent = &all_sent(&log)[kind];
                disk.power_off(nth);
                let installed = install(&mut journal, sent);
                is_done &= !disk.has_struck();
                drop(journal);
                disk.crash();
                let found = is_installed(&disk, &log, sent, &name);
                assert!(found || installed.is_err(), "{name}: done, and gone");
                // What a start made of it stays.
                disk.crash();
                assert_eq!(is_installed(&disk, &log, sent, &name), found, "{name}");
                if found {
                    after += 1
                } else {
                    before += 1
                }
                goes_on(&disk, if found { &sent.after } else { &log }, &name);
            }
            calls = nth;
            if is_done {
                break;
            }
        }
        assert!(calls > 10 && before > 10 && after > 4, "{calls} calls, {before} before, {after} after");
    }
}

#[test]
fn a_kill_at_the_end_of_each_step_leaves_one_or_the_other() {
    for kind in 0..3 {
        for step in 0..3 {
            let (disk, mut journal, log) = member(1);
            let sent = &all_sent(&log)[kind];
            let mut writer = journal.snapshot_writer(sent.head.clone()).unwrap();
            writer.write(&state_at(sent.head.slot)).unwrap();
            if step > 0 {
                let meta = writer.finish().unwrap();
                if step > 1 {
                    journal.snapshot_committed(&meta).unwrap();
                }
            } else {
                // As if the process ended here: nothing is tidied up.
                std::mem::forget(writer);
            }
            std::mem::forget(journal);
            disk.kill();
            let name = format!("sent {kind}, step {step}");
            assert_eq!(is_installed(&disk, &log, sent, &name), step > 0, "{name}");
        }
    }
}

/// The log goes on under the promised ballot, right behind its end.
fn goes_on(disk: &SimDisk, log: &PlainLog, name: &str) {
    let (mut journal, _) = Journal::open(disk.clone(), SMALL).unwrap();
    let mut log = log.clone();
    let append = log.make(log.last().next(), ballot(PROMISED), 2, &[vec![6; 20]]);
    log.take(&append);
    journal.append(&append).unwrap();
    journal.sync().unwrap();
    drop(journal);
    disk.crash();
    let (_, recovered) = Journal::open(disk.clone(), SMALL).unwrap();
    assert!(log.is(&recovered), "{name}: {recovered:#?}");
    assert_eq!(recovered.acc_ballot, Ballot { n: PROMISED, ..ballot(0) }, "{name}");
}
