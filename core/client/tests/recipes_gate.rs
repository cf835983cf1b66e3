//! Read-write locks and semaphores, against a real member: who may be inside together, whoever dies.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use doozer_client::{CallOptions, Client, ErrorKind, Lock, Timeout, Txn};
use member::{Gate, client, member, short, until};
use parking_lot::Mutex;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/gates/x";

/// Who is inside.
#[derive(Default)]
struct Inside {
    readers: usize,
    writers: usize,
}

#[derive(Default)]
struct Room {
    inside: Mutex<Inside>,
    /// The greatest token of those that have left.
    left: AtomicI64,
    entered: AtomicUsize,
}

impl Room {
    /// How many have entered before.
    fn enter(&self, lock: &Lock, is_writer: bool, places: usize) -> usize {
        let mut inside = self.inside.lock();
        if is_writer {
            inside.writers += 1
        } else {
            inside.readers += 1
        }
        let Inside { readers, writers } = *inside;
        assert!(writers == 0 || (writers == 1 && readers == 0), "{readers} readers beside {writers} writers");
        assert!(readers + writers <= places, "{readers} and {writers} in {places} places");
        if is_writer {
            let left = self.left.load(Ordering::SeqCst);
            assert!(lock.rev() > left, "token {} after {left}", lock.rev());
        }
        self.entered.fetch_add(1, Ordering::SeqCst)
    }

    fn leave(&self, lock: &Lock, is_writer: bool) {
        let mut inside = self.inside.lock();
        self.left.fetch_max(lock.rev(), Ordering::SeqCst);
        if is_writer { inside.writers -= 1 } else { inside.readers -= 1 }
    }
}

/// Until nobody is inside, nor waits.
async fn empty(client: &Client) {
    let mut live = client.discover("/gates/**").await.unwrap();
    let empty = async {
        while !live.files().is_empty() {
            live.changed().await.unwrap();
        }
    };
    timeout(SOON, empty).await.unwrap_or_else(|_| panic!("{:?}", live.files()));
}

fn within(client: &Client, time: Duration) -> Client {
    client.with(CallOptions { timeout: Timeout::After(time), ..CallOptions::default() })
}

#[tokio::test]
async fn readers_together_a_writer_alone_in_the_order_they_came() {
    let (_node, address) = member().await;
    let (one, two) = (client(address).await, client(address).await);
    let first = one.read_lock(PATH).await.unwrap();
    let second = timeout(SOON, two.read_lock(PATH)).await.unwrap().unwrap();
    assert!(second.rev() > first.rev() && first.is_held());
    assert_eq!(one.get(second.path()).await.unwrap().rev, second.rev());

    let queue = format!("{PATH}/queue");
    let waiting = async |count: usize| {
        until(async || one.explain(&queue).await.unwrap().queue.len() >= count).await;
    };
    let writer = tokio::spawn({
        let two = two.clone();
        async move { two.write_lock(PATH).await.unwrap() }
    });
    until(async || one.get(&queue).await.unwrap().value.is_some()).await;
    // Who comes behind a writer waits for it, even to read.
    let third = tokio::spawn({
        let one = one.clone();
        async move { one.read_lock(PATH).await.unwrap() }
    });
    waiting(1).await;
    let error = within(&two, Duration::from_millis(100)).read_lock(PATH).await.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Timeout, "read_lock", Some(PATH)));
    first.unlock().await.unwrap();
    assert!(!writer.is_finished() && !third.is_finished());
    second.unlock().await.unwrap();
    let writer = timeout(SOON, writer).await.unwrap().unwrap();
    assert!(writer.rev() > second.rev() && !third.is_finished());
    one.txn(writer.fence(Txn::new().set("/account", "x", -1))).await.unwrap();
    writer.unlock().await.unwrap();
    let third = timeout(SOON, third).await.unwrap().unwrap();
    assert!(third.rev() > writer.rev());
    let stale = one.txn(writer.fence(Txn::new().set("/account", "y", -1))).await;
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::CompareFailed);
    drop(third);
    empty(&one).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_a_writer_beside_another_however_many_die() {
    let (_node, address) = member().await;
    let room = Arc::new(Room::default());
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let room = Arc::clone(&room);
        tasks.spawn(async move {
            for turn in 0..4 {
                let (gate, client) = Gate::to(address, short()).await;
                for step in 0..5 {
                    let is_writer = (task + turn + step) % 3 == 0;
                    let entering = async {
                        if is_writer { client.write_lock(PATH).await } else { client.read_lock(PATH).await }
                    };
                    if (task + step) % 4 == 1 {
                        // Some give up, at any moment.
                        let patience = Duration::from_millis((task * 7 + turn * 3 + step) as u64 % 20);
                        if let Ok(lock) = timeout(patience, entering).await {
                            drop(lock.unwrap());
                        }
                        continue;
                    }
                    let lock = timeout(3 * SOON, entering).await.expect("nobody starves").unwrap();
                    if !lock.is_held() {
                        continue;
                    }
                    room.enter(&lock, is_writer, usize::MAX);
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                    if step == 4 && task % 2 == 0 {
                        // It is cut off while it is inside, and leaves because it learns of its loss in time.
                        gate.close();
                        lock.lost().await;
                        room.leave(&lock, is_writer);
                    } else {
                        room.leave(&lock, is_writer);
                        // On a machine that was busy for so long it may be lost by now.
                        let unlocked = lock.unlock().await.map_err(|error| error.kind());
                        assert!(matches!(unlocked, Ok(()) | Err(ErrorKind::LockLost)), "{unlocked:?}");
                    }
                }
                if task % 2 == 0 {
                    // Its session is closed by nobody.
                    drop(client);
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let entered = room.entered.load(Ordering::SeqCst);
    assert!(entered >= 80, "{entered} entered");
    empty(&client(address).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_inside_than_there_are_places() {
    const PLACES: usize = 3;
    let (_node, address) = member().await;
    let room = Arc::new(Room::default());
    // The first to enter stay until all places are taken.
    let full = Arc::new(Barrier::new(PLACES));
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let client = client(address).await;
        for _ in 0..5 {
            let (client, room, full) = (client.clone(), Arc::clone(&room), Arc::clone(&full));
            tasks.spawn(async move {
                for turn in 0..6 {
                    let place = timeout(3 * SOON, client.semaphore(PATH, PLACES)).await.unwrap().unwrap();
                    if room.enter(&place, false, PLACES) < PLACES {
                        timeout(SOON, full.wait()).await.expect("as many are inside as there are places");
                    }
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                    room.leave(&place, false);
                    if turn % 2 == 0 {
                        place.unlock().await.unwrap();
                    }
                }
            });
        }
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(room.entered.load(Ordering::SeqCst), 90);
    empty(&client(address).await).await;
}

#[tokio::test]
async fn where_nobody_can_enter() {
    let (_node, address) = member().await;
    let client = client(address).await;
    client.set("/d/f", "", 0).await.unwrap();
    let error = client.semaphore(PATH, 0).await.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Range, "semaphore", Some(PATH)));
    assert_eq!(client.read_lock("gates").await.unwrap_err().kind(), ErrorKind::BadPath);
    let error = client.write_lock("/d/f").await.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotDir, Some("/d/f")));
    client.close().await;
    assert_eq!(client.write_lock(PATH).await.unwrap_err().kind(), ErrorKind::Closed);
}
