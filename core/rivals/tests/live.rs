//! Three members of each rival, for real. They need Debian's packages, which a machine that builds does not have: run
//! them with `cargo test -p doozer-rivals -- --ignored`, one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

#[path = "../../bench/tests/contract/mod.rs"]
mod contract;
#[path = "../../bench/tests/contract/locks.rs"]
mod locks;

use std::env;
use std::time::{Duration, Instant};

use doozer_bench::cluster::{Cluster, MEMBERS, System};
use doozer_bench::handover::PassAround;
use doozer_bench::lock::Lockers;
use doozer_bench::measure::{self, faults, fill, sizes};
use doozer_bench::probe::Probe;
use doozer_rivals::{Etcd, ZooKeeper};

#[tokio::test]
#[ignore = "needs etcd-server"]
async fn etcd() {
    all_of_it(Etcd).await;
}

#[tokio::test]
#[ignore = "needs zookeeper and a Java"]
async fn zookeeper() {
    all_of_it(ZooKeeper).await;
}

async fn all_of_it<S: System<Target: Lockers>>(system: S) {
    let mut cluster = Cluster::start(system, &env::temp_dir()).await.unwrap();
    contract::is_kept(&cluster.everyone()).await;
    locks::are_kept(&cluster.everyone()).await;
    locks_are_measured(&cluster).await;
    faults_are_survived(&mut cluster).await;
}

async fn locks_are_measured<S: System<Target: Lockers>>(cluster: &Cluster<S>) {
    let keys = fill(cluster, 1).await.unwrap();
    let (warm_up, measured) = (Duration::from_millis(100), Duration::from_millis(300));
    let alone = measure::locks::alone(cluster, &keys, warm_up, measured).await.unwrap();
    println!("{}: {alone:?}", cluster.name());
    assert!(alone.lock_us > alone.set_us && alone.set_us > 1.0, "two writes, and one: {alone:?}");
    let plan = PassAround { contenders: 20, hold: Duration::ZERO, warm_up, measured };
    let took = measure::locks::hand_over(cluster, plan).await.unwrap();
    println!("{}: a hand-over among 20 takes {took} µs", cluster.name());
    assert!(took > 1.0);
}

async fn faults_are_survived<S: System>(cluster: &mut Cluster<S>) {
    let keys = fill(cluster, 10).await.unwrap();
    for turn in 0..2 {
        let failover = faults::kill_leader(cluster, &keys, turn).await.unwrap();
        println!("{}: {failover:?}", cluster.name());
        assert!(failover.at_survivor_ms > 1.0 && failover.at_victim_ms > 1.0, "{failover:?}");
    }
    let held = faults::hold_leader(cluster, &keys, 0, Duration::from_millis(700)).await.unwrap();
    println!("{}: held for 700 ms, a gap of {held} ms", cluster.name());
    assert!(held > 100.0, "nobody takes over as fast as that: {held} ms");
    let second = Duration::from_millis(500);
    let dead = faults::with_one_dead(cluster, &keys, 0, second).await.unwrap();
    let slow = faults::with_one_slow(cluster, &keys, 1, second).await.unwrap();
    println!("{}: one dead {dead}, one slow {slow}", cluster.name());
    assert!(dead > 0.0 && slow > 0.0);
    println!("{}: restart {} ms", cluster.name(), sizes::restart_one(cluster, &keys, 1).await.unwrap());
    println!("{}: restart of all {} ms", cluster.name(), sizes::restart_all(cluster).await.unwrap());
    assert!(sizes::resident(cluster).unwrap() > 1e6);
    let idle = sizes::idle(cluster, Duration::from_secs(1)).await.unwrap();
    println!("{}: {idle:?}", cluster.name());
    assert_eq!(idle.revisions, 0, "nobody writes");

    // A member that is held answers nobody, and a client of it goes on where it left off.
    let leader = cluster.leader().await.unwrap();
    let follower = (leader + 1) % MEMBERS;
    let mut probe = Probe::start(cluster.target([follower]), "/bench/0".into(), "z".into());
    probe.next(Instant::now(), Duration::from_secs(20)).await.unwrap();
    cluster.process(follower).unwrap().pause().unwrap();
    let held = Instant::now();
    assert!(probe.next(held, Duration::from_millis(300)).await.is_err(), "it is held");
    cluster.process(follower).unwrap().resume().unwrap();
    probe.next(held, Duration::from_secs(20)).await.unwrap();
    assert!(probe.longest_gap(held) >= Duration::from_millis(300));
}
