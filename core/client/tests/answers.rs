//! What the calls make of answers, good and bad.

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use doozer_client::{Client, ErrorKind, ListOptions, Options, Secret};
use doozer_wire::{Entry, Response, Verb};
use support::{ALL, connected, script, settle, spawn, within};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn nonsense_costs_the_connection_and_nothing_else() {
    let nonsense: [&[u8]; 3] = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x02\xff\xff"];
    for bytes in nonsense {
        let (client, mut member, mut members) = connected(Options::default()).await;
        let wait = spawn({
            let client = client.clone();
            async move { client.wait("/w", 3).await }
        });
        member.next_of(Verb::Wait).await;
        let (read, write, ()) = tokio::join!(client.get("/a"), client.set("/b", "", 0), async {
            member.next_of(Verb::Get).await;
            member.next_of(Verb::Set).await;
            member.send(bytes).await;
            assert!(member.try_next().await.is_none());
            let mut member = members.accept(ALL).await;
            let request = member.next_of(Verb::Wait).await;
            member.event(&request, "/w", 3).await;
            let request = member.next_of(Verb::Get).await;
            member.file(&request, b"x", 1).await;
        });
        assert_eq!(read.unwrap().rev, 1);
        assert_eq!(wait.await.unwrap().unwrap().rev, 3);
        let error = write.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
        assert!(error.detail().contains("nonsense"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_talks_nothing_but_nonsense_does_not_make_the_client_spin() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let read = spawn({
        let client = client.clone();
        async move { client.get("/a").await }
    });
    let others = tokio::spawn({
        let client = client.clone();
        async move { while client.rev().await.is_ok() {} }
    });
    let start = Instant::now();
    let mut connections = 0;
    while start.elapsed() < Duration::from_secs(9) {
        // That it answers other calls well makes it no better.
        let (mut has_asked, mut has_answered) = (false, false);
        while !(has_asked && has_answered) {
            let request = member.next_but_ping().await;
            if request.verb == Verb::Get as i32 {
                has_asked = true;
            } else {
                has_answered = true;
                member.at(&request, 1).await;
            }
        }
        member.send(b"\xff\xff\xff\xff").await;
        connections += 1;
        member = members.accept(ALL).await;
    }
    assert!(connections < 60, "{connections}");
    drop((member, members));
    let error = read.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    others.abort();
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lacks_its_parts_is_a_protocol_error() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (wrote, wait, rev, ()) =
        tokio::join!(client.set("/a", "", 0), client.wait("/a", 1), client.rev(), async {
            for _ in 0..3 {
                let request = member.next().await;
                member.answer(Response { tag: request.tag, ..Response::default() }).await;
            }
        });
    assert_eq!(wrote.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(wait.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(rev.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn an_answer_nobody_asked_for_is_ignored() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (read, ()) = tokio::join!(client.get("/a"), async {
        let request = member.next_of(Verb::Get).await;
        member.answer(Response { tag: Some(12345), rev: Some(1), ..Response::default() }).await;
        member.answer(Response { rev: Some(1), ..Response::default() }).await;
        member.file(&request, b"x", 4).await;
    });
    assert_eq!(read.unwrap().rev, 4);
}

#[tokio::test(start_paused = true)]
async fn something_else_at_the_address_is_told_apart() {
    for bytes in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\x15\x03\x03\0\x02\x02\x28", b"\0\0\0\x02\xff\xff"]
    {
        let (connector, mut members) = script(1024);
        let options = Options { connect_timeout: Duration::from_millis(10), ..Options::default() };
        let (client, _member) = tokio::join!(Client::over(connector, options), async {
            let mut member = members.raw().await;
            member.send(bytes).await;
            member
        });
        drop(members);
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert!(error.detail().contains("is this the client port of a doozerd"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_ends_connecting() {
    let (connector, mut members) = script(1024);
    let options = Options { secret: Some(Secret::from(b"wrong".to_vec())), ..Options::default() };
    let start = Instant::now();
    let (client, ()) = tokio::join!(Client::over(connector, options), async {
        let mut member = members.raw().await;
        member.greet(ALL, support::CLUSTER).await;
        let access = member.next_of(Verb::Access).await;
        member.fail(&access, ErrorKind::PermissionDenied).await;
    });
    let error = client.unwrap_err();
    assert_eq!((error.kind(), error.op()), (ErrorKind::PermissionDenied, "connect"));
    assert!(error.detail().contains("secret"), "{error}");
    assert!(!error.to_string().contains("wrong\""), "{error}");
    assert!(start.elapsed() < Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_changed_later_fails_calls_at_once_and_is_tried_again_with_the_next() {
    let (connector, mut members) = script(1024);
    let options = Options { secret: Some(Secret::from(b"old".to_vec())), ..Options::default() };
    let (client, member) = tokio::join!(Client::over(connector, options), async {
        let mut member = members.accept(ALL).await;
        let access = member.next_of(Verb::Access).await;
        member.ok(&access).await;
        let ping = member.next_of(Verb::Ping).await;
        member.ok(&ping).await;
        member
    });
    let client = client.unwrap();
    drop(member);
    for is_right in [false, false, true] {
        let (read, ()) = tokio::join!(client.get("/a"), async {
            let mut member = members.accept(ALL).await;
            let access = member.next_of(Verb::Access).await;
            if is_right {
                member.ok(&access).await;
                let request = member.next_of(Verb::Get).await;
                member.file(&request, b"x", 4).await;
            } else {
                member.fail(&access, ErrorKind::PermissionDenied).await;
            }
        });
        if is_right {
            assert_eq!(read.unwrap().rev, 4);
        } else {
            assert_eq!(read.unwrap_err().kind(), ErrorKind::PermissionDenied);
            // Until somebody wants something, the member is left alone.
            let attempts = members.attempts.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(members.attempts.load(Ordering::Relaxed), attempts);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_presented_is_presented_again() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (access, ()) = tokio::join!(client.access(b"s3cret"), async {
        let request = member.next_of(Verb::Access).await;
        member.ok(&request).await;
    });
    assert_eq!(access, Ok(()));
    drop(member);
    let mut member = members.accept(ALL).await;
    let access = member.next_of(Verb::Access).await;
    assert_eq!(access.value, Some(Bytes::from_static(b"s3cret")));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_before_it_is_sent() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let limit = 1 << 20;
    let large = client.set("/a", vec![0; limit + 1], 0).await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge);
    assert_eq!(large.detail(), "value too large: 1048577 bytes, limit 1048576");
    for path in ["", "a", "/a/", "/a//b", "/a\0b", "/a b", "/*"] {
        assert_eq!(client.set(path, "", 0).await.unwrap_err().kind(), ErrorKind::BadPath, "{path:?}");
        assert_eq!(client.add(path, "").await.unwrap_err().op(), "add");
        assert_eq!(client.del(path, 0).await.unwrap_err().kind(), ErrorKind::BadPath, "{path:?}");
    }
    for glob in ["", "a", "/a/", "/\0"] {
        assert_eq!(client.wait(glob, 1).await.unwrap_err().kind(), ErrorKind::BadGlob, "{glob:?}");
        assert_eq!(client.walk(glob, None).await.unwrap_err().kind(), ErrorKind::BadGlob, "{glob:?}");
        let mut watch = client.watch(glob, 1);
        assert_eq!(watch.next().await.unwrap().unwrap_err().kind(), ErrorKind::BadGlob, "{glob:?}");
        assert!(watch.next().await.is_none());
    }
    drop(client);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn calls_wait_while_too_much_is_outstanding() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let value = Bytes::from(vec![1; 1 << 20]);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (client, value) = (client.clone(), value.clone());
            spawn(async move { client.set("/a", value, -1).await })
        })
        .collect();
    let mut requests = Vec::new();
    for _ in 0..15 {
        requests.push(member.next_of(Verb::Set).await);
    }
    settle().await;
    // A wait is not held up by them; the sixteenth write is.
    let wait = spawn({
        let client = client.clone();
        async move { client.wait("/b", 1).await }
    });
    let request = member.next_of(Verb::Wait).await;
    member.event(&request, "/b", 5).await;
    assert_eq!(wait.await.unwrap().unwrap().rev, 5);
    let error = within(&client, Duration::from_secs(1)).set("/c", value, 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    for request in &requests {
        member.at(request, 7).await;
    }
    for _ in 15..20 {
        let request = member.next_of(Verb::Set).await;
        member.at(&request, 7).await;
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(7));
    }
}

#[tokio::test(start_paused = true)]
async fn the_pages_of_a_list_are_of_one_revision() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let list = spawn(async move {
        let mut list = client.list("/**", None, ListOptions { limit: Some(3), keys_only: false });
        let mut found = Vec::new();
        while let Some(entry) = list.next().await {
            let entry = entry?;
            found.push((entry.path, entry.value, entry.rev, entry.len));
        }
        Ok(found)
    });
    let entry = |path, value| Entry { path, value: Some(value), rev: 2, len: 1 };
    let first = member.next_of(Verb::List).await;
    assert_eq!((first.rev, first.limit, first.keys_only), (None, Some(3), false));
    let entries = [entry(b"/a", b"1"), entry(b"/b", b"2")];
    let page =
        Response { tag: first.tag, rev: Some(9), entries: &entries, more: true, ..Response::default() };
    member.answer(page).await;
    let second = member.next_of(Verb::List).await;
    assert_eq!((second.rev, second.limit, second.after.as_deref()), (Some(9), Some(1), Some(&b"/b"[..])));
    let entries = [entry(b"/c", b"3")];
    let page =
        Response { tag: second.tag, rev: Some(9), entries: &entries, more: true, ..Response::default() };
    member.answer(page).await;
    let found = list.await.unwrap().unwrap();
    assert_eq!(found.iter().map(|(path, ..)| path.as_str()).collect::<Vec<_>>(), ["/a", "/b", "/c"]);
    assert_eq!(found[1], ("/b".to_owned(), Some(Bytes::from_static(b"2")), 2, 1));
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_ends_and_a_limit_of_none_asks_nothing() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (ended, ()) = tokio::join!(
        async {
            let mut list = client.list("/**", Some(1), ListOptions::default());
            (list.next().await.unwrap().unwrap_err().kind(), list.next().await.is_none())
        },
        async {
            let request = member.next_of(Verb::List).await;
            member.fail(&request, ErrorKind::TooLate).await;
        }
    );
    assert_eq!(ended, (ErrorKind::TooLate, true));
    let none = ListOptions { limit: Some(0), ..ListOptions::default() };
    assert!(client.list("/**", None, none).next().await.is_none());
}
