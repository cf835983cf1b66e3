//! Faults, as they strike and end. None may take away for good what a majority needs: whom the cluster can spare, `voters`
//! says.
//! Never here: when a fault strikes (`faults`).

use doozer_journal::sim::{Call, Fault};

use super::World;
use super::event::{Ending, Event, Heal};
use super::stages::Stage;
use crate::checks::Violation;
use crate::faults::Kind;
use crate::history::Time;

impl World {
    /// Each kind is to strike for the first time.
    pub(super) fn begin_faults(&mut self) {
        Kind::ALL.iter().for_each(|kind| self.put_next_strike(*kind));
        if self.plan.client_break_s > 0 {
            let client_break_us = self.plan.client_break_s * self.plan.forbearance() * 1_000_000;
            let mut at = self.now.0;
            let end = at + self.plan.chaos_s * 1_000_000;
            let mut random = self.random.fork("client breaks", 0);
            while at < end {
                at += random.wait(client_break_us);
                self.queue.put(Time(at), Event::Heal(Heal::ClientBreaks));
            }
        }
    }

    fn put_next_strike(&mut self, kind: Kind) {
        if let Some(at) = self.faults.next(kind, &self.plan, self.now) {
            self.queue.put(at, Event::Strike(kind));
        }
    }

    pub(super) fn strike(&mut self, kind: Kind) -> Result<(), Violation> {
        if !matches!(self.stage, Stage::Chaos) {
            return Ok(());
        }
        self.put_next_strike(kind);
        if self.strike_now(kind)? {
            self.faults.count(kind);
        }
        Ok(())
    }

    /// False if it cannot be done now.
    fn strike_now(&mut self, kind: Kind) -> Result<bool, Violation> {
        match kind {
            Kind::Cut | Kind::Partition | Kind::SlowLink | Kind::Reset => Ok(self.strike_links(kind)),
            Kind::Crash | Kind::Kill | Kind::Blackout | Kind::DiskLost | Kind::Rot => {
                self.strike_process(kind)
            }
            Kind::Pause | Kind::ClockJump => Ok(self.strike_clock(kind)),
            Kind::DiskSlow | Kind::DiskStuck | Kind::DiskError | Kind::DiskFull | Kind::Misdirect => {
                Ok(self.strike_disk(kind))
            }
            Kind::Change => {
                self.voters.want_change();
                Ok(true)
            }
            Kind::Join => self.join_somebody(),
        }
    }

    fn heal_later(&mut self, heal: Heal) {
        let wait = self.network_wait();
        self.put(wait, Event::Heal(heal));
    }

    fn network_wait(&mut self) -> u64 {
        10_000 + self.faults.random().wait(self.plan.heal_ms * 1_000)
    }

    fn strike_links(&mut self, kind: Kind) -> bool {
        let places = self.running_places();
        if places.len() < 2 {
            return false;
        }
        match kind {
            Kind::Partition => {
                let (shape, links) = self.network.draw_partition(&places);
                self.trace.tell(|| format!("** partition, {shape}: {links:?}"));
                self.network.cut(&links);
                self.heal_later(Heal::Links(links));
            }
            Kind::Cut => {
                let links = self.network.draw_pair(&places);
                self.trace.tell(|| format!("** cut: {links:?}"));
                self.network.cut(&links);
                self.heal_later(Heal::Links(links));
            }
            Kind::SlowLink => {
                let links = self.network.draw_pair(&places);
                self.trace.tell(|| format!("** slow: {links:?}"));
                self.network.slow(&links);
                self.heal_later(Heal::Slow(links));
            }
            _ => {
                let Some(at) = self.faults.random().choose(&places) else { return false };
                let name = self.name(at);
                self.trace.tell(|| format!("** {name}: its connections are made anew"));
                self.tell_of_reset(at);
            }
        }
        true
    }

    /// The places where somebody runs.
    pub(super) fn running_places(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|at| self.places[*at].running.is_some()).collect()
    }

    fn draw_running(&mut self) -> Option<usize> {
        let places = self.running_places();
        self.faults.random().choose(&places)
    }

    fn strike_process(&mut self, kind: Kind) -> Result<bool, Violation> {
        if kind == Kind::Blackout {
            return self.black_out();
        }
        let Some(at) = self.draw_running() else { return Ok(false) };
        let name = self.name(at);
        let loses = !self.plan.is_durable() || matches!(kind, Kind::DiskLost | Kind::Rot);
        if loses && !self.can_spare(at) {
            return Ok(false);
        }
        self.trace.tell(|| format!("** {name}: {}", kind.name()));
        match kind {
            Kind::Crash if self.plan.is_durable() => self.cut_power_at_a_call(at),
            Kind::Rot if self.plan.is_durable() => {
                let how = if self.faults.random().one_in(2) { Ending::Killed } else { Ending::PowerCut };
                self.end(at, how)?;
                self.rot(at);
            }
            Kind::Rot => return Ok(false),
            Kind::DiskLost => self.end(at, Ending::DiskLost)?,
            _ => self.end(at, Ending::Killed)?,
        }
        Ok(true)
    }

    /// The power goes at one of the next calls of the disk, or a little later if there are none.
    fn cut_power_at_a_call(&mut self, at: usize) {
        let calls = 1 + self.faults.random().below(40);
        let place = &mut self.places[at];
        place.disk.power_off(calls);
        place.strike = Some(Ending::PowerCut);
        let life = place.life;
        let late = 1_000 + self.faults.random().wait(500_000);
        self.put(late, Event::End { place: at, life, how: Ending::PowerCut });
    }

    fn black_out(&mut self) -> Result<bool, Violation> {
        if !self.plan.is_durable() {
            return Ok(false);
        }
        self.trace.tell(|| "** all power is lost".to_owned());
        for at in 0..self.places.len() {
            self.end(at, Ending::PowerCut)?;
        }
        self.checks.power_lost();
        Ok(true)
    }

    /// Bits flip in the files of a member that is down.
    fn rot(&mut self, at: usize) {
        let files = self.places[at].disk.files();
        let files: Vec<&String> = files.iter().filter(|name| name.as_str() != "LOCK").collect();
        let flips = self.faults.random().between(1, 3);
        let Some(file) = self.faults.random().choose(&files) else { return };
        for _ in 0..flips {
            let offset = self.places[at].disk.rot(file);
            self.trace.tell(|| format!("** a bit of {file} flips at byte {offset:?}"));
        }
        let what = format!("{flips} bits of {file} flipped");
        self.damaged(at, &what);
    }

    fn damaged(&mut self, at: usize, what: &str) {
        self.places[at].is_damaged = true;
        if let Some(id) = self.places[at].incarnation {
            self.checks.damaged(self.members[&id].1, what);
        }
    }

    fn strike_clock(&mut self, kind: Kind) -> bool {
        let Some(at) = self.draw_running() else { return false };
        let name = self.name(at);
        if kind == Kind::ClockJump {
            let jump_ms = self.faults.random().below(20_000_000) as i64 - 10_000_000;
            self.places[at].wall_skew_ms = jump_ms;
            self.trace.tell(|| format!("** {name}: its wall clock jumps by {jump_ms} ms"));
            return true;
        }
        let life = self.places[at].life;
        let Some(running) = self.places[at].running.as_mut().filter(|running| running.paused.is_none())
        else {
            return false;
        };
        (running.paused, running.paused_at) = (Some(Vec::new()), self.now);
        let pause_us = 1_000 + self.faults.random().wait(self.plan.pause_ms * 1_000);
        self.trace.tell(|| format!("** {name} is stopped for {} ms", pause_us / 1_000));
        self.put(pause_us, Event::Resume { place: at, life });
        true
    }

    fn strike_disk(&mut self, kind: Kind) -> bool {
        if !self.plan.is_durable() {
            return false;
        }
        let Some(at) = self.draw_running() else { return false };
        if self.places[at].strike.is_some() || (kind == Kind::Misdirect && !self.can_spare(at)) {
            return false;
        }
        let (name, now, random) = (self.name(at), self.now, self.faults.random());
        let place = &mut self.places[at];
        let mut late = None;
        match kind {
            Kind::DiskSlow => {
                place.slow += 1;
                late = Some(Event::Heal(Heal::DiskSlow(at)));
            }
            Kind::DiskStuck => place.stuck_until = Time(now.0 + random.between(300_000, 4_000_000)),
            Kind::DiskFull => {
                place.disk.set_capacity(Some(place.disk.used() + random.below(20_000)));
                late = Some(Event::Heal(Heal::DiskFull(at)));
            }
            Kind::DiskError => {
                let call = random.pick(&[None, None, Some(Call::Sync), Some(Call::Write)]);
                place.disk.fail(1 + random.below(20), call, Fault::Eio);
                place.strike = Some(Ending::Failed);
            }
            _ => {
                place.disk.misdirect(1 + random.below(20));
                // The damage shows when it starts again.
                let (life, how) = (place.life, Ending::Killed);
                let wait = random.between(200_000, 4_000_000);
                self.put(wait, Event::End { place: at, life, how });
                self.damaged(at, "a write went elsewhere");
            }
        }
        self.trace.tell(|| format!("** {name}: {}", kind.name()));
        if let Some(event) = late {
            let wait = self.network_wait();
            self.put(wait, event);
        }
        true
    }

    pub(super) fn heal(&mut self, heal: Heal) {
        if !matches!(self.stage, Stage::Chaos) {
            return;
        }
        match heal {
            Heal::Links(links) => {
                self.trace.tell(|| format!("** healed: {links:?}"));
                self.network.heal(&links);
            }
            Heal::Slow(links) => self.network.quicken(&links),
            Heal::DiskSlow(at) => self.places[at].slow = self.places[at].slow.saturating_sub(1),
            Heal::DiskFull(at) => self.places[at].disk.set_capacity(None),
            Heal::ClientBreaks => self.break_some_connection(),
        }
    }

    /// Somebody new joins: where nobody was, or in the place of a learner who is gone for good.
    fn join_somebody(&mut self) -> Result<bool, Violation> {
        let vacant = (0..self.places.len()).find(|at| self.places[*at].is_vacant);
        if let Some(at) = vacant {
            self.places[at].is_vacant = false;
            self.start(at)?;
            return Ok(true);
        }
        let learners: Vec<usize> = self
            .running_places()
            .into_iter()
            .filter(|at| self.places[*at].incarnation.is_some_and(|id| !self.voters.is_voter(&id)))
            .collect();
        match self.faults.random().choose(&learners) {
            Some(at) if self.can_spare(at) => self.end(at, Ending::DiskLost).map(|()| true),
            _ => Ok(false),
        }
    }
}
