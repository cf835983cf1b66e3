//! What goes on when a connection is lost, and on which terms.

mod support;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use doozer_client::{CallOptions, Change, Consistency, ErrorKind, Options, Timeout};
use doozer_wire::Verb;
use support::{ALL, connected, settle, spawn, within};
use tokio::time::{Instant, timeout};

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_again() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (read, ()) = tokio::join!(client.get("/a"), async {
        member.next_of(Verb::Get).await;
        drop(member);
        members.refuse(2);
        let mut member = members.accept(ALL).await;
        let request = member.next_of(Verb::Get).await;
        member.file(&request, b"x", 4).await;
    });
    let file = read.unwrap();
    assert_eq!((file.value.as_deref(), file.rev), (Some(&b"x"[..]), 4));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_sent_again_at_its_revision_for_as_long_as_it_takes() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (event, ()) = tokio::join!(client.wait("/a/*", 12), async {
        for _ in 0..5 {
            let request = member.next_of(Verb::Wait).await;
            assert_eq!(request.rev, Some(12));
            drop(member);
            members.refuse(50);
            member = members.accept(ALL).await;
        }
        let request = member.next_of(Verb::Wait).await;
        member.event(&request, "/a/b", 15).await;
    });
    let event = event.unwrap();
    assert_eq!((event.path.as_str(), event.rev, event.kind), ("/a/b", 15, Change::Set));
    assert_eq!(&event.value[..], b"v");
}

#[tokio::test(start_paused = true)]
async fn who_polls_a_watch_is_woken_by_a_mark() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let mut watch = client.watch("/**", 5);
    let request = member.next_of(Verb::Watch).await;
    // Polled by nothing but its own wakers.
    let caught_up = tokio::spawn(poll_fn(move |cx| {
        let next = pin!(watch.next()).poll(cx);
        assert!(next.is_pending(), "{next:?}");
        if watch.progress() >= 20 { Poll::Ready(()) } else { Poll::Pending }
    }));
    settle().await;
    member.progress(&request, 19).await;
    settle().await;
    assert!(!caught_up.is_finished());
    member.progress(&request, 20).await;
    timeout(Duration::from_secs(5), caught_up).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_after_the_last_event_or_mark() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let mut watch = client.watch("/**", 5);
    assert_eq!(watch.progress(), 4);
    let request = member.next_of(Verb::Watch).await;
    assert_eq!(request.rev, Some(5));
    member.event(&request, "/a", 6).await;
    member.event(&request, "/b", 8).await;
    drop(member);
    assert_eq!(watch.next().await.unwrap().unwrap().rev, 6);
    assert_eq!(watch.progress(), 6);

    let mut member = members.accept(ALL).await;
    let request = member.next_of(Verb::Watch).await;
    assert_eq!(request.rev, Some(9));
    // A member that errs repeats one; it is left out.
    member.event(&request, "/b", 8).await;
    member.progress(&request, 20).await;
    settle().await;
    assert_eq!(watch.next().await.unwrap().unwrap().rev, 8);
    assert_eq!(watch.progress(), 20);
    drop(member);

    let mut member = members.accept(ALL).await;
    let request = member.next_of(Verb::Watch).await;
    assert_eq!(request.rev, Some(21));
    member.event(&request, "/c", 21).await;
    member.fail(&request, ErrorKind::TooLate).await;
    assert_eq!(watch.next().await.unwrap().unwrap().rev, 21);
    let error = watch.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::TooLate, "watch", Some("/**")));
    assert!(watch.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_outlives_a_member_that_shuts_down() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let mut watch = client.watch("/**", 5);
    let request = member.next_of(Verb::Watch).await;
    member.fail(&request, ErrorKind::ShuttingDown).await;
    let mut member = members.accept(ALL).await;
    let request = member.next_of(Verb::Watch).await;
    member.event(&request, "/a", 5).await;
    assert_eq!(watch.next().await.unwrap().unwrap().rev, 5);
}

#[tokio::test(start_paused = true)]
async fn reads_ask_for_what_was_seen_before_across_members() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (rev, ()) = tokio::join!(client.rev(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 77).await;
        drop(member);
    });
    assert_eq!(rev, Ok(77));
    let mut member = members.accept(ALL).await;
    let local = client.with(CallOptions { consistency: Consistency::Local, ..CallOptions::default() });
    let (read, ()) = tokio::join!(local.get("/a"), async {
        let request = member.next_of(Verb::Get).await;
        assert_eq!((request.min_rev, request.consistency), (Some(77), Consistency::Local));
        member.file(&request, b"", 0).await;
    });
    assert_eq!(read.unwrap().value, None);
}

#[tokio::test(start_paused = true)]
async fn no_time_limit_is_passed_with_no_member_in_reach() {
    let (client, member, members) = connected(Options::default()).await;
    members.refuse(usize::MAX);
    drop(member);
    let start = Instant::now();
    let error = client.get("/a").await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(error.detail().contains("connection refused"), "{error}");

    let error = within(&client, Duration::from_millis(300)).set("/a", "", 0).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_millis()), (ErrorKind::Disconnected, 10_300));
    let error = within(&client, Duration::from_millis(300)).wait("/a", 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    // Pauses stay under two seconds: with full jitter there are many more attempts in so long.
    assert!(members.attempts.load(Ordering::Relaxed) > 8);
}

#[tokio::test(start_paused = true)]
async fn opening_takes_no_longer_than_it_may() {
    let (connector, members) = support::script(1024);
    members.refuse(usize::MAX);
    let start = Instant::now();
    let options = Options { connect_timeout: Duration::from_secs(3), ..Options::default() };
    let error = doozer_client::Client::over(connector, options).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert_eq!((error.kind(), error.op()), (ErrorKind::Disconnected, "connect"));
    assert!(error.detail().contains("connection refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_member_that_never_says_hello_is_given_up() {
    let (connector, mut members) = support::script(1024);
    let open = spawn(async move { doozer_client::Client::over(connector, Options::default()).await });
    let silent = members.raw().await;
    let start = Instant::now();
    let mut member = members.accept(ALL).await;
    assert!(start.elapsed() < Duration::from_secs(6));
    let request = member.next_of(Verb::Ping).await;
    member.ok(&request).await;
    open.await.unwrap().unwrap();
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_silent_member_is_asked_and_then_left() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let patient = client.with(CallOptions { timeout: Timeout::Never, ..CallOptions::default() });
    let start = Instant::now();
    let (read, ()) = tokio::join!(patient.get("/a"), async {
        member.next_of(Verb::Get).await;
        let ping = member.next_of(Verb::Ping).await;
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        member.ok(&ping).await;
        member.next_of(Verb::Ping).await;
        assert_eq!(start.elapsed(), Duration::from_secs(6));
        // This one stays without an answer.
        let mut next = members.accept(ALL).await;
        assert!(start.elapsed() >= Duration::from_secs(9));
        assert!(start.elapsed() < Duration::from_millis(9100));
        let request = next.next_of(Verb::Get).await;
        next.file(&request, b"x", 4).await;
    });
    assert_eq!(read.unwrap().rev, 4);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_left_in_peace() {
    let (client, mut member, _members) = connected(Options::default()).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let (rev, ()) = tokio::join!(client.rev(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 1).await;
    });
    assert_eq!(rev, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_member_of_another_cluster_is_not_talked_to() {
    let (client, member, mut members) = connected(Options::default()).await;
    drop(member);
    let read = spawn(async move { client.get("/a").await });
    let mut stranger = members.raw().await;
    stranger.greet(ALL, [9; 16]).await;
    assert!(stranger.try_next().await.is_none());
    let mut friend = members.accept(ALL).await;
    let request = friend.next_of(Verb::Get).await;
    friend.file(&request, b"x", 4).await;
    assert_eq!(read.await.unwrap().unwrap().rev, 4);
}

#[tokio::test(start_paused = true)]
async fn a_large_value_may_take_long_while_it_moves() {
    let (client, mut member, _members) = support::connected_by(1024, ALL, Options::default()).await;
    let write = spawn({
        let client = client.with(CallOptions { timeout: Timeout::Never, ..CallOptions::default() });
        async move { client.set("/a", vec![1; 20 << 10], 0).await }
    });
    // A kibibyte each two seconds, and not a byte in the other direction.
    let start = Instant::now();
    member.slow(Duration::from_secs(2), 20).await;
    assert_eq!(start.elapsed(), Duration::from_secs(40));
    let request = member.next_of(Verb::Set).await;
    member.at(&request, 5).await;
    assert_eq!(write.await.unwrap(), Ok(5));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_of_use_is_made_again_soon() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let start = Instant::now();
    for _ in 0..20 {
        let (rev, ()) = tokio::join!(client.rev(), async {
            let request = member.next_of(Verb::Rev).await;
            member.at(&request, 1).await;
        });
        assert_eq!(rev, Ok(1));
        drop(member);
        member = members.accept(ALL).await;
    }
    // At most 50 ms each time.
    assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
}
