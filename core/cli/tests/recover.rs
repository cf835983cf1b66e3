//! A majority is lost for good: a new cluster is made of what one survivor has.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::cluster::{Cluster, wait_for_voters};
use common::{Ended, Member, doozerd, words};
use doozer_client::ErrorKind;
use rustix::process::Signal;

const LEAP: i64 = 1 << 32;

fn recover(dir: &Path, line: &str) -> Ended {
    doozerd(dir, &[], &words(&format!("recover {line}")))
}

/// Every file below a directory, with its bytes.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            } else if entry.file_name() != "LOCK" {
                files.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// What a run printed behind a word.
fn shown<'a>(ended: &'a Ended, what: &str) -> &'a str {
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{ended:?}");
    ended.stdout.lines().find_map(|line| line.strip_prefix(what)).expect(what).trim()
}

#[test]
fn a_cluster_from_one_survivor() {
    let mut cluster = Cluster::start(3, "--data-dir d{}");
    for n in 0..50 {
        cluster.member(n % 3).put(format!("value {n}").as_bytes(), &format!("set /k/{} -1", n % 10)).rev();
    }
    let last = cluster.member(0).run("rev").rev();
    let id = cluster.member(0).id.clone();
    cluster.kill_all();
    let dir = cluster.dir().to_owned();
    // Two of three are gone for good.
    fs::rename(dir.join("d1"), dir.join("lost-1")).unwrap();
    fs::rename(dir.join("d2"), dir.join("lost-2")).unwrap();

    let before = contents(&dir.join("d0"));
    let looked = recover(&dir, "--data-dir d0");
    assert_eq!(shown(&looked, "member"), id);
    let revision: i64 = shown(&looked, "revision").parse().unwrap();
    assert!(revision >= last, "{looked:?}");
    let log = shown(&looked, "log");
    assert!(log.starts_with("ballot ") && log.contains(", slot "), "{log}");
    let made = recover(&dir, "--data-dir d0 --to new");
    let new_revision = revision + LEAP;
    assert!(shown(&made, "made").starts_with("new: member "), "{made:?}");
    assert!(contents(&dir.join("d0")) == before, "the survivor's files were changed");
    assert!(!dir.join("new.unfinished").exists());

    // It is the founder of another cluster, with everything that was acknowledged.
    fs::rename(dir.join("d0"), dir.join("survivor")).unwrap();
    fs::rename(dir.join("new"), dir.join("d0")).unwrap();
    cluster.run(0);
    let founder = cluster.member(0);
    assert_ne!(founder.id, id);
    assert!(founder.revision > new_revision, "{} after {new_revision}", founder.revision);
    for key in 0..10 {
        founder.run(&format!("get /k/{key}")).prints(&format!("value {}", 40 + key));
    }
    assert_eq!(founder.run("get /ctl/cal/0").stdout, founder.id);
    for place in ["/ctl/cal/1", "/ctl/cal/2"] {
        founder.run(&format!("get {place}")).prints("");
    }
    let nodes = founder.run("ls /ctl/node");
    assert_eq!(nodes.stdout.trim_end_matches(['/', '\n']), founder.id);
    // A client goes on with the revisions of files that it knows, and is told that the past is gone.
    let known = founder.run("stat --json /k/3").stdout;
    let known: serde_json::Value = serde_json::from_str(&known).unwrap();
    let known = known["rev"].as_i64().unwrap();
    assert!(known <= last);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = cluster.client(0).await;
        for rev in [1, last, last + 1, last + LEAP / 2, revision + LEAP] {
            let read = client.get_at("/k/3", rev).await.unwrap_err();
            assert_eq!(read.kind(), ErrorKind::TooLate, "get at {rev}: {read}");
            let waited = client.wait("/k/*", rev).await.unwrap_err();
            assert_eq!(waited.kind(), ErrorKind::TooLate, "wait from {rev}: {waited}");
        }
        let rev = client.set("/k/3", "more", known).await.unwrap();
        assert_eq!(client.wait("/k/*", rev).await.unwrap().rev, rev);
    });

    // The others join with nothing, and take the places.
    cluster.run_some(vec![1, 2]);
    runtime.block_on(async { wait_for_voters(&cluster.client(1).await, 3).await });
    cluster.end(0, Signal::KILL);
    cluster.member(1).put(b"without it", "set /after -1").rev();
    cluster.member(2).run("get /after").prints("without it");
    cluster.run(0);
    cluster.member(0).run("get /k/3").prints("more");

    // One of the old cluster is not let in, and knows nobody.
    cluster.end(2, Signal::TERM);
    fs::rename(dir.join("d2"), dir.join("aside")).unwrap();
    fs::rename(dir.join("lost-2"), dir.join("d2")).unwrap();
    cluster.run(2);
    let old = cluster.member(2).run("get /k/3");
    assert_eq!(old.status, Some(2), "{old:?}");
    assert!(old.stderr.contains("no quorum"), "{old:?}");
    cluster.kill_all();
}

#[test]
fn what_it_cannot_be_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let at = |line: &str| recover(dir.path(), line);
    at("--data-dir nothing")
        .fails(2, "doozerd: recover: data directory nothing: nothing holds no data of a member");
    assert_eq!(at("").status, Some(2));

    let member = Member::within(dir.path(), &["--data-dir", "used"], &[]);
    member.put(b"x", "set /a 0").rev();
    let used = at("--data-dir used --to new");
    assert!(
        used.stderr.starts_with("doozerd: recover: data directory used: used/LOCK is in use: "),
        "{used:?}"
    );
    member.kill();

    fs::create_dir(dir.path().join("there")).unwrap();
    let there = at("--data-dir used --to there");
    assert_eq!(there.status, Some(2));
    assert_eq!(there.stderr, "doozerd: recover: there is there already: name a directory that is not\n");
    assert!(fs::read_dir(dir.path().join("there")).unwrap().next().is_none());

    // What was begun and not finished is begun again.
    fs::create_dir(dir.path().join("new.unfinished")).unwrap();
    fs::write(dir.path().join("new.unfinished/SUPER"), "half").unwrap();
    shown(&at("--data-dir used --to new"), "made");
    let again = Member::within(dir.path(), &["--data-dir", "new"], &[]);
    again.run("get /a").prints("x");
    again.stop();
}

#[test]
fn a_damaged_survivor_gives_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::within(dir.path(), &["--data-dir", "d"], &[]);
    for n in 0..20 {
        member.put(format!("{n}").as_bytes(), &format!("set /k/{n} 0")).rev();
    }
    member.kill();
    // A bit of some record in the middle.
    let path = dir.path().join("d/log/0000000000000001.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096 + 16 * 8192 + 300] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let refused = doozerd(dir.path(), &[], &words("-l 127.0.0.1:0 --data-dir d"));
    assert!(refused.stderr.contains("is damaged at byte"), "{refused:?}");
    let made = recover(dir.path(), "--data-dir d --to new");
    assert_eq!(made.status, Some(0), "{made:?}");
    assert!(made.stderr.contains("d/log/0000000000000001.log is damaged at byte 135168"), "{made:?}");
    assert!(made.stderr.contains("nothing behind that is read"), "{made:?}");
    let found = Member::within(dir.path(), &["--data-dir", "new"], &[]);
    found.run("get /k/0").prints("0");
    assert_eq!(found.run("get /k/19").stdout, "");
    found.stop();

    // Nothing is left of it.
    bytes[4096..16384].fill(0);
    fs::write(&path, &bytes).unwrap();
    let nothing = recover(dir.path(), "--data-dir d");
    assert_eq!(nothing.status, Some(2), "{nothing:?}");
    assert!(
        nothing.stderr.starts_with("doozerd: recover: data directory d: d: nothing of its state can be read"),
        "{nothing:?}"
    );
}
