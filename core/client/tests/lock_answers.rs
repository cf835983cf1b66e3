//! The lock, by the answers that are lost, late or odd: what is asked next, and what never is.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use doozer_client::{Client, Error, ErrorKind, Lock, Options};
use doozer_wire::{FLAG_SET, Features, Request, Response, Verb};
use support::{ALL, Member, Members, connected, connected_by, script, settle, spawn, within};
use tokio::task::JoinHandle;
use tokio::time::Instant;

const PATH: &str = "/locks/x";

/// Begins to take the lock. Returns the SET too.
async fn taking(client: &Client, member: &mut Member) -> (JoinHandle<Result<Lock, Error>>, Request) {
    let client = client.clone();
    let lock = spawn(async move { client.lock(PATH).await });
    let set = member.next_of(Verb::Set).await;
    assert_eq!((set.path.as_deref(), set.rev), (Some(PATH.as_bytes()), Some(0)));
    (lock, set)
}

/// A lock held at revision 5.
async fn held(client: &Client, member: &mut Member) -> Lock {
    let (lock, set) = taking(client, member).await;
    member.at(&set, 5).await;
    lock.await.unwrap().unwrap()
}

/// The file is looked at: it has this value and revision.
async fn looks(member: &mut Member, value: &[u8], rev: i64) {
    let request = member.next_of(Verb::Rev).await;
    member.at(&request, 20).await;
    let request = member.next_of(Verb::Get).await;
    assert_eq!((request.path.as_deref(), request.rev), (Some(PATH.as_bytes()), Some(20)));
    member.file(&request, value, rev).await;
}

/// Every change after that look is asked for.
async fn watches(member: &mut Member) -> Request {
    let watch = member.next_of(Verb::Watch).await;
    assert_eq!((watch.path.as_deref(), watch.rev), (Some(PATH.as_bytes()), Some(21)));
    watch
}

async fn was_set(member: &mut Member, watch: &Request, value: &[u8], rev: i64) {
    let (flags, rev) = (Some(FLAG_SET), Some(rev));
    let (path, value) = (Some(PATH.as_bytes()), Some(value));
    member.answer(Response { tag: watch.tag, flags, rev, path, value, ..Response::default() }).await;
}

/// The file of this revision is deleted.
async fn deletes(member: &mut Member, rev: i64) -> Request {
    let del = member.next_of(Verb::Del).await;
    assert_eq!((del.path.as_deref(), del.rev), (Some(PATH.as_bytes()), Some(rev)));
    del
}

/// An answer without a revision of its own: nothing was deleted.
async fn absent(member: &mut Member, del: &Request) {
    member.answer(Response { tag: del.tag, store_rev: Some(30), ..Response::default() }).await;
}

/// What is asked in the next ten minutes, but for PINGs.
async fn idle(member: &mut Member) -> Option<Request> {
    tokio::time::timeout(Duration::from_secs(600), member.next_but_ping()).await.ok()
}

async fn reconnects(member: Member, members: &mut Members) -> Member {
    drop(member);
    members.accept(ALL).await
}

#[tokio::test(start_paused = true)]
async fn a_file_made_without_an_answer_is_found() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (lock, set) = taking(&client, &mut member).await;
    let mut member = reconnects(member, &mut members).await;
    looks(&mut member, &set.value.unwrap(), 9).await;
    let lock = lock.await.unwrap().unwrap();
    assert_eq!(lock.rev(), 9);
    drop(lock);
    let del = deletes(&mut member, 9).await;
    member.at(&del, 10).await;
    // The SET is accounted for: there is nothing to wait for any more.
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_file_not_made_is_asked_for_again_by_the_same_name() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (lock, first) = taking(&client, &mut member).await;
    let mut member = reconnects(member, &mut members).await;
    looks(&mut member, b"", 0).await;
    let second = member.next_of(Verb::Set).await;
    assert_eq!((second.rev, &second.value), (Some(0), &first.value));
    member.at(&second, 9).await;
    let lock = lock.await.unwrap().unwrap();
    assert_eq!(lock.rev(), 9);

    let unlock = spawn(async move { lock.unlock().await });
    let del = deletes(&mut member, 9).await;
    member.at(&del, 10).await;
    assert_eq!(unlock.await.unwrap(), Ok(()));
    // The first SET arrives only now, and nobody would ever give back what it makes.
    looks(&mut member, b"", 0).await;
    let watch = watches(&mut member).await;
    was_set(&mut member, &watch, b"somebody else's", 22).await;
    was_set(&mut member, &watch, &first.value.unwrap(), 24).await;
    let del = deletes(&mut member, 24).await;
    member.at(&del, 25).await;
    assert_eq!(member.next_of(Verb::Cancel).await.other_tag, watch.tag);
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_file_made_after_the_call_was_dropped_is_deleted() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (lock, set) = taking(&client, &mut member).await;
    lock.abort();
    assert!(lock.await.unwrap_err().is_cancelled());
    member.at(&set, 5).await;
    // A disk that is full for a while does not change that.
    for _ in 0..5 {
        let del = deletes(&mut member, 5).await;
        member.fail(&del, ErrorKind::DiskFull).await;
    }
    let del = deletes(&mut member, 5).await;
    member.at(&del, 6).await;
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_the_call_was_dropped_is_the_end_of_it() {
    for refusal in [ErrorKind::RevMismatch, ErrorKind::IsDir, ErrorKind::ShuttingDown] {
        let (client, mut member, _members) = connected(Options::default()).await;
        let (lock, set) = taking(&client, &mut member).await;
        lock.abort();
        assert!(lock.await.unwrap_err().is_cancelled());
        member.fail(&set, refusal).await;
        assert_eq!(idle(&mut member).await, None, "{refusal:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_appears_late_is_deleted() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (lock, set) = taking(&client, &mut member).await;
    lock.abort();
    let mut member = reconnects(member, &mut members).await;
    looks(&mut member, b"somebody else's", 12).await;
    let watch = watches(&mut member).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(100) {
        let ping = member.next_of(Verb::Ping).await;
        member.ok(&ping).await;
    }
    was_set(&mut member, &watch, &set.value.unwrap(), 24).await;
    let del = deletes(&mut member, 24).await;
    member.at(&del, 25).await;
    assert_eq!(member.next_of(Verb::Cancel).await.other_tag, watch.tag);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_never_appears_is_not_expected_for_ever() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let (lock, _) = taking(&client, &mut member).await;
    lock.abort();
    let start = Instant::now();
    let mut member = reconnects(member, &mut members).await;
    looks(&mut member, b"", 0).await;
    let watch = watches(&mut member).await;
    assert_eq!(member.next_but_ping().await.other_tag, watch.tag);
    assert!((118..=122).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_never_is() {
    // Without a connection.
    let (client, member, mut members) = connected(Options::default()).await;
    members.refuse(usize::MAX);
    drop(member);
    settle().await;
    let lock = spawn({
        let client = client.clone();
        async move { client.lock(PATH).await }
    });
    settle().await;
    lock.abort();
    let error = within(&client, Duration::from_secs(1)).lock(PATH).await.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Disconnected, "lock", Some(PATH)));
    assert!(error.detail().contains("connection refused"), "{error}");
    members.refuse(0);
    let mut member = members.accept(ALL).await;
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_call_out_of_time_says_so_and_is_cleared_away() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let start = Instant::now();
    let (lock, set) = taking(&within(&client, Duration::from_secs(2)), &mut member).await;
    let error = lock.await.unwrap().unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Timeout, "lock", Some(PATH)));
    assert_eq!(error.detail(), "no answer within 2s");
    // The same call may be made again: nothing is left of this one.
    assert!(error.is_retryable());
    member.at(&set, 5).await;
    deletes(&mut member, 5).await;
}

#[tokio::test(start_paused = true)]
async fn one_time_limit_is_for_all_rounds() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let start = Instant::now();
    let (lock, mut set) = taking(&within(&client, Duration::from_secs(2)), &mut member).await;
    member.fail(&set, ErrorKind::RevMismatch).await;
    looks(&mut member, b"somebody else's", 3).await;
    let watch = watches(&mut member).await;
    for rev in [22, 24] {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let path = Some(PATH.as_bytes());
        let deleted = Response { flags: Some(8), rev: Some(rev), path, ..Response::default() };
        member.answer(Response { tag: watch.tag, ..deleted }).await;
        set = member.next_of(Verb::Set).await;
        member.fail(&set, ErrorKind::RevMismatch).await;
        was_set(&mut member, &watch, b"somebody else's", rev + 1).await;
    }
    let error = lock.await.unwrap().unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!(error.detail(), "not free within 2s: held since revision 25");
    assert_eq!(member.next_of(Verb::Cancel).await.other_tag, watch.tag);
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_leaves_it_open_is_cleared_away_too() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let (lock, set) = taking(&client, &mut member).await;
    member.fail(&set, ErrorKind::NoQuorum).await;
    let error = lock.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.op()), (ErrorKind::NoQuorum, "lock"));
    looks(&mut member, &set.value.unwrap(), 9).await;
    deletes(&mut member, 9).await;
}

#[tokio::test(start_paused = true)]
async fn giving_back_is_repeated_until_it_is_certain() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    let unlock = spawn(async move { lock.unlock().await });
    deletes(&mut member, 5).await;
    let mut member = reconnects(member, &mut members).await;
    deletes(&mut member, 5).await;
    let mut member = reconnects(member, &mut members).await;
    let del = deletes(&mut member, 5).await;
    // The first or second one did it: that is no loss.
    absent(&mut member, &del).await;
    assert_eq!(unlock.await.unwrap(), Ok(()));
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn after_an_error_it_can_be_given_back_again() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    let (unlocked, ()) = tokio::join!(lock.unlock(), async {
        let del = deletes(&mut member, 5).await;
        member.fail(&del, ErrorKind::DiskFull).await;
    });
    let error = unlocked.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::DiskFull, "unlock", Some(PATH)));
    // It was certainly not deleted by that, so that now it must be there.
    let (unlocked, ()) = tokio::join!(lock.unlock(), async {
        let del = deletes(&mut member, 5).await;
        absent(&mut member, &del).await;
    });
    assert_eq!(unlocked.unwrap_err().kind(), ErrorKind::LockLost);
    drop(lock);
    assert_eq!(idle(&mut member).await, None);

    let lock = held(&client, &mut member).await;
    let start = Instant::now();
    let (unlocked, _) = tokio::join!(lock.unlock(), async {
        deletes(&mut member, 5).await;
        for _ in 0..3 {
            let ping = member.next_of(Verb::Ping).await;
            member.ok(&ping).await;
        }
    });
    let error = unlocked.unwrap_err();
    assert_eq!((start.elapsed().as_secs(), error.kind()), (10, ErrorKind::Timeout));
    // Here the first DEL may have been made.
    let (unlocked, ()) = tokio::join!(lock.unlock(), async {
        let del = deletes(&mut member, 5).await;
        absent(&mut member, &del).await;
    });
    assert_eq!(unlocked, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn two_at_once_give_it_back_once() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    let (first, second, ()) = tokio::join!(lock.unlock(), lock.unlock(), async {
        let del = deletes(&mut member, 5).await;
        member.at(&del, 6).await;
    });
    assert_eq!((first, second.unwrap_err().kind()), (Ok(()), ErrorKind::Closed));
    assert_eq!(idle(&mut member).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_original_member_does_not_say_what_it_deleted() {
    let (client, mut member, _members) = connected_by(1024, Features::default(), Options::default()).await;
    let lock = held(&client, &mut member).await;
    let (unlocked, ()) = tokio::join!(lock.unlock(), async {
        let del = deletes(&mut member, 5).await;
        member.answer(Response { tag: del.tag, ..Response::default() }).await;
    });
    assert_eq!(unlocked, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn clearing_away_keeps_the_client_open_but_not_for_ever() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let lock = held(&client, &mut member).await;
    drop(client);
    drop(lock);
    let del = deletes(&mut member, 5).await;
    member.at(&del, 6).await;
    assert!(member.try_next().await.is_none());

    let (connector, mut members) = script(1024);
    let (client, mut member) = tokio::join!(Client::over(connector, Options::default()), async {
        let mut member = members.accept(ALL).await;
        let ping = member.next().await;
        member.ok(&ping).await;
        member
    });
    let lock = held(client.as_ref().unwrap(), &mut member).await;
    drop((client, lock));
    deletes(&mut member, 5).await;
    let start = Instant::now();
    while let Some(ping) = member.try_next().await {
        assert_eq!(ping.verb, Verb::Ping as i32);
        member.ok(&ping).await;
    }
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}
