//! A stream of changes for the long run, against real members that forget: whoever takes every change in has what there is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use doozer_client::{Change, Client, ErrorKind, Event, Follow};
use doozer_node::History;
use member::{Gate, Relay, client, config, impatient, member, start};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
/// Long enough for what must not come, if it came.
const A_WHILE: Duration = Duration::from_millis(150);

async fn next(follow: &mut Follow) -> Event {
    timeout(SOON, follow.next()).await.expect("no change came").expect("it is over").unwrap()
}

async fn nothing(follow: &mut Follow) {
    assert!(timeout(A_WHILE, follow.next()).await.is_err(), "something came");
}

fn set(path: &str, value: &'static str, rev: i64) -> Event {
    Event { path: path.into(), value: value.into(), rev, kind: Change::Set }
}

fn del(path: &str, rev: i64) -> Event {
    Event { path: path.into(), value: "".into(), rev, kind: Change::Del }
}

/// A member that forgets everything but the last few revisions.
async fn forgetful() -> (doozer_node::Node, Client, Client) {
    let history = History { revisions_max: 4, ..History::default() };
    let (node, address) = start(doozer_node::Config { history, ..config() }).await;
    (node, client(address).await, client(address).await)
}

async fn pass_by(writer: &Client) -> i64 {
    let mut rev = 0;
    for _ in 0..30 {
        rev = writer.set("/other", "x", -1).await.unwrap();
    }
    rev
}

#[tokio::test]
async fn it_begins_with_what_there_is_in_the_order_of_the_revisions() {
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let b = writer.set("/f/b", "b", 0).await.unwrap();
    let a = writer.set("/f/a", "a", 0).await.unwrap();
    let gone = writer.set("/f/gone", "x", 0).await.unwrap();
    writer.del("/f/gone", gone).await.unwrap();
    let mut follow = reader.follow("/f/*", None);
    assert_eq!(follow.progress(), 0);
    assert_eq!(next(&mut follow).await, set("/f/b", "b", b));
    assert_eq!(follow.progress(), b);
    assert_eq!(next(&mut follow).await, set("/f/a", "a", a));
    nothing(&mut follow).await;
    assert!(follow.progress() > gone, "{}", follow.progress());
    let again = writer.set("/f/b", "bb", b).await.unwrap();
    writer.set("/g", "x", 0).await.unwrap();
    let deleted = writer.del("/f/a", a).await.unwrap();
    assert_eq!(next(&mut follow).await, set("/f/b", "bb", again));
    assert_eq!(next(&mut follow).await, del("/f/a", deleted.unwrap()));
}

#[tokio::test]
async fn from_a_revision_on_it_is_a_watch() {
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    writer.set("/f", "1", -1).await.unwrap();
    let second = writer.set("/f", "2", -1).await.unwrap();
    let mut follow = reader.follow("/f", Some(second));
    assert_eq!(next(&mut follow).await, set("/f", "2", second));
    // And from one that is yet to come.
    let mut ahead = reader.follow("/f", Some(second + 2));
    nothing(&mut ahead).await;
    writer.set("/f", "3", -1).await.unwrap();
    let fourth = writer.set("/f", "4", -1).await.unwrap();
    assert_eq!(next(&mut ahead).await, set("/f", "4", fourth));
}

#[tokio::test]
async fn what_the_history_has_passed_by_comes_as_the_difference() {
    let (node, _, writer) = forgetful().await;
    let (gate, reader) = Gate::to(node.address().unwrap(), impatient()).await;
    for path in ["/f/same", "/f/gone", "/f/new-again", "/f/changed"] {
        writer.set(path, "1", 0).await.unwrap();
    }
    let mut follow = reader.follow("/f/**", None);
    for _ in 0..4 {
        next(&mut follow).await;
    }
    gate.close();
    writer.del("/f/gone", -1).await.unwrap();
    writer.del("/f/new-again", -1).await.unwrap();
    let new = writer.set("/f/new", "n", 0).await.unwrap();
    let again = writer.set("/f/new-again", "a", 0).await.unwrap();
    let changed = writer.set("/f/changed", "2", -1).await.unwrap();
    let last = pass_by(&writer).await;
    gate.open();
    // Otherwise it was no test.
    let error = reader.watch("/f/**", new).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLate);
    for expected in [
        set("/f/new", "n", new),
        set("/f/new-again", "a", again),
        set("/f/changed", "2", changed),
        del("/f/gone", last),
    ] {
        assert_eq!(next(&mut follow).await, expected);
    }
    assert_eq!(follow.progress(), last);
    nothing(&mut follow).await;
    // And it goes on as ever, more than once.
    let rev = writer.set("/f/new", "nn", -1).await.unwrap();
    assert_eq!(next(&mut follow).await, set("/f/new", "nn", rev));
    gate.close();
    writer.del("/f/same", -1).await.unwrap();
    let last = pass_by(&writer).await;
    gate.open();
    assert_eq!(next(&mut follow).await, del("/f/same", last));
}

#[tokio::test]
async fn what_was_there_before_it_began_is_told_when_it_is_gone() {
    let (node, _, writer) = forgetful().await;
    let (gate, reader) = Gate::to(node.address().unwrap(), impatient()).await;
    let old = writer.set("/f/old", "o", 0).await.unwrap();
    let kept = writer.set("/f/kept", "k", 0).await.unwrap();
    let mut follow = reader.follow("/f/*", Some(kept + 1));
    nothing(&mut follow).await;
    gate.close();
    writer.del("/f/old", old).await.unwrap();
    let last = pass_by(&writer).await;
    gate.open();
    assert_eq!(next(&mut follow).await, del("/f/old", last));
    // One that begins too late for that has at least what was written since.
    let new = writer.set("/f/new", "n", 0).await.unwrap();
    pass_by(&writer).await;
    let mut late = reader.follow("/f/*", Some(kept + 1));
    assert_eq!(next(&mut late).await, set("/f/new", "n", new));
    nothing(&mut late).await;
}

#[tokio::test]
async fn bad_input() {
    let (_node, address) = member().await;
    let reader = client(address).await;
    for (glob, rev, kind) in [("f", None, ErrorKind::BadGlob), ("/f", Some(-1), ErrorKind::Range)] {
        let mut follow = reader.follow(glob, rev);
        let error = timeout(SOON, follow.next()).await.unwrap().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (kind, "follow", Some(glob)));
        assert!(follow.next().await.is_none());
    }
}

/// Whoever takes every change in has what there is, whatever is forgotten and cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taken_together_the_changes_are_what_there_is() {
    const CHANGES: usize = 1_500;
    let (node, writer, _) = forgetful().await;
    let relay = Arc::new(Relay::to(node.address().unwrap()).await);
    let reader = Client::over(relay.connector(), impatient()).await.unwrap();
    let cutter = Arc::clone(&relay);
    let writing = tokio::spawn(async move {
        for n in 0..CHANGES {
            let path = format!("/f/{}", n * 7919 % 13);
            if n % 3 == 0 {
                writer.del(&path, -1).await.unwrap();
            } else {
                writer.set(&path, n.to_string(), -1).await.unwrap();
            }
            if n % 100 == 0 {
                cutter.cut();
            }
        }
        let last = writer.set("/f/end", "", 0).await.unwrap();
        let files = writer.walk("/f/*", None).await.unwrap();
        (
            last,
            files
                .into_iter()
                .map(|file| (file.path, (file.rev, file.value.unwrap())))
                .collect::<BTreeMap<_, _>>(),
        )
    });
    let (mut follow, mut seen) = (reader.follow("/f/*", None), BTreeMap::new());
    let mut revs = Vec::new();
    // What is gone comes behind what was written at the same revision.
    let end = |seen: &BTreeMap<String, (i64, _)>| seen.get("/f/end").map_or(i64::MAX, |(rev, _)| *rev);
    while follow.progress() < end(&seen) {
        let event = next(&mut follow).await;
        revs.push(event.rev);
        match event.kind {
            Change::Set => drop(seen.insert(event.path, (event.rev, event.value))),
            Change::Del => assert!(seen.remove(&event.path).is_some(), "{} was not there", event.path),
        }
        if revs.len() % 50 == 0 {
            // A slow reader, whom the history passes by.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let (last, files) = writing.await.unwrap();
    assert!(revs.is_sorted() && revs.last() == Some(&last), "{revs:?}");
    assert_eq!(seen, files);
}
