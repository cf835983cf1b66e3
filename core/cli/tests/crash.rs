//! A member is killed while it is written to, again and again: what was acknowledged is there afterwards, with its
//! revision, and no revision is missing or stands for two changes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::Member;
use doozer_client::{Client, Options};
use rustix::process::Signal;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Writers at work when the member is killed.
const WRITERS: usize = 8;

/// A round ends after at most so many acknowledgements.
const ACKNOWLEDGED_MAX: usize = 400;

/// Acknowledged writes: path and value by revision.
type Acknowledged = HashMap<i64, (String, String)>;

fn rounds() -> usize {
    std::env::var("DOOZER_CRASH_ROUNDS").map_or(10, |rounds| rounds.parse().expect("a number"))
}

fn seed() -> u64 {
    let given = std::env::var("DOOZER_CRASH_SEED").ok();
    given.map_or_else(|| RandomState::new().hash_one(0), |seed| seed.parse().expect("a number"))
}

/// The next of a fixed sequence (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

async fn client(member: &Member) -> Client {
    Client::open(&member.address, Options::default()).await.expect("a member that serves")
}

/// Writes until the member has acknowledged `count` writes, then kills it in the midst of more.
async fn write_and_kill(member: Member, round: usize, count: usize, acknowledged: &mut Acknowledged) {
    let client = client(&member).await;
    let (heard, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let record = Arc::new(Mutex::new(Vec::new()));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (client, heard, enough, record) = (client.clone(), heard.clone(), enough.clone(), record.clone());
        writers.spawn(async move {
            for n in 0.. {
                let (path, value) = (format!("/k/{}", (writer + n) % 20), format!("{round}.{writer}.{n}"));
                let Ok(rev) = client.set(&path, value.clone(), -1).await else { return };
                record.lock().unwrap().push((rev, (path, value)));
                if heard.fetch_add(1, Ordering::Relaxed) + 1 >= count {
                    enough.notify_one();
                }
            }
        });
    }
    enough.notified().await;
    member.signal(Signal::KILL);
    let (status, _) = tokio::task::spawn_blocking(|| member.end()).await.expect("it ends");
    assert_eq!(status.code(), None, "killed by a signal");
    client.close().await;
    while writers.join_next().await.is_some() {}
    for (rev, write) in record.lock().unwrap().drain(..) {
        let twice = acknowledged.insert(rev, write);
        assert_eq!(twice, None, "revision {rev} was given twice");
    }
}

/// Reads the whole history and holds it against what was acknowledged.
async fn check(member: &Member, acknowledged: &Acknowledged) {
    let client = client(member).await;
    let current = client.rev().await.expect("a revision");
    let newest = acknowledged.keys().max().copied().unwrap_or_default();
    assert!(current >= newest, "revision {newest} was acknowledged, {current} is the newest");
    let mut watch = client.watch("/**", 1);
    let mut found = HashMap::new();
    for expected in 1..=current {
        let event = watch.next().await.expect("a watch goes on").expect("a change");
        assert_eq!(event.rev, expected, "revisions follow each other");
        found.insert(event.rev, (event.path, String::from_utf8_lossy(&event.value).into_owned()));
    }
    for (rev, write) in acknowledged {
        assert_eq!(found.get(rev), Some(write), "revision {rev}");
    }
    // What a file holds is what was last written to it.
    let mut last: HashMap<&String, (i64, &String)> = HashMap::new();
    for (rev, (path, value)) in &found {
        let newest = last.entry(path).or_insert((*rev, value));
        *newest = (*newest).max((*rev, value));
    }
    for (path, (rev, value)) in last {
        let file = client.get(path).await.expect("a file");
        assert_eq!((file.rev, file.value.as_deref()), (rev, Some(value.as_bytes())), "{path}");
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let seed = seed();
    println!("DOOZER_CRASH_SEED={seed}");
    let mut random = seed;
    let dir = tempfile::tempdir().expect("a directory");
    let start = || Member::within(dir.path(), &["--data-dir", "d"], &[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut acknowledged = Acknowledged::new();
    for round in 0..rounds() {
        let count = 1 + next(&mut random) as usize % ACKNOWLEDGED_MAX;
        let member = start();
        runtime.block_on(write_and_kill(member, round, count, &mut acknowledged));
        runtime.block_on(check(&start(), &acknowledged));
    }
    assert!(acknowledged.len() >= rounds(), "{} writes", acknowledged.len());
}
