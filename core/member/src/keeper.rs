//! Carries out the driver's orders on the journal. Who calls it, and when it syncs, is its host's matter: many orders, then
//! one sync (group commit).
//! Never here: threads, clocks.

use std::collections::VecDeque;

use bytes::Bytes;
use doozer_journal::{
    AppendError, Disk, Fatal, Full, Journal, SnapshotError, SnapshotHead, SnapshotMeta, SnapshotWriter,
};
use doozer_paxos::Append;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::replica::{Persist, PersistId};
use tracing::warn;

use crate::driver::{Order, Sizes};

/// The journal of one member, and what is under way to it.
pub struct Keeper<D: Disk> {
    journal: Journal<D>,
    /// Taken and not synced.
    last: Option<PersistId>,
    /// The disk was full at the first of these: they wait for room, in order.
    waiting: VecDeque<Order>,
    /// The driver was told so, and has not said whether they are still wanted: nothing of them is written by then, since
    /// an only voter may be telling its clients just that.
    is_held: bool,
    /// There is no room for the next segment, which was said, and is not said again until there is.
    is_short: bool,
}

impl<D: Disk> std::fmt::Debug for Keeper<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("last", &self.last).finish_non_exhaustive()
    }
}

/// What the driver is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Everything up to this order is durable.
    Kept(PersistId, Sizes),
    /// There is no room for the next order: why. It waits, and those behind it; see [`Keeper::retry`].
    Full(String),
}

/// The journal failed for good: the process must end, since nobody knows what is on the disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal failed: {0}; stopped rather than guess what is on the disk. Check the disk, then start again"
)]
pub struct Failure(pub String);

impl<D: Disk> Keeper<D> {
    /// Nothing is under way.
    pub fn new(journal: Journal<D>) -> Self {
        Keeper { journal, last: None, waiting: VecDeque::new(), is_held: false, is_short: false }
    }

    /// Takes one order. What it gives is to be reported at once, in order; what is taken is durable after
    /// [`Keeper::sync`].
    ///
    /// # Errors
    /// [`Failure`].
    pub fn take(&mut self, order: Order) -> Result<Vec<Report>, Failure> {
        match order {
            Order::Forget => {
                self.waiting.clear();
                self.is_held = false;
                return Ok(Vec::new());
            }
            Order::TryAgain => {
                self.is_held = false;
                return Ok(Vec::new());
            }
            Order::Keep { .. } => {}
        }
        if self.is_waiting() {
            self.waiting.push_back(order);
            return Ok(Vec::new());
        }
        let Some(why) = self.carry_out(&order)? else { return Ok(Vec::new()) };
        self.waiting.push_back(order);
        self.is_held = true;
        // What came before it counts, and must be known to count by then.
        let mut reports: Vec<Report> = self.sync()?.into_iter().collect();
        reports.push(Report::Full(why));
        Ok(reports)
    }

    /// Whether orders wait for room.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Tries again what waits for room, if the driver still wants it. Whether any of it was taken; [`Keeper::sync`] makes it
    /// durable.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn retry(&mut self) -> Result<bool, Failure> {
        let mut has_moved = false;
        while !self.is_held
            && let Some(order) = self.waiting.pop_front()
        {
            if self.carry_out(&order)?.is_some() {
                self.waiting.push_front(order);
                break;
            }
            has_moved = true;
        }
        Ok(has_moved)
    }

    /// Makes everything that was taken durable.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn sync(&mut self) -> Result<Option<Report>, Failure> {
        let Some(id) = self.last.take() else { return Ok(None) };
        if !is_planted(Planted::SyncSkipped) {
            self.journal.sync().map_err(|error| Failure(error.to_string()))?;
        }
        Ok(Some(Report::Kept(id, self.sizes())))
    }

    /// What can be done between bursts, so that it need not be done within one: makes the mark durable, and the next
    /// segment ready. That there is no room for it is said once, until there is again.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn idle(&mut self) -> Result<(), Failure> {
        self.journal.sync_mark().map_err(|error| Failure(error.to_string()))?;
        match self.journal.prepare() {
            Ok(()) => {
                self.is_short = false;
                Ok(())
            }
            Err(AppendError::Full(error)) => {
                // Not yet a reason to refuse anything: the segment in use has room.
                if !self.is_short {
                    warn!(%error, "cannot make the next log segment ahead of need");
                }
                self.is_short = true;
                Ok(())
            }
            Err(error) => Err(Failure(error.to_string())),
        }
    }

    /// Opens a file for a snapshot of this member's own. None if the log does not have its slot: a member whose disk is
    /// full goes on applying what others decided, and a snapshot of that would take the place of the log that what waits
    /// for room goes on from. Call it behind the orders for what the state has applied.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing else is disturbed.
    pub fn snapshot_writer(&self, head: SnapshotHead) -> Result<Option<SnapshotWriter<D>>, SnapshotError> {
        if !self.journal.has(head.slot, head.hash) {
            return Ok(None);
        }
        self.journal.snapshot_writer(head).map(Some)
    }

    /// A snapshot of this member's own is in place: the log before it can go.
    ///
    /// # Errors
    /// [`Failure`].
    ///
    /// # Panics
    /// If the log does not have its slot: see [`Keeper::snapshot_writer`].
    pub fn snapshot_committed(&mut self, meta: &SnapshotMeta) -> Result<(), Failure> {
        if self.journal.snapshot().is_some_and(|newest| newest.head.slot > meta.head.slot) {
            // One that came from another member overtook it.
            return Ok(());
        }
        assert!(
            self.journal.has(meta.head.slot, meta.head.hash),
            "a snapshot of slot {} of its own, which the log, up to {}, does not have",
            meta.head.slot,
            self.journal.last()
        );
        match self.journal.snapshot_committed(meta) {
            Ok(()) => Ok(()),
            Err(AppendError::Full(error)) => {
                warn!(%error, "the log behind a snapshot could not be given up");
                Ok(())
            }
            Err(error) => Err(Failure(error.to_string())),
        }
    }

    /// How much is on the disk.
    pub fn sizes(&self) -> Sizes {
        Sizes { log: self.journal.log_bytes_since_snapshot(), all: self.journal.bytes_on_disk() }
    }

    /// The journal, to look at.
    pub fn journal(&self) -> &Journal<D> {
        &self.journal
    }

    /// Does one order; why not, if there is no room.
    fn carry_out(&mut self, order: &Order) -> Result<Option<String>, Failure> {
        let Order::Keep { id, what, snapshot } = order else { return Ok(None) };
        let done = match what {
            Persist::Promise(ballot) => self.journal.promise(*ballot).map_err(AppendError::Fatal),
            Persist::Append(append) if is_planted(Planted::AcceptSyncInTwo) => self.append_in_two(append),
            Persist::Append(append) => self.journal.append(append).map(drop),
            // The log that makes it sound has to be there first.
            Persist::Sound => {
                self.journal.sync().and_then(|_| self.journal.sound()).map_err(AppendError::Fatal)
            }
            Persist::Install(_) => self.install(snapshot.as_ref()),
        };
        match done {
            Ok(()) => {
                self.last = Some(*id);
                Ok(None)
            }
            Err(AppendError::Full(_)) if is_planted(Planted::FullDiskIgnored) => {
                self.last = Some(*id);
                Ok(None)
            }
            Err(AppendError::Full(why)) => Ok(Some(why.to_string())),
            Err(error) => Err(Failure(error.to_string())),
        }
    }

    /// What nobody may do: whoever reads what is there in between finds a log that was never accepted.
    fn append_in_two(&mut self, append: &Append) -> Result<(), AppendError> {
        if append.from <= self.journal.last()
            && let Some(first) = append.entries.first()
        {
            let cut = Append { entries: Vec::new(), last_hash: first.previous, ..append.clone() };
            self.journal.append(&cut)?;
            self.journal.sync()?;
        }
        self.journal.append(append).map(drop)
    }

    /// Writes the snapshot of another member's, and goes on behind it.
    fn install(&mut self, snapshot: Option<&(SnapshotHead, Vec<Bytes>)>) -> Result<(), AppendError> {
        let Some((head, pieces)) = snapshot else { return Ok(()) };
        self.journal.sync()?;
        let written = self.journal.snapshot_writer(head.clone()).and_then(|mut writer| {
            pieces.iter().try_for_each(|piece| writer.write(piece))?;
            writer.finish()
        });
        match written {
            Ok(meta) => self.journal.snapshot_committed(&meta),
            Err(SnapshotError::Io(failure)) if failure.is_full() => Err(Full::Disk(failure).into()),
            Err(SnapshotError::Io(failure)) => Err(Fatal(failure).into()),
            Err(error) => unreachable!("a snapshot that is being written: {error}"),
        }
    }
}
