//! Live values, against real members that forget: a map of what is there, and a file as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::collections::BTreeMap;
use std::time::Duration;

use doozer_client::{Client, ErrorKind, File, Live};
use doozer_node::History;
use member::{Gate, client, config, impatient, member, start};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

/// Waits until the map is what there is.
async fn catches_up(live: &mut Live, client: &Client) {
    let there = client.walk("/services/*", None).await.unwrap();
    let file = |entry: doozer_client::Entry| (entry.path, File { value: entry.value, rev: entry.rev });
    let there: BTreeMap<String, File> = there.into_iter().map(file).collect();
    let catching_up = async {
        while *live.files() != there {
            live.changed().await.unwrap();
        }
    };
    timeout(SOON, catching_up).await.unwrap_or_else(|_| panic!("{:?} instead of {there:?}", live.files()));
}

#[tokio::test]
async fn a_map_is_kept_current_in_the_background() {
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    // That nothing is there is known at once.
    let mut live = timeout(SOON, reader.discover("/services/*")).await.unwrap().unwrap();
    assert!(live.files().is_empty());
    assert!(timeout(Duration::from_millis(50), live.changed()).await.is_err());
    let one = writer.register("/services/1", "one").await.unwrap();
    let two = writer.register("/services/2", "two").await.unwrap();
    writer.set("/elsewhere", "", -1).await.unwrap();
    catches_up(&mut live, &writer).await;
    let before = live.files();
    assert_eq!(before.len(), 2);
    assert_eq!(before["/services/1"], File { value: Some("one".into()), rev: one.rev().unwrap() });
    one.deregister().await.unwrap();
    catches_up(&mut live, &writer).await;
    assert_eq!((live.files().len(), before.len()), (1, 2));
    // Nobody has to ask: it is read again after a while without a call in between.
    drop(two);
    let empty = async {
        while !live.files().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, empty).await.unwrap();
    reader.close().await;
    let over = async {
        loop {
            if let Err(error) = live.changed().await {
                return error;
            }
        }
    };
    let error = timeout(SOON, over).await.unwrap();
    assert_eq!((error.kind(), error.op()), (ErrorKind::Closed, "discover"));
    assert_eq!(reader.discover("/services/[").await.unwrap_err().kind(), ErrorKind::BadGlob);
}

#[tokio::test]
async fn what_the_history_has_passed_by_is_in_the_map_all_the_same() {
    let history = History { revisions_max: 4, ..History::default() };
    let (_node, address) = start(doozer_node::Config { history, ..config() }).await;
    let writer = client(address).await;
    let (gate, reader) = Gate::to(address, impatient()).await;
    for name in 0..10 {
        writer.set(&format!("/services/{name}"), "first", 0).await.unwrap();
    }
    let mut live = reader.discover("/services/*").await.unwrap();
    assert_eq!(live.files().len(), 10);
    for round in 0..5 {
        gate.close();
        for name in 0..10 {
            let path = format!("/services/{name}");
            match (name + round) % 3 {
                0 => drop(writer.del(&path, -1).await.unwrap()),
                1 => drop(writer.set(&path, format!("in round {round}"), -1).await.unwrap()),
                _ => {}
            }
        }
        gate.open();
        catches_up(&mut live, &writer).await;
    }
}

#[tokio::test]
async fn a_file_is_rolled_back_to_what_it_was() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let begun = client.rev().await.unwrap();
    let first = client.set("/conf", "first", 0).await.unwrap();
    let second = client.set("/conf", "second", first).await.unwrap();
    let other = client.set("/other", "", 0).await.unwrap();

    let rolled = client.rollback("/conf", first).await.unwrap();
    let file = client.get("/conf").await.unwrap();
    assert_eq!((file.value.unwrap(), file.rev), ("first".into(), rolled));
    assert!(rolled > other);
    // Any revision names what the file was then.
    let rolled = client.rollback("/conf", other).await.unwrap();
    assert_eq!(client.get("/conf").await.unwrap().value.unwrap(), "second");
    // What it still is, is not written again.
    assert_eq!(client.rollback("/conf", rolled).await, Ok(rolled));
    assert_eq!(client.rev().await.unwrap(), rolled);
    // One that is gone comes back.
    client.del("/conf", rolled).await.unwrap();
    let rolled = client.rollback("/conf", second).await.unwrap();
    assert_eq!(client.get("/conf").await.unwrap().value.unwrap(), "second");

    let refused = [
        ("/conf", begun, ErrorKind::NoEntry),
        ("/conf", -1, ErrorKind::Range),
        ("/conf", rolled + 1000, ErrorKind::Range),
        ("conf", first, ErrorKind::BadPath),
        ("/ctl", rolled, ErrorKind::IsDir),
    ];
    for (path, rev, kind) in refused {
        let error = client.rollback(path, rev).await.unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (kind, "rollback", Some(path)), "{error}");
    }
    assert_eq!(client.rev().await.unwrap(), rolled);
}

#[tokio::test]
async fn a_revision_that_is_not_kept_any_more_cannot_be_rolled_back_to() {
    let history = History { revisions_max: 4, ..History::default() };
    let (_node, address) = start(doozer_node::Config { history, ..config() }).await;
    let client = client(address).await;
    let first = client.set("/conf", "first", 0).await.unwrap();
    for _ in 0..20 {
        client.set("/conf", "later", -1).await.unwrap();
    }
    assert_eq!(client.rollback("/conf", first).await.unwrap_err().kind(), ErrorKind::TooLate);
}
