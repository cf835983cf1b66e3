//! From the birth of the cluster to the end of the seed: its voters come together; things go wrong; a core is healed and
//! must go on alone; everybody is healed and must come to the same.
//! Never here: what goes wrong.

use doozer_paxos::{Config, Incarnation};

use super::World;
use super::event::{Ending, Event};
use crate::checks::Violation;
use crate::client::{Client, Purpose};
use crate::faults::Kind;
use crate::history::{ClientId, MemberId, OpId, Request, Time, value_of};

/// How far a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The first voters come together.
    Setup,
    /// Things go wrong.
    Chaos,
    /// Some majority is well again, and nobody else.
    Core,
    /// Everybody is well again.
    Whole { since: Time, slot: u64 },
    /// It is over.
    Over,
}

/// Microseconds in which the first voters must have come together.
const SETUP_US: u64 = 30_000_000;

/// Microseconds in which each member of a healed core must get a write done: ten rounds of heartbeats (G11), and five more
/// for the election before.
const CORE_US: u64 = 1_500_000;

/// Microseconds in which everybody must have come to the same.
const WHOLE_US: u64 = 90_000_000;

/// Microseconds that a message, or a sync, takes at most once things are well.
const CALM_US: u64 = 1_000;

/// Microseconds between two looks at whether everything has settled.
const LOOK_US: u64 = 500_000;

impl World {
    pub(super) fn begin(&mut self) -> Result<(), Violation> {
        for at in 0..self.places.len() {
            self.start(at)?;
        }
        self.put(50_000, Event::Operate);
        self.put(SETUP_US, Event::Stage);
        Ok(())
    }

    pub(super) fn begin_chaos(&mut self) -> Result<(), Violation> {
        self.stage = Stage::Chaos;
        self.trace.tell(|| "** things begin to go wrong".to_owned());
        self.begin_clients();
        self.begin_faults();
        self.put(self.plan.chaos_s * 1_000_000, Event::Stage);
        self.stage_at = Time(self.now.0 + self.plan.chaos_s * 1_000_000);
        Ok(())
    }

    pub(super) fn next_stage(&mut self) -> Result<(), Violation> {
        if self.now < self.stage_at {
            return Ok(());
        }
        match self.stage {
            Stage::Setup => Err(self.not_settled("the first voters did not come together")),
            Stage::Chaos => self.begin_core(),
            Stage::Core => self.begin_whole(),
            Stage::Whole { since, slot } => self.look_at_whole(since, slot),
            Stage::Over => Ok(()),
        }
    }

    fn stage_in(&mut self, us: u64) {
        self.stage_at = Time(self.now.0 + us);
        self.put(us, Event::Stage);
    }

    /// Faults end: a random core of voters is well again, everybody else stays as broken as it is, and is cut off.
    fn begin_core(&mut self) -> Result<(), Violation> {
        self.stage = Stage::Core;
        self.network.calm(CALM_US);
        self.attached.is_calm = true;
        for at in 0..self.places.len() {
            let place = &self.places[at];
            if place.strike == Some(Ending::PowerCut) && place.disk.has_struck() {
                // Its power is gone already; it just has not noticed.
                self.end(at, Ending::PowerCut)?;
            }
        }
        for place in &mut self.places {
            (place.slow, place.stuck_until, place.strike) = (0, Time(0), None);
            place.sync_us = place.sync_us.min(CALM_US);
            place.disk.set_capacity(None);
            // Whatever call was to fail is far away now.
            place.disk.fail(u64::MAX, None, doozer_journal::sim::Fault::Eio);
        }
        for at in 0..self.places.len() {
            // What a disk was slow with is done soon.
            self.put(CALM_US, Event::Synced { place: at, life: self.places[at].life });
        }
        let Some(core) = self.draw_core()? else {
            self.counts.stranded += 1;
            self.trace.tell(|| "** no majority is left that could go on".to_owned());
            return self.begin_whole();
        };
        let names: Vec<String> = core.iter().map(|at| self.name(*at)).collect();
        self.trace.tell(|| format!("** healed, and nobody else: {}", names.join(" ")));
        self.network.heal_only(&core);
        for at in &core {
            self.resume(*at, self.places[*at].life)?;
        }
        // Whose vote is only asked for in a configuration that is over need not know who votes now, nor who could tell it.
        let core: Vec<usize> = core.into_iter().filter(|at| self.votes_on(*at)).collect();
        let members: Vec<MemberId> = core
            .iter()
            .filter_map(|at| self.places[*at].running.as_ref().map(|running| running.member))
            .collect();
        if self.checks.healed(self.now, &members, CORE_US) {
            core.into_iter().try_for_each(|at| self.probe(at))?;
        } else {
            self.counts.stranded += 1;
        }
        self.stage_in(CORE_US + 1);
        Ok(())
    }

    /// Places whose voters are a majority wherever one is needed, drawn one by one; all of them run.
    fn draw_core(&mut self) -> Result<Option<Vec<usize>>, Violation> {
        let configs = self.voters.majorities_needed();
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        self.faults.random().shuffle(&mut order);
        let mut core: Vec<usize> = Vec::new();
        for at in order {
            let ids = self.ids(&core);
            let lacks: Vec<&Config> = configs.iter().filter(|config| !is_majority(config, &ids)).collect();
            let Some(id) = self.places[at].incarnation else { continue };
            if lacks.iter().all(|config| !config.voters.contains(&id)) || self.is_impaired(&id) {
                continue;
            }
            if let Some(resumed) = self.places[at].running.as_ref().map(|_| self.places[at].life) {
                self.resume(at, resumed)?;
            }
            self.start(at)?;
            if self.places[at].running.is_some() && !self.is_impaired(&id) {
                core.push(at);
            }
        }
        let ids = self.ids(&core);
        // Who has not entered the newest configuration learns of it from one who has, or finds it out with a majority of the
        // one before: all of that, those who are gone for good included.
        let newest = self.voters.config().epoch;
        let has_entered = |at: &usize| {
            let running = self.places[*at].running.as_deref();
            running.is_some_and(|running| running.driver.replica().config().epoch >= newest)
        };
        let is_known = core.iter().any(has_entered) || is_majority(self.voters.before(), &ids);
        let is_core = is_known && configs.iter().all(|config| is_majority(config, &ids));
        Ok(is_core.then_some(core))
    }

    /// Whether a member votes in the configuration in force, or in one that comes.
    fn votes_on(&self, at: usize) -> bool {
        let votes =
            |config: &Config| self.places[at].incarnation.is_some_and(|id| config.voters.contains(&id));
        self.voters.configs_to_come().any(votes)
    }

    fn ids(&self, places: &[usize]) -> Vec<Incarnation> {
        places.iter().filter_map(|at| self.places[*at].incarnation).collect()
    }

    /// A client of its own shows that a member can write.
    fn probe(&mut self, at: usize) -> Result<(), Violation> {
        let who = self.attached.clients.len();
        let random = self.random.fork("probe", at as u64);
        self.attached.clients.push(Client::new(ClientId(1_000 + at as u32), Purpose::Probe, random));
        self.connect(who, at)?;
        self.probe_again(who, at)
    }

    /// For the first time, or because the member heard of no majority in time.
    pub(super) fn probe_again(&mut self, who: usize, at: usize) -> Result<(), Violation> {
        self.ask_this(who, |op: OpId| Request::Set {
            path: format!("/probe/{at}"),
            rev: -1,
            value: value_of(op, 0),
        })
    }

    fn begin_whole(&mut self) -> Result<(), Violation> {
        self.checks.passed(self.now)?;
        self.checks.broken_again();
        self.stage = Stage::Whole { since: self.now, slot: 0 };
        self.trace.tell(|| "** everybody is healed".to_owned());
        self.network.heal_all();
        for at in 0..self.places.len() {
            self.resume(at, self.places[at].life)?;
            self.start(at)?;
        }
        self.tell_of_lost_connections();
        for client in 0..self.attached.clients.len() {
            self.put(2_000, Event::Think { client });
        }
        self.stage_in(LOOK_US);
        Ok(())
    }

    /// Whether everybody has come to the same, and nothing moves any more.
    fn look_at_whole(&mut self, since: Time, slot_before: u64) -> Result<(), Violation> {
        let is_hopeless = self.voters.majorities_needed().iter().any(|config| {
            config.voters.iter().filter(|id| !self.is_impaired(id)).count() <= config.voters.len() / 2
        });
        let occupied = self.places.iter().filter(|place| !place.is_vacant);
        let slots: Vec<Option<u64>> = occupied
            .map(|place| place.running.as_ref().map(|running| running.driver.position().slot.0))
            .collect();
        let first = slots.first().copied().flatten().unwrap_or_default();
        let are_equal = slots.iter().all(|slot| *slot == Some(first)) && first > 0;
        let are_clients_done =
            self.attached.clients.iter().all(|client| !client.is_busy() && !client.has_to_resume());
        // Sessions whose clients went away end by themselves.
        let has_sessions = self.checks.sessions() > 0;
        let is_settled = are_equal && are_clients_done && slot_before == first && !has_sessions;
        if is_settled && !is_hopeless && !self.has_work_left() {
            return self.end_well();
        }
        if self.now.0 - since.0 > WHOLE_US {
            if is_hopeless {
                self.stage = Stage::Over;
                return self.checks.finish(self.now, &[], &[]);
            }
            return Err(self.not_settled(match (self.has_work_left(), has_sessions) {
                (true, _) => "a voter that is gone for good was not replaced, though there is a stand-by",
                (_, true) => "a session did not end whose client went away",
                _ => "not everybody came to the same",
            }));
        }
        self.stage = Stage::Whole { since, slot: if are_equal { first } else { 0 } };
        self.stage_in(LOOK_US);
        Ok(())
    }

    fn end_well(&mut self) -> Result<(), Violation> {
        self.stage = Stage::Over;
        let mut settled = Vec::new();
        for at in self.running_places() {
            let Some(running) = self.places[at].running.as_deref() else { continue };
            let (member, slot) = (running.member, running.driver.position().slot);
            let digest = running.driver.local().state.read().machine().digest();
            self.checks.digest(self.now, member, slot, digest)?;
            self.trace.add(u64::from(member.0) ^ slot.0);
            settled.push(member);
        }
        let open: Vec<OpId> = self.attached.clients.iter().flat_map(Client::open_beside).collect();
        self.checks.finish(self.now, &settled, &open)
    }

    /// A seed that does not come to its end: a member stands still that should not.
    fn not_settled(&self, what: &str) -> Violation {
        let waits = |client: &&Client| client.is_busy() || client.has_to_resume();
        let busy = self.attached.clients.iter().filter(waits);
        let busy: Vec<String> = busy.map(|client| format!("{}: {:?}", client.id, client.doing())).collect();
        let what = format!("{what}; clients that wait: {}", busy.join("; "));
        Violation { check: "settled", time: self.now, what }
    }

    /// Where every member is, a line each.
    pub(super) fn standing(&self) -> String {
        (0..self.places.len()).map(|at| format!("\n  {}: {}", self.name(at), self.standing_of(at))).collect()
    }

    fn standing_of(&self, at: usize) -> String {
        let place = &self.places[at];
        let Some(running) = &place.running else {
            return if place.is_vacant { "nobody".to_owned() } else { "down".to_owned() };
        };
        let (position, member) = (running.driver.position(), running.driver.replica());
        let applied = format!("applied {}, revision {}", position.slot, running.revision);
        let config = self.told_config(member.config());
        let disk =
            match (running.is_syncing, running.keeper.as_ref().is_some_and(|keeper| keeper.is_waiting())) {
                (_, true) => ", its disk is full",
                (true, _) => ", its disk is at work",
                _ => "",
            };
        let paused = if place.is_paused() { ", stopped" } else { "" };
        format!("{applied}, {config}{disk}{paused}; {member:?}")
    }

    /// How often a kind of fault struck.
    pub fn struck(&self, kind: Kind) -> u64 {
        self.faults.counts().find(|(each, _)| *each == kind).map_or(0, |(_, count)| count)
    }
}

fn is_majority(config: &Config, ids: &[Incarnation]) -> bool {
    config.voters.is_empty()
        || config.voters.iter().filter(|voter| ids.contains(voter)).count() > config.voters.len() / 2
}
