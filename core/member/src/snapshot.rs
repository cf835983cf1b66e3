//! A member's own snapshots, made while it goes on, so that its log can be cut: when one is due, and the work of making it,
//! in steps that its host takes where and when it likes.
//! Never here: threads.

use std::cmp::max;

use doozer_journal::{Disk, SnapshotError, SnapshotHead, SnapshotMeta, SnapshotWriter};

use crate::driver::Position;
use crate::local::Local;
use crate::state::StateSnapshot;

/// Decides when a snapshot is due; there is one at a time.
#[derive(Debug)]
pub struct Schedule {
    /// Bytes of the log since the last snapshot that call for the next one, at least.
    log_bytes_min: u64,
    is_running: bool,
    last_bytes: u64,
    /// After a failure (a full disk, say) the log must grow beyond this before the next try.
    retry_above: u64,
}

impl Schedule {
    /// `last_bytes` is the size of the snapshot there is.
    pub fn new(log_bytes_min: u64, last_bytes: u64) -> Schedule {
        Schedule { log_bytes_min, is_running: false, last_bytes, retry_above: 0 }
    }

    /// Whether a snapshot is to begin, with so many bytes of log since the last one; it is counted as begun then.
    pub fn begin_if_due(&mut self, log_bytes: u64) -> bool {
        let due = max(self.log_bytes_min, 2 * self.last_bytes);
        if self.is_running || log_bytes < max(due, self.retry_above) {
            return false;
        }
        self.is_running = true;
        self.retry_above = log_bytes + due / 2;
        true
    }

    /// The one that was begun ended: its size in bytes, or `None` if there is none.
    pub fn ended(&mut self, bytes: Option<u64>) {
        self.is_running = false;
        if let Some(bytes) = bytes {
            (self.last_bytes, self.retry_above) = (bytes, 0);
        }
    }

    /// Whether one is being made.
    pub fn is_running(&self) -> bool {
        self.is_running
    }
}

/// What a snapshot of the state as it is now is of. The state stands at `position`.
pub fn head(local: &Local, position: Position) -> SnapshotHead {
    let Position { slot, hash, wall_ms } = position;
    SnapshotHead { slot, hash, wall_ms, config: local.state.read().machine().config().clone() }
}

/// A snapshot being made. Give it back with [`Work::end`], whole or not.
#[must_use = "a snapshot that is not given back keeps the history for ever"]
pub struct Work<D: Disk> {
    snapshot: StateSnapshot,
    writer: Option<SnapshotWriter<D>>,
    chunk: Vec<u8>,
}

/// How far a snapshot is.
#[derive(Debug)]
pub enum Step {
    /// There is more.
    More,
    /// It is whole and durable.
    Done(SnapshotMeta),
    /// Another state took the place of the one it was of.
    Void,
}

impl<D: Disk> Work<D> {
    /// Begins a snapshot of the state as it is now. It goes to the writer that [`Work::write_to`] gives.
    pub fn begin(local: &Local) -> Work<D> {
        Work { snapshot: local.state.write().begin_snapshot(), writer: None, chunk: Vec::new() }
    }

    /// Where it goes.
    pub fn write_to(&mut self, writer: SnapshotWriter<D>) {
        self.writer = Some(writer);
    }

    /// Writes the next chunk. Blocks on the disk; holds the state's lock, shared, for that chunk alone.
    ///
    /// # Errors
    /// [`SnapshotError`]: there is no snapshot, and nothing else is disturbed.
    pub fn step(&mut self, local: &Local) -> Result<Step, SnapshotError> {
        let Some(writer) = &mut self.writer else { return Ok(Step::More) };
        self.chunk.clear();
        let Some(has_more) = local.state.read().next_chunk(&mut self.snapshot, &mut self.chunk) else {
            return Ok(Step::Void);
        };
        writer.write(&self.chunk)?;
        if has_more {
            return Ok(Step::More);
        }
        match self.writer.take() {
            Some(writer) => Ok(Step::Done(writer.finish()?)),
            None => Ok(Step::Void),
        }
    }

    /// Gives it back.
    pub fn end(self, local: &Local) {
        local.state.write().end_snapshot(self.snapshot);
    }
}

impl<D: Disk> std::fmt::Debug for Work<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("has_writer", &self.writer.is_some()).finish_non_exhaustive()
    }
}
