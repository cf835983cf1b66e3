//! A file as a live value, against real members: every change in order, or at least the latest.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use doozer_client::{CallOptions, Client, Config, Consistency, ErrorKind, File, Options, Secret};
use doozer_node::{History, Secrets};
use futures_core::Stream;
use member::{Relay, client, config, impatient, member, start};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
/// Long enough for what must not come, if it came.
const A_WHILE: Duration = Duration::from_millis(150);
const PATH: &str = "/myapp.conf";

/// The next value, or the test fails.
async fn next(config: &mut Config) -> File {
    timeout(SOON, config.next()).await.expect("no value came").expect("it is over").unwrap()
}

async fn ends_with(config: &mut Config, kind: ErrorKind, path: &str) {
    let error = timeout(SOON, config.next()).await.expect("no error came").unwrap().unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (kind, "config", Some(path)), "{error}");
    assert!(timeout(SOON, config.next()).await.unwrap().is_none(), "something came after {error}");
}

fn file(value: impl Into<bytes::Bytes>, rev: i64) -> File {
    File { value: Some(value.into()), rev }
}

/// Writes the file once for each number, and gives each revision.
async fn writes(client: &Client, numbers: std::ops::Range<u32>) -> Vec<i64> {
    let mut revs = Vec::new();
    for number in numbers {
        revs.push(client.set(PATH, number.to_string(), -1).await.unwrap());
    }
    revs
}

#[tokio::test]
async fn each_change_in_order() {
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let mut config = reader.config(PATH);
    assert_eq!(config.path(), PATH);
    assert_eq!(next(&mut config).await, File::default());

    // They are all there before the first of them is asked for.
    let first = writer.set(PATH, "one", 0).await.unwrap();
    writer.set("/other", "x", 0).await.unwrap();
    let second = writer.set(PATH, "two", first).await.unwrap();
    let same = writer.set(PATH, "two", second).await.unwrap();
    writer.del(PATH, same).await.unwrap();
    let empty = writer.set(PATH, "", 0).await.unwrap();
    let expected =
        [file("one", first), file("two", second), file("two", same), File::default(), file("", empty)];
    for expected in expected {
        assert_eq!(next(&mut config).await, expected);
    }
    // What happens beside it and below other paths is not its business.
    writer.set("/myapp.conf2", "x", 0).await.unwrap();
    writer.set("/a/myapp.conf", "x", 0).await.unwrap();
    assert!(timeout(A_WHILE, config.next()).await.is_err());
    writer.del(PATH, empty).await.unwrap();
    assert_eq!(next(&mut config).await, File::default());
}

#[tokio::test]
async fn the_first_value_is_the_file_as_it_is_when_it_is_asked_for() {
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    writer.set(PATH, "before", 0).await.unwrap();
    let local = CallOptions { consistency: Consistency::Local, ..CallOptions::default() };
    let mut config = reader.with(local).config(PATH);
    let rev = writer.set(PATH, "now", -1).await.unwrap();
    assert_eq!(next(&mut config).await, file("now", rev));
    assert!(timeout(A_WHILE, config.next()).await.is_err());
}

#[tokio::test]
async fn a_pending_one_is_woken() {
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let mut config = reader.config(PATH);
    next(&mut config).await;
    for turn in 0..20 {
        let mut waiting = pin!(next(&mut config));
        assert!(polled_once(waiting.as_mut()).await.is_none());
        let rev = writer.set(PATH, turn.to_string(), -1).await.unwrap();
        assert_eq!(waiting.await, file(turn.to_string(), rev));
    }
}

/// Polls once.
async fn polled_once<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_takes_nothing_away() {
    const CHANGES: u32 = 300;
    let (_node, address) = member().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let mut config = reader.config(PATH);
    let writing = tokio::spawn(async move { writes(&writer, 0..CHANGES).await });
    let (mut seen, mut dropped) = (Vec::new(), 0);
    let reading = async {
        while seen.last() != Some(&(CHANGES - 1)) {
            // Each call is polled once only, and a few of them not at all.
            let polled = polled_once(pin!(config.next())).await;
            match polled {
                Some(file) => {
                    if let Some(value) = file.unwrap().unwrap().value {
                        seen.push(std::str::from_utf8(&value).unwrap().parse::<u32>().unwrap());
                    }
                }
                None => {
                    dropped += 1;
                    drop(config.next());
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    timeout(SOON, reading).await.expect("the latest value never came");
    assert_eq!(seen, (seen[0]..CHANGES).collect::<Vec<_>>());
    assert_eq!(writing.await.unwrap().len(), CHANGES as usize);
    assert!(dropped > 20, "{dropped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_neither_lose_nor_repeat_a_change() {
    const CUTS: u32 = 40;
    let (_node, address) = member().await;
    let relay = Relay::to(address).await;
    let reader = Client::over(relay.connector(), impatient()).await.unwrap();
    let writer = client(address).await;
    let mut config = reader.config(PATH);
    assert_eq!(next(&mut config).await, File::default());
    for cut in 0..CUTS {
        // It comes while some changes are on their way, and others not yet made.
        let written = tokio::spawn({
            let writer = writer.clone();
            async move { writes(&writer, 10 * cut..10 * cut + 10).await }
        });
        let mut seen = Vec::new();
        for number in 10 * cut..10 * cut + 10 {
            let File { value, rev } = next(&mut config).await;
            assert_eq!(value.unwrap(), number.to_string());
            seen.push(rev);
            if number % 10 == cut % 10 {
                relay.cut();
            }
        }
        assert_eq!(seen, written.await.unwrap());
    }
    // The first, and at least one for every other cut: a cut may come while there is no connection.
    let connections = relay.connections.load(Ordering::SeqCst);
    assert!(connections > CUTS as usize / 2, "only {connections} connections: it was no test");
}

/// A member that forgets everything but the last few revisions.
async fn forgetful() -> (doozer_node::Node, std::net::SocketAddr) {
    start(doozer_node::Config {
        history: History { revisions_max: 4, ..History::default() },
        ..self::config()
    })
    .await
}

#[tokio::test]
async fn a_slow_reader_goes_on_with_the_latest() {
    let (_node, address) = forgetful().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let mut config = reader.config(PATH);
    let first = writer.set(PATH, "first", 0).await.unwrap();
    assert_eq!(next(&mut config).await, file("first", first));

    let rev = *writes(&writer, 0..30).await.last().unwrap();
    // Otherwise it was no test.
    let error = reader.watch(PATH, first + 1).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLate);
    assert_eq!(next(&mut config).await, file("29", rev));
    let rev = writer.set(PATH, "next", rev).await.unwrap();
    assert_eq!(next(&mut config).await, file("next", rev));
}

#[tokio::test]
async fn a_slow_reader_is_not_told_the_same_again() {
    let (_node, address) = forgetful().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let rev = writer.set(PATH, "one", 0).await.unwrap();
    let mut present = reader.config(PATH);
    let mut absent = reader.config("/absent.conf");
    assert_eq!(next(&mut present).await, file("one", rev));
    assert_eq!(next(&mut absent).await, File::default());

    // The history passes by, and these files have not changed.
    for _ in 0..30 {
        writer.set("/other", "x", -1).await.unwrap();
    }
    assert!(timeout(A_WHILE, present.next()).await.is_err());
    assert!(timeout(A_WHILE, absent.next()).await.is_err());
    writer.del(PATH, rev).await.unwrap();
    let rev = writer.set("/absent.conf", "two", 0).await.unwrap();
    assert_eq!(next(&mut present).await, File::default());
    assert_eq!(next(&mut absent).await, file("two", rev));
}

#[tokio::test]
async fn a_slow_reader_learns_of_a_deletion() {
    let (_node, address) = forgetful().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let rev = writer.set(PATH, "one", 0).await.unwrap();
    let mut config = reader.config(PATH);
    assert_eq!(next(&mut config).await.rev, rev);
    writer.del(PATH, rev).await.unwrap();
    for _ in 0..30 {
        writer.set("/other", "x", -1).await.unwrap();
    }
    assert_eq!(next(&mut config).await, File::default());
    // A new file that was gone again, too, is no news.
    let rev = writer.set(PATH, "two", 0).await.unwrap();
    assert_eq!(next(&mut config).await.rev, rev);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_comes_whatever_is_forgotten_and_cut() {
    const CHANGES: u32 = 600;
    let (_node, address) = forgetful().await;
    let relay = Relay::to(address).await;
    let reader = Client::over(relay.connector(), impatient()).await.unwrap();
    let writer = client(address).await;
    let mut config = reader.config(PATH);
    next(&mut config).await;
    let writing = tokio::spawn(async move { writes(&writer, 0..CHANGES).await });
    let (mut last, mut count) = (0, 0);
    loop {
        let File { value, rev } = next(&mut config).await;
        assert!(rev > last, "revision {rev} after {last}");
        (last, count) = (rev, count + 1);
        if value.unwrap() == (CHANGES - 1).to_string() {
            break;
        }
        if count % 10 == 0 {
            relay.cut();
        }
    }
    assert_eq!(writing.await.unwrap().last(), Some(&last));
}

#[tokio::test]
async fn no_time_limit_after_the_first() {
    let (_node, address) = member().await;
    let options = Options { timeout: Some(Duration::from_millis(50)), ..impatient() };
    let reader = Client::open(&address.to_string(), options).await.unwrap();
    let mut config = reader.config(PATH);
    next(&mut config).await;
    assert!(timeout(3 * A_WHILE, config.next()).await.is_err());
    let rev = client(address).await.set(PATH, "late", 0).await.unwrap();
    assert_eq!(next(&mut config).await, file("late", rev));
}

#[tokio::test]
async fn what_cannot_be_followed() {
    let secrets = Secrets::new(Some("rw".into()), Some("ro".into()));
    let (_node, address) = start(doozer_node::Config { secrets, ..config() }).await;
    let with =
        |secret: &str| Options { secret: Some(Secret::from(secret.as_bytes().to_vec())), ..impatient() };
    let writer = Client::open(&address.to_string(), with("rw")).await.unwrap();
    writer.set("/dir/file", "x", 0).await.unwrap();
    let cases = [
        ("myapp.conf", ErrorKind::BadPath),
        ("", ErrorKind::BadPath),
        ("/*.conf", ErrorKind::BadPath),
        ("/a\0b", ErrorKind::BadPath),
        ("/", ErrorKind::IsDir),
        ("/dir", ErrorKind::IsDir),
    ];
    for (path, kind) in cases {
        ends_with(&mut writer.config(path), kind, path).await;
    }
    // Nothing is there, as nothing can be below a file; that is no error, as in a GET.
    assert_eq!(next(&mut writer.config("/dir/file/x")).await, File::default());

    // Whoever may read may follow.
    let reader = Client::open(&address.to_string(), with("ro")).await.unwrap();
    let mut config = reader.config("/dir/file");
    assert_eq!(next(&mut config).await.value.unwrap(), "x");
    let stranger = Client::open(&address.to_string(), impatient()).await.unwrap();
    ends_with(&mut stranger.config("/dir/file"), ErrorKind::PermissionDenied, "/dir/file").await;
}

#[tokio::test]
async fn a_directory_in_its_place_is_seen_when_it_is_read_again() {
    let (_node, address) = forgetful().await;
    let (reader, writer) = (client(address).await, client(address).await);
    let rev = writer.set(PATH, "one", 0).await.unwrap();
    let mut config = reader.config(PATH);
    assert_eq!(next(&mut config).await.rev, rev);
    writer.del(PATH, rev).await.unwrap();
    for _ in 0..30 {
        writer.set("/myapp.conf/part", "x", -1).await.unwrap();
    }
    ends_with(&mut config, ErrorKind::IsDir, PATH).await;
}

#[tokio::test]
async fn a_client_that_closes_ends_it() {
    let (_node, address) = member().await;
    let reader = client(address).await;
    let (mut waiting, mut fresh) = (reader.config(PATH), reader.config(PATH));
    next(&mut waiting).await;
    let mut over = pin!(ends_with(&mut waiting, ErrorKind::Closed, PATH));
    assert!(polled_once(over.as_mut()).await.is_none());
    reader.close().await;
    over.await;
    ends_with(&mut fresh, ErrorKind::Closed, PATH).await;
}

#[tokio::test]
async fn it_keeps_its_client_open() {
    let (_node, address) = member().await;
    let reader = client(address).await;
    let mut config = reader.config(PATH);
    drop(reader);
    next(&mut config).await;
    let rev = client(address).await.set(PATH, "x", 0).await.unwrap();
    assert_eq!(next(&mut config).await.rev, rev);
}

#[tokio::test]
async fn it_is_a_stream() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let rev = client.set(PATH, "x", 0).await.unwrap();
    let mut stream: Pin<Box<dyn Stream<Item = Result<File, doozer_client::Error>> + Send>> =
        Box::pin(client.config(PATH));
    let first = timeout(SOON, std::future::poll_fn(|cx| stream.as_mut().poll_next(cx))).await.unwrap();
    assert_eq!(first.unwrap().unwrap(), file("x", rev));
}
