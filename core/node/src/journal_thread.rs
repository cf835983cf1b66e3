//! The journal's own thread: carries out what the driver orders, many orders with one sync (group commit), and reports
//! back. Between bursts it makes the mark of the last sync durable and readies the next segment.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

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
            let mut work = Loop { keeper, inputs: inputs.clone() };
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
}

impl<D: Disk> Loop<D> {
    /// Works until it is told to stop, and by whom, or nobody is left to tell it.
    fn run(&mut self, work: &Receiver<Work<D>>) -> Result<Option<oneshot::Sender<()>>, Failure> {
        let mut is_settled = true;
        loop {
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
                Err(RecvTimeoutError::Timeout) if self.keeper.is_waiting() => {
                    self.keeper.retry()?;
                    self.sync()?;
                }
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
