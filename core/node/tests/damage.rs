//! Damage to the files of one member of three: it stays who it is, keeps its promise, learns what it lost from the others,
//! votes again once it has that, and never serves a wrong byte.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use doozer_node::{Config, Limits, Node};
use doozer_wire::Verb;
use support::cluster::{Ports, again, durable, together, voters};
use support::writers::{Made, Shape, Writers, history};
use support::{Member, Raw, everything, request, wait};
use tempfile::TempDir;

const SHAPE: Shape = Shape { paths: 40, value_bytes: 900 };

struct Three {
    dir: TempDir,
    ports: Ports,
    members: Vec<Option<Member>>,
    made: Vec<Made>,
}

/// Small files, so that there are several of each kind.
fn config(dir: &Path, number: usize, config: Config) -> Config {
    let limits = Limits { log_segment_bytes: 256 << 10, snapshot_log_bytes: 3 << 20, ..Limits::default() };
    Config { limits, ..durable(config, dir, number) }
}

impl Three {
    fn new() -> Three {
        let (dir, ports) = (tempfile::tempdir().unwrap(), Ports::new(3));
        let members = together(&ports, |number, given| config(dir.path(), number, given));
        voters(&mut members[0].modern(), 3);
        let members = members.into_iter().map(Some).collect();
        let mut three = Three { dir, ports, members, made: Vec::new() };
        three.write(300);
        three
    }

    fn running(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().flatten()
    }

    /// So many writes and more, through all that run.
    fn write(&mut self, count: usize) {
        let writers = Writers::start(self.running(), SHAPE);
        writers.wait_for(count);
        self.made.extend(writers.stop());
    }

    fn end(&mut self, number: usize) -> String {
        let member = self.members[number].take().unwrap();
        let id = id(&mut member.modern());
        member.crash();
        id
    }

    fn run(&mut self, number: usize) {
        let dir = self.dir.path();
        self.members[number] = Some(again(&self.ports, number, |given| config(dir, number, given)));
    }

    fn data(&self, number: usize) -> PathBuf {
        self.dir.path().join(number.to_string())
    }

    /// The files of a kind, oldest first.
    fn files(&self, number: usize, dir: &str, suffix: &str) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.data(number).join(dir)).unwrap();
        let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.to_string_lossy().ends_with(suffix));
        files.sort();
        files
    }

    /// Writes until a member has a snapshot, and some log behind it.
    fn write_until_snapshot(&mut self, number: usize) {
        while self.files(number, "snap", ".snap").is_empty() {
            self.write(300);
        }
        self.write(300);
    }

    /// It was damaged while it was down, and something was written meanwhile. It comes back, learns, votes, and has
    /// everything.
    fn check_comes_back(mut self, number: usize, id_before: &str) {
        self.run(number);
        let mut raw = self.members[number].as_ref().unwrap().modern();
        assert_eq!(id(&mut raw), id_before, "it is somebody else now");
        self.until_sound(number);
        // With one of the others gone it is needed for every decision.
        let other = (number + 1) % 3;
        self.end(other);
        self.write(50);
        self.run(other);
        let mut raws: Vec<Raw> = self.running().map(Member::modern).collect();
        let told = history(&mut raws[0], &self.made);
        assert!(raws[1..].iter_mut().all(|raw| history(raw, &self.made) == told));
        let files = everything(&mut raws[0], None);
        assert!(raws[1..].iter_mut().all(|raw| everything(raw, None) == files));
        drop(raws);
        // And it is sound on the disk as well.
        self.end(number);
        self.run(number);
        self.write(50);
        self.members.into_iter().flatten().for_each(Member::stop);
    }

    /// Until nothing of it is suspect any more: its superblock is of the first format again.
    fn until_sound(&mut self, number: usize) {
        let until = Instant::now() + Duration::from_secs(60);
        while formats(&self.data(number)) != [1, 1] {
            assert!(Instant::now() < until, "it does not become sound");
            // A new proposer, or the next write, brings what is missing.
            self.write(20);
        }
    }
}

/// The formats of both copies of the superblock.
fn formats(data: &Path) -> [u32; 2] {
    let bytes = fs::read(data.join("SUPER")).unwrap();
    [8, 4096 + 8].map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()))
}

fn id(raw: &mut Raw) -> String {
    String::from_utf8(raw.call(request(Verb::SelfId)).value.unwrap().to_vec()).unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// The names in the directory that a damaged log was put into.
fn aside(data: &Path) -> Vec<String> {
    let listed = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let aside = listed.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("damaged-"));
    let names = aside.flat_map(|dir| fs::read_dir(dir).unwrap());
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_rotten_slot_in_the_middle_of_the_log() {
    let mut three = Three::new();
    let id = three.end(1);
    let log = three.files(1, "log", ".log");
    flip(&log[0], 4096 + 300);
    three.write(100);
    three.check_comes_back(1, &id);
}

#[test]
fn the_files_of_a_damaged_log_are_kept() {
    let mut three = Three::new();
    three.end(1);
    let log = three.files(1, "log", ".log");
    flip(&log[0], 4096 + 300);
    let kept: Vec<String> =
        log.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    three.run(1);
    let mut found = aside(&three.data(1));
    found.sort();
    assert_eq!(found, kept);
    three.members.into_iter().flatten().for_each(Member::stop);
}

#[test]
fn the_last_record() {
    let mut three = Three::new();
    let id = three.end(2);
    let log = three.files(2, "log", ".log");
    let bytes = fs::read(log.last().unwrap()).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(4096);
    // The header of a record stands in its first and its last sector: behind the last one's first copy is its body.
    let start = (0..end).step_by(4096).rfind(|at| bytes[*at..].starts_with(b"DZRECORD")).unwrap();
    flip(log.last().unwrap(), start + 300);
    three.write(100);
    three.check_comes_back(2, &id);
}

#[test]
fn a_snapshot_and_the_log_behind_it() {
    let mut three = Three::new();
    three.write_until_snapshot(0);
    let id = three.end(0);
    flip(three.files(0, "snap", ".snap").last().unwrap(), 5000);
    three.write(100);
    three.check_comes_back(0, &id);
}

#[test]
fn a_segment_that_is_gone() {
    let mut three = Three::new();
    // How much a write takes depends on how many share a record.
    while three.files(1, "log", ".log").len() < 3 {
        three.write(100);
    }
    let id = three.end(1);
    let log = three.files(1, "log", ".log");
    fs::remove_file(&log[1]).unwrap();
    three.check_comes_back(1, &id);
}

#[test]
fn who_lost_its_identity_joins_as_somebody_new() {
    let mut three = Three::new();
    let old = three.end(1);
    let data = three.data(1);
    let kept = fs::read(data.join("MARK")).unwrap();
    for at in [20, 4096 + 20] {
        flip(&data.join("SUPER"), at);
    }
    three.write(100);
    three.run(1);
    let member = three.members[1].as_ref().unwrap();
    let new = id(&mut member.modern());
    assert_ne!(new, old);
    let lost = data.join("lost-0000000000000001");
    assert_eq!(fs::read(lost.join("MARK")).unwrap(), kept);
    assert!(lost.join("0000000000000001.log").exists());
    // It gets the place of who was at its address, and learns everything.
    let mut raw = three.members[0].as_ref().unwrap().modern();
    while !voters(&mut raw, 3).contains(&new) {
        let rev = raw.rev();
        raw.send(&wait("/ctl/cal/*", rev + 1, 1));
        raw.answer(1);
    }
    drop(raw);
    assert_eq!(three.end(1), new);
    three.check_comes_back(1, &new);
}

#[test]
fn alone_it_says_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let alone = || durable(Config::default(), dir.path(), 0);
    let member = Member::start(alone());
    member.modern().set("/a", "x", 0);
    member.stop();
    for at in [20, 4096 + 20] {
        flip(&dir.path().join("0/SUPER"), at);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(Node::start(alone())).unwrap_err().to_string();
    assert!(refused.contains("SUPER is unreadable in both its copies"), "{refused}");
    fs::create_dir(dir.path().join("0/lost-0000000000000001")).unwrap();
    for name in ["SUPER", "MARK"] {
        fs::remove_file(dir.path().join("0").join(name)).unwrap();
    }
    for file in fs::read_dir(dir.path().join("0/log")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let refused = runtime.block_on(Node::start(alone())).unwrap_err().to_string();
    assert!(
        refused.contains("give the addresses of its cluster with -a, or use an empty directory"),
        "{refused}"
    );
}
