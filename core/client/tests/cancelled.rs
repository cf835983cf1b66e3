//! Calls that nobody waits for any more.

mod support;

use std::time::Duration;

use doozer_client::{ErrorKind, Options};
use doozer_wire::{Request, Verb};
use support::{Member, connected, spawn, within};
use tokio::time::Instant;

/// The next request is the CANCEL of `target`; it is answered.
async fn cancelled(member: &mut Member, target: &Request) {
    let cancel = member.next_of(Verb::Cancel).await;
    assert_eq!(cancel.other_tag, target.tag);
    member.ok(&cancel).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_is_taken_back() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let wait = spawn({
        let client = client.clone();
        async move { client.wait("/a", 1).await }
    });
    let request = member.next_of(Verb::Wait).await;
    wait.abort();
    cancelled(&mut member, &request).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_out_of_time_is_taken_back() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let quick = within(&client, Duration::from_secs(2));
    let start = Instant::now();
    let (wait, ()) = tokio::join!(quick.wait("/a", 1), async {
        let request = member.next_of(Verb::Wait).await;
        cancelled(&mut member, &request).await;
    });
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    let error = wait.unwrap_err();
    assert_eq!((error.kind(), error.detail()), (ErrorKind::Timeout, "no answer within 2s"));
}

#[tokio::test(start_paused = true)]
async fn a_read_of_the_future_is_taken_back() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let quick = within(&client, Duration::from_secs(2));
    let (read, ()) = tokio::join!(quick.get_at("/a", 1_000_000), async {
        let request = member.next_of(Verb::Get).await;
        assert_eq!(request.rev, Some(1_000_000));
        cancelled(&mut member, &request).await;
    });
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_is_taken_back() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let watch = client.watch("/a", 1);
    let request = member.next_of(Verb::Watch).await;
    drop(watch);
    cancelled(&mut member, &request).await;
    // What was on its way disturbs nobody.
    member.event(&request, "/a", 3).await;
    let (rev, ()) = tokio::join!(client.rev(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 4).await;
    });
    assert_eq!(rev, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_no_time_limit_of_its_own() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let wait = spawn({
        let client = client.clone();
        async move { client.wait("/a", 1).await }
    });
    let request = member.next_of(Verb::Wait).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3600) {
        let ping = member.next_of(Verb::Ping).await;
        member.ok(&ping).await;
    }
    member.event(&request, "/a", 2).await;
    assert_eq!(wait.await.unwrap().unwrap().rev, 2);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_everything() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let wait = spawn({
        let client = client.clone();
        async move { client.wait("/a", 1).await }
    });
    let mut watch = client.clone().watch("/a", 1);
    member.next_of(Verb::Watch).await;
    member.next_of(Verb::Wait).await;
    client.close().await;
    client.close().await;
    assert_eq!(wait.await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(watch.next().await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert!(watch.next().await.is_none());
    assert_eq!(client.rev().await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(client.watch("/a", 1).next().await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_with_the_last_clone() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let clone = client.clone();
    drop(client);
    let (rev, ()) = tokio::join!(clone.rev(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 4).await;
    });
    assert_eq!(rev, Ok(4));
    let watch = clone.watch("/**", 1);
    drop(clone);
    member.next_of(Verb::Watch).await;
    drop(watch);
    assert!(member.try_next().await.is_none());
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let build = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = build();
    let (client, member, _members) = first.block_on(connected(Options::default()));
    drop(first);
    let error = build().block_on(client.get("/a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    drop(member);
}
