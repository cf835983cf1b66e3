//! What a client holds and loses: with its session, with its connection, with its time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod member;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doozer_client::{Client, ErrorKind, Options, Txn};
use member::{Gate, client, impatient, member, short, until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/locks/x";
/// Where the paused process finds the member.
const CHILD: &str = "DOOZER_TEST_PAUSED_CHILD";

#[tokio::test]
async fn a_lock_is_lost_before_the_next_one_has_it() {
    let (_node, address) = member().await;
    let other = client(address).await;
    // Between the two there is a quarter of this, on a machine that may be busy.
    let options = Options { session_ttl: Duration::from_secs(4), ..impatient() };
    let (gate, holder) = Gate::to(address, options).await;
    let lock = holder.lock(PATH).await.unwrap();
    assert!(lock.valid_for() > Duration::ZERO && lock.valid_for() <= Duration::from_millis(3500));
    gate.close();
    let (lost, next) = tokio::join!(
        async {
            lock.lost().await;
            Instant::now()
        },
        async {
            let lock = timeout(SOON, other.lock(PATH)).await.unwrap().unwrap();
            (Instant::now(), lock)
        }
    );
    let (granted, next) = next;
    assert!(lost < granted, "lost {:?} after it was given away", lost - granted);
    // It says so without asking anybody: there is no connection.
    let asked = Instant::now();
    for _ in 0..2 {
        assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    }
    assert!(!lock.is_held() && asked.elapsed() < Duration::from_secs(5));
    gate.open();
    let write = lock.fence(Txn::new().set("/account", "mine", -1));
    assert_eq!(holder.txn(write).await.unwrap_err().kind(), ErrorKind::CompareFailed);
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    next.unlock().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_lost_for_less_than_the_ttl_costs_nothing() {
    let (_node, address) = member().await;
    let (gate, holder) = Gate::to(address, impatient()).await;
    let lock = holder.lock(PATH).await.unwrap();
    for _ in 0..5 {
        gate.close();
        gate.open();
        holder.txn(lock.fence(Txn::new().set("/account", "mine", -1))).await.unwrap();
    }
    assert!(lock.is_held());
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_was_taken_for_lost_is_given_back_although_its_session_lives() {
    let (_node, address) = member().await;
    let other = client(address).await;
    let (gate, holder) = Gate::to(address, short()).await;
    let lock = holder.lock(PATH).await.unwrap();
    let session = holder.session_id();
    gate.close();
    lock.lost().await;
    // The cluster keeps the session for the TTL and a margin, which are not over.
    gate.open();
    let next = timeout(SOON, other.lock(PATH)).await.unwrap().unwrap();
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    holder.set("/a", "x", -1).await.unwrap();
    // Otherwise its end was what freed the lock, and this showed nothing; on a machine so slow nothing can be shown.
    if holder.session_id() == session {
        assert!(!lock.is_held());
    }
    next.unlock().await.unwrap();
}

#[tokio::test]
async fn who_waits_goes_on_waiting_under_the_next_session() {
    let (_node, address) = member().await;
    let other = client(address).await;
    let (gate, waiter) = Gate::to(address, short()).await;
    let held = other.lock(PATH).await.unwrap();
    let waiting = tokio::spawn({
        let waiter = waiter.clone();
        async move { waiter.lock(PATH).await }
    });
    let queue = async || other.explain(PATH).await.unwrap().queue;
    until(async || !queue().await.is_empty()).await;
    let before = queue().await[0].session;
    gate.close();
    until(async || queue().await.is_empty()).await;
    gate.open();
    until(async || !queue().await.is_empty()).await;
    assert_ne!(queue().await[0].session, before);
    held.unlock().await.unwrap();
    let lock = timeout(SOON, waiting).await.unwrap().unwrap().unwrap();
    assert!(lock.is_held());
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_closed_holds_nothing() {
    let (_node, address) = member().await;
    let (holder, other) = (client(address).await, client(address).await);
    let lock = holder.lock(PATH).await.unwrap();
    let leader = holder.elect("/leader", "x").await.unwrap();
    let waiting = tokio::spawn(async move {
        let lock = other.lock(PATH).await.unwrap();
        (lock.rev(), other)
    });
    holder.close().await;
    lock.lost().await;
    leader.lost().await;
    assert!(!lock.is_held() && !leader.is_leading());
    assert_eq!(leader.proclaim("y").await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::Closed);
    let (rev, _other) = timeout(SOON, waiting).await.unwrap().unwrap();
    assert!(rev > lock.rev());
}

/// Another process that takes the lock.
struct Holder {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Holder {
    fn start(address: std::net::SocketAddr) -> Holder {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_other_process", "--nocapture"]).env(CHILD, address.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Holder { child, said }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line that begins so; the test runner says things too.
    fn line(&mut self, prefix: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it said nothing of {prefix}");
            if let Some(at) = line.find(prefix) {
                return line[at + prefix.len()..].trim().to_owned();
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs only as a process of its own, and does nothing otherwise.
#[test]
fn the_other_process() {
    let Ok(address) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::open(&address, short()).await.unwrap();
        let lock = client.lock(PATH).await.unwrap();
        let txn = lock.fence(Txn::new().set("/account", "first", -1));
        client.txn(txn).await.unwrap();
        println!("held by {}", lock.rev());
        tokio::task::block_in_place(|| std::io::stdin().read_line(&mut String::new())).unwrap();
        let is_held = lock.is_held();
        let unlocked = lock.unlock().await.map_err(|error| error.kind());
        let txn = lock.fence(Txn::new().set("/account", "first again", -1));
        let wrote = client.txn(txn).await.map_err(|error| error.kind());
        println!("then {is_held} {unlocked:?} {wrote:?}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_finds_its_lock_gone_and_its_writes_refused() {
    let (_node, address) = member().await;
    let next = client(address).await;
    let mut holder = Holder::start(address);
    let token: i64 = holder.line("held by ").parse().unwrap();
    holder.signal(Signal::STOP);
    let lock = timeout(SOON, next.lock(PATH)).await.unwrap().unwrap();
    assert!(lock.rev() > token);
    next.txn(lock.fence(Txn::new().set("/account", "second", -1))).await.unwrap();
    holder.say("go on");
    holder.signal(Signal::CONT);
    assert_eq!(holder.line("then "), "false Err(LockLost) Err(CompareFailed)");
    assert_eq!(next.get("/account").await.unwrap().value.unwrap(), "second");
    lock.unlock().await.unwrap();
}
