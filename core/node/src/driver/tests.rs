//! The driver with a disk and clients of the test's own: what is done, in which order.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use doozer_paxos::replica::{Limits as ReplicaLimits, Past};
use doozer_paxos::{Append, ClusterId, Incarnation, Replica, Slot};
use doozer_store::{Command, Options, Outcome, Revision, Store};

use super::Driver;
use super::ports::{Answer, NotWritten, Persist, Reply, Sizes};
use crate::access::Secrets;
use crate::config::Limits;
use crate::server::outbox::Wakes;
use crate::shared::{Identity, Shared};
use crate::state::State;

const SIZES: Sizes = Sizes { log: 0, all: 0 };

type Log = Rc<RefCell<Vec<String>>>;

/// A disk that takes appends and reports nothing by itself.
struct SlowDisk(Log);

impl Persist for SlowDisk {
    fn persist(&mut self, append: Append) -> Option<Slot> {
        let commands = append.entries.iter().map(|entry| entry.commands.len()).sum::<usize>();
        self.0.borrow_mut().push(format!("persist {} ({commands})", append.from));
        None
    }
}

struct Client(&'static str, Log);

impl Reply for Client {
    fn answer(self, answer: Answer<'_>, _: &mut Wakes) {
        let text = match answer {
            Answer::Applied(Outcome::Set(rev), seen) => format!("set {rev} seen {seen}"),
            Answer::Applied(outcome, _) => format!("{outcome:?}"),
            Answer::NotWritten(why) => format!("{why:?}"),
        };
        self.1.borrow_mut().push(format!("{}: {text}", self.0));
    }
}

fn driver(slots_in_flight_max: usize) -> (Driver<Client, SlowDisk>, Log, Arc<Shared>) {
    let (cluster, id) = (ClusterId([1; 16]), Incarnation([2; 16]));
    let identity = Identity {
        cluster,
        id,
        cluster_name: "test".into(),
        address: String::new(),
        version: String::new(),
        durable: true,
    };
    let (inputs, _) = super::input::channel();
    let state = State::new(Store::new(Options::default()));
    let shared = Arc::new(Shared::new(identity, Secrets::default(), Limits::default(), state, inputs));
    let limits = ReplicaLimits { slots_in_flight_max, ..ReplicaLimits::default() };
    let replica = Replica::start(cluster, id, Past::NONE, vec![set("/birth")], 0, limits);
    let log = Log::default();
    let mut driver = Driver::new(replica, 1, SlowDisk(Rc::clone(&log)), Arc::clone(&shared));
    driver.pump(0);
    driver.persisted(Slot(1), SIZES);
    driver.pump(0);
    assert_eq!(*log.borrow(), ["persist 1 (1)"]);
    assert!(driver.is_idle());
    log.borrow_mut().clear();
    (driver, log, shared)
}

fn set(path: &str) -> Bytes {
    let mut bytes = Vec::new();
    Command::Set { path, rev: -1, value: b"v" }.encode(&mut bytes);
    bytes.into()
}

fn revision(shared: &Shared) -> Revision {
    shared.state.read().store.revision()
}

#[test]
fn nothing_is_seen_or_answered_before_it_is_durable() {
    let (mut driver, log, shared) = driver(2);
    driver.propose(set("/a"), Some(Client("a", Rc::clone(&log))));
    driver.pump(0);
    driver.propose(set("/b"), Some(Client("b", Rc::clone(&log))));
    driver.pump(0);
    assert_eq!(*log.borrow(), ["persist 2 (1)", "persist 3 (1)"]);
    assert_eq!(revision(&shared), Revision(1), "nobody can read what a crash could take back");
    driver.persisted(Slot(2), SIZES);
    driver.pump(0);
    assert_eq!(log.borrow()[2..], ["a: set 2 seen 2"]);
    driver.persisted(Slot(3), SIZES);
    driver.pump(0);
    assert_eq!(log.borrow()[3..], ["b: set 3 seen 3"]);
    assert!(driver.is_idle());
}

#[test]
fn writes_gather_while_the_disk_is_busy() {
    let (mut driver, log, _) = driver(1);
    for name in ["a", "b", "c"] {
        driver.propose(set("/f"), Some(Client(name, Rc::clone(&log))));
        driver.pump(0);
    }
    assert_eq!(*log.borrow(), ["persist 2 (1)"]);
    driver.persisted(Slot(2), SIZES);
    driver.pump(0);
    driver.persisted(Slot(3), SIZES);
    driver.pump(0);
    assert_eq!(log.borrow()[1..], ["a: set 2 seen 2", "persist 3 (2)", "b: set 3 seen 4", "c: set 4 seen 4"]);
}

#[test]
fn a_full_disk_refuses_what_was_not_written_and_only_that() {
    let (mut driver, log, shared) = driver(2);
    for name in ["a", "b", "c"] {
        driver.propose(set("/f"), Some(Client(name, Rc::clone(&log))));
        driver.pump(0);
    }
    let full = NotWritten::DiskFull("no room".into());
    driver.refused(Slot(3), &full, 0);
    driver.persisted(Slot(2), SIZES);
    driver.pump(0);
    let expected = ["persist 2 (1)", "persist 3 (1)", "b: DiskFull(\"no room\")", "c: DiskFull(\"no room\")"];
    assert_eq!(log.borrow()[..4], expected);
    assert_eq!(log.borrow()[4..], ["a: set 2 seen 2"]);
    // The next write takes the slot and the revision that were given back.
    driver.propose(set("/f"), Some(Client("d", Rc::clone(&log))));
    driver.pump(0);
    driver.persisted(Slot(3), SIZES);
    driver.pump(0);
    assert_eq!(log.borrow()[5..], ["persist 3 (1)", "d: set 3 seen 3"]);
    assert_eq!(revision(&shared), Revision(3));
}
