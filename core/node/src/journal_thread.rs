//! The journal's own thread: carries out what the driver orders, many orders with one sync (group commit), and reports
//! back. Between bursts it makes the mark of the last sync durable and readies the next segment.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use doozer_journal::{Disk, SnapshotError, SnapshotHead, SnapshotMeta, SnapshotWriter};
use doozer_member::driver::Order;
use doozer_member::keeper::{Failure, Keeper, Report};
use tokio::sync::{mpsc, oneshot};

use crate::input::Input;

/// How long nothing must happen before the mark is synced: long enough not to stand in the way of the next write.
const IDLE: Duration = Duration::from_millis(30);

/// How often an order that found no room is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// Takes a snapshot's file, if it is time for one, or hears why there is none.
type TakeWriter<D> = Box<dyn FnOnce(Result<Option<SnapshotWriter<D>>, SnapshotError>) + Send>;

enum Work<D: Disk> {
    Order(Order),
    /// A snapshot is due: here is who writes it.
    BeginSnapshot(SnapshotHead, TakeWriter<D>),
    /// A snapshot file is in place: the log before it can go.
    SnapshotCommitted(SnapshotMeta),
    Stop(oneshot::Sender<()>),
}

/// The driver's way to the thread.
pub(crate) struct JournalThread<D: Disk> {
    work: Sender<Work<D>>,
}

impl<D: Disk> Clone for JournalThread<D> {
    fn clone(&self) -> Self {
        JournalThread { work: self.work.clone() }
    }
}

impl<D: Disk> JournalThread<D> {
    /// Starts the thread. It ends when it fails, is stopped, or all handles are gone.
    pub fn start(keeper: Keeper<D>, inputs: mpsc::UnboundedSender<Input>) -> io::Result<Self> {
        let (work, receiver) = channel();
        thread::Builder::new().name("doozer-journal".to_owned()).spawn(move || {
            let mut work = Loop { keeper, inputs: inputs.clone(), tried: Instant::now() };
            match work.run(&receiver) {
                Ok(stopped) => {
                    // The directory is free for the next one before the stop is reported.
                    drop(work);
                    if let Some(stopped) = stopped {
                        let _ = stopped.send(());
                    }
                }
                Err(failure) => {
                    let _ = inputs.send(Input::Failed(failure));
                }
            }
        })?;
        Ok(JournalThread { work })
    }

    /// Gives it an order. A thread that is gone has reported its failure already.
    pub fn take(&self, order: Order) {
        let _ = self.work.send(Work::Order(order));
    }

    /// Opens a snapshot file and gives it to `start`, which must not take long.
    pub fn begin_snapshot(&self, head: SnapshotHead, start: TakeWriter<D>) {
        let _ = self.work.send(Work::BeginSnapshot(head, start));
    }

    /// Lets the log be cut behind a snapshot.
    pub fn snapshot_committed(&self, meta: SnapshotMeta) {
        let _ = self.work.send(Work::SnapshotCommitted(meta));
    }

    /// Makes everything durable, the mark included, and ends the thread.
    pub async fn stop(&self) {
        let (done, ended) = oneshot::channel();
        if self.work.send(Work::Stop(done)).is_ok() {
            let _ = ended.await;
        }
    }
}

struct Loop<D: Disk> {
    keeper: Keeper<D>,
    inputs: mpsc::UnboundedSender<Input>,
    /// When what waits for room was last tried.
    tried: Instant,
}

impl<D: Disk> Loop<D> {
    /// Works until it is told to stop, and by whom, or nobody is left to tell it.
    fn run(&mut self, work: &Receiver<Work<D>>) -> Result<Option<oneshot::Sender<()>>, Failure> {
        let mut is_settled = true;
        loop {
            // By the clock, not in a pause: orders that come all the time would put it off for ever.
            if self.keeper.is_waiting() && self.tried.elapsed() >= RETRY {
                self.keeper.retry()?;
                self.sync()?;
                self.tried = Instant::now();
            }
            let first = if self.keeper.is_waiting() {
                work.recv_timeout(RETRY)
            } else if is_settled {
                work.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                work.recv_timeout(IDLE)
            };
            match first {
                Ok(first) => {
                    is_settled = false;
                    if let Some(stopped) = self.burst(first, work)? {
                        return Ok(Some(stopped));
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.keeper.is_waiting() => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.keeper.idle()?;
                    is_settled = true;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.keeper.idle()?;
                    return Ok(None);
                }
            }
        }
    }

    /// Takes all that has come, then syncs once. Whoever stops it, if somebody does.
    fn burst(
        &mut self,
        first: Work<D>,
        work: &Receiver<Work<D>>,
    ) -> Result<Option<oneshot::Sender<()>>, Failure> {
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Work::Order(order) => {
                    for report in self.keeper.take(order)? {
                        self.report(report);
                    }
                }
                Work::BeginSnapshot(head, start) => start(self.keeper.snapshot_writer(head)),
                Work::SnapshotCommitted(meta) => self.keeper.snapshot_committed(&meta)?,
                Work::Stop(done) => {
                    self.sync()?;
                    self.keeper.idle()?;
                    return Ok(Some(done));
                }
            }
            next = work.try_recv().ok();
        }
        self.sync()?;
        Ok(None)
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if let Some(report) = self.keeper.sync()? {
            self.report(report);
        }
        Ok(())
    }

    fn report(&self, report: Report) {
        // The driver is gone only when the member is going down.
        let _ = self.inputs.send(Input::Journal(report));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use super::*;
    use crate::input::channel as inputs;
    use doozer_journal::{Birth, Options, SimDisk};
    use doozer_member::recovery::{Role, open};
    use doozer_paxos::replica::{Persist, PersistId};
    use doozer_paxos::{Append, Ballot, ClusterId, Entry, EntryHash, Incarnation, Slot};
    use std::sync::atomic::{AtomicBool, Ordering};

    const CLUSTER: ClusterId = ClusterId([1; 16]);
    const ME: Incarnation = Incarnation([2; 16]);
    const BALLOT: Ballot = Ballot { n: 1, epoch: 0, incarnation: ME };

    /// An entry too large for a segment that is ready.
    fn append() -> Persist {
        let commands = vec![vec![7; 64 << 10].into()];
        let previous = EntryHash::NONE;
        let entry = Entry { slot: Slot(1), birth: BALLOT, previous, wall_ms: 0, config: None, commands };
        let last_hash = entry.hash(CLUSTER);
        Persist::Append(Append {
            acc_ballot: BALLOT,
            epoch: 0,
            from: Slot(1),
            entries: vec![entry],
            last_hash,
        })
    }

    #[test]
    fn room_is_looked_for_while_orders_come_all_the_time() {
        let disk = SimDisk::new(1);
        let birth = Birth { cluster: CLUSTER, incarnation: ME };
        let options = Options { segment_bytes: 16 << 10, bytes_max: None };
        let (_, keeper, _) =
            open(&disk, || birth, Role::Founder, options, doozer_store::Options::default()).unwrap();
        disk.set_capacity(Some(disk.used()));
        let (sender, mut reports) = inputs();
        let thread = JournalThread::start(keeper, sender).unwrap();
        let keep = |id, what| Order::Keep { id: PersistId(id), what, snapshot: None };
        thread.take(keep(1, Persist::Promise(BALLOT)));
        thread.take(keep(2, append()));
        let patience = Instant::now() + Duration::from_secs(30);
        let mut next = || loop {
            match reports.try_recv() {
                Ok(Input::Journal(report)) => return Some(report),
                _ if Instant::now() > patience => return None,
                _ => thread::yield_now(),
            }
        };
        while !matches!(next().expect("it finds no room"), Report::Full(_)) {}
        let (busy, is_over) = (thread.clone(), AtomicBool::new(false));
        let kept = thread::scope(|scope| {
            scope.spawn(|| {
                // More often than it is tried.
                while !is_over.load(Ordering::Relaxed) {
                    busy.take(Order::TryAgain);
                    thread::sleep(RETRY / 20);
                }
            });
            disk.set_capacity(None);
            let kept = next();
            is_over.store(true, Ordering::Relaxed);
            kept
        });
        assert!(matches!(kept, Some(Report::Kept(PersistId(2), _))), "{kept:?}");
    }
}
