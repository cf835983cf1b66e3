//! The bytes of every format that was ever released, kept under `tests/golden`: each later version must read them, and
//! the version that writes a format must write exactly them.
//!
//! To make the files of a new format: run this test with DOOZER_GOLDEN_WRITE=1. Never change those of an old one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use doozer_journal::{Disk, Journal, Options, RealDisk, SimDisk};
use doozer_paxos::Slot;
use support::*;

const TINY: Options = Options { segment_bytes: 24 << 10, bytes_max: None };

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format-1")
}

/// A directory with something of everything: it was opened twice, cut, has a snapshot, segments and a spare.
fn make(disk: &SimDisk) -> PlainLog {
    drop(Journal::create(disk.clone(), BIRTH, TINY).unwrap());
    let (mut journal, _) = Journal::open(disk.clone(), TINY).unwrap();
    journal.promise(ballot(4)).unwrap();
    let mut log = PlainLog::new();
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
    let mut writer = journal.snapshot_writer(head(Slot(4), log.hash_at(Slot(4)).unwrap())).unwrap();
    writer.write(b"the state at slot 4").unwrap();
    journal.snapshot_committed(&writer.finish().unwrap()).unwrap();
    journal.sync_mark().unwrap();
    log
}

fn contents(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.files().into_iter().filter(|name| name != "LOCK");
    names.map(|name| (name.clone(), disk.contents(&name).unwrap())).collect()
}

#[test]
fn format_1_is_written_as_it_always_was() {
    let disk = SimDisk::new(1);
    make(&disk);
    let files = contents(&disk);
    if std::env::var_os("DOOZER_GOLDEN_WRITE").is_some() {
        for (name, bytes) in &files {
            let path = golden().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    assert!(files.len() >= 6, "{:?}", disk.files());
    for (name, bytes) in files {
        let kept = fs::read(golden().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let differs = kept.iter().zip(&bytes).position(|(a, b)| a != b);
        assert!(kept == bytes, "{name} differs from the released format, first at byte {differs:?}");
    }
}

#[test]
fn format_1_is_read() {
    let log = make(&SimDisk::new(1));
    let dir = tempfile::tempdir().unwrap();
    for sub in ["", "log", "snap"] {
        fs::create_dir_all(dir.path().join(sub)).unwrap();
        for name in RealDisk::new(golden()).list(sub).unwrap() {
            let from = golden().join(sub).join(&name);
            if from.is_file() {
                fs::copy(from, dir.path().join(sub).join(&name)).unwrap();
            }
        }
    }
    let (journal, recovered) = Journal::open(RealDisk::new(dir.path()), TINY).unwrap();
    assert!(log.is(&recovered), "{recovered:#?}");
    assert_eq!((recovered.boot, recovered.promised, recovered.cluster), (3, ballot(4), CLUSTER));
    assert_eq!((&recovered.torn, recovered.repaired.len()), (&None, 0));
    assert_eq!(recovered.snapshot.as_ref().unwrap().head, head(Slot(4), log.hash_at(Slot(4)).unwrap()));
    let body = read_snapshot(journal.snapshot_reader().unwrap().unwrap()).unwrap();
    assert_eq!(body, b"the state at slot 4");
}
