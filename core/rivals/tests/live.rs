//! Three members of each rival, for real. They need Debian's packages, which a machine that builds does not have: run
//! them with `cargo test -p doozer-rivals -- --ignored`, one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeSet;
use std::env;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer_bench::cluster::{Cluster, MEMBERS, System};
use doozer_bench::connection::{Connect, Connection, Request, ask};
use doozer_bench::fanout::FanOut;
use doozer_bench::measure::{faults, fill, rates, sizes};
use doozer_bench::probe::Probe;
use doozer_bench::{Kind, Stop};
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

async fn all_of_it<S: System>(system: S) {
    let mut cluster = Cluster::start(system, &env::temp_dir()).await.unwrap();
    what_a_connection_promises(&cluster).await;
    many_at_once(&cluster).await;
    watchers(&cluster).await;
    faults_are_survived(&mut cluster).await;
}

fn set(path: &'static str, value: &'static str) -> Request {
    Request::Set { path: path.into(), value: value.into() }
}

async fn what_a_connection_promises<S: System>(cluster: &Cluster<S>) {
    let target = cluster.everyone();
    let mut at = Vec::new();
    for number in 0..MEMBERS {
        at.push(target.connect(number).await.unwrap());
    }
    let path = Bytes::from("/promises/file");
    let missing = ask(&mut at[0], Request::Get(path.clone())).await;
    assert!(missing.is_err(), "a read that finds nothing is no success");
    assert!(ask(&mut at[0], Request::LocalGet(path.clone())).await.is_err());
    ask(&mut at[0], Request::Create { path: path.clone(), value: "x".into() }).await.unwrap();
    for connection in &mut at {
        ask(connection, Request::Get(path.clone())).await.unwrap();
        ask(connection, Request::LocalGet(path.clone())).await.unwrap();
        ask(connection, set("/promises/file", "y")).await.unwrap();
        ask(connection, Request::Create { path: path.clone(), value: "x".into() }).await.unwrap();
    }
    ask(&mut at[1], Request::Delete(path.clone())).await.unwrap();
    ask(&mut at[2], Request::Delete(path.clone())).await.unwrap();
    assert!(ask(&mut at[2], Request::Get(path)).await.is_err(), "deleted");
}

async fn many_at_once<S: System>(cluster: &Cluster<S>) {
    let keys = fill(cluster, 300).await.unwrap();
    let mut connection = cluster.everyone().connect(1).await.unwrap();
    for tag in 0..200 {
        let path = format!("{}/{tag}", keys.directory()).into();
        connection.send(tag, if tag % 3 == 0 { Request::LocalGet(path) } else { Request::Get(path) });
    }
    connection.send(200, Request::Get("/not/there".into()));
    let (mut answers, mut found) = (Vec::new(), BTreeSet::new());
    while found.len() < 201 {
        connection.receive(&mut answers).await.unwrap();
        for answer in answers.drain(..) {
            assert_eq!(answer.outcome.is_ok(), answer.tag != 200, "{answer:?}");
            assert!(found.insert(answer.tag), "one answer for each");
        }
    }
    let shape = rates::Shape {
        connections: 7,
        in_flight: 40,
        warm_up: Duration::from_millis(50),
        measured: Duration::from_millis(300),
    };
    for kind in [Kind::Set, Kind::Get, Kind::LocalGet] {
        assert!(rates::rate(cluster, &keys, kind, shape).await.unwrap() > 0.0, "{kind}");
    }
    keys.fill(&cluster.everyone(), 5, &Stop::default()).await.unwrap();
}

async fn watchers<S: System>(cluster: &Cluster<S>) {
    let path = Bytes::from("/watched/file");
    let target = cluster.everyone();
    let mut writer = target.connect(0).await.unwrap();
    let unknown = FanOut::connect(&target, path.clone(), 1).await;
    assert!(unknown.is_err(), "there is no such file yet");
    ask(&mut writer, Request::Create { path: path.clone(), value: "0".into() }).await.unwrap();

    let mut watcher = target.connect(1).await.unwrap();
    ask(&mut watcher, Request::Get(path.clone())).await.unwrap();
    for turn in 0..3 {
        ask(&mut watcher, Request::Watch(path.clone())).await.unwrap();
        // Nothing comes unless something happens: an answer to a later question is the next thing that is heard.
        watcher.send(1, Request::Get(path.clone()));
        let mut answers = Vec::new();
        watcher.receive(&mut answers).await.unwrap();
        assert_eq!(answers.iter().map(|answer| answer.tag).collect::<Vec<_>>(), [1], "turn {turn}");
        let other = Request::Create { path: "/watched/other".into(), value: "x".into() };
        ask(&mut writer, other).await.unwrap();
        ask(&mut writer, set("/watched/file", "x")).await.unwrap();
        answers.clear();
        watcher.receive(&mut answers).await.unwrap();
        assert_eq!(answers.iter().map(|answer| answer.tag).collect::<Vec<_>>(), [0], "turn {turn}");
    }

    let mut fan_out = FanOut::connect(&target, path, 30).await.unwrap();
    for _ in 0..3 {
        assert!(fan_out.write(&mut writer, "y".into()).await.unwrap() > Duration::ZERO);
    }
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
