//! Ends of logs that cannot be read, in a cluster of several: such a member never takes what is left for all it had. In a
//! cluster of one nothing of the kind exists.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_paxos::{Ballot, Slot};
use support::ends::*;
use support::*;

#[test]
fn a_body_that_rots_at_the_end_makes_it_suspect_though_it_was_synced() {
    let (disk, log) = Running::with(&[ME, PEER], SMALL, 3).stop();
    spoil_body(&disk, 1, 2);
    let (_, recovered) = open(&disk);
    assert!(plain(&log, 2).is(&recovered));
    assert_eq!((recovered.suspect, recovered.promised), (suspect(ballot(3), 3), ballot(9)));
    let note = recovered.repaired.join("\n");
    assert!(
        note.contains("sim/log/0000000000000001.log was cut at byte 20480: record 3 may have been"),
        "{note}"
    );
    check_stays(&disk, suspect(ballot(3), 3));
}

#[test]
fn the_same_in_a_cluster_of_one_is_damage() {
    let (disk, _) = Running::with(&[ME], SMALL, 3).stop();
    spoil_body(&disk, 1, 2);
    assert!(damage_of(&disk).contains("record 3 was synced, but the checksum of its body"));
}

#[test]
fn of_several_records_the_greatest_ballot_and_end_count() {
    let mut running = Running::with(&[ME, PEER], SMALL, 3);
    running.append(ballot(4), Slot(4), 1, &[vec![1], vec![2], vec![3]]);
    // It takes back two slots.
    running.append(ballot(5), Slot(5), 1, &[]);
    running.journal.sync().unwrap();
    let (disk, log) = running.stop();
    for index in [2, 3, 4] {
        spoil_body(&disk, 1, index);
    }
    // An append without entries has no body to rot; so both copies of its header.
    spoil_record(&disk, 1, 4);
    let (_, recovered) = open(&disk);
    assert!(plain(&log, 2).entries == recovered.entries);
    // What MARK alone tells is of some promised ballot.
    assert_eq!(recovered.suspect, suspect(ballot(9), 4));
    check_stays(&disk, suspect(ballot(9), 4));
}

#[test]
fn a_record_that_only_the_mark_names_is_suspect_under_the_promise() {
    let (disk, log) = Running::with(&[ME, PEER], SMALL, 3).stop();
    spoil_record(&disk, 1, 2);
    let (_, recovered) = open(&disk);
    assert!(plain(&log, 2).is(&recovered));
    assert_eq!(recovered.suspect, suspect(ballot(9), 3));
    check_stays(&disk, suspect(ballot(9), 3));
}

#[test]
fn a_record_that_nothing_names_is_the_end_of_the_log() {
    let mut running = Running::with(&[ME, PEER], SMALL, 3);
    running.append(ballot(3), Slot(4), 1, &[vec![1; 60]]);
    let (disk, log) = (running.disk.clone(), plain(&running.log, 3));
    drop(running);
    spoil_record(&disk, 1, 3);
    let (_, recovered) = open(&disk);
    assert!(log.is(&recovered));
    assert_eq!((recovered.suspect, recovered.torn, recovered.repaired.len()), (None, None, 0));
}

/// A write that a power cut tears was perhaps never acknowledged; nobody can tell any more.
#[test]
fn a_torn_write_makes_the_end_suspect_but_not_in_a_cluster_of_one() {
    for (voters, expected) in
        [(vec![ME, PEER], suspect(ballot(3), 5)), (vec![PEER], suspect(ballot(3), 5)), (vec![ME], None)]
    {
        let mut running = Running::with(&voters, SMALL, 3);
        running.append(ballot(3), Slot(4), 1, &[vec![1; 9000]]);
        running.append(ballot(3), Slot(5), 1, &[vec![1; 60]]);
        let disk = running.disk.clone();
        let log = plain(&running.log, 3);
        drop(running);
        edit(&disk, &segment(1), |bytes| bytes[at(3) + 4096..at(3) + 8192].fill(0));
        let (_, recovered) = open(&disk);
        assert!(log.is(&recovered), "{voters:?}");
        assert_eq!(recovered.suspect, expected, "{voters:?}");
        let torn = recovered.torn.map(|torn| (torn.record.0, torn.later));
        assert_eq!(torn, expected.is_none().then_some((4, 1)), "{voters:?}");
        let again = open_again(&disk).1;
        assert!((again.suspect, &again.torn) == (expected, &None) && log.is(&again), "{voters:?}");
    }
}

#[test]
fn a_gap_before_an_intact_record_that_proves_it_is_damage() {
    let (disk, _) = Running::with(&[ME, PEER], SMALL, 4).stop();
    spoil_body(&disk, 1, 1);
    assert!(put_aside(&disk.fork()).contains("record 2 was synced before record 3 was written"));
    // Even if that witness is the only one.
    spoil_body(&disk, 1, 2);
    assert!(put_aside(&disk.fork()).contains("record 2 was synced before record 4 was written"));
    // Without any, it is the end.
    spoil_body(&disk, 1, 3);
    assert_eq!(open(&disk).1.suspect, suspect(ballot(3), 4));
}

#[test]
fn a_gap_before_a_segment_is_damage_if_anything_in_that_is_intact() {
    let (disk, log) = Running::with(&[ME, PEER], TINY, 5).stop();
    let whole = disk.fork();
    spoil_body(&disk, 1, 1);
    assert!(put_aside(&disk.fork()).contains("record 2 was synced before record 3 was written"));
    for (number, index) in [(2, 0), (2, 1), (3, 0)] {
        spoil_body(&disk, number, index);
    }
    let (_, recovered) = open(&disk);
    assert!(plain(&log, 1).is(&recovered));
    assert_eq!(recovered.suspect, suspect(ballot(3), 5));
    assert!(disk.contents(&segment(2)).is_none() && disk.contents(&segment(3)).is_none());
    check_stays(&disk, suspect(ballot(3), 5));
    // Without a header, MARK tells the end; without MARK, the header of the segment behind.
    let marked = whole.fork();
    for (number, index) in [(2, 1), (3, 0)] {
        spoil_record(&marked, number, index);
    }
    let unmarked = marked.fork();
    assert_eq!(open(&marked).1.suspect, suspect(ballot(9), 5));
    unmarked.lose("MARK");
    let (_, recovered) = open(&unmarked);
    assert!(plain(&log, 3).is(&recovered));
    assert_eq!(recovered.suspect, suspect(ballot(9), 4));
}

#[test]
fn a_lost_mark_is_no_damage_where_the_end_is_suspect_anyway() {
    let (disk, _) = Running::with(&[ME, PEER], SMALL, 3).stop();
    spoil_body(&disk, 1, 2);
    disk.lose("MARK");
    assert_eq!(open(&disk).1.suspect, suspect(ballot(3), 3));
    check_stays(&disk, suspect(ballot(3), 3));
}

#[test]
fn the_greatest_of_all_suspect_ends_counts() {
    let mut running = Running::with(&[ME, PEER], SMALL, 3);
    running.add(ballot(5), 1);
    let (disk, log) = running.stop();
    spoil_body(&disk, 1, 3);
    let (mut journal, recovered) = open(&disk);
    assert_eq!(recovered.suspect, suspect(ballot(5), 4));
    let mut log = plain(&log, 3);
    for from in [4, 6] {
        let append = log.make(Slot(from), ballot(4), 1, &[vec![1], vec![2]]);
        log.take(&append);
        journal.append(&append).unwrap();
        journal.sync().unwrap();
    }
    drop(journal);
    spoil_body(&disk, 1, 4);
    // An end of a lower ballot, though longer.
    assert_eq!(open(&disk).1.suspect, suspect(ballot(5), 4));
    check_stays(&disk, suspect(ballot(5), 4));
}

#[test]
fn what_takes_the_place_of_a_suspect_end_is_not_taken_for_it() {
    // MARK named record 3 as it was; the new one is another.
    let (disk, log) = Running::with(&[ME, PEER], SMALL, 3).stop();
    spoil_body(&disk, 1, 2);
    let (mut journal, _) = open(&disk);
    let mut log = plain(&log, 2);
    let append = log.make(Slot(3), ballot(9), 1, &[vec![8; 90]]);
    log.take(&append);
    journal.append(&append).unwrap();
    journal.sync().unwrap();
    drop(journal);
    for copy in [0, 4096] {
        let disk = disk.fork();
        edit(&disk, "MARK", |bytes| bytes[copy + 20] ^= 1);
        assert!(log.is(&open(&disk).1), "copy {copy} of MARK");
    }
}

#[test]
fn only_what_a_member_wrote_for_itself_is_cut_as_if_it_had_never_been() {
    let theirs = |n| Ballot { n, epoch: 0, incarnation: PEER };
    // Accepted from another proposer; of a configuration that cannot be read; of one that is taken back.
    for (acc_ballot, epoch) in [(theirs(4), 1), (ballot(3), 2), (ballot(3), 0)] {
        let mut running = Running::with(&[ME], SMALL, 3);
        let append = running.log.make(Slot(4 - u64::from(epoch == 0)), acc_ballot, epoch, &[vec![1; 9000]]);
        running.journal.append(&append).unwrap();
        let disk = running.disk.clone();
        drop(running);
        edit(&disk, &segment(1), |bytes| bytes[at(3) + 300] ^= 1);
        let expected = suspect(acc_ballot, append.last().0);
        assert_eq!(open(&disk).1.suspect, expected, "{acc_ballot:?} {epoch}");
    }
}

#[test]
fn before_the_first_configuration_a_founder_is_alone_and_who_joins_is_not() {
    let theirs = Ballot { n: 3, epoch: 0, incarnation: PEER };
    // The first configuration may be in the tail.
    for (acc_ballot, epoch) in [(ballot(3), 0), (ballot(3), 1), (theirs, 0)] {
        let mut running = Running::new(&[], SMALL);
        (0..3).for_each(|_| running.add(acc_ballot, 0));
        running.append(acc_ballot, Slot(4), epoch, &[vec![1; 60]]);
        let disk = running.disk.clone();
        let log = plain(&running.log, 3);
        drop(running);
        spoil_body(&disk, 1, 3);
        let synced = disk.fork();
        spoil_body(&synced, 1, 2);
        let (_, recovered) = open(&disk);
        assert!(log.is(&recovered));
        let is_founder = acc_ballot != theirs;
        assert_eq!(recovered.torn.is_some(), is_founder, "{acc_ballot:?} {epoch}");
        assert_eq!(recovered.suspect, if is_founder { None } else { suspect(theirs, 4) });
        if is_founder {
            assert!(damage_of(&synced).contains("record 3 was synced"));
        } else {
            assert_eq!(open(&synced).1.suspect, suspect(theirs, 4));
        }
    }
}

#[test]
fn a_birth_that_a_crash_tore_begins_anew_and_a_first_record_from_elsewhere_does_not() {
    let theirs = Ballot { n: 4, epoch: 0, incarnation: PEER };
    for (acc_ballot, expected) in [(ballot(3), None), (theirs, suspect(theirs, 2))] {
        let mut running = Running::new(&[ME], SMALL);
        running.append(acc_ballot, Slot(1), 1, &[vec![1; 60]]);
        running.append(acc_ballot, Slot(2), 1, &[vec![1; 60]]);
        let disk = running.disk.clone();
        drop(running);
        spoil_record(&disk, 1, 0);
        let (_, recovered) = open(&disk);
        assert_eq!(
            (recovered.suspect, recovered.last, recovered.torn.is_some()),
            (expected, Slot(0), expected.is_none())
        );
    }
    // Acknowledged and gone without a trace but the mark: nobody can tell what it was.
    for voters in [&[ME][..], &[ME, PEER]] {
        let (disk, _) = Running::with(voters, SMALL, 1).stop();
        spoil_record(&disk, 1, 0);
        assert!(damage_of(&disk).contains("record 1 was synced"), "{voters:?}");
    }
}
