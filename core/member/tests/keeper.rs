//! The keeper on a disk that is full for a while.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doozer_journal::{Birth, Options, SimDisk, SnapshotHead};
use doozer_member::driver::Order;
use doozer_member::keeper::{Keeper, Report};
use doozer_member::recovery::{Role, open};
use doozer_paxos::replica::{Persist, PersistId};
use doozer_paxos::{Append, Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const CLUSTER: ClusterId = ClusterId([1; 16]);
const ME: Incarnation = Incarnation([2; 16]);
const BALLOT: Ballot = Ballot { n: 1, epoch: 0, incarnation: ME };

fn keeper(disk: &SimDisk) -> Keeper<SimDisk> {
    let birth = Birth { cluster: CLUSTER, incarnation: ME };
    let options = Options { segment_bytes: 16 << 10, bytes_max: None };
    let (_, mut keeper, _) =
        open(disk, || birth, Role::Founder, options, doozer_store::Options::default()).unwrap();
    assert_eq!(keeper.take(order(1, Persist::Promise(BALLOT))).unwrap(), []);
    keeper
}

fn order(id: u64, what: Persist) -> Order {
    Order::Keep { id: PersistId(id), what, snapshot: None }
}

/// An entry too large for a segment that is ready.
fn append(slot: u64, previous: EntryHash) -> (Persist, EntryHash) {
    append_bytes(64 << 10, slot, previous)
}

fn append_bytes(bytes: usize, slot: u64, previous: EntryHash) -> (Persist, EntryHash) {
    let entry = Entry {
        slot: Slot(slot),
        birth: BALLOT,
        previous,
        wall_ms: 0,
        config: None,
        commands: vec![vec![7; bytes].into()],
    };
    let last_hash = entry.hash(CLUSTER);
    let entries = vec![entry];
    (
        Persist::Append(Append { acc_ballot: BALLOT, epoch: 0, from: Slot(slot), entries, last_hash }),
        last_hash,
    )
}

#[test]
fn what_finds_no_room_is_written_only_if_the_driver_still_wants_it() {
    let disk = SimDisk::new(1);
    let mut keeper = keeper(&disk);
    let (first, hash) = append(1, EntryHash::NONE);
    disk.set_capacity(Some(disk.used()));
    let reports = keeper.take(order(2, first.clone())).unwrap();
    assert!(matches!(&reports[..], [Report::Kept(PersistId(1), _), Report::Full(_)]), "{reports:?}");
    disk.set_capacity(None);
    // There is room again, but an only voter may be telling its clients that nothing was written.
    assert!(!keeper.retry().unwrap());
    assert_eq!(keeper.take(Order::Forget).unwrap(), []);
    assert!(!keeper.is_waiting());
    assert_eq!(keeper.journal().last(), Slot(0));

    // In a cluster it waits, with what comes behind it.
    disk.set_capacity(Some(disk.used()));
    assert!(matches!(keeper.take(order(3, first)).unwrap()[..], [Report::Full(_)]));
    assert_eq!(keeper.take(Order::TryAgain).unwrap(), []);
    assert_eq!(keeper.take(order(4, append(2, hash).0)).unwrap(), []);
    assert!(!keeper.retry().unwrap(), "there is still no room");
    disk.set_capacity(None);
    assert!(keeper.retry().unwrap());
    assert!(matches!(keeper.sync().unwrap(), Some(Report::Kept(PersistId(4), _))));
    assert_eq!(keeper.journal().last(), Slot(2));
}

#[test]
fn what_the_log_has_not_got_is_in_no_snapshot() {
    let disk = SimDisk::new(1);
    let mut keeper = keeper(&disk);
    let (first, hash) = append(1, EntryHash::NONE);
    let (second, second_hash) = append(2, hash);
    assert_eq!(keeper.take(order(2, first)).unwrap(), []);
    disk.set_capacity(Some(disk.used()));
    assert!(matches!(keeper.take(order(3, second)).unwrap()[..], [_, Report::Full(_)]));
    disk.set_capacity(None);

    // Others decided slot 2, and it is applied here, while the disk has room for a snapshot but was not tried again yet.
    assert!(keeper.snapshot_writer(head(2, second_hash)).unwrap().is_none());
    let meta = keeper.snapshot_writer(head(1, hash)).unwrap().unwrap().finish().unwrap();
    keeper.snapshot_committed(&meta).unwrap();
    assert_eq!(keeper.take(Order::TryAgain).unwrap(), []);
    assert!(keeper.retry().unwrap());
    assert!(matches!(keeper.sync().unwrap(), Some(Report::Kept(PersistId(3), _))));
    assert_eq!(keeper.journal().last(), Slot(2));
    assert!(keeper.snapshot_writer(head(2, hash)).unwrap().is_none(), "another entry's hash");
    assert!(keeper.snapshot_writer(head(2, second_hash)).unwrap().is_some());
}

fn head(slot: u64, hash: EntryHash) -> SnapshotHead {
    SnapshotHead { slot: Slot(slot), hash, wall_ms: 0, config: Config { epoch: 1, voters: vec![ME] } }
}

/// Counts what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl Lines {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn that_there_is_no_room_for_the_next_segment_is_said_once_until_there_is() {
    let disk = SimDisk::new(1);
    let mut keeper = keeper(&disk);
    let mut previous = EntryHash::NONE;
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        for (slot, said) in [(1, 1), (2, 2)] {
            // Two of them do not fit into one segment: the second takes the one that is ready.
            let (what, hash) = append_bytes(8 << 10, slot, previous);
            previous = hash;
            assert_eq!(keeper.take(order(slot + 1, what)).unwrap(), []);
            keeper.sync().unwrap();
            disk.set_capacity(Some(disk.used()));
            for _ in 0..3 {
                keeper.idle().unwrap();
                assert_eq!(lines.count(), said, "slot {slot}");
            }
            disk.set_capacity(None);
            keeper.idle().unwrap();
            assert_eq!(lines.count(), said, "slot {slot}");
        }
    });
}
