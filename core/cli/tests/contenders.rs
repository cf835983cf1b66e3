//! A thousand who want one lock, while the members are killed one after the other: in turn, and never two at once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::cluster::{Cluster, PATIENCE, patient};
use doozer_client::{Client, ErrorKind, Txn};
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const CLIENTS: usize = 100;
const CONTENDERS: usize = 10;
const PATH: &str = "/locks/one";
/// So many holders between two steps.
const TURNS: usize = 150;

/// What holders noted, each by the clock of this process: when it surely held the lock.
#[derive(Default)]
struct Journal {
    held: Mutex<Vec<Held>>,
    lost: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    token: i64,
    from: Instant,
    to: Instant,
}

struct Scene {
    journal: Journal,
    turns: watch::Sender<usize>,
    is_over: AtomicBool,
}

/// Takes the lock again and again. Returns how often it was had.
async fn contend(client: Client, scene: Arc<Scene>) -> usize {
    let mut had = 0;
    loop {
        let lock = timeout(4 * PATIENCE, client.lock(PATH)).await.expect("nobody starves").unwrap();
        let (token, from) = (lock.rev(), Instant::now());
        had += 1;
        if token % 8 == 0 {
            let txn = lock.fence(Txn::new().set("/account", token.to_string(), -1));
            match client.txn(txn).await {
                Ok(_) => {}
                Err(error) => assert!(error.kind() == ErrorKind::CompareFailed && !lock.is_held(), "{error}"),
            }
        } else {
            tokio::task::yield_now().await;
        }
        let to = Instant::now();
        // Held then, if it is now.
        if lock.is_held() {
            scene.journal.held.lock().unwrap().push(Held { token, from, to });
        } else {
            scene.journal.lost.fetch_add(1, Ordering::Relaxed);
        }
        match lock.unlock().await.map_err(|error| error.kind()) {
            Ok(()) | Err(ErrorKind::LockLost) => {}
            Err(kind) => panic!("{kind}"),
        }
        scene.turns.send_modify(|turns| *turns += 1);
        if scene.is_over.load(Ordering::Relaxed) {
            return had;
        }
    }
}

async fn progress(scene: &Scene) {
    let mut turns = scene.turns.subscribe();
    let goal = *turns.borrow() + TURNS;
    timeout(2 * PATIENCE, turns.wait_for(|turns| *turns >= goal)).await.expect("the lock is stuck").unwrap();
}

#[test]
fn a_thousand_contenders_never_hold_it_together_however_members_are_killed() {
    let mut cluster = Cluster::start(3, "--data-dir {}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (turns, is_over) = (watch::Sender::new(0), AtomicBool::new(false));
        let scene = Arc::new(Scene { journal: Journal::default(), turns, is_over });
        let (mut tasks, mut clients) = (JoinSet::new(), Vec::new());
        for _ in 0..CLIENTS {
            clients.push(Client::open(&cluster.uri(), patient()).await.unwrap());
        }
        // All at once, so that nobody has many turns while few are there.
        for client in clients.iter().flat_map(|client| [client; CONTENDERS]) {
            tasks.spawn(contend(client.clone(), Arc::clone(&scene)));
        }
        progress(&scene).await;
        for number in [0, 1, 2] {
            tokio::task::block_in_place(|| cluster.end(number, Signal::KILL));
            progress(&scene).await;
            tokio::task::block_in_place(|| cluster.run(number));
            progress(&scene).await;
        }
        scene.is_over.store(true, Ordering::Relaxed);
        let mut had = Vec::new();
        while let Some(contender) = timeout(4 * PATIENCE, tasks.join_next()).await.expect("they end") {
            had.push(contender.unwrap());
        }
        assert_eq!(had.len(), CLIENTS * CONTENDERS);
        // In turn: with a queue nobody gets far ahead of the others.
        let (least, most) = (had.iter().min().unwrap(), had.iter().max().unwrap());
        assert!(*least >= 1 && most - least <= 3, "from {least} to {most} turns");
        check(&scene.journal);
        let left = clients[0].explain(PATH).await.unwrap();
        assert_eq!((left.rev, left.queue.len()), (0, 0));
        for client in clients {
            client.close().await;
        }
    });
    cluster.end_all(Signal::TERM);
}

/// By their tokens, each held it after the one before, and no token was given twice.
fn check(journal: &Journal) {
    let held = journal.held.lock().unwrap();
    let lost = journal.lost.load(Ordering::Relaxed);
    assert!(lost * 10 < held.len(), "{lost} were lost, {} were not", held.len());
    let by_token: BTreeMap<i64, Held> = held.iter().map(|held| (held.token, *held)).collect();
    assert_eq!(by_token.len(), held.len(), "a token was given twice");
    let in_turn: Vec<&Held> = by_token.values().collect();
    for pair in in_turn.windows(2) {
        let overlap = pair[0].to.saturating_duration_since(pair[1].from);
        assert_eq!(overlap, Duration::ZERO, "two holders at once: {pair:?}");
    }
}
