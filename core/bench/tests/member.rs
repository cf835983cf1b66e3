//! The load's parts against a real member of Doozer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod contract;
#[path = "contract/locks.rs"]
mod locks;

use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer_bench::Target;
use doozer_bench::connection::{Connect, Request, ask};
use doozer_bench::fanout::FanOut;
use doozer_bench::probe::Probe;
use doozer_node::{Config, Node};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(20);

async fn member() -> (Node, String) {
    let node = Node::start(Config { listen: Some("127.0.0.1:0".into()), ..Config::default() }).await.unwrap();
    let address = node.address().unwrap().to_string();
    (node, address)
}

#[tokio::test]
async fn the_contract_is_kept() {
    let (_node, address) = member().await;
    contract::is_kept(&Target::greeted(vec![address])).await;
}

#[tokio::test]
async fn the_contract_of_locks_is_kept() {
    let (_node, address) = member().await;
    locks::are_kept(&Target::greeted(vec![address])).await;
}

#[tokio::test]
async fn a_probe_finds_another_member_and_goes_on() {
    let (_node, address) = member().await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let started = Instant::now();
    let mut probe = Probe::start(Target::greeted(vec![dead, address]), "/p".into(), "x".into());
    for _ in 0..3 {
        let now = Instant::now();
        let write = probe.next(now, PATIENCE).await.unwrap();
        assert!(write.sent >= now && write.at > write.sent, "{write:?}");
    }
    let gap = probe.longest_gap(started);
    assert!(gap > Duration::ZERO && gap < started.elapsed(), "{gap:?}");
}

#[tokio::test]
async fn a_probe_says_that_nothing_is_acknowledged_and_goes_on_when_it_can() {
    // It takes connections and answers nothing until a member takes its place.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mut probe = Probe::start(Target::greeted(vec![address.clone()]), "/p".into(), "x".into());
    let started = Instant::now();
    assert!(probe.next(started, Duration::from_millis(50)).await.is_err());
    drop(silent);
    let config = Config { listen: Some(address), ..Config::default() };
    let _node = Node::start(config).await.unwrap();
    probe.next(started, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn what_was_written_before_is_not_told() {
    let (_node, address) = member().await;
    let target = Target::greeted(vec![address]);
    let path = Bytes::from("/w/file");
    let mut writer = target.connect(0).await.unwrap();
    for _ in 0..3 {
        ask(&mut writer, Request::Set { path: path.clone(), value: "0".into() }).await.unwrap();
    }
    let mut fan_out = FanOut::connect(&target, path, 5).await.unwrap();
    for _ in 0..3 {
        let before = Instant::now();
        let took = fan_out.write(&mut writer, "1".into()).await.unwrap();
        assert!(took > Duration::ZERO && took <= before.elapsed(), "{took:?}");
    }
}
