//! The lock, against real members: nobody holds it beside another, and nothing stays behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use doozer_client::{CallOptions, Client, Error, ErrorKind, Fence, Lock, Options, Secret, Timeout, Txn};
use doozer_node::{Config, Secrets};
use member::{Relay, client, config, impatient, member, start, until};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/locks/x";

fn within(client: &Client, time: Duration) -> Client {
    client.with(CallOptions { timeout: Timeout::After(time), ..CallOptions::default() })
}

/// Takes the lock, or fails the test.
async fn soon(client: &Client) -> Lock {
    timeout(SOON, client.lock(PATH)).await.expect("the lock did not become free").unwrap()
}

/// Until nobody holds the lock; what is cleared away in the background takes its time.
async fn free(client: &Client) {
    let mut config = client.config(PATH);
    let free = async { while config.next().await.unwrap().unwrap().value.is_some() {} };
    timeout(SOON, free).await.expect("the lock did not become free");
}

/// What only a holder may enter.
#[derive(Default)]
struct Section {
    inside: AtomicBool,
    last_token: AtomicI64,
    entered: AtomicUsize,
}

impl Section {
    async fn enter(&self, lock: &Lock) {
        self.enter_by(lock.rev()).await;
    }

    async fn enter_by(&self, token: i64) {
        assert!(!self.inside.swap(true, Ordering::SeqCst), "two holders at once");
        let before = self.last_token.swap(token, Ordering::SeqCst);
        assert!(before < token, "token {token} after {before}");
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.entered.fetch_add(1, Ordering::SeqCst);
        assert!(self.inside.swap(false, Ordering::SeqCst));
    }
}

#[tokio::test]
async fn one_holder() {
    let (_node, address) = member().await;
    let (first, second) = (client(address).await, client(address).await);
    let lock = first.lock(PATH).await.unwrap();
    let file = second.get(PATH).await.unwrap();
    assert_eq!((lock.path(), lock.rev()), (PATH, file.rev));
    // What it holds is for people: the session's name.
    let explained = second.explain(PATH).await.unwrap();
    let holder = explained.holder.unwrap();
    assert_eq!((holder.label.as_bytes(), Some(holder.id)), (&file.value.unwrap()[..], first.session_id()));
    assert_eq!(explained.token, lock.rev());

    // Not even to the same client is it given twice.
    for other in [&first, &second] {
        let error = within(other, Duration::from_secs(1)).lock(PATH).await.unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Timeout, "lock", Some(PATH)));
        assert_eq!(error.detail(), format!("not free within 1s: held since revision {}", lock.rev()));
    }
    let (next, given_back) = tokio::join!(soon(&second), lock.unlock());
    assert_eq!(given_back, Ok(()));
    assert!(next.rev() > lock.rev());
    next.unlock().await.unwrap();
    assert_eq!(second.get(PATH).await.unwrap().value, None);

    let error = next.unlock().await.unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Closed, "unlock", Some(PATH)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_never_overlap() {
    const CLIENTS: usize = 4;
    const TASKS: usize = 6;
    const TURNS: usize = 8;
    let (_node, address) = member().await;
    let section = Arc::new(Section::default());
    let mut tasks = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = client(address).await;
        for _ in 0..TASKS {
            let (client, section) = (client.clone(), Arc::clone(&section));
            tasks.spawn(async move {
                for turn in 0..TURNS {
                    let lock = soon(&client).await;
                    section.enter(&lock).await;
                    // Half of them leave it to the drop.
                    if turn % 2 == 0 {
                        lock.unlock().await.unwrap();
                    }
                }
            });
        }
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(section.entered.load(Ordering::SeqCst), CLIENTS * TASKS * TURNS);
}

/// Polls a future so many times, or to its end, then drops it.
async fn polls<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// The same, but it is polled again and again, woken or not, so that the drop comes at any moment.
async fn busy_polls<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..times {
        let now = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = now {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// After how many polls a call is dropped: close together at first, then farther apart. How many it takes to its end depends
/// on how busy the machine is.
fn moments() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(0_usize), |times| Some(times + 1 + times / 50))
        .take_while(|times| *times < 10_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_dropped_at_any_moment_leaves_nothing_behind() {
    let (_node, address) = member().await;
    let (dropper, other) = (client(address).await, client(address).await);
    let (mut finished, mut dropped) = (0, 0);
    for times in moments() {
        if times > 1000 && finished > 0 {
            break;
        }
        let lock = busy_polls(times, dropper.lock(PATH)).await;
        if lock.is_some() {
            finished += 1
        } else {
            dropped += 1
        }
        // A lock that was had is dropped, too.
        drop(lock);
        soon(&other).await.unlock().await.unwrap();
        free(&other).await;
    }
    // Otherwise it was no test.
    assert!(finished > 0 && dropped > 20, "{finished} finished, {dropped} dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_dropped_at_any_moment_leaves_nothing_behind() {
    let (_node, address) = member().await;
    let (dropper, other) = (client(address).await, client(address).await);
    for times in 0..60 {
        let held = soon(&other).await;
        let waiting = tokio::spawn({
            let dropper = dropper.clone();
            async move { polls(times % 12, dropper.lock(PATH)).await.map(Result::unwrap) }
        });
        // It is given back while the other is somewhere on its way.
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
        held.unlock().await.unwrap();
        drop(timeout(SOON, waiting).await.unwrap().unwrap());
        soon(&other).await.unlock().await.unwrap();
        free(&other).await;
    }
}

/// What a call gave, unless its time was too short for that.
fn given<T>(outcome: Result<T, Error>, patience: Duration) -> Option<T> {
    match outcome {
        Ok(given) => Some(given),
        Err(error) => {
            let out_of_time = [ErrorKind::Timeout, ErrorKind::Disconnected].contains(&error.kind());
            assert!(out_of_time && patience < SOON, "{error}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_make_no_second_holder() {
    const TASKS: usize = 3;
    const TURNS: usize = 40;
    let (_node, address) = member().await;
    let section = Arc::new(Section::default());
    let mut relays = Vec::new();
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let relay = Relay::to(address).await;
        let client = Client::over(relay.connector(), impatient()).await.unwrap();
        relays.push(relay);
        for task in 0..TASKS {
            let (client, section) = (client.clone(), Arc::clone(&section));
            tasks.spawn(async move {
                for turn in 0..TURNS {
                    // Some give up early.
                    let patience = if (turn + task) % 4 == 0 { Duration::from_millis(3) } else { 3 * SOON };
                    let Some(lock) = given(within(&client, patience).lock(PATH).await, patience) else {
                        continue;
                    };
                    section.enter(&lock).await;
                    if turn % 3 > 0 {
                        given(lock.unlock().await, patience);
                    }
                }
            });
        }
    }
    let mut cuts = 0;
    let start = Instant::now();
    while !tasks.is_empty() {
        assert!(start.elapsed() < 6 * SOON, "{} tasks are left", tasks.len());
        if let Ok(Some(task)) = timeout(Duration::from_millis(15), tasks.join_next()).await {
            task.unwrap();
        }
        relays[cuts % relays.len()].cut();
        cuts += 1;
    }
    assert!(cuts > 20 && section.entered.load(Ordering::SeqCst) > 3 * TASKS * TURNS / 2);
    free(&client(address).await).await;
}

#[tokio::test]
async fn a_waiter_has_no_time_limit_of_its_own() {
    let (_node, address) = member().await;
    let holder = client(address).await;
    let options = Options { timeout: Some(Duration::from_millis(50)), ..impatient() };
    let waiter = Client::open(&address.to_string(), options).await.unwrap();
    let lock = holder.lock(PATH).await.unwrap();
    let mut waiting = pin!(waiter.lock(PATH));
    assert!(timeout(Duration::from_millis(300), &mut waiting).await.is_err());
    lock.unlock().await.unwrap();
    drop(timeout(SOON, waiting).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_lock_that_was_taken_away_is_lost() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let lost = |unlocked: Result<(), Error>| {
        let error = unlocked.unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::LockLost, "unlock", Some(PATH)));
        assert_eq!(error.detail(), "somebody else deleted or overwrote the file");
    };

    let lock = client.lock(PATH).await.unwrap();
    client.del(PATH, lock.rev()).await.unwrap();
    // Nobody has asked.
    assert!(lock.is_held());
    lost(lock.unlock().await);
    lost(lock.unlock().await);
    assert!(!lock.is_held() && lock.valid_for().is_zero());

    let lock = client.lock(PATH).await.unwrap();
    let forced = client.set(PATH, "mine now", -1).await.unwrap();
    lost(lock.unlock().await);
    drop(lock);
    assert_eq!(client.get(PATH).await.unwrap().rev, forced);
    client.del(PATH, forced).await.unwrap();

    let lock = client.lock(PATH).await.unwrap();
    client.del(PATH, -1).await.unwrap();
    let file = client.add("/locks/x/y", "").await.unwrap();
    lost(lock.unlock().await);
    client.del("/locks/x/y", file).await.unwrap();

    // The next holder's lock is not given back by the one before.
    let lock = client.lock(PATH).await.unwrap();
    client.del(PATH, -1).await.unwrap();
    let next = client.lock(PATH).await.unwrap();
    lost(lock.unlock().await);
    next.unlock().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_taken_away_is_told_to_whoever_waits_for_that() {
    let (_node, address) = member().await;
    let (holder, other) = (client(address).await, client(address).await);
    for take_away in 0..4 {
        let lock = holder.lock(PATH).await.unwrap();
        let mut lost = pin!(lock.lost());
        assert!(timeout(Duration::from_millis(30), &mut lost).await.is_err());
        // The holder may write its own file again.
        let _written = holder.set_ephemeral(PATH, "still mine", -1).await.unwrap();
        assert!(timeout(Duration::from_millis(30), &mut lost).await.is_err());
        assert!(lock.is_held());
        match take_away {
            0 => drop(other.set(PATH, "mine now", -1).await.unwrap()),
            1 => drop(other.del(PATH, -1).await.unwrap()),
            2 => other.end_session(holder.session_id().unwrap()).await.unwrap(),
            _ => lock.unlock().await.unwrap(),
        }
        timeout(SOON, lost).await.unwrap();
        assert!(!lock.is_held());
        let error = lock.unlock().await.unwrap_err();
        let expected = if take_away < 3 { ErrorKind::LockLost } else { ErrorKind::Closed };
        assert_eq!(error.kind(), expected, "{take_away}: {error}");
        // From then on it says so at once.
        timeout(SOON, lock.lost()).await.unwrap();
        other.del(PATH, -1).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_lock_fences_is_refused_once_it_is_another_holders() {
    let (_node, address) = member().await;
    let (first, second) = (client(address).await, client(address).await);
    let lock = first.lock(PATH).await.unwrap();
    let write = |value: &'static str| lock.fence(Txn::new().set("/account", value, -1));
    first.txn(write("1")).await.unwrap();
    // Whoever sends it: the token says for which holder.
    second.txn(write("2")).await.unwrap();
    let (next, unlocked) = tokio::join!(second.lock(PATH), lock.unlock());
    unlocked.unwrap();
    let next = next.unwrap();
    assert_eq!(next.rev(), lock.rev() + 4);
    for client in [&first, &second] {
        assert_eq!(client.txn(write("3")).await.unwrap_err().kind(), ErrorKind::CompareFailed);
    }
    assert_eq!(first.get("/account").await.unwrap().value.unwrap(), "2");
    second.txn(next.fence(Txn::new().set("/account", "4", -1))).await.unwrap();
}

#[tokio::test]
async fn who_tries_does_not_wait() {
    let (_node, address) = member().await;
    let (first, second) = (client(address).await, client(address).await);
    let lock = first.try_lock(PATH).await.unwrap().unwrap();
    assert_eq!((lock.path(), lock.rev()), (PATH, first.get(PATH).await.unwrap().rev));
    assert!(second.try_lock(PATH).await.unwrap().is_none());
    assert!(first.try_lock(PATH).await.unwrap().is_none());
    lock.unlock().await.unwrap();
    let lock = second.try_lock(PATH).await.unwrap().unwrap();
    let waiting = tokio::spawn({
        let first = first.clone();
        async move { first.lock(PATH).await.unwrap() }
    });
    until(async || !second.explain(PATH).await.unwrap().queue.is_empty()).await;
    lock.unlock().await.unwrap();
    // Whoever waits comes first.
    assert!(second.try_lock(PATH).await.unwrap().is_none());
    waiting.await.unwrap().unlock().await.unwrap();
    assert_eq!(second.try_lock("/ctl").await.unwrap_err().kind(), ErrorKind::IsDir);
    assert_eq!(second.try_lock("locks").await.unwrap_err().kind(), ErrorKind::BadPath);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_dropped_at_any_moment_leaves_nothing_behind() {
    let (_node, address) = member().await;
    let (dropper, other) = (client(address).await, client(address).await);
    let (mut finished, mut dropped) = (0, 0);
    for times in moments() {
        if times > 100 && finished > 0 {
            break;
        }
        let tried = busy_polls(times, dropper.try_lock(PATH)).await;
        if tried.is_some() {
            finished += 1
        } else {
            dropped += 1
        }
        drop(tried);
        soon(&other).await.unlock().await.unwrap();
        free(&other).await;
    }
    assert!(finished > 0 && dropped > 5, "{finished} finished, {dropped} dropped");
}

#[tokio::test]
async fn waiters_are_served_in_order() {
    let (_node, address) = member().await;
    let (first, second) = (client(address).await, client(address).await);
    let held = first.lock(PATH).await.unwrap();
    let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let client = if number % 3 == 0 { first.clone() } else { second.clone() };
        let order = Arc::clone(&order);
        tasks.spawn(async move {
            let lock = client.lock(PATH).await.unwrap();
            order.lock().push(number);
            lock.unlock().await.unwrap();
        });
        until(async || first.explain(PATH).await.unwrap().queue.len() > number).await;
    }
    held.unlock().await.unwrap();
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(*order.lock(), (0..20).collect::<Vec<_>>());
}

/// The lock of the talk: makes the file, or waits until it is deleted and tries again.
async fn simple_lock(client: &Client) -> i64 {
    loop {
        match client.set(PATH, "by the few-line form", 0).await {
            Ok(rev) => return rev,
            Err(error) => assert_eq!(error.kind(), ErrorKind::RevMismatch, "{error}"),
        }
        let file = client.get(PATH).await.unwrap();
        if file.value.is_some() {
            client.wait(PATH, file.rev + 1).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_the_talk_and_this_one_exclude_each_other() {
    const TURNS: usize = 40;
    let (_node, address) = member().await;
    let section = Arc::new(Section::default());
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let (client, section) = (client(address).await, Arc::clone(&section));
        tasks.spawn(async move {
            for _ in 0..TURNS {
                if task % 2 == 0 {
                    let lock = soon(&client).await;
                    section.enter_by(lock.rev()).await;
                    lock.unlock().await.unwrap();
                } else {
                    let rev = timeout(3 * SOON, simple_lock(&client)).await.unwrap();
                    section.enter_by(rev).await;
                    client.del(PATH, rev).await.unwrap();
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(section.entered.load(Ordering::SeqCst), 4 * TURNS);
}

#[tokio::test]
async fn a_holder_that_is_overwritten_is_waited_for_too() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let rev = client.set(PATH, "by hand", 0).await.unwrap();
    let mut waiting = pin!(client.lock(PATH));
    assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err());
    let rev = client.set(PATH, "by another hand", rev).await.unwrap();
    assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err());
    client.del(PATH, rev).await.unwrap();
    assert!(timeout(SOON, waiting).await.unwrap().unwrap().rev() > rev);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_lock_is_given_back() {
    let (_node, address) = member().await;
    let (first, second) = (client(address).await, client(address).await);
    drop(first.lock(PATH).await.unwrap());
    let lock = soon(&second).await;
    // On a thread that knows nothing of the runtime.
    std::thread::spawn(move || drop(lock)).join().unwrap();
    // With the last handle of its client.
    let lock = soon(&first).await;
    drop(first);
    drop(lock);
    let lock = soon(&second).await;
    drop(lock);
    free(&second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_back_can_be_interrupted_and_repeated() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let mut interrupted = 0;
    for times in 0..60 {
        let lock = soon(&client).await;
        match busy_polls(times, lock.unlock()).await {
            Some(given_back) => given_back.unwrap(),
            None => {
                interrupted += 1;
                // Whether or not the first DEL was made, this is no loss.
                if times % 2 == 0 {
                    lock.unlock().await.unwrap();
                    assert_eq!(client.get(PATH).await.unwrap().value, None);
                }
            }
        }
    }
    assert!(interrupted > 2);
    free(&client).await;
}

#[tokio::test]
async fn what_cannot_be_locked() {
    let secrets = Secrets::new(Some("rw".into()), Some("ro".into()));
    let (_node, address) = start(Config { secrets, ..config() }).await;
    let with =
        |secret: &str| Options { secret: Some(Secret::from(secret.as_bytes().to_vec())), ..impatient() };
    let client = Client::open(&address.to_string(), with("rw")).await.unwrap();
    client.set("/dir/file", "", 0).await.unwrap();
    let cases = [
        ("locks/x", ErrorKind::BadPath),
        ("", ErrorKind::BadPath),
        ("/locks/*", ErrorKind::BadPath),
        ("/", ErrorKind::IsDir),
        ("/dir", ErrorKind::IsDir),
        ("/dir/file/x", ErrorKind::NotDir),
    ];
    for (path, kind) in cases {
        let error = timeout(SOON, client.lock(path)).await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.op(), error.path()), (kind, "lock", Some(path)), "{error}");
    }
    let reader = Client::open(&address.to_string(), with("ro")).await.unwrap();
    assert_eq!(reader.lock(PATH).await.unwrap_err().kind(), ErrorKind::PermissionDenied);

    let lock = client.lock(PATH).await.unwrap();
    client.close().await;
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(client.lock("/locks/y").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_waiter_of_a_client_that_closes_hears_of_it() {
    let (_node, address) = member().await;
    let (holder, waiter) = (client(address).await, client(address).await);
    let _lock = holder.lock(PATH).await.unwrap();
    let mut waiting = pin!(waiter.lock(PATH));
    assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err());
    waiter.close().await;
    let error = timeout(SOON, waiting).await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.op(), error.path()), (ErrorKind::Closed, "lock", Some(PATH)));
}

#[test]
fn calls_and_locks_can_go_to_another_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Lock>();
    let _ = |client: &Client, lock: &Lock| {
        drop(is_send(client.lock(PATH)));
        drop(is_send(lock.unlock()));
        drop(is_send(client.config(PATH)));
    };
}

#[tokio::test]
async fn a_fenced_write_is_made_only_while_the_lock_is_held() {
    let (_node, address) = member().await;
    let (one, other) = (client(address).await, client(address).await);
    let lock = soon(&one).await;
    let made = one.set_fenced("/p", "first", 0, &lock).await.unwrap();
    assert_eq!(one.set_fenced("/p", "x", 0, &lock).await.unwrap_err().kind(), ErrorKind::RevMismatch);
    assert_eq!(one.del_fenced("/q", -1, &lock).await.unwrap(), None);
    other.del(PATH, lock.rev()).await.unwrap();
    let next = soon(&other).await;
    for late in [
        one.set_fenced("/p", "late", -1, &lock).await.map(drop),
        one.del_fenced("/p", -1, &lock).await.map(drop),
    ] {
        let error = late.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::LockLost, Some("/p")));
    }
    assert_eq!(one.get("/p").await.unwrap().rev, made);
    assert!(other.del_fenced("/p", made, &next).await.unwrap().is_some());
    let nowhere = Fence { path: "l".to_owned(), token: 1 };
    assert_eq!(one.set_fenced("/p", "", -1, nowhere).await.unwrap_err().kind(), ErrorKind::BadPath);
}
