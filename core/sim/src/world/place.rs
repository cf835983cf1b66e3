//! A machine: its disk, its clock, and the member that runs there, if one does.
//! Never here: what a member does.

use std::collections::{BTreeMap, VecDeque};

use doozer_journal::{SimDisk, SnapshotHead};
use doozer_member::driver::{Driver, Order};
use doozer_member::keeper::Keeper;
use doozer_member::recovery::Role;
use doozer_member::snapshot::{Schedule, Work};
use doozer_paxos::Incarnation;
use doozer_paxos::replica::{Persist, PersistId};

use super::event::{Ending, Event};
use crate::history::{MemberId, OpId, Time};
use crate::host::{Effects, SimHost};
use crate::plan::Plan;
use crate::random::Random;
use crate::serve::Served;

pub(super) struct Place {
    /// Who is here, running or not; nobody before the first start, and after the disk was lost.
    pub incarnation: Option<Incarnation>,
    /// How whoever is born here comes into the cluster.
    pub role: Role,
    /// Nobody is to be started here yet.
    pub is_vacant: bool,
    pub disk: SimDisk,
    /// Counts the processes that ran here.
    pub life: u32,
    pub running: Option<Box<Running>>,
    /// Its disk has been damaged, and nobody has started on it since.
    pub is_damaged: bool,
    /// What the next failure of its disk means, if it was made to fail.
    pub strike: Option<Ending>,
    /// Draws of its disk's pace, its ids, its times.
    pub random: Random,
    /// Microseconds of real time in a tick of its clock.
    pub tick_us: u64,
    /// How far its wall clock is off.
    pub wall_skew_ms: i64,
    pub sync_us: u64,
    /// How many faults make its disk slow.
    pub slow: u32,
    /// Its disk does nothing until then.
    pub stuck_until: Time,
    /// How many disks there were here.
    disks: u64,
}

/// A process.
pub(super) struct Running {
    pub driver: Driver<SimHost>,
    pub keeper: Option<Keeper<SimDisk>>,
    pub member: MemberId,
    pub effects: Effects,
    /// Orders that the disk was not given yet.
    pub orders: VecDeque<Order>,
    /// What the disk was given, and has not reported.
    pub under_way: VecDeque<(PersistId, Persist)>,
    pub is_syncing: bool,
    pub served: BTreeMap<u64, Served>,
    /// Ticks of this life.
    pub ticks: u64,
    /// Writes and linearizable reads that the driver has not answered, and the ticks when they came.
    pub unanswered: BTreeMap<OpId, u64>,
    pub schedule: Schedule,
    pub snapshot: Option<Work<SimDisk>>,
    /// Of a snapshot whose file is to be opened behind the orders for what it is of.
    pub snapshot_head: Option<SnapshotHead>,
    /// What came while it was stopped.
    pub paused: Option<Vec<Event>>,
    /// When it was last stopped.
    pub paused_at: Time,
    /// The store's revision as last told.
    pub revision: u64,
    pub is_leading: bool,
    /// The end of its log may be missing: it does not vote until that is made good.
    pub is_suspect: bool,
    /// Of the configuration that it has entered.
    pub epoch: u64,
    /// For how many rounds in a row it has heard another voter.
    pub heard_rounds: BTreeMap<Incarnation, u64>,
}

/// Microseconds of a tick.
pub(super) const TICK_US: u64 = 10_000;

impl Place {
    pub fn new(number: usize, plan: &Plan, random: &Random) -> Place {
        let mut random = random.fork("place", number as u64);
        let rate = if plan.clock_rates > 0 { random.between(800, 1_250) } else { 1_000 };
        let mut place = Place {
            incarnation: None,
            role: if number == 0 { Role::Founder } else { Role::Joiner },
            is_vacant: number as u64 >= plan.voters + plan.learners,
            disk: SimDisk::new(0),
            life: 0,
            running: None,
            is_damaged: false,
            strike: None,
            tick_us: TICK_US * rate / 1_000,
            wall_skew_ms: 0,
            sync_us: plan.sync_us,
            slow: 0,
            stuck_until: Time(0),
            disks: 0,
            random,
        };
        place.new_disk();
        place
    }

    /// Whoever was here is gone, with everything.
    pub fn new_disk(&mut self) {
        self.disks += 1;
        self.disk = SimDisk::new(self.random.fork("disk", self.disks).bits());
        self.incarnation = None;
        self.is_damaged = false;
        self.strike = None;
    }

    /// Whether this very process runs.
    pub fn is_life(&self, life: u32) -> bool {
        self.life == life && self.running.is_some()
    }

    /// Its process, if this very one runs and is not stopped.
    pub fn awake(&mut self, life: u32) -> Option<&mut Running> {
        let is_it = self.life == life;
        self.running.as_deref_mut().filter(|running| is_it && running.paused.is_none())
    }

    pub fn is_paused(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.paused.is_some())
    }

    /// The wall clock, milliseconds since 1970.
    pub fn wall_ms(&self, now: Time) -> u64 {
        (1_700_000_000_000 + now.0 / 1_000).saturating_add_signed(self.wall_skew_ms)
    }

    /// How long its disk takes for a sync that begins now.
    pub fn sync_takes(&mut self, now: Time) -> u64 {
        let slow = if self.slow > 0 { 30 } else { 1 };
        let takes = slow * (self.sync_us / 2 + self.random.wait(self.sync_us / 2 + 1));
        takes + self.stuck_until.0.saturating_sub(now.0)
    }
}
