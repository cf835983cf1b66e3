//! Orders for a member's disk, carried out by its real keeper at virtual times; and its snapshots.
//! Never here: what the bytes are.

use doozer_member::driver::Order;
use doozer_member::keeper::{Failure, Report};
use doozer_member::snapshot::{self, Step, Work};
use doozer_paxos::replica::Persist;

use super::World;
use super::event::{Ending, Event};
use crate::checks::Violation;
use crate::history::MemberId;

/// Microseconds between two steps of a snapshot.
const SNAPSHOT_STEP_US: u64 = 2_000;

/// Microseconds after which a full disk is tried again.
const RETRY_US: u64 = 100_000;

impl World {
    /// A driver gave an order. In memory it is done at once.
    pub(super) fn ordered(&mut self, at: usize, order: Order) -> Result<(), Violation> {
        if let Order::Keep { what: Persist::Append(append), .. } = &order {
            let changes = self.voters.proposed(append);
            changes.iter().try_for_each(|entry| self.check_eviction(entry))?;
        }
        let Some(running) = &mut self.places[at].running else { return Ok(()) };
        if running.keeper.is_some() {
            running.orders.push_back(order);
            return Ok(());
        }
        let member = running.member;
        match order {
            Order::Keep { what, .. } => self.checks.persisted(self.now, member, &what),
            Order::Forget | Order::TryAgain => Ok(()),
        }
    }

    /// Gives the disk what waits for it, unless it is at work.
    pub(super) fn give_to_disk(&mut self, at: usize) -> Result<(), Violation> {
        let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(()) };
        if running.is_syncing || running.paused.is_some() {
            return Ok(());
        }
        if !running.orders.is_empty() {
            self.give_orders(at)?;
        }
        self.begin_snapshot(at);
        Ok(())
    }

    fn give_orders(&mut self, at: usize) -> Result<(), Violation> {
        let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(()) };
        let Some(keeper) = &mut running.keeper else { return Ok(()) };
        let mut reports = Vec::new();
        for order in std::mem::take(&mut running.orders) {
            match &order {
                // Whatever waits for room was given and never reported.
                Order::Forget if keeper.is_waiting() => running.under_way.clear(),
                Order::Forget | Order::TryAgain => {}
                Order::Keep { id, what, .. } => running.under_way.push_back((*id, what.clone())),
            }
            match keeper.take(order) {
                Ok(more) => reports.extend(more),
                Err(failure) => return self.disk_failed(at, &failure),
            }
        }
        running.is_syncing = true;
        let takes = self.places[at].sync_takes(self.now);
        let life = self.places[at].life;
        self.put(takes, Event::Synced { place: at, life });
        if reports.is_empty() {
            return Ok(());
        }
        reports.into_iter().try_for_each(|report| self.report(at, report))?;
        self.pump(at)
    }

    /// The disk has done what it was given.
    pub(super) fn synced(&mut self, at: usize, life: u32) -> Result<(), Violation> {
        if self.is_put_off(at, life, || Event::Synced { place: at, life }) {
            return Ok(());
        }
        let stuck_for = self.places[at].stuck_until.0.saturating_sub(self.now.0);
        if stuck_for > 0 && self.places[at].is_life(life) {
            self.put(stuck_for, Event::Synced { place: at, life });
            return Ok(());
        }
        let is_idle_time = self.places[at].random.one_in(4);
        let Some(running) = self.places[at].awake(life) else { return Ok(()) };
        running.is_syncing = false;
        let is_idle = is_idle_time && running.orders.is_empty();
        let Some(keeper) = &mut running.keeper else { return Ok(()) };
        let done = keeper.sync().and_then(|report| {
            if is_idle {
                keeper.idle()?;
            }
            Ok(report)
        });
        match done {
            Ok(Some(report)) => self.report(at, report)?,
            Ok(None) => {}
            Err(failure) => return self.disk_failed(at, &failure),
        }
        self.pump(at)?;
        self.consider_snapshot(at)
    }

    /// A disk that was full is tried again.
    pub(super) fn retry(&mut self, at: usize, life: u32) -> Result<(), Violation> {
        if self.is_put_off(at, life, || Event::Retry { place: at, life }) {
            return Ok(());
        }
        let Some(running) = self.places[at].awake(life) else { return Ok(()) };
        let Some(keeper) = running.keeper.as_mut().filter(|keeper| keeper.is_waiting()) else {
            return Ok(());
        };
        let has_orders = running.is_syncing || !running.orders.is_empty();
        let done = if has_orders { Ok(None) } else { keeper.retry().and_then(|_| keeper.sync()) };
        let is_waiting = keeper.is_waiting();
        match done {
            Ok(report) => report.into_iter().try_for_each(|report| self.report(at, report))?,
            Err(failure) => return self.disk_failed(at, &failure),
        }
        if is_waiting {
            self.put(RETRY_US, Event::Retry { place: at, life });
        }
        self.pump(at)
    }

    fn report(&mut self, at: usize, report: Report) -> Result<(), Violation> {
        let wall_ms = self.places[at].wall_ms(self.now);
        let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(()) };
        let member = running.member;
        match report {
            Report::Kept(id, sizes) => {
                let mut kept = Vec::new();
                while let Some((_, what)) = running.under_way.pop_front_if(|(order, _)| *order <= id) {
                    kept.push(what);
                }
                self.told_kept(member, &kept)?;
                let is_sound = kept.contains(&Persist::Sound);
                self.places[at].is_damaged &= !is_sound;
                if let Some(running) = &mut self.places[at].running {
                    running.is_suspect &= !is_sound;
                    running.driver.kept(id, sizes);
                }
            }
            Report::Full(why) => {
                running.driver.full(&why, wall_ms);
                let life = self.places[at].life;
                self.put(RETRY_US, Event::Retry { place: at, life });
                self.counts.full_disks += 1;
                let name = self.name(at);
                self.trace.tell(|| format!("{name} has no room: {why}"));
            }
        }
        Ok(())
    }

    fn told_kept(&mut self, member: MemberId, kept: &[Persist]) -> Result<(), Violation> {
        kept.iter().try_for_each(|what| self.checks.persisted(self.now, member, what))
    }

    /// A journal that failed ends its process.
    fn disk_failed(&mut self, at: usize, failure: &Failure) -> Result<(), Violation> {
        let how = self.places[at].strike.take().unwrap_or(Ending::Failed);
        let name = self.name(at);
        self.trace.tell(|| format!("{name}: {failure}"));
        self.end(at, how)
    }

    fn consider_snapshot(&mut self, at: usize) -> Result<(), Violation> {
        let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(()) };
        let Some(keeper) = &running.keeper else { return Ok(()) };
        if running.snapshot.is_some() || !running.schedule.begin_if_due(keeper.sizes().log) {
            return Ok(());
        }
        let local = running.driver.local();
        running.snapshot_head = Some(snapshot::head(local, running.driver.position()));
        running.snapshot = Some(Work::begin(local));
        self.give_to_disk(at)
    }

    /// The disk has the orders for what a snapshot is to be of.
    fn begin_snapshot(&mut self, at: usize) {
        let life = self.places[at].life;
        let Some(running) = self.places[at].running.as_deref_mut() else { return };
        let (Some(head), Some(keeper)) = (running.snapshot_head.take(), &running.keeper) else { return };
        let Some(mut work) = running.snapshot.take() else { return };
        if let Ok(Some(writer)) = keeper.snapshot_writer(head) {
            work.write_to(writer);
            running.snapshot = Some(work);
            self.put(SNAPSHOT_STEP_US, Event::SnapshotStep { place: at, life });
        } else {
            work.end(running.driver.local());
            running.schedule.ended(None);
        }
    }

    pub(super) fn snapshot_step(&mut self, at: usize, life: u32) -> Result<(), Violation> {
        if self.is_put_off(at, life, || Event::SnapshotStep { place: at, life }) {
            return Ok(());
        }
        let stuck_for = self.places[at].stuck_until.0.saturating_sub(self.now.0);
        let name = self.name(at);
        let Some(running) = self.places[at].awake(life) else { return Ok(()) };
        let (Some(work), Some(keeper)) = (&mut running.snapshot, &mut running.keeper) else { return Ok(()) };
        let step = work.step(running.driver.local());
        if let Ok(Step::More) = step {
            self.put(SNAPSHOT_STEP_US + stuck_for, Event::SnapshotStep { place: at, life });
            return Ok(());
        }
        if let Some(work) = running.snapshot.take() {
            work.end(running.driver.local());
        }
        match step {
            Ok(Step::Done(meta)) => {
                let done = keeper.snapshot_committed(&meta);
                running.schedule.ended(Some(meta.file_bytes));
                self.counts.snapshots += 1;
                self.trace.tell(|| format!("{name} has a snapshot of slot {}", meta.head.slot));
                if let Err(failure) = done {
                    return self.disk_failed(at, &failure);
                }
            }
            Ok(_) => running.schedule.ended(None),
            Err(error) => {
                running.schedule.ended(None);
                self.trace.tell(|| format!("{name} has no snapshot: {error}"));
                if self.places[at].disk.has_struck() && self.places[at].strike == Some(Ending::PowerCut) {
                    return self.end(at, Ending::PowerCut);
                }
            }
        }
        Ok(())
    }
}
