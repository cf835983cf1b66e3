//! A write is made once, or not at all, or its outcome is said to be unknown.

mod support;

use std::time::Duration;

use bytes::Bytes;
use doozer_client::{ErrorKind, Options};
use doozer_wire::Verb;
use support::{ALL, connected, connected_by, settle, spawn, within};

#[tokio::test(start_paused = true)]
async fn the_member_dies_before_a_byte_of_it_is_taken() {
    // The pipe holds 64 bytes: the first write fills it, and the second never begins.
    let (client, member, mut members) = connected_by(64, ALL, Options::default()).await;
    let first = spawn({
        let client = client.clone();
        async move { client.set("/first", vec![1; 1000], 0).await }
    });
    settle().await;
    let second = spawn({
        let client = client.clone();
        async move { client.set("/second", "2", 0).await }
    });
    settle().await;
    drop(member);
    assert_eq!(first.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    let mut member = members.accept(ALL).await;
    let again = member.next_of(Verb::Set).await;
    assert_eq!(again.path, Some(Bytes::from_static(b"/second")));
    member.at(&again, 8).await;
    assert_eq!(second.await.unwrap(), Ok(8));
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_dead_before_the_write_is_made() {
    let (client, member, mut members) = connected(Options::default()).await;
    // Nothing has run since the member went, so that the client cannot know yet.
    drop(member);
    let (wrote, mut member) = tokio::join!(client.set("/a", "x", 3), async {
        let mut member = members.accept(ALL).await;
        let again = member.next_of(Verb::Set).await;
        assert_eq!((again.rev, again.value.as_deref()), (Some(3), Some(&b"x"[..])));
        member.at(&again, 9).await;
        member
    });
    assert_eq!(wrote, Ok(9));
    drop(client);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_member_dies_after_it_has_read_the_request() {
    for rev in [0, 7, -1] {
        let (client, mut member, mut members) = connected(Options::default()).await;
        let (set, del, ()) = tokio::join!(client.set("/a", "x", rev), client.del("/b", rev), async {
            member.next_of(Verb::Set).await;
            member.next_of(Verb::Del).await;
            drop(member);
        });
        let error = set.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
        assert!(error.detail().contains("closed by the member"), "{error}");
        assert!(!error.is_retryable());
        assert_eq!(del.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        // Nothing of it reaches the next member.
        let mut member = members.accept(ALL).await;
        let (rev, ()) = tokio::join!(client.rev(), async {
            let next = member.next_of(Verb::Rev).await;
            member.at(&next, 5).await;
        });
        assert_eq!(rev, Ok(5));
    }
}

#[tokio::test(start_paused = true)]
async fn the_member_dies_with_a_part_of_the_frame() {
    let (client, member, mut members) = connected_by(64, ALL, Options::default()).await;
    let write = spawn({
        let client = client.clone();
        async move { client.set("/a", vec![1; 1000], 0).await }
    });
    settle().await;
    drop(member);
    assert_eq!(write.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    let mut member = members.accept(ALL).await;
    drop(client);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_nop_is_harmless_and_sent_again() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (nop, ()) = tokio::join!(client.nop(), async {
        member.next_of(Verb::Nop).await;
        drop(member);
        let mut member = members.accept(ALL).await;
        let again = member.next_of(Verb::Nop).await;
        member.ok(&again).await;
    });
    assert_eq!(nop, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_shuts_down_has_not_made_it() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (wrote, ()) = tokio::join!(client.set("/a", "x", 0), async {
        let request = member.next_of(Verb::Set).await;
        member.fail(&request, ErrorKind::ShuttingDown).await;
        assert!(member.try_next().await.is_none());
        let mut member = members.accept(ALL).await;
        let again = member.next_of(Verb::Set).await;
        member.at(&again, 3).await;
    });
    assert_eq!(wrote, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_reported() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (wrote, ()) = tokio::join!(client.set("/a", "x", 0), async {
        let request = member.next_of(Verb::Set).await;
        member.fail(&request, ErrorKind::DiskFull).await;
    });
    let error = wrote.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull);
    assert!(error.is_retryable());
    assert!(error.to_string().starts_with("DISK_FULL: set /a: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn out_of_time_after_it_was_sent() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let quick = within(&client, Duration::from_secs(1));
    let (wrote, request) = tokio::join!(quick.set("/a", "x", 0), member.next_of(Verb::Set));
    let error = wrote.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert!(error.detail().contains("timeout"), "{error}");
    // The answer comes too late, and disturbs nobody.
    member.at(&request, 3).await;
    let (rev, ()) = tokio::join!(client.rev(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 4).await;
    });
    assert_eq!(rev, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn out_of_time_before_it_was_sent() {
    let (client, mut member, _members) = connected_by(64, ALL, Options::default()).await;
    let filler = spawn({
        let client = client.clone();
        async move { client.set("/filler", vec![1; 1000], 0).await }
    });
    settle().await;
    let quick = within(&client, Duration::from_secs(1));
    let error = quick.set("/a", "x", 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // It was taken out of the queue: nothing follows the first.
    let request = member.next_of(Verb::Set).await;
    member.at(&request, 2).await;
    assert_eq!(filler.await.unwrap(), Ok(2));
    drop((client, quick));
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stall_sends_nothing_twice() {
    let (client, mut member, _members) = connected_by(64, ALL, Options::default()).await;
    let paths = ["/a", "/b", "/c", "/d"];
    // All four are handed to the connection at once, which stops in the middle of the first.
    let (a, b, c, d, revs) = tokio::join!(
        client.set(paths[0], vec![0; 300], 0),
        client.set(paths[1], vec![1; 300], 0),
        client.set(paths[2], vec![2; 300], 0),
        client.set(paths[3], vec![3; 300], 0),
        async {
            settle().await;
            let mut revs = Vec::new();
            for (path, rev) in paths.iter().zip(1..) {
                let request = member.next_of(Verb::Set).await;
                assert_eq!(request.path.as_deref(), Some(path.as_bytes()));
                member.at(&request, rev).await;
                revs.push(Ok(rev));
            }
            revs
        }
    );
    assert_eq!(vec![a, b, c, d], revs);
    drop(client);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropped_before_it_was_sent() {
    let (client, mut member, _members) = connected_by(64, ALL, Options::default()).await;
    let filler = spawn({
        let client = client.clone();
        async move { client.set("/filler", vec![1; 1000], 0).await }
    });
    settle().await;
    let dropped = spawn({
        let client = client.clone();
        async move { client.set("/a", "x", 0).await }
    });
    settle().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    let request = member.next_of(Verb::Set).await;
    member.at(&request, 2).await;
    assert_eq!(filler.await.unwrap(), Ok(2));
    drop(client);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropped_after_it_was_sent() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let dropped = spawn({
        let client = client.clone();
        async move { client.set("/a", "x", 0).await }
    });
    let request = member.next_of(Verb::Set).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    // There is nothing to cancel about a write; its answer goes nowhere.
    member.at(&request, 2).await;
    let (rev, ()) = tokio::join!(client.rev(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 4).await;
    });
    assert_eq!(rev, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_before_the_end_counts() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (wrote, ()) = tokio::join!(client.set("/a", "x", 0), async {
        let request = member.next_of(Verb::Set).await;
        member.at(&request, 6).await;
        drop(member);
    });
    assert_eq!(wrote, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn closing_leaves_a_sent_write_unknown() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let write = spawn({
        let client = client.clone();
        async move { client.set("/a", "x", 0).await }
    });
    member.next_of(Verb::Set).await;
    client.close().await;
    assert_eq!(write.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert!(member.try_next().await.is_none());
    assert_eq!(client.set("/a", "x", 0).await.unwrap_err().kind(), ErrorKind::Closed);
}
