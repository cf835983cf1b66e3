//! Starts that cut a suspect end: where no record is left, and where the power goes in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_journal::sim::{Call, Fault};
use doozer_journal::{Journal, SimDisk};
use doozer_paxos::{Ballot, Slot};
use support::ends::*;
use support::*;

/// The log is a snapshot and one segment, all of whose records are damaged: only they told `acc_ballot`.
#[test]
fn a_log_without_any_record_left_goes_on_behind_its_snapshot() {
    for case in ["bodies", "records", "file"] {
        let mut running = Running::with(&[ME, PEER], TINY, 5);
        let meta = write_snapshot_of(&running.journal, running.log.head_at(Slot(5))).unwrap();
        running.journal.snapshot_committed(&meta).unwrap();
        let (disk, log) = running.stop();
        assert!(disk.contents(&segment(2)).is_none());
        let number = 3;
        let expected = match case {
            "bodies" => {
                spoil_body(&disk, number, 0);
                suspect(ballot(3), 5)
            }
            "records" => {
                spoil_record(&disk, number, 0);
                suspect(ballot(9), 5)
            }
            _ => {
                lose_all_but_a_later_segment(&disk, &log);
                suspect(ballot(9), 6)
            }
        };
        let alone = disk.fork();
        let (_, recovered) = open(&disk);
        assert_eq!(
            (recovered.suspect, recovered.last, recovered.acc_ballot),
            (expected, Slot(5), Ballot::ZERO),
            "{case}"
        );
        assert_eq!((recovered.last_hash, recovered.promised), (log.last_hash(), ballot(9)), "{case}");
        check_stays(&disk, expected);
        // Without the snapshot it would be a log from nowhere.
        for name in alone.files().iter().filter(|name| name.starts_with("snap/")) {
            alone.lose(name);
        }
        damage_of(&alone);
    }
}

/// The fourth segment is begun, its first record finds no room; then the third is lost.
fn lose_all_but_a_later_segment(disk: &SimDisk, log: &PlainLog) {
    let (mut journal, _) = open(disk);
    let mut log = log.clone();
    for command in [1, 2] {
        let append = log.make(log.last().next(), ballot(3), 1, &[vec![command; 60]]);
        if command == 2 {
            journal.prepare().unwrap();
            disk.fail(2, Some(Call::Write), Fault::Enospc);
        }
        assert_eq!(journal.append(&append).is_ok(), command == 1);
        log.take(&append);
    }
    drop(journal);
    disk.lose(&segment(3));
}

#[test]
fn the_power_may_go_at_any_call_of_a_start_that_cuts_and_of_declaring_it_sound() {
    let (whole, log) = Running::with(&[ME, PEER], TINY, 5).stop();
    for (number, index) in [(1, 1), (2, 0), (2, 1), (3, 0)] {
        spoil_body(&whole, number, index);
    }
    let expected = suspect(ballot(3), 5);
    for nth in 1.. {
        for seed in 0..4 {
            let disk = whole.fork();
            (0..seed).for_each(|_| disk.crash());
            disk.power_off(nth);
            let opened = Journal::open(disk.clone(), TINY);
            let is_done = opened.is_ok() && !disk.has_struck();
            drop(opened);
            disk.crash();
            let (mut journal, recovered) = open(&disk);
            assert_eq!(recovered.suspect, expected, "call {nth}");
            assert!(plain(&log, 1).is(&recovered), "call {nth}");
            disk.power_off(nth);
            let sound = journal.sound();
            drop(journal);
            let is_sound = sound.is_ok();
            disk.crash();
            let found = open(&disk).1.suspect;
            assert!(found.is_none() || (found == expected && !is_sound), "call {nth}: {found:?}");
            if is_done {
                return assert!(nth > 50 && is_sound, "only {nth} calls");
            }
        }
    }
}

#[test]
fn what_was_appended_is_durable_before_the_end_counts_as_sound() {
    let mut kept = 0;
    for seed in 0..40 {
        let (disk, log) = Running::with(&[ME, PEER], SMALL, 3).stop();
        (0..seed).for_each(|_| disk.crash());
        spoil_body(&disk, 1, 2);
        let (mut journal, _) = open(&disk);
        let mut log = plain(&log, 2);
        let append = log.make(Slot(3), ballot(9), 1, &[vec![8; 9000]]);
        log.take(&append);
        journal.append(&append).unwrap();
        disk.power_off(1 + seed % 8);
        let _ = journal.sound();
        disk.crash();
        let (_, recovered) = open(&disk);
        assert!(recovered.suspect.is_some() || log.is(&recovered), "seed {seed}");
        kept += u64::from(recovered.suspect.is_none());
    }
    assert!(kept > 3, "{kept}");
}
