//! The barrier, against a real member: nobody before all have come, and nobody before all have left.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doozer_client::{Barrier, CallOptions, Client, Entered, ErrorKind, Timeout};
use member::{Gate, client, member, short};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/barriers/x";

fn entering(barrier: &Barrier) -> JoinHandle<Entered> {
    let barrier = barrier.clone();
    tokio::spawn(async move { barrier.enter().await.unwrap() })
}

async fn soon<T>(task: JoinHandle<T>) -> T {
    timeout(SOON, task).await.expect("it still waits").unwrap()
}

/// Until so many files are there.
async fn files(client: &Client, count: usize) {
    let mut live = client.discover("/barriers/**").await.unwrap();
    let there = async {
        while live.files().len() != count {
            live.changed().await.unwrap();
        }
    };
    timeout(SOON, there).await.unwrap_or_else(|_| panic!("{:?}", live.files()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_after_round_together() {
    const MEMBERS: usize = 4;
    const ROUNDS: usize = 10;
    let (_node, address) = member().await;
    let (came, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..MEMBERS {
        let client = client(address).await;
        let (came, gone) = (Arc::clone(&came), Arc::clone(&gone));
        tasks.spawn(async move {
            let barrier = client.barrier(PATH, MEMBERS);
            for round in 1..=ROUNDS {
                came.fetch_add(1, Ordering::SeqCst);
                let entered = timeout(SOON, barrier.enter()).await.unwrap().unwrap();
                let all = came.load(Ordering::SeqCst);
                assert_eq!(all, round * MEMBERS, "entered in round {round}");
                gone.fetch_add(1, Ordering::SeqCst);
                timeout(SOON, entered.leave()).await.unwrap().unwrap();
                let all = gone.load(Ordering::SeqCst);
                assert!(all >= round * MEMBERS, "{all} have left in round {round}");
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    files(&client(address).await, 0).await;
}

#[tokio::test]
async fn who_gives_up_or_dies_before_has_not_come() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let (gate, mortal) = Gate::to(address, short()).await;
    let (barrier, theirs) = (client.barrier(PATH, 3), mortal.barrier(PATH, 3));
    let one = entering(&barrier);
    files(&client, 1).await;
    let given_up = entering(&barrier);
    files(&client, 2).await;
    given_up.abort();
    files(&client, 1).await;
    let dying = tokio::spawn(async move { theirs.enter().await.map(drop) });
    files(&client, 2).await;
    gate.close();
    // It says so itself, and then its file goes.
    assert_eq!(soon(dying).await.unwrap_err().kind(), ErrorKind::LockLost);
    files(&client, 1).await;
    assert!(!one.is_finished());
    let (two, three) = (entering(&barrier), entering(&barrier));
    for each in [one, two, three] {
        drop(soon(each).await);
    }
    files(&client, 1).await;
    // Nobody deleted what the last ones left: whoever comes next does, and is not let in by it.
    let alone = entering(&barrier);
    let ready = format!("{PATH}/ready");
    let mut config = client.config(&ready);
    let gone = async { while config.next().await.unwrap().unwrap().value.is_some() {} };
    timeout(SOON, gone).await.unwrap();
    assert!(!alone.is_finished());
    let others = (entering(&barrier), entering(&barrier));
    for each in [alone, others.0, others.1] {
        drop(soon(each).await);
    }
}

#[tokio::test]
async fn who_dies_inside_has_left() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let (gate, mortal) = Gate::to(address, short()).await;
    let one = entering(&client.barrier(PATH, 2));
    let two = entering(&mortal.barrier(PATH, 2));
    let (one, two) = (soon(one).await, soon(two).await);
    assert!(one.is_inside() && two.is_inside());
    let leaving = tokio::spawn(async move { one.leave().await });
    files(&client, 2).await;
    assert!(!leaving.is_finished());
    // Who comes now is for the next round.
    let next = entering(&client.barrier(PATH, 2));
    files(&client, 3).await;
    assert!(!next.is_finished() && !leaving.is_finished());
    gate.close();
    timeout(SOON, two.lost()).await.unwrap();
    assert!(!two.is_inside());
    soon(leaving).await.unwrap();
    assert_eq!(two.leave().await.unwrap_err().kind(), ErrorKind::LockLost);
    let last = entering(&client.barrier(PATH, 2));
    let (next, last) = (soon(next).await, soon(last).await);
    let (first, second) = tokio::join!(next.leave(), last.leave());
    first.and(second).unwrap();
    files(&client, 0).await;
}

#[tokio::test]
async fn where_nobody_can_enter() {
    let (_node, address) = member().await;
    let client = client(address).await;
    client.set("/d/f", "", 0).await.unwrap();
    let refused =
        [(PATH, 0, ErrorKind::Range), ("barriers", 2, ErrorKind::BadPath), ("/d/f", 2, ErrorKind::NotDir)];
    for (path, n, kind) in refused {
        let error = client.barrier(path, n).enter().await.unwrap_err();
        assert_eq!((error.kind(), error.op()), (kind, "enter"), "{error}");
    }
}

#[tokio::test]
async fn leaving_has_time_of_its_own() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let brief = CallOptions { timeout: Timeout::After(Duration::from_millis(300)), ..CallOptions::default() };
    let other = entering(&client.barrier(PATH, 2));
    files(&client, 1).await;
    let brief = client.with(brief).barrier(PATH, 2);
    let one = brief.enter().await.unwrap();
    let other = soon(other).await;
    assert!(timeout(Duration::from_millis(600), one.leave()).await.is_err(), "it waits for the other one");
    let (first, second) = tokio::join!(one.leave(), other.leave());
    first.and(second).unwrap();
}
