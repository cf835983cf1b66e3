//! The handles, against a real member: streams that lose nothing, completions, closing, and what is let go of.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use doozer_bridge::{
    CallOptions, CancelToken, Client, Completions, Error, ErrorKind, Feed, ListOptions, Next, Node,
    NodeConfig, Op, Options, Timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);
const SOON: CallOptions =
    CallOptions { timeout: Timeout::After(PATIENCE), consistency: doozer_bridge::Consistency::Linearizable };

fn member() -> (Node, Client) {
    let config = NodeConfig { listen: Some("127.0.0.1:0".to_owned()), ..NodeConfig::default() };
    let node = Node::start(config).block().unwrap();
    let client = Client::connect(Some(&node.address().unwrap().to_string()), Options::default());
    (node, client.block().unwrap())
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn write(client: &Client, path: &str, value: &str) -> i64 {
    client.set(path, value.to_owned().into(), -1, SOON).block().unwrap()
}

/// Waits until the member has a wait or a watch of its clients'. It has no other event to wait for.
fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came to be");
        thread::yield_now();
    }
}

fn next<T: Send + 'static>(feed: &Feed<T>) -> Option<T> {
    feed.next_with(|ready| {
        let mut ready = ready;
        ready.poll_for(Some(PATIENCE)).expect("nothing came")
    })
    .unwrap()
}

#[test]
fn a_wait_for_an_event_that_is_given_up_takes_nothing_away() {
    const EVENTS: i64 = 2_000;
    let (node, client) = member();
    let first = write(&client, "/n", "0");
    let events = client.watch("/n", first + 1).unwrap();
    let writer = thread::spawn({
        let client = client.clone();
        move || {
            (1..=EVENTS).for_each(|number| {
                write(&client, "/n", &number.to_string());
            })
        }
    });
    let (mut seen, mut given_up) = (0, 0);
    while seen < EVENTS {
        match events.take().unwrap() {
            Next::Item(event) => {
                seen += 1;
                assert_eq!((event.rev, event.value), (first + seen, seen.to_string().into()));
            }
            Next::End => panic!("it ended after {seen} events"),
            // So short that most are given up, the moment in which an event comes among them.
            Next::NotYet => match events.ready().poll_for(Some(Duration::from_micros(20))) {
                Some(result) => result.unwrap(),
                None => given_up += 1,
            },
        }
    }
    assert!(given_up > 0, "nothing was given up");
    assert!(matches!(events.take().unwrap(), Next::NotYet));
    writer.join().unwrap();
    node.stop().block().unwrap();
}

#[test]
fn closing_a_stream_wakes_who_waits_for_it() {
    let (node, client) = member();
    let events = client.watch("/nothing", 1).unwrap();
    let (began, begun) = mpsc::channel();
    let waiting = thread::spawn({
        let events = events.clone();
        move || {
            let mut ready = events.ready();
            assert!(ready.poll_for(Some(Duration::from_millis(1))).is_none());
            began.send(()).unwrap();
            let woken = ready.poll_for(Some(PATIENCE)).expect("it is woken");
            (woken, events.take())
        }
    });
    begun.recv().unwrap();
    events.close();
    let (woken, taken) = waiting.join().unwrap();
    woken.unwrap();
    assert!(matches!(taken, Ok(Next::End)));
    assert!(events.is_closed());
    assert_eq!(next(&events).map(|event| event.rev), None);
    node.stop().block().unwrap();
}

#[test]
fn a_list_ends_and_a_bad_glob_is_its_only_item() {
    let (node, client) = member();
    for name in ["a", "b", "c"] {
        write(&client, &format!("/l/{name}"), name);
    }
    let entries = client.list("/l/*", None, ListOptions::default(), SOON).unwrap();
    let paths: Vec<String> = std::iter::from_fn(|| next(&entries)).map(|entry| entry.path).collect();
    assert_eq!(paths, ["/l/a", "/l/b", "/l/c"]);
    let wrong = client.list("/l/", None, ListOptions::default(), SOON).unwrap();
    wrong.ready().block().unwrap();
    assert_eq!(kind(wrong.take()), ErrorKind::BadGlob);
    assert!(matches!(wrong.take(), Ok(Next::End)));
    node.stop().block().unwrap();
}

fn is_readable(fd: i32, patience: Duration) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which is open.
    let found = unsafe { libc::poll(&raw mut poll, 1, i32::try_from(patience.as_millis()).unwrap()) };
    assert!(found >= 0);
    found == 1
}

#[test]
fn calls_that_are_spawned_are_sent_in_their_order() {
    const CALLS: u64 = 500;
    let (node, client) = member();
    let done: Completions<i64> = Completions::new().unwrap();
    for number in 1..=CALLS {
        done.submit(client.set("/n", number.to_string().into(), -1, SOON), number);
    }
    let mut revisions = Vec::new();
    while revisions.len() < CALLS as usize {
        assert!(is_readable(done.fd(), PATIENCE));
        revisions.extend(done.take().into_iter().map(|(number, result)| (number, result.unwrap())));
    }
    revisions.sort_unstable();
    assert!(revisions.is_sorted_by_key(|(_, rev)| *rev), "{revisions:?}");
    let last = client.get("/n", None, SOON).block().unwrap();
    assert_eq!(last.value.unwrap(), CALLS.to_string());
    node.stop().block().unwrap();
}

#[test]
fn completions_are_taken_when_the_descriptor_is_readable() {
    let (node, client) = member();
    let done: Completions<i64> = Completions::new().unwrap();
    assert!(!is_readable(done.fd(), Duration::ZERO));
    let rev = client.rev(SOON).block().unwrap();
    let waiting = client.wait("/w", rev + 1, SOON).map(|event| event.rev);
    let waiting = done.submit(waiting, 1);
    done.submit(client.rev(SOON), 2);
    assert!(is_readable(done.fd(), PATIENCE));
    let taken = done.take();
    assert_eq!(taken.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [2]);
    assert!(!is_readable(done.fd(), Duration::ZERO));
    assert!(done.take().is_empty());
    waiting.cancel();
    assert!(is_readable(done.fd(), PATIENCE));
    let (name, result) = done.take().pop().unwrap();
    assert_eq!((name, kind(result)), (1, ErrorKind::Cancelled));
    // What is there at once is left there at once.
    let closed = client.close();
    closed.block().unwrap();
    done.submit(client.rev(SOON), 3);
    assert!(is_readable(done.fd(), Duration::ZERO));
    node.stop().block().unwrap();
}

#[test]
fn a_closed_client_is_closed_for_all() {
    let (node, client) = member();
    let other = client.clone();
    let (began, begun) = mpsc::channel();
    let waiting = thread::spawn({
        let client = client.clone();
        move || {
            let mut wait = client.wait("/w", 1, SOON);
            assert!(wait.poll_for(Some(Duration::from_millis(1))).is_none());
            began.send(()).unwrap();
            wait.poll_for(Some(PATIENCE)).expect("it ends")
        }
    });
    begun.recv().unwrap();
    client.close().block().unwrap();
    assert_eq!(kind(waiting.join().unwrap()), ErrorKind::Closed);
    client.close().block().unwrap();
    assert!(other.is_closed());
    assert_eq!(kind(other.get("/a", None, SOON).block()), ErrorKind::Closed);
    assert_eq!(kind(other.set("/a", "x".into(), 0, SOON).block()), ErrorKind::Closed);
    assert_eq!(other.watch("/a", 1).err().unwrap().kind(), ErrorKind::Closed);
    node.stop().block().unwrap();
}

#[test]
fn one_token_ends_many_calls_and_the_client_goes_on() {
    let (node, client) = member();
    let token = CancelToken::default();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let (client, token) = (client.clone(), token.clone());
            thread::spawn(move || client.wait("/w", 1, SOON).with_cancel(&token).block())
        })
        .collect();
    token.cancel();
    for each in waiting {
        assert_eq!(kind(each.join().unwrap()), ErrorKind::Cancelled);
    }
    assert_eq!(kind(client.rev(SOON).with_cancel(&token).block()), ErrorKind::Cancelled);
    client.rev(SOON).block().unwrap();
    node.stop().block().unwrap();
}

#[test]
fn a_dropped_lock_is_given_back_and_a_kept_one_says_whether_it_was_held() {
    let (node, client) = member();
    let lock = client.lock("/l", SOON).block().unwrap();
    assert!(lock.is_held());
    drop(lock);
    let lock = client.lock("/l", SOON).block().unwrap();
    write(&client, "/l", "somebody else");
    assert_eq!(kind(lock.unlock().block()), ErrorKind::LockLost);
    assert!(!lock.is_held());
    assert_eq!(kind(lock.unlock().block()), ErrorKind::LockLost);
    node.stop().block().unwrap();
}

#[test]
fn a_member_that_goes_is_missed() {
    let (node, client) = member();
    let embedded = node.client(Options::default()).block().unwrap();
    write(&embedded, "/a", "x");
    assert_eq!(embedded.get("/a", None, SOON).block().unwrap().value.unwrap(), "x");
    node.stop().block().unwrap();
    assert_eq!(kind(node.get_local("/a", None)), ErrorKind::Closed);
    assert_eq!(kind(node.revision()), ErrorKind::Closed);
    assert_eq!(node.client(Options::default()).block().err().unwrap().kind(), ErrorKind::Closed);
    let quick = CallOptions { timeout: Timeout::After(Duration::from_millis(50)), ..SOON };
    assert_eq!(kind(client.rev(quick).block()), ErrorKind::Disconnected);
    node.stop().block().unwrap();
}

#[test]
fn nobody_there_is_an_error_in_time_that_names_the_address() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = Options { connect_timeout: Duration::from_millis(200), ..Options::default() };
    let began = Instant::now();
    let error = Client::connect(Some(&port.to_string()), options).block().err().unwrap();
    assert_eq!((error.kind(), error.op()), (ErrorKind::Disconnected, "connect"));
    assert!(error.detail().contains(&port.to_string()), "{error}");
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn a_call_that_is_dropped_is_taken_back() {
    let (node, client) = member();
    let mut wait: Op<_> = client.wait("/w", 1, SOON);
    assert!(wait.poll_for(Some(Duration::from_millis(1))).is_none());
    drop(wait);
    // A lock that was asked for and dropped leaves no file, however far it had come.
    for step in 0..50 {
        let mut lock = client.lock("/l", SOON);
        let _ = lock.poll_for(Some(Duration::from_micros(step * 10)));
        drop(lock);
    }
    until(|| client.get("/l", None, SOON).block().unwrap().value.is_none());
    let lock = client.lock("/l", SOON).block().unwrap();
    lock.unlock().block().unwrap();
    node.stop().block().unwrap();
}
