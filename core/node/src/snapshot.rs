//! Snapshots of the state, made in the background while writes go on, so that the log can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use doozer_journal::{Disk, SnapshotError, SnapshotMeta, SnapshotWriter};
use doozer_member::driver::Driver;
use doozer_member::local::Local;
use doozer_member::snapshot::{Schedule, Step, Work, head};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::host::World;
use crate::input::Input;
use crate::journal_thread::JournalThread;

/// Starts a snapshot when one is due, each on a thread of its own.
pub(crate) struct Snapshots<D: Disk> {
    schedule: Schedule,
    journal: JournalThread<D>,
    inputs: mpsc::UnboundedSender<Input>,
    /// Tells the one that runs to give up.
    give_up: Arc<AtomicBool>,
}

impl<D: Disk> Snapshots<D> {
    pub fn new(schedule: Schedule, journal: JournalThread<D>, inputs: mpsc::UnboundedSender<Input>) -> Self {
        Snapshots { schedule, journal, inputs, give_up: Arc::default() }
    }

    /// Starts a snapshot of the state as it is now, if the log has grown enough.
    pub fn consider(&mut self, log_bytes: u64, driver: &Driver<World<D>>) {
        if !self.schedule.begin_if_due(log_bytes) {
            return;
        }
        let local = Arc::clone(driver.local());
        let head = head(&local, driver.position());
        let job = Job {
            work: Work::begin(&local),
            local,
            journal: self.journal.clone(),
            give_up: Arc::clone(&self.give_up),
        };
        let inputs = self.inputs.clone();
        self.journal.begin_snapshot(head, Box::new(move |writer| job.start(writer, inputs)));
    }

    /// A snapshot ended: its size in bytes, `None` if it was given up, or why there is none.
    pub fn done(&mut self, result: Result<Option<u64>, SnapshotError>) {
        match result {
            Ok(bytes) => self.schedule.ended(bytes),
            Err(error) => {
                self.schedule.ended(None);
                warn!(%error, "no snapshot was made: the log grows until one can be");
            }
        }
    }

    /// Ends the one that runs, if any, before it is whole; [`Snapshots::is_running`] says when it is gone.
    pub fn give_up(&self) {
        self.give_up.store(true, Ordering::Relaxed);
    }

    pub fn is_running(&self) -> bool {
        self.schedule.is_running()
    }
}

impl<D: Disk> Drop for Snapshots<D> {
    fn drop(&mut self) {
        self.give_up();
    }
}

struct Job<D: Disk> {
    work: Work<D>,
    local: Arc<Local>,
    journal: JournalThread<D>,
    give_up: Arc<AtomicBool>,
}

impl<D: Disk> Job<D> {
    /// Runs on a thread of its own: the journal's is needed for writes.
    fn start(
        self,
        writer: Result<Option<SnapshotWriter<D>>, SnapshotError>,
        inputs: mpsc::UnboundedSender<Input>,
    ) {
        thread::spawn(move || {
            let Job { mut work, local, journal, give_up } = self;
            let written = writer.and_then(|writer| {
                writer.map_or(Ok(None), |writer| write(&mut work, writer, &local, &give_up))
            });
            work.end(&local);
            let result = written.map(|meta| {
                let bytes = meta.as_ref().map(|meta| meta.file_bytes);
                meta.into_iter().for_each(|meta| journal.snapshot_committed(meta));
                bytes
            });
            // The driver is gone only when the member is going down.
            let _ = inputs.send(Input::SnapshotDone(result));
        });
    }
}

fn write<D: Disk>(
    work: &mut Work<D>,
    writer: SnapshotWriter<D>,
    local: &Local,
    give_up: &AtomicBool,
) -> Result<Option<SnapshotMeta>, SnapshotError> {
    let begun = Instant::now();
    work.write_to(writer);
    while !give_up.load(Ordering::Relaxed) {
        match work.step(local)? {
            Step::More => {}
            Step::Void => return Ok(None),
            Step::Done(meta) => {
                let ms = begun.elapsed().as_millis() as u64;
                info!(slot = %meta.head.slot, bytes = meta.file_bytes, ms, "snapshot");
                return Ok(Some(meta));
            }
        }
    }
    Ok(None)
}
