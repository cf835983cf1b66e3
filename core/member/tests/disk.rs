//! The driver with a disk and clients of the test's own: what is done, in which order.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use doozer_journal::Birth;
use doozer_member::driver::{Answer, Driver, Host, NoQuorum, Order, Reader, Reply, Settings, Sizes};
use doozer_member::machine::Outcome;
use doozer_member::outbox::Wakes;
use doozer_member::peer::Peer;
use doozer_member::recovery::{Role, open_memory};
use doozer_paxos::replica::{Limits, Persist, PersistId};
use doozer_paxos::{ClusterId, Incarnation};
use doozer_store::{Command, Outcome as Stored, Revision};

type Log = Rc<RefCell<Vec<String>>>;

/// A disk that takes orders and reports nothing by itself; with the number of the last one.
struct SlowDisk(Log, u64);

impl Host for SlowDisk {
    type Reply = Client;
    type Reader = Client;
    type KeepAlive = Infallible;

    fn keep(&mut self, order: Order) -> bool {
        if let Order::Keep { id, .. } = &order {
            self.1 = id.0;
        }
        let text = match order {
            Order::Keep { id, what: Persist::Append(append), .. } => {
                let commands = append.entries.iter().map(|entry| entry.commands.len()).sum::<usize>();
                format!("{}: append {} ({commands})", id.0, append.from)
            }
            Order::Keep { id, what: Persist::Promise(ballot), .. } => {
                format!("{}: promise {}", id.0, ballot.n)
            }
            other => format!("{other:?}"),
        };
        self.0.borrow_mut().push(text);
        false
    }

    fn send(&mut self, to: Incarnation, message: Peer) {
        panic!("{message:?} to {to}, but nobody else is there");
    }
}

struct Client(&'static str, Log);

impl Reply for Client {
    fn answer(self, answer: Answer<'_>, _: &mut Wakes) {
        let text = match answer {
            Answer::Applied(Outcome::Store(Stored::Set(rev)), seen) => format!("set {rev} seen {seen}"),
            Answer::Applied(outcome, _) => format!("{outcome:?}"),
            Answer::NotWritten(why) => format!("{why:?}"),
            Answer::Unknown(why) => format!("{why:?}"),
        };
        self.1.borrow_mut().push(format!("{}: {text}", self.0));
    }

    fn park(&mut self, _: &mut Wakes) {}

    fn is_wanted(&self) -> bool {
        true
    }
}

impl Reader for Client {
    fn answer(self, readable: Result<(), NoQuorum>, _: &mut Wakes) {
        self.1.borrow_mut().push(format!("{}: {readable:?}", self.0));
    }
}

struct Alone {
    driver: Driver<SlowDisk>,
    log: Log,
    /// The last order that was reported to be durable.
    kept: u64,
}

impl Alone {
    fn read(&mut self, name: &'static str) {
        self.driver.read(Client(name, Rc::clone(&self.log)));
        self.driver.pump(0);
    }

    /// The only voter, in its first configuration, with nothing under way.
    fn new(slots_in_flight_max: u64) -> Alone {
        let log = Log::default();
        let birth = Birth { cluster: ClusterId([1; 16]), incarnation: Incarnation([2; 16]) };
        let begin = open_memory(birth, Role::Founder, doozer_store::Options::default());
        let limits = Limits { slots_in_flight_max, ..Limits::default() };
        let driver =
            Driver::new(begin, Settings { limits, ..Settings::default() }, SlowDisk(Rc::clone(&log), 0));
        let mut alone = Alone { driver, log, kept: 0 };
        alone.driver.lead_if_only_voter();
        alone.driver.pump(0);
        alone.write("birth", "/ctl/cal/0", &Incarnation([2; 16]).to_string());
        alone.keep_all();
        assert!(alone.driver.is_idle());
        assert_eq!(alone.driver.replica().config().epoch, 1);
        alone.happened();
        alone
    }

    fn write(&mut self, name: &'static str, path: &str, value: &str) {
        let mut bytes = Vec::new();
        Command::Set { path, rev: -1, value: value.as_bytes() }.encode(&mut bytes);
        self.driver.write(&bytes, Some(Client(name, Rc::clone(&self.log))));
        self.driver.pump(0);
    }

    /// Until no order is under way.
    fn keep_all(&mut self) {
        while self.kept < self.driver.host().1 {
            self.kept_next();
        }
    }

    /// The next order is durable.
    fn kept_next(&mut self) {
        self.kept(self.kept + 1);
    }

    fn kept(&mut self, id: u64) {
        self.kept = id;
        self.driver.kept(PersistId(id), Sizes::default());
        self.driver.pump(0);
    }

    fn revision(&self) -> Revision {
        self.driver.local().state.read().store().revision()
    }

    /// What happened since the last look.
    fn happened(&mut self) -> Vec<String> {
        self.log.borrow_mut().drain(..).collect()
    }
}

#[test]
fn nothing_is_seen_or_answered_before_it_is_durable() {
    let mut alone = Alone::new(2);
    let before = alone.revision().0;
    alone.write("a", "/a", "1");
    alone.write("b", "/b", "1");
    assert_eq!(alone.revision(), Revision(before), "nobody can read what a crash could take back");
    let orders = alone.happened();
    assert_eq!(orders.len(), 2, "{orders:?}");
    alone.kept_next();
    let (a, b) = (before + 1, before + 2);
    assert_eq!(alone.happened(), [format!("a: set {a} seen {a}")]);
    alone.kept_next();
    assert_eq!(alone.happened(), [format!("b: set {b} seen {b}")]);
    assert!(alone.driver.is_idle());
}

#[test]
fn writes_gather_while_the_disk_is_busy() {
    let mut alone = Alone::new(1);
    let before = alone.revision().0;
    for name in ["a", "b", "c"] {
        alone.write(name, "/f", "1");
    }
    assert_eq!(alone.happened().len(), 1, "one slot is under way, and the rest gathers");
    alone.kept_next();
    let lines = alone.happened();
    assert!(lines[1].ends_with("(2)"), "one slot for both: {lines:?}");
    alone.kept_next();
    let seen = before + 3;
    assert_eq!(
        alone.happened(),
        [format!("b: set {} seen {seen}", before + 2), format!("c: set {seen} seen {seen}")]
    );
}

#[test]
fn a_full_disk_refuses_what_was_not_written_and_only_that() {
    let mut alone = Alone::new(2);
    let before = alone.revision().0;
    for name in ["a", "b", "c"] {
        alone.write(name, "/f", "1");
    }
    assert_eq!(alone.happened().len(), 2);
    // The first one was written; the second found no room.
    alone.kept_next();
    alone.happened();
    alone.driver.full("no room", 0);
    let refused = "DiskFull(\"no room\")";
    assert_eq!(alone.happened(), ["Forget".to_owned(), format!("b: {refused}"), format!("c: {refused}")]);
    // The next write leads again, under another ballot, and takes the revision that was given back.
    alone.write("d", "/f", "1");
    let promise = alone.happened();
    assert!(promise[0].contains("promise"), "{promise:?}");
    // The order that was refused is not reported any more.
    alone.kept += 1;
    alone.keep_all();
    let seen = before + 2;
    assert_eq!(alone.happened().last().unwrap(), &format!("d: set {seen} seen {seen}"));
}

#[test]
fn a_read_waits_for_what_was_durable_before_it_and_needs_no_sync() {
    let mut alone = Alone::new(2);
    alone.read("one");
    assert_eq!(alone.happened(), ["one: Ok(())"]);
    alone.write("a", "/a", "1");
    alone.read("two");
    let lines = alone.happened();
    assert_eq!(
        lines[1..],
        ["two: Ok(())"],
        "what is not durable is not acknowledged: a read need not see it"
    );
    alone.kept_next();
}
