//! The handles of what recipes give, against a real member: what they tell, that they are given back, and that what is lost
//! is known.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use doozer_bridge::{
    CallOptions, Client, Consistency, Error, ErrorKind, FailedPart, Feed, Next, Node, NodeConfig, Op,
    Options, Timeout, Txn,
};

const PATIENCE: Duration = Duration::from_secs(20);
const SOON: CallOptions =
    CallOptions { timeout: Timeout::After(PATIENCE), consistency: Consistency::Linearizable };
const IMPATIENT: CallOptions = CallOptions {
    timeout: Timeout::After(Duration::from_millis(200)),
    consistency: Consistency::Linearizable,
};

struct Member(Node);

impl Member {
    fn start() -> Member {
        let config = NodeConfig { listen: Some("127.0.0.1:0".to_owned()), ..NodeConfig::default() };
        Member(Node::start(config).block().unwrap())
    }

    fn client(&self) -> Client {
        let address = self.0.address().unwrap().to_string();
        Client::connect(Some(&address), Options::default()).block().unwrap()
    }

    fn stop(self) {
        self.0.stop().block().unwrap();
    }
}

fn soon<T: Send + 'static>(op: Op<T>) -> Result<T, Error> {
    let (mut op, end) = (op, Instant::now() + PATIENCE);
    loop {
        // An unpark that was for something else ends a wait early.
        if let Some(result) = op.poll_for(Some(PATIENCE)) {
            return result;
        }
        assert!(Instant::now() < end, "it did not end");
    }
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

fn value(client: &Client, path: &str) -> Option<String> {
    let file = client.get(path, None, SOON).block().unwrap();
    file.value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn next<T: Send + 'static>(feed: &Feed<T>) -> Option<T> {
    feed.next_with(soon).unwrap()
}

#[test]
fn a_lock_that_is_taken_away_is_known_to_be_lost() {
    let member = Member::start();
    let (client, other) = (member.client(), member.client());
    let lock = client.lock("/l", SOON).block().unwrap();
    assert!(lock.is_held() && !lock.is_over() && lock.valid_for() > Duration::ZERO);
    let mut lost = lock.lost();
    assert!(lost.poll_for(Some(Duration::from_millis(20))).is_none(), "it is not lost");
    client.set_fenced("/p", "by the holder".into(), -1, lock.fence().unwrap(), SOON).block().unwrap();
    other.del("/l", lock.rev(), SOON).block().unwrap();
    soon(lost).unwrap();
    assert!(!lock.is_held() && !lock.is_over() && lock.valid_for().is_zero());
    let late = client.set_fenced("/p", "too late".into(), -1, lock.fence().unwrap(), SOON);
    let error = late.block().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockLost);
    assert_eq!(
        error.to_string(),
        format!("LOCK_LOST: set /p: /l is not held with the token {} any more", lock.rev())
    );
    let late = client.del_fenced("/p", -1, lock.fence().unwrap(), SOON);
    assert_eq!(kind(late.block()), ErrorKind::LockLost);
    assert_eq!(value(&client, "/p").as_deref(), Some("by the holder"));
    assert_eq!(kind(lock.unlock().block()), ErrorKind::LockLost);
    assert!(lock.is_over());
    member.stop();
}

#[test]
fn locks_of_every_kind() {
    let member = Member::start();
    let (client, other) = (member.client(), member.client());
    let lock = client.try_lock("/l", SOON).block().unwrap().unwrap();
    assert!(other.try_lock("/l", SOON).block().unwrap().is_none());
    client.set_fenced("/p", "x".into(), 0, lock.fence().unwrap(), SOON).block().unwrap();
    let error = client.set_fenced("/p", "x".into(), 0, lock.fence().unwrap(), SOON).block().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RevMismatch);
    lock.unlock().block().unwrap();
    assert!(!lock.is_held() && lock.is_over());
    assert_eq!(kind(lock.unlock().block()), ErrorKind::Closed);

    let readers = [&client, &other].map(|client| client.read_lock("/rw", SOON).block().unwrap());
    assert_eq!(kind(client.write_lock("/rw", IMPATIENT).block()), ErrorKind::Timeout);
    let writer = client.write_lock("/rw", SOON);
    drop(readers);
    let writer = soon(writer).unwrap();
    assert_eq!(kind(other.read_lock("/rw", IMPATIENT).block()), ErrorKind::Timeout);
    writer.unlock().block().unwrap();

    let inside = [&client, &other].map(|client| client.semaphore("/s", 2, SOON).block().unwrap());
    assert_eq!(kind(client.semaphore("/s", 2, IMPATIENT).block()), ErrorKind::Timeout);
    inside.iter().for_each(|lock| lock.unlock().block().unwrap());
    member.stop();
}

#[test]
fn a_leader_proclaims_and_is_followed() {
    let member = Member::start();
    let (client, other) = (member.client(), member.client());
    let seen = other.observe("/leader").unwrap();
    assert_eq!(next(&seen).unwrap().value, None);
    let first = client.elect("/leader", "one".into(), SOON).block().unwrap();
    assert_eq!(next(&seen).unwrap().value.unwrap(), "one");
    assert_eq!(kind(other.elect("/leader", "two".into(), IMPATIENT).block()), ErrorKind::Timeout);
    let rev = first.proclaim("one, ready".into()).block().unwrap();
    let said = next(&seen).unwrap();
    assert_eq!((said.value.unwrap(), said.rev), ("one, ready".into(), rev));
    assert!(first.is_leading() && rev > first.token());
    client.set_fenced("/p", "x".into(), -1, first.fence().unwrap(), SOON).block().unwrap();
    let lost = first.lost();
    let (elected, second) = mpsc::channel();
    let candidate = thread::spawn(move || {
        let second = soon(other.elect("/leader", "two".into(), SOON)).unwrap();
        elected.send(second.token()).unwrap();
        second
    });
    first.resign().block().unwrap();
    soon(lost).unwrap();
    assert!(!first.is_leading() && first.is_over());
    assert!(second.recv_timeout(PATIENCE).unwrap() > first.token());
    assert_eq!(kind(first.proclaim("still".into()).block()), ErrorKind::Closed);
    drop(candidate.join().unwrap());
    let resigned =
        std::iter::from_fn(|| next(&seen)).skip_while(|file| file.value.as_deref() != Some(b"two"));
    assert_eq!(resigned.take(2).last().unwrap().value, None, "it resigns when it is dropped");
    member.stop();
}

#[test]
fn a_service_is_registered_and_discovered() {
    let member = Member::start();
    let (client, other) = (member.client(), member.client());
    let services = other.discover("/svc/*", SOON).block().unwrap();
    assert!(services.files().unwrap().is_empty());
    let registration = client.register("/svc/1", "here".into(), SOON).block().unwrap();
    let rev = registration.rev().unwrap();
    let there = soon(services.changed()).unwrap().unwrap();
    assert_eq!(there["/svc/1"].rev, rev);
    assert_eq!(services.files().unwrap(), there);
    registration.deregister().block().unwrap();
    assert!(registration.is_over() && registration.rev().is_none());
    assert_eq!(kind(registration.deregister().block()), ErrorKind::Closed);
    assert!(soon(services.changed()).unwrap().unwrap().is_empty());
    let mut waiting = services.changed();
    assert!(waiting.poll_for(Some(Duration::from_millis(1))).is_none());
    services.close();
    assert!(soon(waiting).unwrap().is_none(), "whoever waits wakes up");
    assert!(services.is_closed());
    // One that is forgotten is taken back.
    let watch = other.follow("/svc/*", Some(rev + 1)).unwrap();
    drop(client.register("/svc/2", "here".into(), SOON).block().unwrap());
    let told: Vec<_> = std::iter::from_fn(|| next(&watch)).take(3).map(|event| event.value).collect();
    assert_eq!(told, ["", "here", ""]);
    // What a wait brought stays until it is taken.
    let map = other.discover("/svc/*", SOON).block().unwrap();
    assert!(matches!(map.take(), Ok(Next::NotYet)));
    client.set("/svc/3", "here".into(), 0, SOON).block().unwrap();
    soon(map.ready()).unwrap();
    soon(map.ready()).unwrap();
    assert!(matches!(map.take(), Ok(Next::Item(files)) if files.len() == 1));
    assert!(matches!(map.take(), Ok(Next::NotYet)));
    map.close();
    soon(map.ready()).unwrap();
    assert!(matches!(map.take(), Ok(Next::End)));
    // The closed map stays as it was.
    let seen = other.discover("/svc/*", SOON).block().unwrap();
    client.set("/svc/4", "here".into(), 0, SOON).block().unwrap();
    assert_eq!(soon(seen.changed()).unwrap().unwrap().len(), 2);
    assert!(services.files().unwrap().is_empty());
    assert!(soon(services.changed()).unwrap().is_none());
    member.stop();
}

#[test]
fn a_transaction_is_made_or_not() {
    let member = Member::start();
    let client = member.client();
    let txn = Txn::new().if_absent("/a").set("/a", "1", 0).set("/b", "2", 0);
    let revs = client.txn(txn.clone(), SOON).block().unwrap();
    let a = client.stat("/a", None, SOON).block().unwrap().rev;
    assert_eq!(revs, [Some(a), Some(a + 1)]);
    let error = client.txn(txn, SOON).block().unwrap_err();
    assert_eq!((error.kind(), error.failed_part()), (ErrorKind::CompareFailed, Some(FailedPart::Compare(1))));
    client.set("/a", "3".into(), -1, SOON).block().unwrap();
    client.rollback("/a", a, SOON).block().unwrap();
    assert_eq!(value(&client, "/a").as_deref(), Some("1"));
    member.stop();
}

#[test]
fn who_went_through_a_barrier_leaves_with_the_others() {
    let member = Member::start();
    let both = [member.client(), member.client()].map(|client| {
        thread::spawn(move || {
            let entered = soon(client.enter("/b", 2, SOON)).unwrap();
            assert!(!entered.is_over() && entered.is_inside());
            entered.check().unwrap();
            soon(entered.leave()).unwrap();
            assert!(entered.is_over() && !entered.is_inside());
            assert_eq!(entered.check().unwrap_err().kind(), ErrorKind::LockLost);
        })
    });
    for thread in both {
        thread.join().unwrap();
    }
    let alone = member.client().enter("/b", 2, IMPATIENT);
    assert_eq!(kind(alone.block()), ErrorKind::Timeout);
    member.stop();
}
