//! Service records, against a real member: there as long as the process is, and no longer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use doozer_client::{Change, Client, ErrorKind, Event, Watch};
use member::{Gate, client, member, short};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
/// Long enough for what must not come, if it came.
const A_WHILE: Duration = Duration::from_millis(150);
const PATH: &str = "/services/web/1";

async fn next(watch: &mut Watch) -> Event {
    timeout(SOON, watch.next()).await.expect("nothing happened").unwrap().unwrap()
}

/// Until the file is gone.
async fn gone(client: &Client) {
    let mut config = client.config(PATH);
    let gone = async { while config.next().await.unwrap().unwrap().value.is_some() {} };
    timeout(SOON, gone).await.expect("it stays");
}

#[tokio::test]
async fn there_until_it_is_taken_back() {
    let (_node, address) = member().await;
    let (client, other) = (client(address).await, client(address).await);
    other.set(PATH, "what was there before", 0).await.unwrap();
    let registration = client.register(PATH, "10.0.0.1:80").await.unwrap();
    let file = other.get(PATH).await.unwrap();
    assert_eq!(file.value.unwrap(), "10.0.0.1:80");
    assert_eq!((registration.path(), registration.rev()), (PATH, Some(file.rev)));
    assert_eq!(other.explain(PATH).await.unwrap().holder.map(|holder| holder.id), client.session_id());
    registration.deregister().await.unwrap();
    assert_eq!(other.get(PATH).await.unwrap().value, None);

    drop(client.register(PATH, "10.0.0.1:80").await.unwrap());
    gone(&other).await;
    // With the last handle of its client.
    let registration = client.register(PATH, "10.0.0.1:80").await.unwrap();
    drop(client);
    other.nop().await.unwrap();
    assert!(other.get(PATH).await.unwrap().value.is_some());
    drop(registration);
    gone(&other).await;
}

#[tokio::test]
async fn it_comes_back_under_a_new_session() {
    let (_node, address) = member().await;
    let (client, other) = (client(address).await, client(address).await);
    let mut registration = client.register(PATH, "here").await.unwrap();
    let mut watch = other.watch(PATH, registration.rev().unwrap() + 1);
    for _ in 0..3 {
        let before = client.session_id().unwrap();
        // As an operator does; what comes of it is told to nobody.
        other.end_session(before).await.unwrap();
        assert_eq!(next(&mut watch).await.kind, Change::Del);
        // The client hears of it by whatever it writes next, or keeps alive.
        client.set("/other", "", -1).await.unwrap();
        let back = next(&mut watch).await;
        assert_eq!((back.kind, &back.value[..]), (Change::Set, &b"here"[..]));
        assert_ne!(client.session_id(), Some(before));
        while registration.rev() != Some(back.rev) {
            timeout(SOON, registration.changed()).await.unwrap();
        }
    }
    registration.deregister().await.unwrap();
    assert_eq!(other.get(PATH).await.unwrap().value, None);
}

#[tokio::test]
async fn cut_off_for_longer_than_its_ttl_it_goes_and_comes_back() {
    let (_node, address) = member().await;
    let other = client(address).await;
    let (gate, client) = Gate::to(address, short()).await;
    let registration = client.register(PATH, "here").await.unwrap();
    let mut watch = other.watch(PATH, registration.rev().unwrap() + 1);
    gate.close();
    assert_eq!(next(&mut watch).await.kind, Change::Del);
    assert_eq!(registration.rev(), None);
    gate.open();
    assert_eq!(next(&mut watch).await.kind, Change::Set);
    // Taken back while it is cut off, it is gone as soon as that can be.
    gate.close();
    drop(registration);
    gate.open();
    assert_eq!(next(&mut watch).await.kind, Change::Del);
    assert!(timeout(A_WHILE, watch.next()).await.is_err());
}

#[tokio::test]
async fn what_others_do_to_it_is_left_alone() {
    let (_node, address) = member().await;
    let (client, other) = (client(address).await, client(address).await);
    let registration = client.register(PATH, "here").await.unwrap();
    let rev = other.del(PATH, -1).await.unwrap().unwrap();
    assert!(timeout(A_WHILE, other.wait(PATH, rev + 1)).await.is_err());
    let rev = other.set(PATH, "theirs", 0).await.unwrap();
    assert!(timeout(A_WHILE, other.wait(PATH, rev + 1)).await.is_err());
    registration.deregister().await.unwrap();
    assert_eq!(other.get(PATH).await.unwrap().rev, rev);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_dropped_at_any_moment_leaves_nothing_behind() {
    let (_node, address) = member().await;
    let (client, other) = (client(address).await, client(address).await);
    let mut dropped = 0;
    for times in 0..6_000 {
        // How many polls a call takes to its end is up to the machine.
        if times >= 60 && dropped > 5 {
            break;
        }
        let mut call = pin!(client.register(PATH, "here"));
        let mut made = None;
        for _ in 0..times {
            if let Poll::Ready(done) = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
                made = Some(done.unwrap());
                break;
            }
            tokio::task::yield_now().await;
        }
        dropped += usize::from(made.is_none());
        drop(made);
        call.set(client.register("/services/other", ""));
        client.nop().await.unwrap();
        gone(&other).await;
    }
    assert!(dropped > 5, "{dropped} dropped");
}

#[tokio::test]
async fn where_nothing_can_be_registered() {
    let (_node, address) = member().await;
    let client = client(address).await;
    client.set("/d/f", "", 0).await.unwrap();
    for (path, kind) in [("d", ErrorKind::BadPath), ("/d", ErrorKind::IsDir), ("/d/f/x", ErrorKind::NotDir)] {
        let error = client.register(path, "").await.unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (kind, "register", Some(path)), "{error}");
    }
    let registration = client.register(PATH, "").await.unwrap();
    client.close().await;
    assert_eq!(client.register("/x", "").await.unwrap_err().kind(), ErrorKind::Closed);
    let error = registration.deregister().await.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Closed, "deregister", Some(PATH)));
}
