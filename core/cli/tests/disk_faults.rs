//! Real members on real files, whose disk fails: a sync that is an I/O error, and a disk without room.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::cluster::{Cluster, PATIENCE};
use common::load::{Load, Terms};
use common::{Member, words};
use doozer_client::{CallOptions, Error, Timeout};
use rustix::process::Signal;
use tokio::runtime::Runtime;

/// What each writer does between two steps.
const WORK: u64 = 30;

/// Faults that can be switched on for the members that are started with them.
struct Faults {
    dir: PathBuf,
    library: String,
}

impl Faults {
    fn new(dir: &Path) -> Faults {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/disk_faults/faults.c");
        let (dir, library) = (dir.join("faults"), dir.join("faults.so").display().to_string());
        fs::create_dir(&dir).unwrap();
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let made =
            Command::new(compiler).args(["-shared", "-fPIC", "-O1", "-o", &library, source, "-ldl"]).status();
        assert!(made.expect("a C compiler").success());
        Faults { dir, library }
    }

    fn set(&self, fault: &str) {
        fs::write(self.dir.join(fault), "").unwrap();
    }

    fn clear(&self, fault: &str) {
        fs::remove_file(self.dir.join(fault)).unwrap();
    }

    /// Starts one of the cluster's that can be struck.
    fn run(&self, cluster: &mut Cluster, number: usize) {
        let variables = [("LD_PRELOAD", self.library.as_str()), ("FAULTS", self.dir.to_str().unwrap())];
        let address = cluster.addresses()[number].clone();
        let member = Member::at(&address, cluster.dir(), &words(&cluster.args(number)), &variables);
        cluster.put(number, member);
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A sync that failed is never tried again: what it was to make durable may be in the cache only, and is said to be written.
/// So the member ends, whichever it is, and the others go on; started again it is who it was.
#[test]
fn a_sync_that_fails_ends_the_member_and_nothing_is_lost() {
    let mut cluster = Cluster::start(3, "--data-dir d{}");
    let faults = Faults::new(cluster.dir());
    runtime().block_on(async {
        let mut load = Load::start(&cluster.uri(), Terms::UnknownWrites).await;
        // One after the other, so that the proposer is among them.
        for number in 0..3 {
            let id = cluster.member(number).id.clone();
            load.stage(format!("member {number} is to be struck"));
            tokio::task::block_in_place(|| {
                cluster.end(number, Signal::TERM);
                faults.run(&mut cluster, number);
            });
            load.progress(WORK).await;
            load.stage(format!("the disk of member {number} fails"));
            faults.set("sync");
            let (status, said) = tokio::task::block_in_place(|| cluster.take(number).end());
            assert_eq!(status.code(), Some(1), "{said:?}");
            let last = said.last().unwrap();
            assert!(last.starts_with("doozerd: the journal failed: cannot sync "), "{said:?}");
            assert!(last.contains(": Input/output error; "), "{last}");
            load.progress(WORK).await;
            load.stage(format!("member {number} starts again"));
            faults.clear("sync");
            tokio::task::block_in_place(|| cluster.run(number));
            assert_eq!(cluster.member(number).id, id);
            cluster.client(number).await.nop().await.unwrap();
            load.progress(WORK).await;
        }
        let account = load.stop().await;
        account.check();
        account.check_members(&cluster, 0..3).await;
    });
    cluster.end_all(Signal::TERM);
}

/// What becomes of a write that can go to this member only.
fn write_by(cluster: &Cluster, number: usize) -> Result<i64, Error> {
    runtime().block_on(async {
        let options =
            CallOptions { timeout: Timeout::After(Duration::from_secs(3)), ..CallOptions::default() };
        let client = cluster.client(number).await;
        let written = client.with(options).set("/x", "x", -1).await;
        client.close().await;
        written
    })
}

fn status(cluster: &Cluster, number: usize) -> serde_json::Value {
    let ended = cluster.member(number).run("status --json");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr))
}

/// A member without room leads nobody, serves reads, says why, and goes on by itself once there is room; the others go on.
#[test]
fn a_full_disk_stops_nobody_else_and_heals_by_itself() {
    let mut cluster = Cluster::start(3, "--data-dir d{} --answer-within 1");
    let faults = Faults::new(cluster.dir());
    cluster.end(0, Signal::TERM);
    faults.run(&mut cluster, 0);
    let value = vec![b'v'; 1 << 20];
    let set = |cluster: &Cluster, path: &str| cluster.member(1).put(&value, &format!("set {path} -1")).rev();
    set(&cluster, "/before");
    faults.set("full");
    // It takes part as long as it can hold what has no room: 64 MiB, behind the segments that it has.
    let mut written = 0;
    while written < 40 || write_by(&cluster, 0).is_ok() {
        for n in 0..10 {
            set(&cluster, &format!("/fill/{}", n % 4));
        }
        written += 10;
        assert!(written < 400, "it is not full");
        // What it has of what others decide, it serves.
        let local = cluster.member(0).run("get --consistency local /before");
        assert_eq!(local.stdout.len(), value.len(), "{}", local.stderr);
    }
    let refused = write_by(&cluster, 0).unwrap_err();
    assert!(refused.to_string().contains("this member's disk is full"), "{refused}");
    assert_eq!(status(&cluster, 0)["disk_full"], true);
    // Whoever is asked says so. Each member has a second to answer.
    let health = "degraded: 2 of 3 voters are well, and 2 are needed";
    let until = Instant::now() + PATIENCE;
    while status(&cluster, 1)["health"] != health {
        assert!(Instant::now() < until, "{}", status(&cluster, 1));
    }
    let said = status(&cluster, 1);
    let full = said["members"].as_array().unwrap().iter().filter(|it| it["health"] == "its disk is full");
    assert_eq!((full.count(), said["disk_full"].as_bool()), (1, Some(false)), "{said}");
    assert_eq!(cluster.member(1).run("status --check").status, Some(1));
    // Who may go to another one does.
    cluster.member(0).put(b"x", "set /x -1").rev();
    let mut member = cluster.take(0);
    member.says("the disk is full");
    cluster.put(0, member);

    faults.clear("full");
    let until = Instant::now() + PATIENCE;
    while write_by(&cluster, 0).is_err() {
        assert!(Instant::now() < until, "it does not heal");
    }
    assert_eq!(status(&cluster, 0)["disk_full"], false);
    let all = cluster.member(1).run("find --json /").stdout;
    assert_eq!(cluster.member(0).run("find --json /").stdout, all);
    cluster.kill_all();
}
