//! The bytes of every format that was ever released, kept under `tests/golden`: each later version must read them, and
//! the version that writes a format must write exactly them.
//!
//! To make the files of a new format: run this test with DOOZER_GOLDEN_WRITE=1. Never change those of an old one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use doozer_journal::{Disk, Journal, Options, RealDisk, SimDisk, SnapshotHead};
use doozer_paxos::log::Suspect;
use doozer_paxos::{Config, Incarnation, Slot};
use support::*;

const TINY: Options = Options { segment_bytes: 24 << 10, bytes_max: None };

fn golden(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/format-{format}"))
}

/// A directory with something of everything: it was opened twice, cut, has a snapshot, segments and a spare.
fn make(disk: &SimDisk) -> PlainLog {
    drop(Journal::create(disk.clone(), BIRTH, TINY).unwrap());
    let (mut journal, _) = Journal::open(disk.clone(), TINY).unwrap();
    journal.promise(ballot(4)).unwrap();
    let mut log = PlainLog::of(&[]);
    let mut append = |from: u64, commands: &[&[u8]]| {
        let commands: Vec<Vec<u8>> = commands.iter().map(|c| c.to_vec()).collect();
        let append = log.make(Slot(from), ballot(4), 1, &commands);
        log.take(&append);
        journal.append(&append).unwrap();
        journal.sync().unwrap();
    };
    append(1, &[b"set /a 1"]);
    append(2, &[b"", b"set /b 2"]);
    append(4, &[b"set /c 3"]);
    append(5, &[b"set /d 4", b"set /e 5"]);
    append(6, &[&[b'x'; 5000]]);
    append(7, &[]);
    append(7, &[b"the last"]);
    let mut writer = journal.snapshot_writer(head_4(&log)).unwrap();
    writer.write(b"the state at slot 4").unwrap();
    journal.snapshot_committed(&writer.finish().unwrap()).unwrap();
    journal.sync_mark().unwrap();
    log
}

/// What the snapshot is headed with.
fn head_4(log: &PlainLog) -> SnapshotHead {
    let config = Config { epoch: 1, voters: vec![ME, Incarnation([7; 16])] };
    SnapshotHead { config, ..head(Slot(4), log.hash_at(Slot(4)).unwrap()) }
}

fn contents(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.files().into_iter().filter(|name| name != "LOCK");
    names.map(|name| (name.clone(), disk.contents(&name).unwrap())).collect()
}

/// The same with the body of the last record spoilt, and opened once: its superblock is all that is of format 2.
fn make_suspect(disk: &SimDisk) {
    make(disk);
    let last = disk.files().into_iter().rfind(|name| name.ends_with(".log")).unwrap();
    let mut bytes = disk.contents(&last).unwrap();
    let body = bytes.windows(8).rposition(|window| window == b"the last").unwrap();
    bytes[body] ^= 1;
    disk.put(&last, &bytes);
    drop(Journal::open(disk.clone(), TINY).unwrap());
}

fn check_written(format: u32, files: Vec<(String, Vec<u8>)>) {
    if std::env::var_os("DOOZER_GOLDEN_WRITE").is_some() {
        for (name, bytes) in &files {
            let path = golden(format).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    for (name, bytes) in files {
        let kept = fs::read(golden(format).join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let differs = kept.iter().zip(&bytes).position(|(a, b)| a != b);
        assert!(kept == bytes, "{name} differs from the released format, first at byte {differs:?}");
    }
}

#[test]
fn format_1_is_written_as_it_always_was() {
    let disk = SimDisk::new(1);
    make(&disk);
    let files = contents(&disk);
    assert!(files.len() >= 6, "{:?}", disk.files());
    check_written(1, files);
}

#[test]
fn format_2_is_written_where_the_end_is_suspect_and_nowhere_else() {
    let disk = SimDisk::new(1);
    make_suspect(&disk);
    let of_format = |bytes: &[u8], format: u8| {
        bytes.chunks(256).any(|block| block.starts_with(b"DZ") && block[8] == format)
    };
    let second: Vec<_> = contents(&disk).into_iter().filter(|(_, bytes)| of_format(bytes, 2)).collect();
    assert_eq!(second.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["SUPER"]);
    check_written(2, second);
    let (mut journal, _) = Journal::open(disk.clone(), TINY).unwrap();
    journal.sound().unwrap();
    assert!(!of_format(&disk.contents("SUPER").unwrap(), 2), "an older version cannot start from it again");
}

/// The golden directory of format 1, with the files of `format` in place of its own.
fn directory(format: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (format, sub) in
        [1, format].into_iter().flat_map(|format| ["", "log", "snap"].map(|sub| (format, sub)))
    {
        fs::create_dir_all(dir.path().join(sub)).unwrap();
        for name in RealDisk::new(golden(format)).list(sub).unwrap_or_default() {
            let from = golden(format).join(sub).join(&name);
            if from.is_file() {
                fs::copy(from, dir.path().join(sub).join(&name)).unwrap();
            }
        }
    }
    dir
}

#[test]
fn format_2_is_read() {
    let dir = directory(2);
    let expected = Some(Suspect { acc_ballot: ballot(4), last: Slot(7) });
    for _ in 0..2 {
        let (_, recovered) = Journal::open(RealDisk::new(dir.path()), TINY).unwrap();
        assert_eq!((recovered.suspect, recovered.promised), (expected, ballot(4)));
    }
}

#[test]
fn format_1_is_read() {
    let log = make(&SimDisk::new(1));
    let dir = directory(1);
    let (journal, recovered) = Journal::open(RealDisk::new(dir.path()), TINY).unwrap();
    assert!(log.is(&recovered), "{recovered:#?}");
    assert_eq!((recovered.boot, recovered.promised, recovered.cluster), (3, ballot(4), CLUSTER));
    assert_eq!((&recovered.torn, recovered.suspect, recovered.repaired.len()), (&None, None, 0));
    assert_eq!(recovered.snapshot.as_ref().unwrap().head, head_4(&log));
    let body = read_snapshot(journal.snapshot_reader().unwrap().unwrap()).unwrap();
    assert_eq!(body, b"the state at slot 4");
}
