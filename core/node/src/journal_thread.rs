//! The journal's own thread: appends and syncs what the driver hands out, many at a time (group commit), and reports
//! back. Between bursts it makes the mark of the last sync durable and readies the next segment.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use doozer_journal::{AppendError, Disk, Journal, SnapshotError, SnapshotHead, SnapshotMeta, SnapshotWriter};
use doozer_paxos::{Append, Slot};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use crate::driver::input::Input;
use crate::driver::ports::{Persist, Sizes};
use crate::error::Failure;

/// How long nothing must happen before the mark is synced: long enough not to stand in the way of the next write.
const IDLE: Duration = Duration::from_millis(30);

/// Takes a snapshot's file, or hears why there is none.
type TakeWriter<D> = Box<dyn FnOnce(Result<SnapshotWriter<D>, SnapshotError>) + Send>;

enum Work<D: Disk> {
    Append(Append),
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

impl<D: Disk> Persist for JournalThread<D> {
    fn persist(&mut self, append: Append) -> Option<Slot> {
        // A thread that is gone has reported its failure already.
        let _ = self.work.send(Work::Append(append));
        None
    }
}

impl<D: Disk> JournalThread<D> {
    /// Starts the thread. It ends when it fails, is stopped, or all handles are gone.
    pub fn start(journal: Journal<D>, inputs: mpsc::UnboundedSender<Input>) -> io::Result<Self> {
        let (work, receiver) = channel();
        thread::Builder::new().name("doozer-journal".to_owned()).spawn(move || {
            let mut work = Loop { journal, inputs: inputs.clone(), refusing: None };
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
    journal: Journal<D>,
    inputs: mpsc::UnboundedSender<Input>,
    /// The disk was full at this slot: later slots that were already under way are dropped until it comes again.
    refusing: Option<Slot>,
}

impl<D: Disk> Loop<D> {
    /// Works until it is told to stop, and by whom, or nobody is left to tell it.
    fn run(&mut self, work: &Receiver<Work<D>>) -> Result<Option<oneshot::Sender<()>>, Failure> {
        let mut settled = true;
        loop {
            let first = if settled {
                work.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                work.recv_timeout(IDLE)
            };
            let first = match first {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    self.settle()?;
                    settled = true;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.settle()?;
                    return Ok(None);
                }
            };
            settled = false;
            let mut last = None;
            let mut next = Some(first);
            while let Some(work_item) = next {
                match work_item {
                    Work::Append(append) => last = self.append(&append)?.or(last),
                    Work::BeginSnapshot(head, start) => start(self.journal.snapshot_writer(head)),
                    Work::SnapshotCommitted(meta) => self.cut(meta)?,
                    Work::Stop(done) => {
                        self.sync(last)?;
                        self.settle()?;
                        return Ok(Some(done));
                    }
                }
                next = work.try_recv().ok();
            }
            self.sync(last)?;
        }
    }

    /// Writes one append. The slot to report once it is synced; `None` when it was refused.
    fn append(&mut self, append: &Append) -> Result<Option<Slot>, Failure> {
        if self.refusing.is_some_and(|slot| append.from > slot) {
            return Ok(None);
        }
        self.refusing = None;
        match self.journal.append(append) {
            Ok(_) => Ok(append.entries.last().map(|entry| entry.slot)),
            Err(AppendError::Full(why)) => {
                self.refusing = Some(append.from);
                self.report(Input::Refused { slot: append.from, why: why.to_string() });
                Ok(None)
            }
            Err(error) => Err(Failure(error.to_string())),
        }
    }

    fn sync(&mut self, last: Option<Slot>) -> Result<(), Failure> {
        let Some(slot) = last else { return Ok(()) };
        self.journal.sync().map_err(|error| Failure(error.to_string()))?;
        let (log, all) = (self.journal.log_bytes_since_snapshot(), self.journal.bytes_on_disk());
        self.report(Input::Persisted { slot, sizes: Sizes { log, all } });
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.journal.sync_mark().map_err(|error| Failure(error.to_string()))?;
        match self.journal.prepare() {
            Ok(()) => Ok(()),
            Err(AppendError::Full(error)) => {
                // Not yet a reason to refuse anything: the segment in use has room.
                warn!(%error, "cannot make the next log segment ahead of need");
                Ok(())
            }
            Err(error) => Err(Failure(error.to_string())),
        }
    }

    fn cut(&mut self, meta: SnapshotMeta) -> Result<(), Failure> {
        match self.journal.snapshot_committed(&meta) {
            Ok(()) => Ok(()),
            Err(AppendError::Full(error)) => {
                warn!(%error, "the log behind a snapshot could not be given up");
                Ok(())
            }
            Err(error) => Err(Failure(error.to_string())),
        }
    }

    fn report(&self, input: Input) {
        // The driver is gone only when the member is going down.
        let _ = self.inputs.send(input);
    }
}
