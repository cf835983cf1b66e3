//! Files that go with a session, at a real member: lost before anybody else has them, and fenced off.

#![allow(clippy::unwrap_used, reason = "a test")]

mod member;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use doozer_client::{Client, ErrorKind, FailedPart, Options, Txn};
use member::{client, impatient, member};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Passes bytes on while it is not frozen.
struct Relay {
    address: SocketAddr,
    frozen: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Relay {
    async fn to(member: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (frozen, told) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let told = told.clone();
                links.spawn(async move {
                    let far = TcpStream::connect(member).await.unwrap();
                    let ((from_client, to_client), (from_member, to_member)) =
                        (near.into_split(), far.into_split());
                    tokio::select! {
                        () = pass(from_client, to_member, told.clone()) => {}
                        () = pass(from_member, to_client, told) => {}
                    }
                });
            }
        });
        Relay { address, frozen, _task: task }
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut told: watch::Receiver<bool>,
) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if told.wait_for(|frozen| !frozen).await.is_err() || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

fn brief() -> Options {
    Options {
        session_ttl: Duration::from_secs(2),
        session_label: Some("brief".to_owned()),
        timeout: Some(PATIENCE),
        ..impatient()
    }
}

async fn brief_client(address: SocketAddr) -> Client {
    Client::over(move || TcpStream::connect(address), brief()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_cut_off_knows_it_before_the_next_one_has_the_file() {
    let (_node, address) = member().await;
    let relay = Relay::to(address).await;
    let (cut, other) = (brief_client(relay.address).await, client(address).await);
    let held = Arc::new(cut.set_queued("/lock", "cut").await.unwrap());
    let next = tokio::spawn({
        let (other, held) = (other.clone(), Arc::clone(&held));
        async move {
            let next = other.set_queued("/lock", "other").await.unwrap();
            (next, held.is_valid())
        }
    });
    // Kept alive, it is held for many TTLs.
    assert!(timeout(Duration::from_secs(4), held.lost()).await.is_err());
    let explained = other.explain("/lock").await.unwrap();
    assert_eq!((explained.token, explained.queue.len()), (held.rev(), 1));
    let holder = explained.holder.unwrap();
    assert_eq!((Some(holder.id), &holder.label[..]), (cut.session_id(), "brief"));

    relay.frozen.send_replace(true);
    timeout(PATIENCE, held.lost()).await.unwrap();
    assert!(!held.is_valid());
    let (next, was_valid) = timeout(PATIENCE, next).await.unwrap().unwrap();
    assert!(!was_valid, "two held it at a time");
    assert!(next.rev() > held.rev() && next.is_valid());

    // Back again, it can do no harm: its fence does not hold any more.
    relay.frozen.send_replace(false);
    let fenced = Txn::new().if_fence("/lock", held.rev()).set("/protected", "by the old holder", -1);
    let error = cut.txn(fenced).await.unwrap_err();
    assert_eq!((error.kind(), error.failed_part()), (ErrorKind::CompareFailed, Some(FailedPart::Compare(1))));
    let fenced = Txn::new().if_fence("/lock", next.rev()).set("/protected", "by the new holder", -1);
    other.txn(fenced).await.unwrap();
    assert!(!held.is_valid(), "another session does not bring it back");
}

#[tokio::test]
async fn files_go_when_their_client_is_closed() {
    let (_node, address) = member().await;
    let (mine, other) = (client(address).await, client(address).await);
    let bound = mine.set_ephemeral("/here", "x", 0).await.unwrap();
    let id = mine.session_id().unwrap();
    let details = other.session(id).await.unwrap();
    assert_eq!((details.files.len(), &details.files[0].path[..]), (1, "/here"));
    assert_eq!((details.files[0].rev, details.files[0].token), (bound.rev(), bound.rev()));
    assert!(other.sessions().await.unwrap().iter().any(|session| session.id == id));
    // Written by others without a session, it stays.
    mine.set_ephemeral("/taken", "x", 0).await.unwrap();
    other.set("/taken", "y", -1).await.unwrap();
    mine.close().await;
    assert_eq!(other.get("/here").await.unwrap().rev, 0);
    assert_eq!(other.get("/taken").await.unwrap().value.as_deref(), Some(&b"y"[..]));
    let gone = other.session(id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::SessionExpired);
}

#[tokio::test]
async fn a_session_that_an_operator_ends_is_lost_at_once_and_writes_go_on() {
    let (_node, address) = member().await;
    let (mine, operator) = (brief_client(address).await, client(address).await);
    let bound = mine.set_ephemeral("/here", "x", 0).await.unwrap();
    let id = mine.session_id().unwrap();
    operator.end_session(id).await.unwrap();
    assert_eq!(operator.get("/here").await.unwrap().rev, 0);
    timeout(PATIENCE, bound.lost()).await.unwrap();
    let again = mine.set_ephemeral("/here", "x", 0).await.unwrap();
    assert!(again.is_valid() && again.rev() > bound.rev());
    assert_ne!(mine.session_id(), Some(id));
    assert_eq!(operator.end_session(id).await.unwrap_err().kind(), ErrorKind::SessionExpired);
}

#[tokio::test]
async fn who_is_dropped_while_waiting_leaves_no_place() {
    let (_node, address) = member().await;
    let (mine, other) = (client(address).await, client(address).await);
    let held = other.set_queued("/lock", "held").await.unwrap();
    for _ in 0..20 {
        let waiting = tokio::spawn({
            let mine = mine.clone();
            async move { mine.set_queued("/lock", "waits").await }
        });
        let waits = async {
            while other.explain("/lock").await.unwrap().queue.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, waits).await.unwrap();
        waiting.abort();
        let left = async {
            while !other.explain("/lock").await.unwrap().queue.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, left).await.unwrap();
    }
    other.del("/lock", held.rev()).await.unwrap();
    assert_eq!(other.get("/lock").await.unwrap().rev, 0);
}
