use super::*;

fn disk_with(seed: u64, bytes: &[u8]) -> (SimDisk, SimFile) {
    let disk = SimDisk::new(seed);
    let file = disk.open("f", true).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir("").unwrap();
    (disk, file)
}

/// How many of the 512-byte sectors of `f` are `byte`.
fn sectors_of(disk: &SimDisk, byte: u8) -> Vec<bool> {
    let contents = disk.contents("f").unwrap();
    contents.chunks(512).map(|sector| sector.iter().all(|b| *b == byte)).collect()
}

#[test]
fn a_crash_keeps_what_was_synced_and_tears_the_rest_by_sectors() {
    let (mut torn, mut whole, mut in_512, mut in_4096) = (0, 0, 0, 0);
    for seed in 0..300 {
        let (disk, file) = disk_with(seed, &[1; 32768]);
        file.write_at(&[2; 16384], 16384).unwrap();
        disk.crash();
        let new = sectors_of(&disk, 2);
        let old = sectors_of(&disk, 1);
        assert!(old[..32].iter().all(|is_old| *is_old), "seed {seed}: synced sectors changed");
        assert!(old.iter().zip(&new).all(|(old, new)| old != new), "seed {seed}: a sector is torn inside");
        let count = new.iter().filter(|is_new| **is_new).count();
        if count == 0 || count == 32 {
            whole += 1
        } else {
            torn += 1
        }
        let together = new.chunks(8).all(|eight| eight.iter().all(|n| *n == eight[0]));
        if together { in_4096 += 1 } else { in_512 += 1 }
    }
    assert!(torn > 50 && whole > 50 && in_512 > 50 && in_4096 > 50, "{torn} {whole} {in_512} {in_4096}");
}

#[test]
fn a_kill_keeps_everything_but_open_files_and_locks() {
    let (disk, file) = disk_with(1, &[1; 512]);
    file.write_at(&[2; 512], 0).unwrap();
    let Locked::Ours(_lock) = disk.lock("L", "me").unwrap() else { panic!() };
    assert!(matches!(disk.lock("L", "you").unwrap(), Locked::Held(text) if text == "me"));
    disk.kill();
    assert_eq!(sectors_of(&disk, 2), [true]);
    assert!(file.size().is_err(), "an open file outlived its process");
    assert!(matches!(disk.lock("L", "you").unwrap(), Locked::Ours(_)));
}

#[test]
fn names_that_were_not_synced_may_go_each_by_itself() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        for name in ["a", "b"] {
            disk.open(name, true).unwrap();
        }
        disk.sync_dir("").unwrap();
        disk.rename("a", "c").unwrap();
        disk.remove("b").unwrap();
        disk.crash();
        seen.insert(disk.files());
    }
    let all = [vec!["a"], vec!["a", "b"], vec!["b", "c"], vec!["c"]];
    assert_eq!(seen, all.map(|names| names.into_iter().map(String::from).collect()).into());
}

#[test]
fn a_rename_that_survives_alone_is_of_the_file_that_was_renamed() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        for (byte, name) in [(1, "a"), (2, "b")] {
            let file = disk.open("tmp", true).unwrap();
            file.write_at(&[byte; 512], 0).unwrap();
            file.sync_data().unwrap();
            disk.rename("tmp", name).unwrap();
        }
        disk.crash();
        for (byte, name) in [(1, "a"), (2, "b")] {
            assert!(disk.contents(name).is_none_or(|bytes| bytes == [byte; 512]), "seed {seed}: {name}");
        }
        seen.insert(disk.files());
    }
    assert!(seen.len() > 3, "{seen:?}");
}

#[test]
fn a_failed_sync_leaves_bytes_that_are_read_but_never_written() {
    let mut lost = 0;
    for seed in 0..50 {
        let (disk, file) = disk_with(seed, &[1; 4096]);
        file.write_at(&[2; 4096], 0).unwrap();
        disk.fail(1, Some(Call::Sync), Fault::Eio);
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        assert!(sectors_of(&disk, 2).iter().all(|new| *new), "still in the cache");
        disk.crash();
        lost += usize::from(sectors_of(&disk, 1).contains(&true));
    }
    assert!(lost > 10, "{lost}");
}

#[test]
fn faults_strike_once_at_the_chosen_call_and_power_stays_off() {
    let (disk, file) = disk_with(1, &[1; 512]);
    disk.fail(2, Some(Call::Write), Fault::Enospc);
    file.write_at(&[2; 512], 0).unwrap();
    assert!(!disk.has_struck());
    assert_eq!(file.write_at(&[3; 512], 0).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(disk.has_struck());
    file.write_at(&[3; 512], 0).unwrap();
    disk.power_off(2);
    file.size().unwrap();
    assert!(file.size().is_err() && file.size().is_err());
    disk.crash();
    assert_eq!(disk.open("f", false).unwrap().size().unwrap(), 512);
}

#[test]
fn a_full_disk_takes_writes_in_place() {
    let (disk, file) = disk_with(1, &[1; 512]);
    disk.set_capacity(Some(512));
    file.write_at(&[2; 512], 0).unwrap();
    assert_eq!(file.write_at(&[2; 512], 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn the_same_seed_gives_the_same_disk() {
    let run = || {
        let (disk, file) = disk_with(9, &[1; 65536]);
        file.write_at(&[2; 65536], 0).unwrap();
        disk.crash();
        disk.contents("f").unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn rot_flips_one_bit_for_good() {
    let mut offsets = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let (disk, _file) = disk_with(seed, &[0; 9000]);
        let at = disk.rot("f").unwrap();
        for _ in 0..2 {
            let contents = disk.contents("f").unwrap();
            assert_eq!(contents.len(), 9000);
            assert_eq!(contents.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1, "seed {seed}");
            assert_ne!(contents[at as usize], 0, "seed {seed}");
            disk.crash();
        }
        offsets.insert(at);
    }
    assert!(offsets.len() > 40 && offsets.iter().any(|at| *at > 8192), "{offsets:?}");
    assert_eq!(SimDisk::new(1).rot("f"), None);
}

#[test]
fn rot_below_a_write_that_waits_is_written_over() {
    let (disk, file) = disk_with(1, &[0; 512]);
    file.write_at(&[0; 512], 0).unwrap();
    disk.rot("f").unwrap();
    assert_eq!(disk.contents("f").unwrap(), [0; 512]);
    file.sync_data().unwrap();
    disk.crash();
    assert_eq!(disk.contents("f").unwrap(), [0; 512]);
}

#[test]
fn a_misdirected_write_leaves_its_place_and_lands_on_another() {
    let (mut in_other, mut in_same) = (0, 0);
    for seed in 0..200 {
        let (disk, file) = disk_with(seed, &[1; 32768]);
        disk.put("g", &[3; 32768]);
        disk.misdirect(2);
        file.write_at(&[1; 10], 0).unwrap();
        file.write_at(&[2; 8192], 16384).unwrap();
        assert!(disk.has_struck());
        file.sync_data().unwrap();
        disk.crash();
        let (f, g) = (disk.contents("f").unwrap(), disk.contents("g").unwrap());
        let count = |bytes: &[u8], byte| bytes.iter().filter(|b| **b == byte).count();
        let missing = count(&f[16384..24576], 1);
        assert!([0, 512, 4096].contains(&missing), "seed {seed}: {missing} bytes kept what they had");
        let landed = count(&g, 2) + count(&f[..16384], 2) + count(&f[24576..], 2);
        // It may land on a sector of the same write, which is the same here, or on itself.
        assert!(landed == missing || landed == 0 || missing == 0, "seed {seed}: {landed} and {missing}");
        in_other += usize::from(count(&g, 2) > 0);
        in_same += usize::from(landed > 0 && count(&g, 2) == 0);
    }
    // Nor does it matter that a file is not on the medium yet.
    for seed in 0..50 {
        let disk = SimDisk::new(seed);
        let (f, g) = (disk.open("f", true).unwrap(), disk.open("g", true).unwrap());
        f.write_at(&[1; 9000], 700).unwrap();
        disk.misdirect(1);
        g.write_at(&[2; 9000], 700).unwrap();
        f.read_at(&mut [], 9700).unwrap();
        assert_eq!((f.size().unwrap(), g.size().unwrap()), (9700, 9700), "seed {seed}");
    }
    assert!(in_other > 50 && in_same > 20, "{in_other} in the other file, {in_same} in the same");
}

#[test]
fn what_is_removed_takes_no_room_once_nobody_can_see_it() {
    let (disk, file) = disk_with(1, &[1; 4096]);
    for _ in 0..100 {
        let other = disk.open("g", true).unwrap();
        other.write_at(&[2; 4096], 0).unwrap();
        other.sync_data().unwrap();
        disk.remove("g").unwrap();
        disk.sync_dir("").unwrap();
    }
    assert!(disk.state().inode_count() <= 4, "{}", disk.state().inode_count());
    // Removed, but open: readable until it is closed, and back after a crash that forgets the removal.
    disk.remove("f").unwrap();
    file.read_at(&mut [0], 0).unwrap();
    let mut back = 0;
    for seed in 0..40 {
        let (disk, file) = disk_with(seed, &[7; 512]);
        drop(file);
        disk.remove("f").unwrap();
        disk.open("g", true).unwrap().write_at(&[8; 512], 0).unwrap();
        disk.crash();
        if let Some(contents) = disk.contents("f") {
            assert_eq!(contents, [7; 512], "seed {seed}");
            back += 1;
        }
    }
    assert!(back > 5, "{back}");
}

/// The same calls on a file as plain bytes, without a crash.
#[test]
fn pages_read_as_plain_bytes() {
    for seed in 0..100 {
        let (disk, file) = disk_with(seed, &[]);
        let (mut plain, mut rng) = (Vec::new(), rng::Rng(seed));
        for _ in 0..60 {
            let (at, len) = (rng.below(20_000) as usize, rng.below(9000) as usize);
            match rng.below(6) {
                0 => {
                    file.set_size(at as u64).unwrap();
                    plain.resize(at, 0);
                }
                1 => file.sync_data().unwrap(),
                2 => {
                    file.sync_data().unwrap();
                    disk.sync_dir("").unwrap();
                    let fork = disk.fork();
                    fork.crash();
                    assert!(fork.contents("f").unwrap() == plain, "seed {seed}: not on the medium");
                }
                _ => {
                    let bytes: Vec<u8> = (0..len).map(|_| rng.below(3) as u8).collect();
                    file.write_at(&bytes, at as u64).unwrap();
                    plain.resize(plain.len().max(at + len), 0);
                    plain[at..at + len].copy_from_slice(&bytes);
                }
            }
            assert!(disk.contents("f").unwrap() == plain, "seed {seed}");
        }
    }
}
