//! Real connections that cannot be made, or are lost.

#![allow(clippy::unwrap_used, reason = "a test")]

mod member;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doozer_client::{CallOptions, Client, ErrorKind, Options, Timeout};
use doozer_node::{Config, Node};
use member::{Relay, client, config, dead_port, impatient, member, start};
use tokio::net::TcpListener;

#[tokio::test]
async fn dead_and_silent_addresses_are_passed_over() {
    let (_node, address) = member().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!(
        "127.0.0.1:{},localhost:{},127.0.0.1:{},{address}",
        dead_port().await,
        dead_port().await,
        silent.local_addr().unwrap().port(),
    );
    for _ in 0..5 {
        let client = Client::open(&uri, impatient()).await.unwrap();
        client.rev().await.unwrap();
        client.close().await;
    }
}

#[tokio::test]
async fn every_address_is_named_when_none_answers() {
    let (dead, silent) = (dead_port().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let silent = silent.local_addr().unwrap().port();
    let listener = TcpListener::bind(("127.0.0.1", silent)).await;
    let uri = format!("127.0.0.1:{dead},127.0.0.1:{silent},no-such-host.invalid:1");
    let options = Options { connect_timeout: Duration::from_millis(600), ..impatient() };
    let begun = Instant::now();
    let error = Client::open(&uri, options).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    for place in
        [format!("127.0.0.1:{dead}: "), format!("127.0.0.1:{silent}: "), "no-such-host.invalid:1: ".into()]
    {
        assert!(error.detail().contains(&place), "{place} is not in {error}");
    }
    drop(listener);
}

#[tokio::test]
async fn bad_uris() {
    for uri in ["", "http://x/", "doozer:?xx=1", "a:b:c"] {
        let error = Client::connect(uri).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadUri, "{uri}");
    }
}

#[tokio::test]
async fn the_addresses_of_others_are_learned() {
    let (node, address) = member().await;
    let relay = Relay::to(address).await;
    let through = Client::open(&relay.address.to_string(), impatient()).await.unwrap();
    let direct = async {
        loop {
            relay.cut();
            through.get("/a").await.unwrap();
            // With nothing open through the relay, the next answer comes another way.
            let was_closed = relay.open.load(Ordering::SeqCst) == 0;
            through.get("/a").await.unwrap();
            if was_closed && relay.open.load(Ordering::SeqCst) == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), direct).await.unwrap();
    drop(relay);
    assert_eq!(through.get("/a").await.unwrap().rev, 0);
    node.stop().await;
}

#[tokio::test]
async fn a_cluster_is_found_by_its_name() {
    let (_boot_node, boot) = member().await;
    let (node, address) = member().await;
    let registry = client(boot).await;
    let named = || Options { boot: Some(boot.to_string()), ..impatient() };
    let error = Client::open("doozer:?cn=web", named()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(error.detail().contains("looking up `web`"), "{error}");

    registry.set("/ctl/ns/web/a", format!("127.0.0.1:{}", dead_port().await), 0).await.unwrap();
    registry.set("/ctl/ns/web/b", address.to_string(), 0).await.unwrap();
    let found = Client::open("doozer:?cn=web", named()).await.unwrap();
    assert_eq!(found.self_id().await.unwrap(), node.id());
    let nowhere = Client::open("doozer:?cn=web", impatient()).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::BadUri);
}

#[tokio::test]
async fn a_member_that_comes_back_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let data = doozer_node::Data::Directory(directory.path().to_owned());
    let (node, address) = start(Config { data: data.clone(), ..config() }).await;
    let client = client(address).await;
    let rev = client.set("/a", "x", 0).await.unwrap();
    let mut watch = client.watch("/a", rev + 1);
    node.stop().await;
    let quick = CallOptions { timeout: Timeout::After(Duration::from_millis(50)), ..CallOptions::default() };
    let quick = client.with(quick);
    // Once a read says so, the loss is known, and a write stays where it is.
    assert_eq!(quick.get("/a").await.unwrap_err().kind(), ErrorKind::Disconnected);
    assert_eq!(quick.set("/a", "z", rev).await.unwrap_err().kind(), ErrorKind::Disconnected);

    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.set("/a", "y", rev).await }
    });
    let node =
        Node::start(Config { listen: Some(address.to_string()), data, ..Config::default() }).await.unwrap();
    let second = waiting.await.unwrap().unwrap();
    let event = watch.next().await.unwrap().unwrap();
    assert_eq!((event.rev, &event.value[..]), (second, &b"y"[..]));
    node.stop().await;
}

#[tokio::test]
async fn another_cluster_at_the_same_address_is_noticed() {
    let (node, address) = member().await;
    let client = client(address).await;
    client.set("/a", "x", 0).await.unwrap();
    node.stop().await;
    let node = Node::start(Config { listen: Some(address.to_string()), ..Config::default() }).await.unwrap();
    let quick = CallOptions { timeout: Timeout::After(Duration::from_secs(1)), ..CallOptions::default() };
    let error = client.with(quick).get("/a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(error.detail().contains("another cluster"), "{error}");
    node.stop().await;
}

/// Thousands of changes, and a watcher whose connection is cut again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_sees_everything_once_however_often_it_is_cut() {
    const CHANGES: i64 = 5000;
    const CUTS: i64 = 25;
    let (_node, address) = member().await;
    let relay = Relay::to(address).await;
    let watcher = Client::over(relay.connector(), impatient()).await.unwrap();
    let writer = client(address).await;
    let first = writer.rev().await.unwrap() + 1;
    let mut watch = watcher.watch("/w/**", first);

    let writing = tokio::spawn(async move {
        for change in 0..CHANGES {
            writer.set(&format!("/w/{}", change % 7), format!("{change}"), -1).await.unwrap();
        }
    });
    for change in 0..CHANGES {
        let event = watch.next().await.unwrap().unwrap();
        assert_eq!(event.rev, first + change);
        assert_eq!(event.value, format!("{change}"));
        if change % (CHANGES / CUTS) == 0 {
            relay.cut();
        }
    }
    writing.await.unwrap();
    let connections = relay.connections.load(Ordering::Relaxed);
    assert!(connections > 3, "the relay was used {connections} times only");
}

/// Writers whose connection is cut: every write is made, once, in its order, and confirmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_through_a_cut_connection_are_made_once_and_confirmed() {
    const ROUNDS: usize = 300;
    const AT_ONCE: usize = 5;
    let (_node, address) = member().await;
    let relay = Relay::to(address).await;
    let cut = Client::over(relay.connector(), impatient()).await.unwrap();
    let direct = client(address).await;
    let first = direct.rev().await.unwrap() + 1;
    for round in 0..ROUNDS {
        let path = |number| format!("/w/{round}/{number}");
        let writes = (0..AT_ONCE).map(|number| {
            let (cut, path) = (cut.clone(), path(number));
            tokio::spawn(async move { cut.add(&path, "x").await })
        });
        let writes: Vec<_> = writes.collect();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
            relay.cut();
        }
        for (number, write) in writes.into_iter().enumerate() {
            let rev = write.await.unwrap().unwrap();
            assert_eq!(direct.get(&path(number)).await.unwrap().rev, rev);
        }
    }
    let connections = relay.connections.load(Ordering::Relaxed);
    assert!(connections > 10, "the relay was used {connections} times only");
    assert_eq!(direct.rev().await.unwrap() + 1 - first, (ROUNDS * AT_ONCE) as i64);
}
