//! The recipes, by what they say to a member: nothing more than is needed, and nothing at all once something is lost.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use doozer_client::{Client, ErrorKind, Lock, Options};
use doozer_wire::{
    Action, Compare, Features, LockInfo, Request, Response, SessionOp, SessionReply, SetFlags, Test, TxnOp,
    TxnReply, TxnRequest, Verb,
};
use support::{Member, Members, connected_by, settle, spawn};
use tokio::time::Instant;

const SESSIONS: Features = Features(0xbf);
const TTL: Duration = Duration::from_secs(10);
const PATH: &str = "/locks/x";

async fn connected(options: Options) -> (Client, Member, Members) {
    connected_by(64 << 10, SESSIONS, options).await
}

/// The next request, which must be this of SESSION.
async fn next_of(member: &mut Member, expected: SessionOp) -> Request {
    let request = member.next_of(Verb::Session).await;
    assert_eq!(request.session_op.as_ref().and_then(|op| SessionOp::from_i32(op.op)), Some(expected));
    request
}

async fn opens(member: &mut Member) {
    let request = next_of(member, SessionOp::Open).await;
    let reply = SessionReply { ttl_ms: Some(TTL.as_millis() as u64), ..SessionReply::default() };
    member.answer(Response { tag: request.tag, session: Some(&reply), ..Response::default() }).await;
}

/// Makes a command.
async fn count(member: &mut Member, request: &Request, rev: i64) {
    let (tag, rev, store_rev) = (request.tag, Some(rev), Some(rev));
    member.answer(Response { tag, rev, store_rev, counted: true, ..Response::default() }).await;
}

/// A queued SET of the lock's file.
async fn asks(member: &mut Member) -> Request {
    let set = member.next_of(Verb::Set).await;
    assert_eq!((set.path.as_deref(), set.rev), (Some(PATH.as_bytes()), Some(0)));
    assert_eq!(set.flags, SetFlags::EPHEMERAL | SetFlags::QUEUE);
    set
}

/// The transaction that deletes a file if it is this holder's.
async fn gives_back(member: &mut Member, token: i64) -> Request {
    let request = member.next_of(Verb::Txn).await;
    let path = || Some(Bytes::from(PATH));
    let sent = TxnRequest::decode(request.txn.clone().unwrap(), 128).unwrap();
    let compares = vec![Compare { path: path(), test: Some(Test::Fence(token)) }];
    let ops =
        vec![TxnOp { path: path(), rev: Some(-1), action: Some(Action::Del), flags: SetFlags::default() }];
    assert_eq!(sent, TxnRequest { compares, ops });
    request
}

async fn gone(member: &mut Member, request: &Request, rev: i64) {
    let txn = TxnReply { revs: vec![rev], failed: None };
    let response = Response { tag: request.tag, txn: Some(&txn), counted: true, ..Response::default() };
    member.answer(response).await;
}

/// A lock held at revision 5.
async fn held(client: &Client, member: &mut Member) -> Lock {
    let (lock, ()) = tokio::join!(client.lock(PATH), async {
        opens(member).await;
        let set = asks(member).await;
        count(member, &set, 5).await;
    });
    lock.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_one_request_and_its_end_another() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    assert_eq!((lock.rev(), lock.is_held()), (5, true));
    let (unlocked, ()) = tokio::join!(lock.unlock(), async {
        let request = gives_back(&mut member, 5).await;
        gone(&mut member, &request, 6).await;
    });
    unlocked.unwrap();
    drop(lock);
    // Nothing else, but for what keeps the session alive.
    next_of(&mut member, SessionOp::KeepAlive).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_hears_nothing_until_it_is_its_turn() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            spawn(async move { client.lock(PATH).await })
        })
        .collect();
    opens(&mut member).await;
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(asks(&mut member).await);
    }
    for (number, (set, waiting)) in (5..).step_by(2).zip(asked.iter().zip(waiting)) {
        count(&mut member, set, number).await;
        let lock = waiting.await.unwrap().unwrap();
        // Of the others nobody says anything.
        let (unlocked, ()) = tokio::join!(lock.unlock(), async {
            let request = gives_back(&mut member, number).await;
            gone(&mut member, &request, number + 1).await;
        });
        unlocked.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_asks_nobody() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    let request = next_of(&mut member, SessionOp::KeepAlive).await;
    member.answer(Response::error_after_hello(request.tag, ErrorKind::SessionExpired, None)).await;
    settle().await;
    assert!(!lock.is_held() && lock.valid_for().is_zero());
    lock.lost().await;
    for _ in 0..2 {
        let error = lock.unlock().await.unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::LockLost, "unlock", Some(PATH)));
        assert_eq!(error.detail(), "its session has ended, or may have");
    }
    drop(lock);
    assert!(tokio::time::timeout(TTL * 10, member.next_but_ping()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lock_taken_for_lost_is_given_back_if_its_session_lives() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    let begun = Instant::now();
    let keep_alive = next_of(&mut member, SessionOp::KeepAlive).await;
    // It is answered too late.
    lock.lost().await;
    let late = begun.elapsed();
    assert!(late > TTL * 6 / 8 && late < TTL, "{late:?}");
    member.ok(&keep_alive).await;
    let request = loop {
        let request = member.next().await;
        match Verb::from_i32(request.verb) {
            Some(Verb::Txn) => break request,
            // `lost` looks at the file, and another keep-alive may be due.
            _ => member.ok(&request).await,
        }
    };
    assert!(TxnRequest::decode(request.txn.unwrap(), 128).unwrap().ops[0].action == Some(Action::Del));
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
}

#[tokio::test(start_paused = true)]
async fn giving_back_goes_on_when_nobody_waits_any_more() {
    let quick = Options { timeout: Some(Duration::from_secs(1)), ..Options::default() };
    let (client, mut member, mut members) = connected(quick).await;
    let lock = held(&client, &mut member).await;
    let unlocked = lock.unlock().await.unwrap_err();
    assert_eq!((unlocked.kind(), unlocked.detail()), (ErrorKind::Timeout, "not done within 1s"));
    gives_back(&mut member, 5).await;
    drop(member);
    let mut member = members.accept(SESSIONS).await;
    let request = gives_back(&mut member, 5).await;
    let (unlocked, ()) = tokio::join!(lock.unlock(), gone(&mut member, &request, 6));
    unlocked.unwrap();
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn who_proclaims_something_is_told_apart_from_who_takes_over() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (leader, ()) = tokio::join!(client.elect(PATH, "me"), async {
        opens(&mut member).await;
        let set = asks(&mut member).await;
        count(&mut member, &set, 5).await;
    });
    let leader = leader.unwrap();
    let explained = async |member: &mut Member, token: i64| {
        let request = next_of(member, SessionOp::Explain).await;
        let lock = LockInfo { rev: 8, token, ..LockInfo::default() };
        let reply = SessionReply { lock: Some(lock), ..SessionReply::default() };
        member.answer(Response { tag: request.tag, session: Some(&reply), ..Response::default() }).await;
    };
    let looks = async |member: &mut Member| {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 8).await;
        let request = member.next_of(Verb::Get).await;
        member.file(&request, b"me, again", 8).await;
    };
    for token in [5, 8] {
        let told = tokio::time::timeout(Duration::from_secs(1), async {
            tokio::join!(leader.lost(), async {
                looks(&mut member).await;
                explained(&mut member, token).await;
            })
        });
        assert_eq!(told.await.is_ok(), token == 8);
        assert_eq!(leader.is_leading(), token == 5);
        if token == 5 {
            let watch = member.next_of(Verb::Watch).await;
            let cancel = member.next_of(Verb::Cancel).await;
            assert_eq!(cancel.other_tag, watch.tag);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_without_sessions_is_asked_for_nothing() {
    let (client, mut member, _members) = connected_by(64 << 10, Features(0x3f), Options::default()).await;
    let refused = |result: Result<(), doozer_client::Error>| {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.detail()), (ErrorKind::UnknownVerb, "this member has no sessions"));
    };
    refused(client.lock(PATH).await.map(drop));
    refused(client.try_lock(PATH).await.map(drop));
    refused(client.elect(PATH, "").await.map(drop));
    refused(client.register(PATH, "").await.map(drop));
    refused(client.read_lock(PATH).await.map(drop));
    refused(client.semaphore(PATH, 2).await.map(drop));
    refused(client.barrier(PATH, 2).enter().await.map(drop));
    drop(client);
    assert!(member.try_next().await.is_none());
}
