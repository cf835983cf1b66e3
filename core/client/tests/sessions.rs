//! Writes as commands of a session, and what else a session is for, with members that do what a test says.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use doozer_client::{Client, ErrorKind, FailedPart, Options, Txn};
use doozer_wire::{
    Compare, Failed, Features, LockInfo, Request, Response, SessionInfo, SessionOp, SessionReply, SetFlags,
    Test, TxnReply, TxnRequest, Verb, Waiter,
};
use support::{Member, Members, connected_by, settle, spawn, within};
use tokio::time::Instant;

const SESSIONS: Features = Features(0xbf);
const TTL: Duration = Duration::from_secs(10);

async fn connected(options: Options) -> (Client, Member, Members) {
    connected_by(64 << 10, SESSIONS, options).await
}

fn op(request: &Request) -> Option<SessionOp> {
    request.session_op.as_ref().and_then(|op| SessionOp::from_i32(op.op))
}

/// The next request, which must be this of SESSION.
async fn next_of(member: &mut Member, expected: SessionOp) -> Request {
    let request = member.next_of(Verb::Session).await;
    assert_eq!(op(&request), Some(expected));
    request
}

/// Opens the session that is asked for.
async fn open(member: &mut Member) -> Request {
    let request = next_of(member, SessionOp::Open).await;
    let ttl_ms = request.session_op.as_ref().unwrap().ttl_ms;
    let reply = SessionReply { ttl_ms, ..SessionReply::default() };
    member.answer(Response { tag: request.tag, session: Some(&reply), ..Response::default() }).await;
    request
}

/// Makes a command.
async fn count(member: &mut Member, request: &Request, rev: i64) {
    let (tag, rev, store_rev) = (request.tag, Some(rev), Some(rev));
    member.answer(Response { tag, rev, store_rev, counted: true, ..Response::default() }).await;
}

/// Refuses a request for now.
async fn refuse(member: &mut Member, request: &Request, kind: ErrorKind, detail: &str) {
    member.answer(Response::error_after_hello(request.tag, kind, Some(detail))).await;
}

fn shown(request: &Request) -> (Option<Bytes>, Option<u64>) {
    (request.path.clone(), request.sequence)
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_sent_is_sent_again_and_answered() {
    for rev in [0, 7, -1] {
        let (client, mut member, mut members) = connected(Options::default()).await;
        let (set, del, sent) = tokio::join!(client.set("/a", "x", rev), client.del("/b", rev), async {
            let key = open(&mut member).await.session;
            let set = member.next_of(Verb::Set).await;
            let del = member.next_of(Verb::Del).await;
            assert_eq!((shown(&set).1, shown(&del).1), (Some(1), Some(2)));
            drop(member);
            let mut member = members.accept(SESSIONS).await;
            for (before, rev) in [(set, 8), (del, 9)] {
                let again = member.next().await;
                assert_eq!((again.verb, again.rev, shown(&again)), (before.verb, before.rev, shown(&before)));
                assert_eq!((again.value.clone(), again.session.clone()), (before.value, key.clone()));
                count(&mut member, &again, rev).await;
            }
            member
        });
        assert_eq!((set, del), (Ok(8), Ok(Some(9))));
        drop((client, sent));
    }
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_until_the_callers_time_is_up() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let begun = Instant::now();
    let write = spawn({
        let client = within(&client, Duration::from_secs(60));
        async move { client.set("/a", "x", 0).await }
    });
    open(&mut member).await;
    for _ in 0..20 {
        let request = member.next().await;
        assert!(op(&request) == Some(SessionOp::KeepAlive) || request.verb == Verb::Set as i32);
        drop(member);
        member = members.accept(SESSIONS).await;
    }
    while let Some(request) = member.try_next().await {
        match op(&request) {
            Some(SessionOp::KeepAlive) => member.ok(&request).await,
            // Its number is closed once its time is up.
            None if request.verb == Verb::Nop as i32 => break,
            _ if request.verb == Verb::Set as i32 => {
                refuse(&mut member, &request, ErrorKind::Overloaded, "nothing was written, try later").await;
            }
            _ => member.ok(&request).await,
        }
    }
    let error = write.await.unwrap().unwrap_err();
    assert!(begun.elapsed().as_secs() <= 62);
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn refused_until_its_time_was_up_it_surely_was_not_made() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let quick = within(&client, Duration::from_secs(2));
    let refusing = tokio::spawn(async move {
        open(&mut member).await;
        while let Some(request) = member.try_next().await {
            refuse(&mut member, &request, ErrorKind::Overloaded, "too much waits to be decided").await;
        }
    });
    let error = quick.set("/a", "x", 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(error.detail().starts_with("too much waits to be decided"), "{error}");
    drop((client, quick));
    refusing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expired_while_nobody_looked_costs_nothing() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (first, ()) = tokio::join!(client.set("/a", "1", 0), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Set).await;
        count(&mut member, &request, 1).await;
    });
    assert_eq!(first, Ok(1));
    let before = client.session_id().unwrap();
    let (second, key) = tokio::join!(client.set("/a", "2", 1), async {
        let request = member.next_of(Verb::Set).await;
        refuse(&mut member, &request, ErrorKind::SessionExpired, "").await;
        let key = open(&mut member).await.session.unwrap();
        let request = member.next_of(Verb::Set).await;
        assert_eq!(shown(&request).1, Some(1));
        count(&mut member, &request, 2).await;
        key
    });
    assert_eq!(second, Ok(2));
    let key = <[u8; 16]>::try_from(&key[..]).unwrap();
    assert_eq!(client.session_id(), Some(doozer_store::SessionId::of_key(&key)));
    assert_ne!(client.session_id(), Some(before));
}

#[tokio::test(start_paused = true)]
async fn kept_alive_three_times_a_ttl_and_closed_when_idle() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let begun = Instant::now();
    let (wrote, ()) = tokio::join!(client.set("/a", "x", 0), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Set).await;
        count(&mut member, &request, 1).await;
    });
    assert_eq!(wrote, Ok(1));
    for turn in 1..=8 {
        let request = next_of(&mut member, SessionOp::KeepAlive).await;
        let late = begun.elapsed().saturating_sub(TTL / 3 * turn);
        assert!(begun.elapsed() >= TTL / 3 * turn && late < Duration::from_millis(100), "{late:?}");
        member.ok(&request).await;
    }
    next_of(&mut member, SessionOp::Close).await;
    assert_eq!(client.session_id(), None);
    settle().await;
    // Nothing more comes for as long as nothing is written.
    assert!(tokio::time::timeout(TTL * 10, member.next_but_ping()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_bound_is_lost_before_the_cluster_can_give_it_away() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (bound, ()) = tokio::join!(client.set_ephemeral("/a", "x", 0), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Set).await;
        assert_eq!(request.flags, SetFlags::EPHEMERAL);
        count(&mut member, &request, 7).await;
    });
    let bound = bound.unwrap();
    assert_eq!((bound.rev(), bound.is_valid()), (7, true));
    // A keep-alive is answered late: it counts from when it was sent.
    let request = next_of(&mut member, SessionOp::KeepAlive).await;
    let sent = Instant::now();
    tokio::time::advance(Duration::from_secs(1)).await;
    member.ok(&request).await;
    settle().await;
    let left = bound.valid_for();
    assert!(left > Duration::from_millis(7700) && left <= Duration::from_millis(7750), "{left:?}");
    // Then none is answered any more.
    let silent = tokio::spawn(async move {
        while member.try_next().await.is_some() {}
        loop {
            drop(members.raw().await);
        }
    });
    bound.lost().await;
    let late = sent.elapsed();
    assert!(late >= TTL * 7 / 8 && late < TTL * 7 / 8 + Duration::from_millis(50), "{late:?}");
    assert!(!bound.is_valid());
    silent.abort();
    drop((client, bound));
}

#[tokio::test(start_paused = true)]
async fn what_is_bound_is_lost_when_the_session_is_heard_to_have_ended() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (bound, ()) = tokio::join!(client.set_queued("/lock", "x"), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Set).await;
        assert_eq!((request.flags, request.rev), (SetFlags::EPHEMERAL | SetFlags::QUEUE, Some(0)));
        count(&mut member, &request, 7).await;
    });
    let bound = bound.unwrap();
    let (begun, request) = (Instant::now(), next_of(&mut member, SessionOp::KeepAlive).await);
    let ((), ()) = tokio::join!(bound.lost(), async {
        refuse(&mut member, &request, ErrorKind::SessionExpired, "").await;
    });
    assert!(begun.elapsed() < Duration::from_secs(4) && !bound.is_valid());
    // A file of the next session is another matter.
    let (next, ()) = tokio::join!(client.set_ephemeral("/lock", "x", 0), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Set).await;
        count(&mut member, &request, 9).await;
    });
    assert!(next.unwrap().is_valid() && !bound.is_valid());
}

#[tokio::test(start_paused = true)]
async fn a_queued_set_that_is_dropped_is_cancelled() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let waiting = spawn({
        let client = client.clone();
        async move { client.set_queued("/lock", "x").await }
    });
    open(&mut member).await;
    let set = member.next_of(Verb::Set).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let cancel = member.next_of(Verb::Cancel).await;
    assert_eq!(cancel.other_tag, set.tag);
    // Its turn came in the meantime: the file is deleted.
    count(&mut member, &set, 8).await;
    member.ok(&cancel).await;
    let del = member.next_of(Verb::Del).await;
    assert_eq!((del.path.as_deref(), del.rev, del.sequence), (Some(&b"/lock"[..]), Some(8), Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_as_its_caller_goes_leaves_nothing_behind() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let waiting = spawn({
        let client = client.clone();
        async move { client.set_queued("/lock", "x").await }
    });
    open(&mut member).await;
    let set = member.next_of(Verb::Set).await;
    count(&mut member, &set, 8).await;
    // The answer is in the pipe; whether the client or the abort comes first, the file must go.
    waiting.abort();
    assert!(waiting.await.is_err());
    loop {
        let request = member.next().await;
        match Verb::from_i32(request.verb) {
            Some(Verb::Cancel) => member.ok(&request).await,
            Some(Verb::Del) => {
                assert_eq!(request.rev, Some(8));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn closing_closes_the_session() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (wrote, key) = tokio::join!(client.set("/a", "x", 0), async {
        let key = open(&mut member).await.session;
        let request = member.next_of(Verb::Set).await;
        count(&mut member, &request, 1).await;
        key
    });
    assert_eq!(wrote, Ok(1));
    let begun = Instant::now();
    let ((), ()) = tokio::join!(client.close(), async {
        let request = next_of(&mut member, SessionOp::Close).await;
        assert_eq!(request.session, key);
        member.ok(&request).await;
    });
    assert!(begun.elapsed() < Duration::from_millis(100));
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_a_member_that_says_nothing() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (wrote, ()) = tokio::join!(client.set("/a", "x", 0), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Set).await;
        count(&mut member, &request, 1).await;
    });
    assert_eq!(wrote, Ok(1));
    let begun = Instant::now();
    client.close().await;
    assert_eq!(begun.elapsed().as_secs(), 1);
    next_of(&mut member, SessionOp::Close).await;
    assert_eq!(client.set("/a", "x", 0).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_reads_has_no_session() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (read, ()) = tokio::join!(client.get("/a"), async {
        let request = member.next_of(Verb::Get).await;
        member.file(&request, b"x", 1).await;
    });
    assert_eq!((read.unwrap().rev, client.session_id()), (1, None));
    drop(client);
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_transaction_says_what_it_did_or_which_part_refused_it() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let txn = || Txn::new().if_rev("/a", 3).if_fence("/lock", 2).set("/a", "x", -1).del("/b", -1);
    let (made, ()) = tokio::join!(client.txn(txn()), async {
        open(&mut member).await;
        let request = member.next_of(Verb::Txn).await;
        let sent = TxnRequest::decode(request.txn.clone().unwrap(), 128).unwrap();
        let fence = Compare { path: Some("/lock".into()), test: Some(Test::Fence(2)) };
        assert_eq!((sent.compares.len(), sent.ops.len(), &sent.compares[1]), (2, 2, &fence));
        assert_eq!(request.sequence, Some(1));
        let txn = TxnReply { revs: vec![9, 0], failed: None };
        let response = Response { tag: request.tag, txn: Some(&txn), counted: true, ..Response::default() };
        member.answer(response).await;
    });
    assert_eq!(made, Ok(vec![Some(9), None]));
    let (refused, ()) = tokio::join!(client.txn(txn()), async {
        let request = member.next_of(Verb::Txn).await;
        let txn = TxnReply { revs: vec![], failed: Some(Failed::Compare(1)) };
        let detail = "compare 1 (/a): it is at 9";
        let error = Response::error_after_hello(request.tag, ErrorKind::CompareFailed, Some(detail));
        member.answer(Response { txn: Some(&txn), counted: true, ..error }).await;
    });
    let error = refused.unwrap_err();
    assert_eq!((error.kind(), error.failed_part()), (ErrorKind::CompareFailed, Some(FailedPart::Compare(1))));
    assert_eq!(error.to_string(), "COMPARE_FAILED: txn: compare 1 (/a): it is at 9");
}

#[tokio::test(start_paused = true)]
async fn sessions_are_listed_page_by_page() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let info =
        |id: u8| SessionInfo { id: [id; 16], ttl_ms: 10_000, label: "job".into(), ..Default::default() };
    let (listed, ()) = tokio::join!(client.sessions(), async {
        let mut page = next_of(&mut member, SessionOp::List).await;
        assert_eq!(page.after, None);
        for id in 1..=3 {
            let reply = SessionReply { sessions: vec![info(id)], ..SessionReply::default() };
            let (tag, session, more) = (page.tag, Some(&reply), id < 3);
            member.answer(Response { tag, session, more, ..Response::default() }).await;
            if more {
                page = next_of(&mut member, SessionOp::List).await;
                assert_eq!(page.after.as_deref(), Some(&[id; 16][..]));
            }
        }
    });
    let ids: Vec<u8> = listed.unwrap().iter().map(|session| session.id.0[0]).collect();
    assert_eq!(ids, [1, 2, 3]);
    let (explained, ()) = tokio::join!(client.explain("/lock"), async {
        let request = next_of(&mut member, SessionOp::Explain).await;
        let waiter = Waiter { session: [5; 16], label: "next".into(), ..Waiter::default() };
        let lock = LockInfo { rev: 8, token: 7, holder: Some(info(4)), queue: vec![waiter] };
        let reply = SessionReply { lock: Some(lock), ..SessionReply::default() };
        member.answer(Response { tag: request.tag, session: Some(&reply), ..Response::default() }).await;
    });
    let explained = explained.unwrap();
    assert_eq!((explained.rev, explained.token, explained.more), (8, 7, false));
    assert_eq!(explained.holder.unwrap().label, "job");
    assert_eq!((explained.queue[0].session.0, &explained.queue[0].label[..]), ([5; 16], "next"));
}

#[tokio::test]
async fn a_ttl_out_of_bounds_is_refused_at_once() {
    for millis in [0, 999, 86_400_001] {
        let (connector, _members) = support::script(1 << 10);
        let options = Options { session_ttl: Duration::from_millis(millis), ..Options::default() };
        let error = Client::over(connector, options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadTtl, "{millis}");
        assert!(error.detail().contains("1s to 86400s"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_without_sessions_makes_no_file_that_should_go_with_one() {
    let (client, mut member, _members) = connected_by(64 << 10, Features(0x3f), Options::default()).await;
    assert_eq!(client.set_ephemeral("/a", "x", 0).await.unwrap_err().kind(), ErrorKind::UnknownVerb);
    assert_eq!(client.txn(Txn::new()).await.unwrap_err().kind(), ErrorKind::UnknownVerb);
    drop(client);
    assert!(member.try_next().await.is_none());
}
