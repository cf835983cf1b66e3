//! The examples, against a real member.

#![allow(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "its main is not called")]
#[path = "../examples/lock.rs"]
mod lock;
#[allow(dead_code, reason = "its main is not called")]
#[path = "../examples/reload.rs"]
mod reload;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use doozer::Client;
use doozer::node::{Config, Node};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

async fn member() -> (Node, String) {
    let node = Node::start(Config { listen: Some("127.0.0.1:0".into()), ..Config::default() }).await.unwrap();
    let address = node.address().unwrap().to_string();
    (node, address)
}

/// Each holder says when it comes and when it goes; in between nobody else does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_of_the_lock_never_overlap() {
    const CONTENDERS: usize = 8;
    const TURNS: usize = 10;
    let (node, address) = member().await;
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut contenders = JoinSet::new();
    for contender in 0..CONTENDERS {
        let (address, log) = (address.clone(), Arc::clone(&log));
        contenders.spawn(async move {
            let client = Client::connect(&address).await.unwrap();
            for turn in 0..TURNS {
                let rev = lock::lock(&client, "/lock", &format!("{contender}.{turn}")).await.unwrap();
                log.lock().unwrap().push((contender, rev));
                // Gives the others every chance to come in between.
                client.nop().await.unwrap();
                log.lock().unwrap().push((contender, rev));
                lock::unlock(&client, "/lock", rev).await.unwrap();
            }
        });
    }
    while let Some(contender) = contenders.join_next().await {
        contender.unwrap();
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    assert_eq!(log.len(), 2 * CONTENDERS * TURNS);
    for pair in log.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert!(log.chunks(2).map(|pair| pair[0].1).is_sorted_by(|a, b| a < b));
    node.stop().await;
}

#[tokio::test]
async fn each_configuration_is_applied() {
    let (node, address) = member().await;
    let client = Client::connect(&address).await.unwrap();
    let (applied, mut seen) = mpsc::unbounded_channel();
    let follower = tokio::spawn({
        let client = client.clone();
        async move {
            let apply = |value: Option<Bytes>| drop(applied.send(value));
            reload::follow(&client, "/myapp.conf", apply).await
        }
    });
    assert_eq!(seen.recv().await, Some(None));
    let rev = client.set("/myapp.conf", "one", 0).await.unwrap();
    assert_eq!(seen.recv().await, Some(Some(Bytes::from_static(b"one"))));
    client.set("/unrelated", "x", 0).await.unwrap();
    let rev = client.set("/myapp.conf", "two", rev).await.unwrap();
    client.del("/myapp.conf", rev).await.unwrap();
    client.set("/myapp.conf", "three", 0).await.unwrap();
    assert_eq!(seen.recv().await, Some(Some(Bytes::from_static(b"two"))));
    assert_eq!(seen.recv().await, Some(None));
    assert_eq!(seen.recv().await, Some(Some(Bytes::from_static(b"three"))));
    client.close().await;
    assert_eq!(follower.await.unwrap().unwrap_err().kind(), doozer::ErrorKind::Closed);
    node.stop().await;
}
