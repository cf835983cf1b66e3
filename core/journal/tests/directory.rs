//! Directories that are new, somebody else's, of another format, or in use; and real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use doozer_journal::{Birth, Disk, Journal, OpenError, Options, RealDisk, SimDisk};
use doozer_paxos::{Ballot, ClusterId, Incarnation, Slot};
use support::*;

/// Fills a directory with everything there is: two segments, a spare, a snapshot.
fn fill<D: Disk>(disk: D) -> PlainLog {
    let (mut journal, recovered) = Journal::create(disk, BIRTH, SMALL).unwrap();
    assert_eq!((recovered.boot, recovered.last, recovered.promised), (1, Slot(0), Ballot::ZERO));
    journal.promise(ballot(2)).unwrap();
    let mut log = PlainLog::new();
    for slot in 1..18 {
        let append = log.make(Slot(slot), ballot(2), 1, &[vec![slot as u8; 200 * slot as usize]]);
        log.take(&append);
        journal.append(&append).unwrap();
        journal.sync().unwrap();
    }
    let meta = write_snapshot(&journal, Slot(10), log.hash_at(Slot(10)).unwrap()).unwrap();
    journal.snapshot_committed(&meta).unwrap();
    journal.sync_mark().unwrap();
    assert_eq!(journal.slots(), 11..=17);
    log
}

fn sealed(disk: &SimDisk, name: &str, at: usize, len: usize, change: impl FnOnce(&mut [u8])) {
    let mut bytes = disk.contents(name).unwrap();
    let block = &mut bytes[at..at + len];
    change(block);
    let crc = crc32c::crc32c(&block[..len - 4]);
    block[len - 4..].copy_from_slice(&crc.to_le_bytes());
    disk.put(name, &bytes);
}

fn all(disk: &SimDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let names = disk.files().into_iter().filter(|name| name != "LOCK");
    names.map(|name| (name.clone(), disk.contents(&name))).collect()
}

fn refusal(disk: &SimDisk) -> OpenError {
    let before = all(disk);
    let Err(error) = Journal::open(disk.clone(), SMALL) else { panic!("it was opened") };
    assert_eq!(all(disk), before, "it was changed");
    error
}

#[test]
fn a_later_format_is_named_and_not_touched() {
    let disk = SimDisk::new(1);
    fill(disk.clone());
    let snapshot = "snap/000000000000000a.snap";
    let end = disk.contents(snapshot).unwrap().len() - 256;
    let last = disk.files().into_iter().rfind(|name| name.ends_with(".log")).unwrap();
    let blocks =
        [("SUPER", 0, 256), ("SUPER", 4096, 256), ("MARK", 0, 256), (&last, 0, 256), (&last, 4096, 256)];
    for (name, at, len) in blocks.into_iter().chain([(snapshot, 0, 4096), (snapshot, end, 256)]) {
        let later = disk.fork();
        sealed(&later, name, at, len, |block| block[8] = 3);
        let error = refusal(&later);
        assert!(
            matches!(&error, OpenError::Newer { found: 3, file } if file.ends_with(name)),
            "{name} at {at}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("newer doozerd: format 3, this one reads up to 2; nothing was touched"),
            "{text}"
        );
    }
}

#[test]
fn a_file_of_another_cluster_is_named() {
    let (disk, other) = (SimDisk::new(1), SimDisk::new(2));
    fill(disk.clone());
    let theirs = Birth { cluster: ClusterId([9; 16]), incarnation: Incarnation([8; 16]) };
    let (journal, _) = Journal::create(other.clone(), theirs, SMALL).unwrap();
    let mut writer = journal.snapshot_writer(head(Slot(30), doozer_paxos::EntryHash([1; 32]))).unwrap();
    writer.write(b"theirs").unwrap();
    writer.finish().unwrap();
    let last = disk.files().into_iter().rfind(|name| name.ends_with(".log")).unwrap();
    for (from, to) in
        [("log/0000000000000001.log", &*last), ("snap/000000000000001e.snap", "snap/000000000000001e.snap")]
    {
        let mixed = disk.fork();
        mixed.put(to, &other.contents(from).unwrap());
        let error = refusal(&mixed);
        assert!(matches!(&error, OpenError::Foreign { ours: CLUSTER, .. }), "{error}");
        assert!(error.to_string().contains(&theirs.cluster.to_string()), "{error}");
    }
    // A whole identity from elsewhere fits none of the files.
    let mixed = disk.fork();
    mixed.put("SUPER", &other.contents("SUPER").unwrap());
    assert!(matches!(refusal(&mixed), OpenError::Foreign { .. }));
}

#[test]
fn an_empty_directory_is_missing_and_a_foreign_one_is_not_used() {
    let disk = SimDisk::new(1);
    assert!(!Journal::exists(&disk).unwrap());
    assert!(matches!(Journal::open(disk.clone(), SMALL), Err(OpenError::Missing { .. })));
    disk.put("holiday.jpg", b"...");
    for error in [refusal(&disk), Journal::create(disk.clone(), BIRTH, SMALL).err().unwrap()] {
        assert!(error.to_string().contains("holiday.jpg"), "{error}");
    }
    assert_eq!(disk.files(), ["holiday.jpg"]);
}

#[test]
fn a_lost_superblock_is_never_taken_for_a_new_directory() {
    let disk = SimDisk::new(1);
    fill(disk.clone());
    assert!(matches!(Journal::create(disk.clone(), BIRTH, SMALL), Err(OpenError::Exists { .. })));
    disk.lose("SUPER");
    assert!(matches!(refusal(&disk), OpenError::IdentityLost { .. }));
    assert!(matches!(Journal::create(disk.clone(), BIRTH, SMALL), Err(OpenError::IdentityLost { .. })));
}

#[test]
fn one_process_at_a_time() {
    let disk = SimDisk::new(1);
    let (journal, _) = Journal::create(disk.clone(), BIRTH, SMALL).unwrap();
    let error = refusal(&disk).to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(journal);
    assert_eq!(Journal::open(disk, SMALL).unwrap().1.boot, 2);
}

#[test]
fn a_real_directory_works_and_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(dir.path().join("made/for/it"));
    assert!(!Journal::exists(&disk).unwrap());
    let log = fill(disk.clone());
    for boot in 2..5 {
        let (journal, recovered) = Journal::open(disk.clone(), SMALL).unwrap();
        assert!(log.is(&recovered), "{recovered:#?}");
        assert_eq!((recovered.boot, recovered.torn.clone(), recovered.repaired.len()), (boot, None, 0));
        check_snapshot(&journal, &recovered).unwrap();
        let Err(error @ OpenError::Locked { .. }) = Journal::open(disk.clone(), SMALL) else {
            panic!("two have it")
        };
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }
    let sizes: u64 = walk(&disk, "") + walk(&disk, "log") + walk(&disk, "snap");
    let (journal, _) = Journal::open(disk, SMALL).unwrap();
    assert_eq!(journal.bytes_on_disk(), sizes);
}

/// Bytes of the files in a directory, but for the lock.
fn walk(disk: &RealDisk, dir: &str) -> u64 {
    let path = |name: &str| std::path::PathBuf::from(disk.path(dir)).join(name);
    let names = disk.list(dir).unwrap().into_iter().filter(|name| name != "LOCK");
    names
        .map(|name| path(&name).metadata().unwrap())
        .filter(|meta| meta.is_file())
        .map(|meta| meta.len())
        .sum()
}

#[test]
fn segments_of_another_size_are_read_and_spares_of_one_are_removed() {
    let disk = SimDisk::new(1);
    let log = fill(disk.clone());
    let other = Options { segment_bytes: 100_000, ..SMALL };
    let (mut journal, recovered) = Journal::open(disk.clone(), other).unwrap();
    assert!(log.is(&recovered));
    journal.prepare().unwrap();
    let spares: Vec<_> = disk.files().into_iter().filter(|name| name.contains("spare")).collect();
    assert_eq!(spares.len(), 1, "{spares:?}");
    assert_eq!(disk.contents(&spares[0]).unwrap().len(), 102_400);
}

#[test]
#[should_panic(expected = "does not follow the log")]
fn an_append_that_does_not_follow_is_refused_in_release_too() {
    let (mut journal, _) = Journal::create(SimDisk::new(1), BIRTH, SMALL).unwrap();
    journal.promise(ballot(1)).unwrap();
    let log = PlainLog::new();
    journal.append(&log.make(Slot(1), ballot(1), 1, &[vec![1]])).unwrap();
    let mut next = log.make(Slot(1), ballot(1), 1, &[vec![2], vec![3]]);
    next.entries.remove(0);
    next.from = Slot(2);
    let _ = journal.append(&next);
}

#[test]
#[should_panic(expected = "promised")]
fn an_append_under_a_ballot_that_was_not_promised_is_refused() {
    let (mut journal, _) = Journal::create(SimDisk::new(1), BIRTH, SMALL).unwrap();
    let _ = journal.append(&PlainLog::new().make(Slot(1), ballot(1), 1, &[vec![1]]));
}
