//! The whole cluster in virtual time: members, network, disks, clients, faults. Everything that happens is an event of one
//! queue, and everything worth checking is reported as it happens.
//! Never here: what is right (`checks`), a wall clock, anything that is not drawn from the seed.
//!
//! | module | what it holds |
//! |---|---|
//! | `place` | a machine: its disk, its clock, and the member that runs there |
//! | `starts` | members born, and started from what their disks have |
//! | `members` | members that run, and their drivers' wishes carried out |
//! | `disks` | orders for the disk, at virtual times, and snapshots |
//! | `attached` | clients, and what they ask and hear |
//! | `sessions` | clients with sessions |
//! | `connections` | clients' connections that end |
//! | `nemesis` | faults, as they strike and end |
//! | `voters` | who votes, who looks after that, and whom the cluster can spare |
//! | `stages` | from the birth of the cluster to the end of the seed |

mod attached;
mod connections;
mod disks;
mod event;
mod evictions;
mod members;
mod nemesis;
mod place;
mod sessions;
mod stages;
mod starts;
mod voters;

use std::collections::BTreeMap;

use doozer_paxos::{ClusterId, Incarnation};

use self::attached::Attached;
use self::event::Event;
use self::place::Place;
use self::stages::Stage;
use self::voters::Voters;
use crate::checks::{Checks, Options, Violation};
use crate::faults::Faults;
use crate::history::{MemberId, Time};
use crate::network::Network;
use crate::plan::Plan;
use crate::queue::Queue;
use crate::random::Random;
use crate::trace::Trace;

/// One seed's world.
pub struct World {
    plan: Plan,
    now: Time,
    queue: Queue<Event>,
    trace: Trace,
    checks: Checks,
    random: Random,
    network: Network,
    faults: Faults,
    places: Vec<Place>,
    /// Every incarnation there ever was: where, and its small number.
    members: BTreeMap<Incarnation, (usize, MemberId)>,
    cluster: ClusterId,
    founder: Incarnation,
    voters: Voters,
    attached: Attached,
    stage: Stage,
    /// When the stage is to be looked at next.
    stage_at: Time,
    counts: Counts,
}

/// Events to come at a time, beyond which something feeds itself: a hundred times what is usual.
const EVENTS_MAX: usize = 100_000;

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident $told:literal),* $(,)?) => {
        /// What happened in a world, for the report.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)*
        }

        impl Counts {
            /// Each with what it counts.
            pub fn lines(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($told, self.$name),)*].into_iter()
            }
        }

        impl std::ops::AddAssign for Counts {
            fn add_assign(&mut self, other: Counts) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counts! {
    /// Messages that members sent to each other.
    messages "message between members",
    /// Messages that reached a place where their receiver is no more.
    messages_for_others "message for somebody who is gone",
    /// Times that a member began to lead.
    elections "member began to lead",
    /// Snapshots that members made of their own state.
    snapshots "snapshot made",
    /// Snapshots that members took over from others.
    installs "snapshot taken over",
    /// Changes of who votes.
    configurations "change of who votes",
    /// Changes of who votes that the cluster proposed by itself, because a voter was gone.
    evictions "voter gone that the cluster is to replace",
    /// Members that found their data damaged and refused to start.
    refused_starts "start refused for damage",
    /// Starts that a power cut or an I/O error interrupted.
    interrupted_starts "start interrupted by its disk",
    /// Members that found the end of their log suspect.
    suspects "start with a suspect end",
    /// Times that a disk had no room for an order.
    full_disks "disk without room for an order",
    /// Starts of members.
    starts "start",
    /// Seeds that ended without a majority that could be healed.
    stranded "seed without a majority to heal",
}

impl World {
    /// The world of a plan, before anything happens.
    pub fn new(plan: &Plan, story_lines: Option<usize>) -> World {
        let random = Random::new(plan.seed);
        let cluster = ClusterId(random.fork("cluster", 0).id());
        let place = |number| Place::new(number, plan, &random);
        let founder = Incarnation(random.fork("founder", 0).id());
        let voters = Voters::new(founder);
        let options = Options { history_revisions_min: plan.history_revisions };
        World {
            now: Time(0),
            queue: Queue::new(),
            trace: Trace::new(story_lines),
            checks: Checks::new(voters.config().clone(), options),
            network: Network::new(plan, random.fork("network", 0)),
            faults: Faults::new(random.fork("faults", 0)),
            places: (0..plan.places()).map(place).collect(),
            members: BTreeMap::new(),
            cluster,
            voters,
            founder,
            attached: Attached::new(plan, &random),
            stage: Stage::Setup,
            stage_at: Time(0),
            counts: Counts::default(),
            plan: plan.clone(),
            random,
        }
    }

    /// Runs to the end, or until a promise is broken.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn run(&mut self) -> Result<(), Violation> {
        self.go_on().map_err(|violation| {
            let what = format!("{}{}", violation.what, self.standing());
            Violation { what, ..violation }
        })
    }

    fn go_on(&mut self) -> Result<(), Violation> {
        self.begin()?;
        while !matches!(self.stage, Stage::Over) {
            let Some((at, event)) = self.queue.take_next() else { break };
            self.now = at;
            let (kind, what) = event.mark();
            self.trace.begin(at, kind, what);
            self.dispatch(event)?;
            if self.queue.len() > EVENTS_MAX {
                let what =
                    format!("{} events to come: members say more and more to each other", self.queue.len());
                return Err(Violation { check: "storm", time: self.now, what });
            }
        }
        Ok(())
    }

    fn dispatch(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Tick { place, life } => self.tick(place, life),
            Event::Arrive { from, sender, to, receiver, message } => {
                self.arrive(from, sender, to, receiver, message)
            }
            Event::Synced { place, life } => self.synced(place, life),
            Event::Retry { place, life } => self.retry(place, life),
            Event::SnapshotStep { place, life } => self.snapshot_step(place, life),
            Event::Start { place } => self.start(place),
            Event::Resume { place, life } => self.resume(place, life),
            Event::Reset { place, life, peer } => self.reset(place, life, peer),
            Event::End { place, life, how } => {
                let is_due = matches!(self.stage, Stage::Chaos) && self.places[place].is_life(life);
                if is_due { self.end(place, how) } else { Ok(()) }
            }
            Event::Think { client } => self.think(client),
            Event::Impatient { client, op } => self.grow_impatient(client, op),
            Event::Ask { connection, op, request } => self.asked(connection, op, *request),
            Event::KeepAlive { client, session } => self.keep_alive(client, session),
            Event::Again { client } => self.again(client),
            Event::HangUp { connection } => {
                self.hang_up(connection);
                Ok(())
            }
            Event::Say { connection, said } => self.heard(connection, &said),
            Event::Broken { connection } => self.broken(connection),
            Event::Strike(kind) => self.strike(kind),
            Event::Heal(heal) => {
                self.heal(heal);
                Ok(())
            }
            Event::Operate => self.operate(),
            Event::Stage => self.next_stage(),
        }
    }

    fn put(&mut self, in_us: u64, event: Event) {
        self.queue.put(Time(self.now.0 + in_us), event);
    }

    /// How a place is called in the story: by its letter, and the number of who is there.
    fn name(&self, place: usize) -> String {
        let letter = letter(place);
        match self.places[place].incarnation.and_then(|id| self.members.get(&id)) {
            Some((_, member)) => format!("{letter}/{member}"),
            None => letter.to_string(),
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What happened, to be counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was checked.
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// What went wrong on purpose.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The hash of everything that happened.
    pub fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }

    /// The story, if one was wanted.
    pub fn into_story(self) -> Vec<String> {
        self.trace.into_story()
    }
}

fn letter(place: usize) -> char {
    char::from(b'A' + (place % 26) as u8)
}
