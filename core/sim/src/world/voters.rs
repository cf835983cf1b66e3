//! Who votes, who looks after that, and whom the cluster can spare. The operator of the cluster is a client: it asks for
//! changes of who votes by writing files, and swaps those who are gone for good for whoever is there.
//! Never here: how a change is made (the members), or whether it was right (`checks`).

use std::collections::BTreeSet;

use bytes::Bytes;
use doozer_paxos::{Append, Config, Entry, Incarnation, Slot};
use doozer_store::{At, Lookup};

use super::attached::set;
use super::event::Event;
use super::stages::Stage;
use super::{World, letter};
use crate::checks::Violation;
use crate::history::{Answer, OpId, Request, Time};
use crate::workload::VALUE_BYTES_MAX;

/// What the world knows of who votes.
#[derive(Debug)]
pub(super) struct Voters {
    founder: Incarnation,
    /// The newest configuration that anybody applied.
    newest: Config,
    /// The one before it.
    before: Config,
    /// Those that were proposed and may be decided yet.
    pending: Vec<(Slot, Config)>,
    /// The last slot that anybody applied.
    last: Slot,
    /// Those who are gone for good.
    lost: BTreeSet<Incarnation>,
    /// A change is to be asked for.
    is_change_wanted: bool,
    /// What was asked for and never answered may be done until then.
    unsure_until: Time,
}

/// Microseconds after which nothing is expected any more of a change that was never answered.
const UNSURE_US: u64 = 15_000_000;

/// Files under which voters stand.
const SLOTS: u64 = 7;

impl Voters {
    /// A cluster of one.
    pub fn new(founder: Incarnation) -> Voters {
        let first = Config { epoch: 0, voters: vec![founder] };
        Voters {
            founder,
            newest: first.clone(),
            before: first,
            pending: Vec::new(),
            last: Slot(0),
            lost: BTreeSet::new(),
            is_change_wanted: false,
            unsure_until: Time(0),
        }
    }

    /// The configuration that is in force as far as anybody knows.
    pub fn config(&self) -> &Config {
        &self.newest
    }

    /// The configuration before it.
    pub fn before(&self) -> &Config {
        &self.before
    }

    /// What a new cluster begins with.
    pub fn birth(&self, sessions_max: u64) -> Vec<Bytes> {
        let mut birth = vec![
            set("/ctl/name", b"sim"),
            set("/ctl/settings/max-value", VALUE_BYTES_MAX.to_string().as_bytes()),
            set("/ctl/cal/0", self.founder.to_string().as_bytes()),
        ];
        if sessions_max > 0 {
            birth.push(set("/ctl/settings/max-sessions", sessions_max.to_string().as_bytes()));
        }
        birth
    }

    /// Somebody is gone for good.
    pub fn lose(&mut self, id: Incarnation) {
        self.lost.insert(id);
    }

    /// Somebody writes entries into a log: those that bring a configuration that nobody has proposed before.
    pub fn proposed(&mut self, append: &Append) -> Vec<Entry> {
        let mut new = Vec::new();
        for entry in &append.entries {
            if let Some(config) = &entry.config
                && entry.slot > self.last
                && !self.pending.iter().any(|(slot, known)| *slot == entry.slot && known == config)
            {
                self.pending.push((entry.slot, config.clone()));
                new.push(entry.clone());
            }
        }
        new
    }

    /// Somebody applied an entry. Whether that brings a new configuration.
    pub fn applied(&mut self, entry: &Entry) -> bool {
        if entry.slot <= self.last {
            return false;
        }
        self.last = entry.slot;
        self.pending.retain(|(slot, _)| *slot > entry.slot);
        let Some(config) = entry.config.as_ref().filter(|config| config.epoch > self.newest.epoch) else {
            return false;
        };
        self.before = std::mem::replace(&mut self.newest, config.clone());
        true
    }

    /// Whether somebody votes, did until just now, or may soon.
    pub fn is_voter(&self, id: &Incarnation) -> bool {
        let in_force = [&self.newest, &self.before];
        let configs = in_force.into_iter().chain(self.pending.iter().map(|(_, config)| config));
        configs.into_iter().any(|config| config.voters.contains(id))
    }

    /// A change is to be asked for.
    pub fn want_change(&mut self) {
        self.is_change_wanted = true;
    }

    /// Every configuration that a majority is needed of, to be sure to go on.
    pub fn majorities_needed(&self) -> Vec<Config> {
        let mut before = self.before.clone();
        // Who is gone for good cannot be asked.
        before.voters.retain(|voter| !self.lost.contains(voter));
        self.configs_to_come().cloned().chain([before]).collect()
    }

    /// The configuration in force, and those behind it that may be.
    pub fn configs_to_come(&self) -> impl Iterator<Item = &Config> {
        self.pending.iter().map(|(_, config)| config).chain([&self.newest])
    }
}

impl World {
    /// Whether the cluster goes on, and loses nothing, without what is at a place: a majority of the voters in force is
    /// here, sound, and knows of no other configuration.
    pub(super) fn can_spare(&self, at: usize) -> bool {
        let Some(id) = self.places[at].incarnation else { return true };
        let config = self.voters.config();
        let is_open = !self.voters.pending.is_empty()
            || self.now < self.voters.unsure_until
            || self.attached.clients[self.attached.operator()].is_busy();
        let majority = config.voters.len() / 2 + 1;
        let others = config.voters.iter().filter(|voter| **voter != id);
        let has_entered = others.filter(|voter| self.is_sound(voter, config.epoch)).count();
        if is_open || has_entered < majority {
            return false;
        }
        let is_impaired = |voter: &&Incarnation| self.is_impaired(voter);
        let impaired = config.voters.iter().filter(is_impaired).count();
        let any_damaged = self.places.iter().any(|place| place.is_damaged);
        !any_damaged && (!config.voters.contains(&id) || impaired < (config.voters.len() - 1) / 2)
    }

    pub(super) fn place_of(&self, id: &Incarnation) -> Option<usize> {
        let (at, _) = self.members.get(id)?;
        (self.places[*at].incarnation == Some(*id)).then_some(*at)
    }

    /// Whether a member runs, is not damaged, and has entered an epoch.
    fn is_sound(&self, id: &Incarnation, epoch: u64) -> bool {
        let Some(place) = self.place_of(id).map(|at| &self.places[at]) else { return false };
        let epoch_of = |running: &super::place::Running| running.driver.replica().config().epoch;
        let knows = |running: &super::place::Running| !running.is_suspect && epoch_of(running) >= epoch;
        !place.is_damaged && place.running.as_deref().is_some_and(knows)
    }

    /// Whether a voter is gone, or may not know what it knew.
    pub(super) fn is_impaired(&self, id: &Incarnation) -> bool {
        let is_suspect =
            |at: usize| self.places[at].running.as_ref().is_some_and(|running| running.is_suspect);
        self.voters.lost.contains(id)
            || self.place_of(id).is_none_or(|at| self.places[at].is_damaged || is_suspect(at))
    }

    /// Looks after who votes.
    pub(super) fn operate(&mut self) -> Result<(), Violation> {
        self.attached.sweep();
        self.join_again()?;
        let is_setup = matches!(self.stage, Stage::Setup);
        self.put(if is_setup { 100_000 } else { 400_000 }, Event::Operate);
        if is_setup && self.voters.config().voters.len() as u64 >= self.plan.voters {
            return self.begin_chaos();
        }
        let operator = self.attached.operator();
        if self.attached.clients[operator].is_busy() {
            return Ok(());
        }
        let Some(request) = self.draw_change(is_setup) else { return Ok(()) };
        let running = self.running_places();
        let Some(at) = self.attached.clients[operator].random.choose(&running) else { return Ok(()) };
        if self.attached.clients[operator].connection.is_none() && !self.connect(operator, at)? {
            return Ok(());
        }
        self.ask_this(operator, |_: OpId| request)
    }

    /// Who knows nobody asks again: it has not learned yet who votes, or all of those are gone. A real one tries the
    /// addresses that it was given.
    fn join_again(&mut self) -> Result<(), Violation> {
        for at in self.running_places() {
            if !self.places[at].is_paused() && !self.knows_somebody(at) {
                self.join(at);
                self.pump(at)?;
            }
        }
        Ok(())
    }

    pub(super) fn knows_somebody(&self, at: usize) -> bool {
        let place = &self.places[at];
        let Some(running) = place.running.as_deref() else { return true };
        let config = running.driver.replica().config();
        let is_there = |id: &Incarnation| Some(*id) != place.incarnation && self.place_of(id).is_some();
        config.voters == place.incarnation.as_slice() || config.voters.iter().any(is_there)
    }

    /// The operator was answered, or will not be.
    pub(super) fn operator_heard(&mut self, who: usize, answer: &Answer) {
        if who == self.attached.operator() && *answer == Answer::Unknown {
            self.voters.unsure_until = Time(self.now.0 + UNSURE_US);
        }
    }

    /// What is to be changed now, if anything is.
    fn draw_change(&mut self, is_setup: bool) -> Option<Request> {
        let slots = self.slots();
        let config = self.voters.config().clone();
        let learners = self.learners(&config);
        let random = self.faults.random();
        if is_setup {
            let is_first = |id: &Incarnation| self.members[id].0 < self.plan.voters as usize;
            let first: Vec<Incarnation> = learners.into_iter().filter(is_first).collect();
            let id = random.choose(&first)?;
            let free = (0..SLOTS).find(|slot| slots.iter().all(|(name, _)| *name != slot.to_string()))?;
            return Some(hold(&free.to_string(), &id.to_string()));
        }
        let gone = slots.iter().find(|(_, holder)| holder.is_some_and(|id| self.voters.lost.contains(&id)));
        // What the cluster does by itself it must do by itself.
        let gone = gone.filter(|_| self.plan.silent_rounds == 0);
        if let Some((slot, Some(holder))) = gone {
            let at = self.members.get(holder).map(|(at, _)| *at);
            let is_there = |id: &&Incarnation| self.members.get(*id).map(|(at, _)| *at) == at;
            let heir = learners.iter().find(is_there).copied().or_else(|| random.choose(&learners))?;
            return Some(hold(slot, &heir.to_string()));
        }
        if !matches!(self.stage, Stage::Chaos) || !self.voters.is_change_wanted {
            return None;
        }
        if config.voters.iter().any(|id| self.is_impaired(id)) {
            return None;
        }
        self.voters.is_change_wanted = false;
        let random = self.faults.random();
        let (held, _) = random.choose(&slots.iter().collect::<Vec<_>>())?.clone();
        let free =
            (0..SLOTS).map(|slot| slot.to_string()).find(|slot| slots.iter().all(|(name, _)| name != slot));
        let learner = random.choose(&learners);
        let voters = config.voters.len();
        match (random.below(10), learner, free) {
            (0, ..) => Some(hold(&held, "nobody")),
            (1, ..) => Some(hold(&held, &random.choose(&config.voters)?.to_string())),
            (2..=4, Some(learner), Some(free)) if voters < 5 => Some(hold(&free, &learner.to_string())),
            (5..=6, ..) if voters > 3 || (voters > 1 && random.one_in(3)) => Some(match random.below(2) {
                0 => Request::Del { path: format!("/ctl/cal/{held}"), rev: -1 },
                _ => hold(&held, ""),
            }),
            (_, Some(learner), _) => Some(hold(&held, &learner.to_string())),
            _ => None,
        }
    }

    /// Those who run, do not vote, and are not gone.
    fn learners(&self, config: &Config) -> Vec<Incarnation> {
        let running = self.places.iter().filter(|place| place.running.is_some());
        let ids = running.filter_map(|place| place.incarnation);
        ids.filter(|id| !config.voters.contains(id)).collect()
    }

    /// The files under `/ctl/cal`, and whom they name, as whoever has applied most has them.
    fn slots(&self) -> Vec<(String, Option<Incarnation>)> {
        let running = self.places.iter().filter_map(|place| place.running.as_deref());
        let Some(most) = running.max_by_key(|running| running.driver.position().slot) else {
            return Vec::new();
        };
        let state = most.driver.local().state.read();
        let Ok(names) = state.store().dir_entries("/ctl/cal", At::Now) else { return Vec::new() };
        let holder = |name: &str| match state.store().get(&format!("/ctl/cal/{name}"), At::Now) {
            Ok(Lookup::File { value, .. }) => std::str::from_utf8(value).ok()?.parse().ok(),
            _ => None,
        };
        names.map(|name| (name.to_owned(), holder(name))).collect()
    }

    /// A configuration by the places and numbers of its voters.
    pub(super) fn told_config(&self, config: &Config) -> String {
        let name = |id: &Incarnation| match self.members.get(id) {
            Some((at, member)) => format!("{}/{member}", letter(*at)),
            None => "?".to_owned(),
        };
        let voters: Vec<String> = config.voters.iter().map(name).collect();
        format!("epoch {}: {}", config.epoch, voters.join(" "))
    }
}

fn hold(slot: &str, id: &str) -> Request {
    Request::Set { path: format!("/ctl/cal/{slot}"), rev: -1, value: Bytes::copy_from_slice(id.as_bytes()) }
}
