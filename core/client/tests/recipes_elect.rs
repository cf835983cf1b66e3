//! Elections, against a real member: who leads, what it says, and who is next.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::time::Duration;

use doozer_client::{Config, ErrorKind, Txn};
use member::{client, member, until};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/leader";

/// What the leader says next; `None` while there is none.
async fn said(observed: &mut Config) -> Option<String> {
    let file = timeout(SOON, observed.next()).await.expect("nothing was said").unwrap().unwrap();
    file.value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

#[tokio::test]
async fn a_leader_speaks_under_one_token_until_it_resigns() {
    let (_node, address) = member().await;
    let (one, two) = (client(address).await, client(address).await);
    let mut observed = two.observe(PATH);
    assert_eq!(said(&mut observed).await, None);
    let leader = one.elect(PATH, "one").await.unwrap();
    assert_eq!((leader.path(), leader.is_leading()), (PATH, true));
    assert_eq!(said(&mut observed).await.as_deref(), Some("one"));

    let candidate = tokio::spawn({
        let two = two.clone();
        async move { two.elect(PATH, "two").await }
    });
    until(async || !two.explain(PATH).await.unwrap().queue.is_empty()).await;
    for words in ["one is ready", "one is busy"] {
        let rev = leader.proclaim(words).await.unwrap();
        assert_eq!(said(&mut observed).await.as_deref(), Some(words));
        let explained = two.explain(PATH).await.unwrap();
        assert_eq!((explained.rev, explained.token), (rev, leader.token()));
        one.txn(leader.fence(Txn::new().set("/a", words, -1))).await.unwrap();
    }
    assert!(timeout(Duration::from_millis(50), leader.lost()).await.is_err());

    leader.resign().await.unwrap();
    assert_eq!(said(&mut observed).await, None);
    assert_eq!(said(&mut observed).await.as_deref(), Some("two"));
    let next = timeout(SOON, candidate).await.unwrap().unwrap().unwrap();
    assert!(next.token() > leader.token() && !leader.is_leading());
    assert_eq!(leader.proclaim("still one").await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(leader.resign().await.unwrap_err().kind(), ErrorKind::Closed);
    let fenced = leader.fence(Txn::new().set("/a", "x", -1));
    assert_eq!(one.txn(fenced).await.unwrap_err().kind(), ErrorKind::CompareFailed);

    drop(next);
    assert_eq!(said(&mut observed).await, None);
}

#[tokio::test]
async fn a_leader_that_was_overthrown_has_nothing_to_say() {
    let (_node, address) = member().await;
    let (one, two) = (client(address).await, client(address).await);
    let leader = one.elect(PATH, "one").await.unwrap();
    two.set(PATH, "two, by force", -1).await.unwrap();
    let error = leader.proclaim("one").await.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::LockLost, "proclaim", Some(PATH)));
    assert!(!leader.is_leading());
    assert_eq!(leader.resign().await.unwrap_err().kind(), ErrorKind::LockLost);
    drop(leader);
    assert_eq!(two.get(PATH).await.unwrap().value.unwrap(), "two, by force");
    two.del(PATH, -1).await.unwrap();

    // One that is lost while it says something, and dropped after, leaves the next one alone.
    let leader = one.elect(PATH, "one").await.unwrap();
    leader.proclaim("one is ready").await.unwrap();
    let (next, ended) = tokio::join!(two.elect(PATH, "two"), two.end_session(one.session_id().unwrap()));
    ended.unwrap();
    let next = next.unwrap();
    timeout(SOON, leader.lost()).await.unwrap();
    assert_eq!(leader.proclaim("one").await.unwrap_err().kind(), ErrorKind::LockLost);
    drop(leader);
    one.nop().await.unwrap();
    next.proclaim("two is ready").await.unwrap();
    assert!(next.is_leading());
}

#[tokio::test]
async fn a_candidate_that_gives_up_is_passed_over() {
    let (_node, address) = member().await;
    let (one, two) = (client(address).await, client(address).await);
    let leader = one.elect(PATH, "one").await.unwrap();
    let given_up = tokio::spawn({
        let two = two.clone();
        async move { two.elect(PATH, "two").await.map(drop) }
    });
    let waiting = async || two.explain(PATH).await.unwrap().queue.len();
    until(async || waiting().await >= 1).await;
    let third = tokio::spawn({
        let one = one.clone();
        async move { one.elect(PATH, "three").await }
    });
    until(async || waiting().await >= 2).await;
    given_up.abort();
    until(async || waiting().await <= 1).await;
    // Dropped, it resigns, whatever it has proclaimed.
    leader.proclaim("one is ready").await.unwrap();
    drop(leader);
    let leader = timeout(SOON, third).await.unwrap().unwrap().unwrap();
    assert_eq!(two.get(PATH).await.unwrap().value.unwrap(), "three");
    leader.resign().await.unwrap();
    assert_eq!(two.get(PATH).await.unwrap().value, None);
}
