//! Snapshots of the store, made in the background while writes go on, so that the log can be cut.

use std::cmp::max;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use doozer_journal::{Disk, SnapshotError, SnapshotHead, SnapshotMeta, SnapshotWriter};
use doozer_paxos::Config;
use doozer_store::Snapshot;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::driver::input::Input;
use crate::driver::ports::Position;
use crate::journal_thread::JournalThread;
use crate::shared::Shared;

/// Decides when a snapshot is due, and makes one at a time.
pub(crate) struct Snapshots<D: Disk> {
    shared: Arc<Shared>,
    journal: JournalThread<D>,
    inputs: mpsc::UnboundedSender<Input>,
    running: bool,
    /// Tells the one that runs to give up.
    give_up: Arc<AtomicBool>,
    last_bytes: u64,
    /// After a failure (a full disk, say) the log must grow beyond this before the next try.
    retry_above: u64,
}

impl<D: Disk> Snapshots<D> {
    /// `last_bytes` is the size of the snapshot there is.
    pub fn new(
        shared: Arc<Shared>,
        journal: JournalThread<D>,
        inputs: mpsc::UnboundedSender<Input>,
        last_bytes: u64,
    ) -> Self {
        let give_up = Arc::default();
        Snapshots { shared, journal, inputs, running: false, give_up, last_bytes, retry_above: 0 }
    }

    /// Starts a snapshot of the state at `position`, which is the state now, if the log has grown enough.
    pub fn consider(&mut self, log_bytes: u64, position: Position, config: &Config) {
        let due = max(self.shared.limits.snapshot_log_bytes, 2 * self.last_bytes);
        if self.running || log_bytes < max(due, self.retry_above) {
            return;
        }
        let Position { slot, hash, wall_ms } = position;
        let head = SnapshotHead { slot, hash, wall_ms, config: config.clone() };
        let snapshot = self.shared.state.write().store.begin_snapshot();
        let job = Job {
            shared: Arc::clone(&self.shared),
            journal: self.journal.clone(),
            snapshot,
            give_up: Arc::clone(&self.give_up),
        };
        let inputs = self.inputs.clone();
        self.running = true;
        self.retry_above = log_bytes + due / 2;
        self.journal.begin_snapshot(head, Box::new(move |writer| job.start(writer, inputs)));
    }

    /// A snapshot ended: its size in bytes, `None` if it was given up, or why there is none.
    pub fn done(&mut self, result: Result<Option<u64>, SnapshotError>) {
        self.running = false;
        match result {
            Ok(Some(bytes)) => {
                self.last_bytes = bytes;
                self.retry_above = 0;
            }
            Ok(None) => {}
            Err(error) => warn!(%error, "no snapshot was made: the log grows until one can be"),
        }
    }

    /// Ends the one that runs, if any, before it is whole; [`Snapshots::is_running`] says when it is gone.
    pub fn give_up(&self) {
        self.give_up.store(true, Ordering::Relaxed);
    }

    pub fn is_running(&self) -> bool {
        self.running
    }
}

impl<D: Disk> Drop for Snapshots<D> {
    fn drop(&mut self) {
        self.give_up();
    }
}

struct Job<D: Disk> {
    shared: Arc<Shared>,
    journal: JournalThread<D>,
    snapshot: Snapshot,
    give_up: Arc<AtomicBool>,
}

impl<D: Disk> Job<D> {
    /// Runs on a thread of its own: the journal's is needed for writes.
    fn start(self, writer: Result<SnapshotWriter<D>, SnapshotError>, inputs: mpsc::UnboundedSender<Input>) {
        thread::spawn(move || {
            let Job { shared, journal, mut snapshot, give_up } = self;
            let written = writer.and_then(|writer| write(&shared, &mut snapshot, writer, &give_up));
            shared.state.write().store.end_snapshot(snapshot);
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
    shared: &Shared,
    snapshot: &mut Snapshot,
    mut writer: SnapshotWriter<D>,
    give_up: &AtomicBool,
) -> Result<Option<SnapshotMeta>, SnapshotError> {
    let begun = Instant::now();
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        let more = snapshot.next_chunk(&shared.state.read().store, &mut chunk);
        writer.write(&chunk)?;
        if !more {
            break;
        }
        if give_up.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    let meta = writer.finish()?;
    info!(slot = %meta.head.slot, bytes = meta.file_bytes, ms = begun.elapsed().as_millis() as u64, "snapshot");
    Ok(Some(meta))
}
