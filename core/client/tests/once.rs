//! Exactly once: the connection is cut after the member has taken a write in and before its answer has come, at every
//! byte of what the two say to each other. There is one write, and one answer.

#![allow(clippy::unwrap_used, reason = "a test")]

mod member;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use doozer_client::{Client, ErrorKind, Options, Txn};
use member::{client, impatient, member};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Writes under way at a time.
const PIPELINE: usize = 50;

/// Without end.
const ALL: usize = usize::MAX;

/// Passes bytes on, so many in one of the two directions, and then cuts the connection.
struct Scissors {
    address: std::net::SocketAddr,
    /// Bytes that may still pass: towards the member, and towards the client.
    left: Arc<[AtomicUsize; 2]>,
    /// Connections that were cut.
    cuts: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Towards {
    Member = 0,
    Client = 1,
}

impl Scissors {
    async fn to(member: std::net::SocketAddr) -> Scissors {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let left: Arc<[AtomicUsize; 2]> = Arc::new([AtomicUsize::new(ALL), AtomicUsize::new(ALL)]);
        let cuts = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        let shared = (Arc::clone(&left), Arc::clone(&cuts));
        task.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let (left, cuts) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
                links.spawn(async move {
                    let far = TcpStream::connect(member).await.unwrap();
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    let ((from_client, to_client), (from_member, to_member)) =
                        (near.into_split(), far.into_split());
                    let cut = Notify::new();
                    let up = pass(from_client, to_member, &left[Towards::Member as usize], &cut);
                    let down = pass(from_member, to_client, &left[Towards::Client as usize], &cut);
                    tokio::select! {
                        _ = async { tokio::join!(up, down) } => {}
                        () = cut.notified() => {
                            // The next connection passes everything.
                            left.iter().for_each(|left| left.store(ALL, Ordering::SeqCst));
                            cuts.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        Scissors { address, left, cuts, _task: task }
    }

    /// Cuts the connection once so many more bytes have passed in this direction.
    fn cut_after(&self, bytes: usize, towards: Towards) {
        self.left[towards as usize].store(bytes, Ordering::SeqCst);
    }

    fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }

    /// How many bytes have passed in this direction since it was told to cut after `bytes`.
    fn passed(&self, bytes: usize, towards: Towards) -> usize {
        bytes - self.left[towards as usize].load(Ordering::SeqCst)
    }

    async fn client(&self) -> Client {
        let address = self.address;
        // No keep-alive comes between the bytes that are counted.
        let session_ttl = Duration::from_secs(3600);
        let options = Options { timeout: Some(Duration::from_secs(30)), session_ttl, ..impatient() };
        Client::over(move || TcpStream::connect(address), options).await.unwrap()
    }
}

/// Passes bytes on while there are any left to pass; then has the connection cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, left: &AtomicUsize, cut: &Notify) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let allowed = left.load(Ordering::SeqCst);
        let passed = read.min(allowed);
        if to.write_all(&bytes[..passed]).await.is_err() {
            return;
        }
        if allowed != ALL {
            left.store(allowed - passed, Ordering::SeqCst);
        }
        if passed < read {
            return cut.notify_one();
        }
    }
}

struct Bench {
    scissors: Scissors,
    cut: Client,
    direct: Client,
    _node: doozer_node::Node,
}

async fn bench() -> Bench {
    let (node, address) = member().await;
    let scissors = Scissors::to(address).await;
    let (cut, direct) = (scissors.client().await, client(address).await);
    // The session is open from here on.
    cut.set("/warm", "x", -1).await.unwrap();
    Bench { scissors, cut, direct, _node: node }
}

impl Bench {
    /// Does something once uncut, to see how many bytes that takes, and then once for every byte at which it can be cut.
    async fn at_every_byte<T>(&self, mut work: impl AsyncFnMut(usize) -> T) {
        for towards in [Towards::Client, Towards::Member] {
            const MANY: usize = 1 << 40;
            self.scissors.cut_after(MANY, towards);
            work(0).await;
            let bytes = self.scissors.passed(MANY, towards);
            assert!(bytes > 10, "{bytes} bytes towards the {towards:?}");
            for byte in 0..bytes {
                let cuts = self.scissors.cuts();
                self.scissors.cut_after(byte, towards);
                work(byte).await;
                assert_eq!(
                    self.scissors.cuts(),
                    cuts + 1,
                    "at byte {byte} of {bytes} towards the {towards:?}"
                );
            }
        }
    }

    async fn revision(&self) -> i64 {
        self.direct.rev().await.unwrap()
    }
}

#[tokio::test]
async fn a_set_of_a_new_file() {
    let bench = bench().await;
    let mut number = 0;
    bench
        .at_every_byte(async |byte| {
            number += 1;
            let path = format!("/new/{number:04}");
            let before = bench.revision().await;
            assert_eq!(bench.cut.set(&path, "x", 0).await, Ok(before + 1), "cut at {byte}");
            assert_eq!(bench.direct.get(&path).await.unwrap().rev, before + 1);
            assert_eq!(bench.revision().await, before + 1);
        })
        .await;
}

#[tokio::test]
async fn a_refusal_and_a_del() {
    let bench = bench().await;
    let file = "/some/file0";
    bench
        .at_every_byte(async |byte| {
            let rev = bench.direct.set(file, "x", -1).await.unwrap();
            assert_eq!(bench.cut.del(file, rev).await, Ok(Some(rev + 1)), "cut at {byte}");
            assert_eq!(bench.revision().await, rev + 1);
        })
        .await;
    bench
        .at_every_byte(async |byte| {
            let rev = bench.direct.set(file, "x", -1).await.unwrap();
            let refused = bench.cut.add(file, "y").await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::RevMismatch, "cut at {byte}");
            assert_eq!(bench.revision().await, rev);
        })
        .await;
}

#[tokio::test]
async fn a_transaction() {
    let bench = bench().await;
    bench
        .at_every_byte(async |byte| {
            let rev = bench.direct.set("/count", "x", -1).await.unwrap();
            let txn =
                Txn::new().if_rev("/count", rev).set("/count", "y", -1).del("/none", -1).set("/b", "", -1);
            let made = bench.cut.txn(txn).await;
            assert_eq!(made, Ok(vec![Some(rev + 1), None, Some(rev + 2)]), "cut at {byte}");
            assert_eq!(bench.revision().await, rev + 2);
        })
        .await;
}

/// The cuts are eleven bytes apart, which falls on every place of a frame: each turn is fifty writes.
#[tokio::test]
async fn many_at_once_keep_their_order() {
    let bench = bench().await;
    let mut turn = 0;
    for towards in [Towards::Client, Towards::Member] {
        for byte in (0..4000).step_by(11) {
            turn += 1;
            let cuts = bench.scissors.cuts();
            let before = bench.revision().await;
            bench.scissors.cut_after(byte, towards);
            let mut writes = JoinSet::new();
            for number in 0..PIPELINE {
                let (cut, path) = (bench.cut.clone(), format!("/many/{turn}/{number}"));
                writes.spawn(async move { (number, cut.add(&path, Bytes::from_static(b"x")).await) });
            }
            let mut revs = writes.join_all().await;
            revs.sort_unstable_by_key(|(number, _)| *number);
            for (number, rev) in revs {
                assert_eq!(
                    rev,
                    Ok(before + 1 + number as i64),
                    "write {number}, cut at {byte} towards {towards:?}"
                );
            }
            assert_eq!(bench.revision().await, before + PIPELINE as i64);
            bench.scissors.cut_after(ALL, towards);
            if bench.scissors.cuts() == cuts {
                assert!(byte > 500, "{byte} bytes were not all there was towards the {towards:?}");
                break;
            }
        }
    }
}

/// What waits in a queue is found again after the cut, and is granted once.
#[tokio::test]
async fn a_place_in_a_queue() {
    let bench = bench().await;
    let path = "/locks/one";
    bench
        .at_every_byte(async |byte| {
            let held = bench.direct.set_queued(path, "direct").await.unwrap();
            let (waited, freed) = tokio::join!(bench.cut.set_queued(path, "cut"), async {
                // Once it waits, or the connection was cut before that could be seen.
                while bench.direct.explain(path).await.unwrap().queue.is_empty() {
                    tokio::task::yield_now().await;
                }
                bench.direct.del(path, held.rev()).await
            });
            let (waited, freed) = (waited.unwrap(), freed.unwrap().unwrap());
            assert_eq!(waited.rev(), freed + 1, "cut at {byte}");
            assert_eq!(bench.direct.get(path).await.unwrap().value.as_deref(), Some(&b"cut"[..]));
            let token = waited.rev();
            assert_eq!(bench.direct.del(path, token).await, Ok(Some(token + 1)));
            assert!(bench.direct.explain(path).await.unwrap().queue.is_empty());
        })
        .await;
}
