//! Nobody can tell any more who a member was: its files are put aside, and somebody else can be born in their place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use doozer_journal::sim::Fault;
use doozer_journal::{Birth, Journal, OpenError, SimDisk};
use doozer_paxos::{Incarnation, Slot};
use support::ends::*;
use support::*;

const OTHER: Birth = Birth { cluster: CLUSTER, incarnation: Incarnation([9; 16]) };

fn lost_on(disk: SimDisk) -> SimDisk {
    let mut running = Running::on(disk, &[ME, PEER], TINY);
    (1..=5).for_each(|_| running.add(ballot(3), 1));
    let meta = write_snapshot_of(&running.journal, running.log.head_at(Slot(2))).unwrap();
    running.journal.snapshot_committed(&meta).unwrap();
    let (disk, _) = running.stop();
    edit(&disk, "SUPER", |bytes| [20, 4096 + 20].iter().for_each(|at| bytes[*at] ^= 1));
    disk
}

/// Whatever happened, it goes on to the end: nobody is here, all is kept, and somebody else can be.
fn check_given_up(disk: &SimDisk, before: &[String]) {
    if !matches!(Journal::exists(disk), Ok(false)) {
        assert!(matches!(Journal::open(disk.clone(), TINY), Err(OpenError::IdentityLost { .. })));
        assert!(Journal::give_up_identity(disk).unwrap().is_some());
    }
    assert!(!Journal::exists(disk).unwrap() && Journal::was_lost(disk).unwrap());
    let kept = disk.files();
    for file in before.iter().filter(|name| *name != "LOCK") {
        let name = file.rsplit('/').next().unwrap();
        let is_it = |kept: &&String| kept.starts_with("lost-") && kept.ends_with(name);
        assert_eq!(kept.iter().filter(is_it).count(), 1, "{file}: {kept:?}");
    }
    let (journal, recovered) = Journal::create(disk.clone(), OTHER, TINY).unwrap();
    assert_eq!((recovered.incarnation, recovered.last), (OTHER.incarnation, Slot(0)));
    drop(journal);
    disk.crash();
    assert_eq!(Journal::open(disk.clone(), TINY).unwrap().1.incarnation, OTHER.incarnation);
}

#[test]
fn a_lost_identity_is_put_aside() {
    let disk = lost_on(SimDisk::new(1));
    let before = disk.files();
    let (kept_in, why) = Journal::give_up_identity(&disk).unwrap().unwrap();
    assert_eq!(kept_in, "sim/lost-0000000000000001");
    assert!(why.to_string().contains("sim/SUPER is unreadable in both its copies"), "{why}");
    check_given_up(&disk, &before);
    // Again, whoever came after.
    disk.lose("SUPER");
    let (kept_in, why) = Journal::give_up_identity(&disk).unwrap().unwrap();
    assert_eq!(kept_in, "sim/lost-0000000000000002");
    assert!(why.to_string().contains("sim/SUPER is missing"), "{why}");
    let is_kept = |name: &String| name.starts_with("lost-") || name == "LOCK";
    assert!(disk.files().iter().all(is_kept) && !Journal::exists(&disk).unwrap());
}

#[test]
fn a_crash_or_an_error_at_any_call() {
    for seed in 0..6 {
        let whole = lost_on(SimDisk::new(seed));
        let before = whole.files();
        for call in 1.. {
            let (cut, failed) = (whole.fork(), whole.fork());
            cut.power_off(call);
            failed.fail(call, None, Fault::Eio);
            let ended = Journal::give_up_identity(&cut).is_ok() && Journal::give_up_identity(&failed).is_ok();
            cut.crash();
            failed.kill();
            check_given_up(&cut, &before);
            check_given_up(&failed, &before);
            if ended {
                break;
            }
        }
    }
}

#[test]
fn who_is_somebody_is_not_given_up() {
    let (disk, _) = Running::with(&[ME, PEER], TINY, 3).stop();
    let before = disk.files();
    assert!(Journal::give_up_identity(&disk).unwrap().is_none());
    assert!(Journal::give_up_identity(&SimDisk::new(1)).unwrap().is_none());
    assert_eq!(disk.files(), before);
    // Nor is anything taken from a process that runs.
    let held = Journal::open(disk.clone(), TINY).unwrap();
    edit(&disk, "SUPER", |bytes| [20, 4096 + 20].iter().for_each(|at| bytes[*at] ^= 1));
    assert!(matches!(Journal::give_up_identity(&disk), Err(OpenError::Locked { .. })));
    drop(held);
}
