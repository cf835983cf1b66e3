//! Members that start: born, from what their disk has, or not at all.
//! Never here: what a member does once it runs (`members`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use doozer_journal::sim::Fault;
use doozer_journal::{Birth, OpenError, Options, SimDisk, SnapshotError};
use doozer_member::driver::{Driver, Settings};
use doozer_member::keeper::Keeper;
use doozer_member::recovery::{self, Begin, RecoveryError, Role};
use doozer_member::snapshot::Schedule;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::replica::Limits;
use doozer_paxos::{Entry, Incarnation, Slot};

use super::attached::set;
use super::event::{Ending, Event};
use super::place::Running;
use super::stages::Stage;
use super::{World, letter};
use crate::checks::Violation;
use crate::history::{Found, MemberId, Place as At, Time};
use crate::host::{Effects, SimHost};

impl World {
    /// Starts whoever is to run at a place, unless somebody does.
    pub(super) fn start(&mut self, at: usize) -> Result<(), Violation> {
        if self.places[at].running.is_some() || self.places[at].is_vacant {
            return Ok(());
        }
        self.counts.starts += 1;
        self.places[at].life += 1;
        let (id, member) = self.who(at);
        let birth = Birth { cluster: self.cluster, incarnation: id };
        let role = self.places[at].role;
        if !self.plan.is_durable() {
            let begin = recovery::open_memory(birth, role, self.store_options(at));
            return self.set_going(at, member, begin, None, 0);
        }
        self.strike_start(at);
        let (segment_bytes, store_options) = (self.plan.segment_bytes, self.store_options(at));
        let options = Options { segment_bytes, ..Options::default() };
        match recovery::open(&self.places[at].disk, || birth, role, options, store_options) {
            Ok((begin, keeper, snapshot_bytes)) => {
                self.set_going(at, member, begin, Some(keeper), snapshot_bytes)
            }
            Err(error) => self.cannot_start(at, member, &error),
        }
    }

    /// Recovery is no more spared by power cuts and I/O errors than anything else.
    fn strike_start(&mut self, at: usize) {
        if !matches!(self.stage, Stage::Chaos) {
            return;
        }
        let (random, place) = (self.faults.random(), &mut self.places[at]);
        if self.plan.crash_s > 0 && random.one_in(6) {
            place.disk.power_off(1 + random.below(200));
            place.strike = Some(Ending::PowerCut);
        } else if self.plan.disk_error_s > 0 && random.one_in(8) {
            place.disk.fail(1 + random.below(100), None, Fault::Eio);
            place.strike = Some(Ending::Failed);
        }
    }

    /// Who is at a place: whoever was, or somebody new.
    fn who(&mut self, at: usize) -> (Incarnation, MemberId) {
        if let Some(id) = self.places[at].incarnation {
            return (id, self.members[&id].1);
        }
        let is_first = self.members.is_empty();
        let id = if is_first { self.founder } else { Incarnation(self.places[at].random.id()) };
        let member = MemberId(self.members.len() as u32);
        self.members.insert(id, (at, member));
        self.places[at].incarnation = Some(id);
        self.places[at].role = if is_first { Role::Founder } else { Role::Joiner };
        self.checks.born(member, id);
        self.checks.has_clock(id, self.places[at].tick_us);
        (id, member)
    }

    fn store_options(&self, at: usize) -> doozer_store::Options {
        let history =
            doozer_store::History { revisions_max: self.plan.history_revisions, ..Default::default() };
        doozer_store::Options { history, hash_seed: self.random.fork("store", at as u64).bits() }
    }

    fn settings(&self) -> Settings {
        let plan = &self.plan;
        let limits = Limits {
            stuck_ticks: plan.stuck_ticks,
            slots_in_flight_max: plan.slots_in_flight,
            slot_bytes_max: plan.slot_bytes as usize,
            message_bytes_max: plan.message_bytes as usize,
            unacknowledged_bytes_max: plan.unacknowledged_bytes as usize,
            full_bytes_max: plan.unacknowledged_bytes as usize,
            kept_bytes_max: plan.kept_bytes as usize,
            ..Limits::default()
        };
        Settings { limits, answer_within_ticks: plan.answer_ticks, silent_rounds_max: plan.silent_rounds }
    }

    fn set_going(
        &mut self,
        at: usize,
        member: MemberId,
        begin: Begin,
        keeper: Option<Keeper<SimDisk>>,
        snapshot_bytes: u64,
    ) -> Result<(), Violation> {
        self.report_found(member, &begin)?;
        let is_suspect = begin.past.suspect.is_some();
        if is_suspect {
            self.counts.suspects += 1;
        } else if keeper.is_some() {
            self.places[at].is_damaged = false;
        }
        let is_new = begin.is_empty();
        let is_birth = is_new && begin.role == Role::Founder;
        let (position, revision) = (begin.position, begin.machine.store().revision().0);
        let epoch = begin.past.entered.epoch;
        let effects = Effects::default();
        let host = SimHost::new(Effects::clone(&effects), keeper.is_none());
        let mut driver = Driver::new(begin, self.settings(), host);
        driver.host().local = Some(Arc::clone(driver.local()));
        if is_new {
            // Who comes to a place has the address of whoever was there.
            let (id, address) = (driver.me(), format!("{}:1", letter(at)));
            driver.write(&set(&format!("/ctl/node/{id}/addr"), address.as_bytes()), None);
        }
        if is_birth {
            self.voters.birth(self.plan.sessions_max).iter().for_each(|command| driver.write(command, None));
        }
        driver.lead_if_only_voter();
        self.places[at].running = Some(Box::new(Running {
            driver,
            keeper,
            member,
            effects,
            orders: VecDeque::new(),
            under_way: VecDeque::new(),
            is_syncing: false,
            served: BTreeMap::new(),
            ticks: 0,
            unanswered: BTreeMap::new(),
            schedule: Schedule::new(self.plan.snapshot_log_bytes, snapshot_bytes),
            snapshot: None,
            snapshot_head: None,
            paused: None,
            paused_at: Time(0),
            revision,
            is_leading: false,
            is_suspect,
            epoch,
            heard_rounds: BTreeMap::new(),
        }));
        let name = self.name(at);
        self.trace.tell(|| {
            let suspect = if is_suspect { ", suspect" } else { "" };
            format!("{name} starts at slot {}, revision {revision}{suspect}", position.slot)
        });
        if !self.knows_somebody(at) {
            self.join(at);
        }
        let life = self.places[at].life;
        let tick_us = self.places[at].tick_us;
        let phase = 1 + self.places[at].random.below(tick_us);
        self.put(phase, Event::Tick { place: at, life });
        self.pump(at)
    }

    fn report_found(&mut self, member: MemberId, begin: &Begin) -> Result<(), Violation> {
        let past = &begin.past;
        let log = &past.log;
        let slots = log.base().0 + 1..=log.last().0;
        let entries: Vec<Entry> =
            slots.filter_map(|slot| log.at(Slot(slot)).map(|(entry, _)| entry.clone())).collect();
        let base = At {
            slot: begin.position.slot,
            hash: begin.position.hash,
            revision: begin.machine.store().revision().0,
            // Before anything is applied, only the founder knows that it votes.
            digest: (begin.position.slot > Slot(0)).then(|| begin.machine.digest()),
        };
        let found = Found {
            boot: past.boot,
            promised: past.promised,
            acc_ballot: past.acc_ballot,
            base,
            entries: &entries,
            last_hash: log.last_hash(),
            is_suspect: past.suspect.is_some(),
        };
        self.checks.recovered(self.now, member, &found)
    }

    /// Who joins, or learns, asks somebody who runs.
    pub(super) fn join(&mut self, at: usize) {
        let Some(id) = self.places[at].incarnation else { return };
        let others: Vec<Incarnation> = self
            .places
            .iter()
            .filter(|place| place.running.is_some())
            .filter_map(|place| place.incarnation)
            .filter(|other| *other != id)
            .collect();
        let asked = self.places[at].random.choose(&others);
        if let (Some(running), Some(asked)) = (&mut self.places[at].running, asked) {
            running.driver.join(asked);
        }
    }

    fn cannot_start(&mut self, at: usize, member: MemberId, error: &RecoveryError) -> Result<(), Violation> {
        let name = self.name(at);
        self.trace.tell(|| format!("{name} cannot start: {error}"));
        let is_io = match error {
            RecoveryError::Journal(OpenError::Io(_)) => true,
            RecoveryError::SnapshotFile(SnapshotError::Io(_)) => true,
            RecoveryError::Journal(_) | RecoveryError::SnapshotFile(_) | RecoveryError::Snapshot(_) => false,
        };
        let place = &mut self.places[at];
        if is_io {
            self.counts.interrupted_starts += 1;
            let is_power = place.strike.take() == Some(Ending::PowerCut);
            if is_power {
                place.disk.crash()
            } else {
                place.disk.kill()
            }
            let again = 10_000 + place.random.wait(self.plan.down_ms * 200);
            self.put(again, Event::Start { place: at });
            return Ok(());
        }
        if !place.is_damaged {
            let what = format!("{name} refuses to start, and its disk was never damaged: {error}");
            return Err(Violation { check: "start", time: self.now, what });
        }
        self.counts.refused_starts += 1;
        self.checks.start_refused(member);
        // People take the files away and let it join anew.
        self.lose(at);
        let again = 10_000 + self.places[at].random.wait(self.plan.down_ms * 1_000);
        self.put(again, Event::Start { place: at });
        Ok(())
    }

    /// Whoever was at a place is gone for ever.
    pub(super) fn lose(&mut self, at: usize) {
        if is_planted(Planted::VoteAfterAmnesia) {
            let id = self.places[at].incarnation;
            self.places[at].new_disk();
            self.places[at].incarnation = id;
            return;
        }
        if let Some(id) = self.places[at].incarnation {
            self.voters.lose(id);
            let member = self.members[&id].1;
            self.checks.disk_lost(member);
        }
        self.places[at].new_disk();
    }
}
