//! Damage of every kind to every file of a directory, one at a time: whatever opens holds everything acknowledged,
//! byte for byte; what does not says why, and nothing was changed. In a cluster of several it may open with less, if it
//! says that its end is suspect, and by no less than what was acknowledged; with nothing, if all that was damaged is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use doozer_journal::sim::{Call, Fault};
use doozer_journal::{Journal, OpenError, Options, Recovered, SimDisk};
use doozer_paxos::{Incarnation, Slot};
use support::*;

/// Two small records or three in a segment, so that a directory is small and has several.
const TINY: Options = Options { segment_bytes: 32 << 10, bytes_max: None };

/// A directory that stopped cleanly, and what it holds.
struct Case {
    name: &'static str,
    disk: SimDisk,
    log: PlainLog,
}

fn append(journal: &mut Journal<SimDisk>, log: &mut PlainLog, from: u64, sizes: &[usize]) {
    let commands: Vec<Vec<u8>> = sizes.iter().map(|size| vec![from as u8; *size]).collect();
    let append = log.make(Slot(from), ballot(3), 1, &commands);
    log.take(&append);
    journal.append(&append).unwrap();
    journal.sync().unwrap();
}

fn snapshot(journal: &mut Journal<SimDisk>, log: &PlainLog, slot: u64) {
    let meta = write_snapshot_of(journal, log.head_at(Slot(slot))).unwrap();
    journal.snapshot_committed(&meta).unwrap();
}

/// The voters of a cluster of one, and of one of two.
const CLUSTERS: [&[Incarnation]; 2] = [&[ME], &[ME, Incarnation([7; 16])]];

fn case(name: &'static str, fill: impl FnOnce(&mut Journal<SimDisk>, &mut PlainLog)) -> Case {
    case_of(&[ME], name, fill)
}

fn case_of(
    voters: &[Incarnation],
    name: &'static str,
    fill: impl FnOnce(&mut Journal<SimDisk>, &mut PlainLog),
) -> Case {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::create(disk.clone(), BIRTH, TINY).unwrap();
    journal.promise(ballot(3)).unwrap();
    let mut log = PlainLog::of(voters);
    fill(&mut journal, &mut log);
    journal.sync_mark().unwrap();
    drop(journal);
    Case { name, disk, log }
}

fn cases() -> Vec<Case> {
    CLUSTERS.into_iter().flat_map(cases_of).collect()
}

fn cases_of(voters: &'static [Incarnation]) -> Vec<Case> {
    let case = |name, fill: &dyn Fn(&mut Journal<SimDisk>, &mut PlainLog)| {
        case_of(voters, name, |journal, log| fill(journal, log))
    };
    vec![
        case("one record", &|journal, log| append(journal, log, 1, &[50])),
        case("a log from the first slot on", &|journal, log| {
            for slot in [1, 2, 3, 4] {
                append(journal, log, slot, &[100]);
            }
            append(journal, log, 4, &[4000, 10]);
        }),
        case("a log and a snapshot it does not need", &|journal, log| {
            (1..4).for_each(|slot| append(journal, log, slot, &[60]));
            snapshot(journal, log, 1);
        }),
        case("a log and a snapshot that it needs", &|journal, log| {
            (1..10).for_each(|slot| append(journal, log, slot, &[60]));
            snapshot(journal, log, 8);
        }),
        case("a log that went on behind a snapshot from elsewhere", &|journal, log| {
            (1..3).for_each(|slot| append(journal, log, slot, &[60]));
            let hash = doozer_paxos::EntryHash([4; 32]);
            let voters = log.voters.clone();
            *log =
                PlainLog { base: Slot(30), base_hash: hash, acc_ballot: ballot(3), ..PlainLog::of(&voters) };
            snapshot(journal, log, 30);
            append(journal, log, 31, &[70]);
        }),
    ]
}

#[derive(Debug, Default)]
struct Outcomes {
    whole: u64,
    suspect: u64,
    /// Of these, those whose log was put aside.
    anew: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Case {
    /// Damages a copy, opens it, and judges.
    fn strike(&self, what: &str, outcomes: &mut Outcomes, damage: impl FnOnce(&SimDisk)) {
        let disk = self.disk.fork();
        damage(&disk);
        let before = files(&disk);
        let name = format!("{}: {what}", self.name);
        let kind = match Journal::open(disk.clone(), TINY) {
            Ok((journal, recovered)) if recovered.suspect.is_some() => {
                self.check_suspect(&recovered, &name);
                if recovered.anew.is_some() {
                    check_kept(&before, &disk, &name);
                    outcomes.anew += 1;
                }
                check_snapshot(&journal, &recovered).unwrap();
                drop(journal);
                disk.crash();
                let again = Journal::open(disk, TINY).unwrap().1.suspect;
                assert_eq!(again, recovered.suspect, "{name}: it did not stay");
                outcomes.suspect += 1;
                return;
            }
            Ok((journal, recovered)) => {
                assert!(self.log.is(&recovered), "{name}: opened with {recovered:#?}");
                assert_eq!(recovered.promised, ballot(3), "{name}");
                check_snapshot(&journal, &recovered).unwrap();
                drop(journal);
                self.check_goes_on(&disk, &name);
                outcomes.whole += 1;
                return;
            }
            Err(OpenError::Damaged(damaged)) => {
                let text = damaged.damage.to_string();
                assert!(text.contains("sim/") && text.contains("Nothing was changed"), "{name}: {text}");
                let intact = &damaged.recovered.entries;
                assert!(
                    intact
                        .iter()
                        .all(|e| self.log.hash_at(e.slot) == Some(e.hash(CLUSTER)) || e.slot < Slot(30))
                );
                "damaged"
            }
            Err(OpenError::IdentityLost { .. }) => "identity lost",
            Err(error) => panic!("{name}: {error}"),
        };
        assert_eq!(files(&disk), before, "{name}: a directory that was refused was changed");
        *outcomes.refused.entry(kind).or_default() += 1;
    }

    fn check_suspect(&self, recovered: &Recovered, name: &str) {
        assert!(self.log.voters.len() > 1, "{name}: nobody else can make good what is lost");
        let rank = recovered.suspect.map(|suspect| suspect.rank());
        let acknowledged = Some((self.log.acc_ballot.rank(), self.log.last()));
        assert!(rank >= acknowledged, "{name}: {rank:?} is less than was acknowledged");
        assert!(recovered.last <= self.log.last(), "{name}: more than there was");
        assert_eq!((recovered.promised, recovered.torn.as_ref()), (ballot(3), None), "{name}");
    }

    /// What opened is repaired: it opens again with nothing to note, and takes an append.
    fn check_goes_on(&self, disk: &SimDisk, name: &str) {
        disk.crash();
        let (mut journal, recovered) = Journal::open(disk.clone(), TINY).unwrap();
        assert!(self.log.is(&recovered), "{name}: opened again with {recovered:#?}");
        assert_eq!(recovered.torn, None, "{name}");
        let mut log = self.log.clone();
        append(&mut journal, &mut log, self.log.last().0 + 1, &[5]);
        drop(journal);
        disk.crash();
        assert!(log.is(&Journal::open(disk.clone(), TINY).unwrap().1), "{name}: the next append is lost");
    }
}

/// Every segment and every snapshot is there as it was, in the directory for what is damaged.
fn check_kept(before: &[(String, Vec<u8>)], disk: &SimDisk, name: &str) {
    let kept: BTreeMap<String, Vec<u8>> = files(disk).into_iter().collect();
    let is_of_the_log = |(file, _): &&(String, Vec<u8>)| file.ends_with(".log") || file.ends_with(".snap");
    for (file, bytes) in before.iter().filter(is_of_the_log) {
        let (_, file) = file.split_once('/').unwrap();
        assert_eq!(kept.get(&format!("damaged-0000000000000001/{file}")), Some(bytes), "{name}: {file}");
    }
}

fn files(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.files().into_iter().filter(|name| name != "LOCK");
    names.map(|name| (name.clone(), disk.contents(&name).unwrap())).collect()
}

fn edit(disk: &SimDisk, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = disk.contents(name).unwrap();
    change(&mut bytes);
    disk.put(name, &bytes);
}

#[test]
fn a_flipped_bit_anywhere() {
    let mut outcomes = Outcomes::default();
    for case in cases() {
        for (name, bytes) in files(&case.disk) {
            for at in 0..bytes.len() {
                // Every byte where a header may be, every few elsewhere.
                let in_sector = at % 4096;
                let is_header = !(256..3840).contains(&in_sector);
                let is_used = bytes[at & !31..].iter().take(32).any(|byte| *byte != 0);
                if at % 509 == 0 || (is_used && (at % 29 == 0 || (is_header && (at < 20_000 || at % 3 == 0))))
                {
                    let what = format!("byte {at} of {name} flipped");
                    case.strike(&what, &mut outcomes, |disk| edit(disk, &name, |b| b[at] ^= 1 << (at % 8)));
                }
            }
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.whole > 4000 && outcomes.refused["damaged"] > 400, "{outcomes:?}");
    assert!(outcomes.suspect > 1000 && outcomes.anew > 200, "{outcomes:?}");
}

#[test]
fn zeroed_sectors_and_ranges() {
    let mut outcomes = Outcomes::default();
    for case in cases() {
        for (name, bytes) in files(&case.disk) {
            for unit in [512, 4096, 8192, 20_000] {
                for from in (0..bytes.len()).step_by(unit.min(4096)) {
                    let to = (from + unit).min(bytes.len());
                    let what = format!("bytes {from} to {to} of {name} zeroed");
                    case.strike(&what, &mut outcomes, |disk| edit(disk, &name, |b| b[from..to].fill(0)));
                    let what = format!("bytes {from} to {to} of {name} filled");
                    case.strike(&what, &mut outcomes, |disk| edit(disk, &name, |b| b[from..to].fill(0xff)));
                }
            }
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.whole > 100 && outcomes.refused.len() == 2, "{outcomes:?}");
}

#[test]
fn files_cut_short_or_lost() {
    let mut outcomes = Outcomes::default();
    for case in cases() {
        for (name, bytes) in files(&case.disk) {
            case.strike(&format!("{name} lost"), &mut outcomes, |disk| disk.lose(&name));
            for at in (0..bytes.len())
                .step_by(512)
                .chain([1, 255, 4097, bytes.len() - 1])
                .filter(|at| *at < bytes.len())
            {
                let what = format!("{name} cut at {at}");
                case.strike(&what, &mut outcomes, |disk| edit(disk, &name, |b| b.truncate(at)));
            }
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.whole > 20 && outcomes.refused.len() == 2, "{outcomes:?}");
}

#[test]
fn writes_that_went_to_the_wrong_place() {
    let mut outcomes = Outcomes::default();
    for case in cases() {
        let all: Vec<(String, usize)> = files(&case.disk)
            .iter()
            .flat_map(|(name, bytes)| (0..bytes.len() / 4096).map(|sector| (name.clone(), sector * 4096)))
            .filter(|(name, at)| !name.contains("spare") || *at < 8192)
            .collect();
        for (one, at) in &all {
            for (other, there) in &all {
                if (one, at) < (other, there) {
                    let what = format!("{one} at {at} and {other} at {there} swapped");
                    case.strike(&what, &mut outcomes, |disk| {
                        let sector = |name, at: usize| disk.contents(name).unwrap()[at..at + 4096].to_vec();
                        let (a, b) = (sector(one, *at), sector(other, *there));
                        edit(disk, one, |bytes| bytes[*at..at + 4096].copy_from_slice(&b));
                        edit(disk, other, |bytes| bytes[*there..there + 4096].copy_from_slice(&a));
                    });
                    let what = format!("{one} at {at} written over {other} at {there}");
                    case.strike(&what, &mut outcomes, |disk| {
                        let a = disk.contents(one).unwrap()[*at..at + 4096].to_vec();
                        edit(disk, other, |bytes| bytes[*there..there + 4096].copy_from_slice(&a));
                    });
                }
            }
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.whole > 100 && outcomes.refused["damaged"] > 100, "{outcomes:?}");
}

#[test]
fn a_torn_end_is_cut_and_noted_but_not_if_the_mark_is_lost_too() {
    let case =
        case("three records", |journal, log| (1..4).for_each(|slot| append(journal, log, slot, &[60])));
    let disk = case.disk.fork();
    let (mut journal, _) = Journal::open(disk.clone(), TINY).unwrap();
    // Written, never synced; of its three sectors the second is lost.
    let unsynced = case.log.make(Slot(4), ballot(3), 1, &[vec![9; 9000]]);
    journal.append(&unsynced).unwrap();
    drop(journal);
    let last = "log/0000000000000002.log";
    edit(&disk, last, |bytes| bytes[8192..12288].fill(0));
    let markless = disk.fork();
    let (_, recovered) = Journal::open(disk, TINY).unwrap();
    let torn = recovered.torn.clone().expect("a note of the cut");
    assert!(case.log.is(&recovered));
    assert_eq!((torn.record.0, torn.slots, torn.later), (4, Some((Slot(4), Slot(4))), 0), "{torn}");
    markless.lose("MARK");
    let Err(OpenError::Damaged(damaged)) = Journal::open(markless, TINY) else {
        panic!("it was guessed over")
    };
    assert!(damaged.damage.what.contains("MARK"), "{}", damaged.damage);
    assert_eq!(damaged.recovered.entries, case.log.entries);
}

#[test]
fn damage_names_record_slots_and_hash() {
    let case =
        case("three records", |journal, log| (1..4).for_each(|slot| append(journal, log, slot, &[60])));
    edit(&case.disk, "log/0000000000000001.log", |bytes| bytes[12288 + 300] ^= 1);
    let Err(OpenError::Damaged(damaged)) = Journal::open(case.disk.clone(), TINY) else {
        panic!("not noticed")
    };
    let damage = damaged.damage;
    assert_eq!((damage.offset, damage.record, damage.slots), (12288, Some(2), Some((Slot(2), Slot(2)))));
    assert_eq!(damage.hash, case.log.hash_at(Slot(2)));
    assert_eq!(damaged.recovered.entries, case.log.entries[..1]);
    assert_eq!((damaged.recovered.incarnation, damaged.recovered.promised), (ME, ballot(3)));
}

#[test]
fn a_log_of_another_history_is_not_what_the_mark_means() {
    let ours = case("ours", |journal, log| (1..4).for_each(|slot| append(journal, log, slot, &[60])));
    let other = case("other", |journal, log| (1..4).for_each(|slot| append(journal, log, slot, &[61])));
    let segment = "log/0000000000000001.log";
    ours.disk.put(segment, &other.disk.contents(segment).unwrap());
    let Err(OpenError::Damaged(damaged)) = Journal::open(ours.disk.clone(), TINY) else {
        panic!("not noticed")
    };
    assert!(damaged.damage.what.contains("not the one that MARK says"), "{}", damaged.damage);
    assert_eq!(damaged.damage.hash, ours.log.hash_at(Slot(3)));
}

#[test]
fn a_damaged_snapshot_ahead_of_the_log_is_not_passed_over() {
    let case = case("a log and two snapshots", |journal, log| {
        (1..4).for_each(|slot| append(journal, log, slot, &[60]));
        snapshot(journal, log, 2);
        // Durable, not yet committed: nobody can tell any more whether it was.
        write_snapshot(journal, Slot(30), doozer_paxos::EntryHash([4; 32])).unwrap();
    });
    let newest = "snap/000000000000001e.snap";
    edit(&case.disk, newest, |bytes| bytes[20] ^= 1);
    let Err(OpenError::Damaged(damaged)) = Journal::open(case.disk.clone(), TINY) else {
        panic!("passed over")
    };
    assert!(damaged.damage.file.ends_with(newest), "{}", damaged.damage);
    case.disk.lose(newest);
    assert!(case.log.is(&Journal::open(case.disk.clone(), TINY).unwrap().1));
}

#[test]
fn remains_of_another_end_are_cut() {
    let ours = case("ours", |journal, log| (1..3).for_each(|slot| append(journal, log, slot, &[60])));
    let other = case("other", |journal, log| (1..4).for_each(|slot| append(journal, log, slot, &[61])));
    let segment = "log/0000000000000001.log";
    // A whole third record, which follows another second one.
    let third = 4096 + 2 * 8192..4096 + 3 * 8192;
    let remains = other.disk.contents(segment).unwrap()[third.clone()].to_vec();
    edit(&ours.disk, segment, |bytes| bytes[third].copy_from_slice(&remains));
    let (journal, recovered) = Journal::open(ours.disk.clone(), TINY).unwrap();
    assert!(ours.log.is(&recovered), "{recovered:#?}");
    assert!(recovered.torn.is_some_and(|torn| torn.record.0 == 3 && torn.why.contains("does not follow")));
    drop(journal);
    ours.check_goes_on(&ours.disk, "cut");
}

#[test]
fn a_lost_segment_is_missed_though_the_last_one_is_empty() {
    let case = case("an empty last segment", |journal, log| {
        (1..3).for_each(|slot| append(journal, log, slot, &[60]));
        snapshot(journal, log, 1);
        append(journal, log, 3, &[60]);
    });
    let (mut journal, _) = Journal::open(case.disk.clone(), TINY).unwrap();
    // The fourth record begins a segment, and finds no room there: the header, then the record, are written.
    journal.prepare().unwrap();
    case.disk.fail(2, Some(Call::Write), Fault::Enospc);
    assert!(journal.append(&case.log.make(Slot(4), ballot(3), 1, &[vec![1; 60]])).is_err());
    assert!(case.disk.has_struck());
    drop(journal);
    assert!(case.log.is(&Journal::open(case.disk.fork(), TINY).unwrap().1));
    assert!(case.disk.contents("log/0000000000000002.log").is_some());
    case.disk.lose("log/0000000000000001.log");
    let Err(OpenError::Damaged(damaged)) = Journal::open(case.disk.clone(), TINY) else {
        panic!("not missed")
    };
    assert!(damaged.damage.what.contains("at least 3 were synced"), "{}", damaged.damage);
}
