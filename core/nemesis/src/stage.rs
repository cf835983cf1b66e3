//! One cluster, one schedule, round after round, and what came of it.

mod ending;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doozer_client::Status;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::check::Violation;
use crate::cluster::{Cluster, Setup};
use crate::history::{Answer, ClientId, ReadAt};
use crate::load::{Asker, Attachment, Load, Recorder, any_path, options, pinned};
use crate::random::Random;
use crate::schedule::Schedule;
use crate::trouble::Trouble;
use crate::wires::{PLACES, Way, Wires};

pub use ending::Report;

/// Within so long after it was healed, a cluster must be well again; and whoever can be served during a fault, must be.
const WELL_WITHIN: Duration = Duration::from_secs(30);
/// The same at its birth.
const BORN_WITHIN: Duration = Duration::from_secs(60);
/// How long a question may take that is put again and again.
const TRY: Duration = Duration::from_millis(2_500);
const PAUSE: Duration = Duration::from_millis(20);
/// Which of a member's clients proves that it is well.
const PROVER: usize = 9;
/// Clients that ask when a fault has lasted for a while, and how long their answers may take.
const LATE: std::ops::Range<usize> = 10..13;
const LATE_WITHIN: Duration = Duration::from_secs(7);
/// Rounds in which much is written: more would fill the memory of whoever checks.
const BULKY_ROUNDS: usize = 3;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    pub schedule: Schedule,
    pub setup: Setup,
    pub seed: u64,
    pub time: Duration,
    /// Whether its history is kept though nothing is wrong.
    pub keep: bool,
}

/// Why a stage ended before its time.
#[derive(Debug)]
pub enum Failure {
    /// The cluster broke a promise.
    Broken(Violation),
    /// It could not be run.
    Trouble(Trouble),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure::Trouble(trouble)
    }
}

/// Who must be served while a fault lasts.
pub enum Served {
    Each(Vec<usize>),
    Any(Vec<usize>),
}

/// A stage under way.
pub struct Stage<'a> {
    pub cluster: Cluster,
    pub random: Random,
    wires: &'a mut Wires,
    ways: [[Way; PLACES]; PLACES],
    recorder: Arc<Recorder>,
    /// Questions that are under way beside the load's.
    late: JoinSet<()>,
    said: Vec<String>,
    slowest: Duration,
}

impl Stage<'_> {
    /// Runs it to its end.
    pub async fn run(plan: &Plan, wires: &mut Wires) -> Result<Report, Trouble> {
        wires.heal()?;
        let mut stage = Stage {
            cluster: Cluster::new(plan.setup.clone())?,
            random: Random::new(plan.seed),
            wires,
            ways: Default::default(),
            recorder: Arc::new(Recorder::new()),
            late: JoinSet::new(),
            said: Vec::new(),
            slowest: Duration::ZERO,
        };
        // The one who replaces another has clients too.
        let places = if plan.schedule == Schedule::Replace { PLACES } else { plan.setup.members };
        let addresses: Vec<String> = (0..places).map(|place| stage.wires.listens(place)).collect();
        let load = Load::start(&stage.recorder, &addresses, &mut stage.random.split());
        let (rounds, broken) = match stage.birth().await {
            Ok(()) => stage.rounds(plan).await?,
            Err(Failure::Broken(violation)) => (0, Some(violation)),
            Err(Failure::Trouble(trouble)) => return Err(trouble),
        };
        stage.end(load, rounds, broken, plan.keep).await
    }

    async fn birth(&mut self) -> Result<(), Failure> {
        for place in self.cluster.down() {
            self.start(place)?;
        }
        self.well_within(BORN_WITHIN).await.map(drop)
    }

    /// Round after round, until the time is over or something is broken.
    async fn rounds(&mut self, plan: &Plan) -> Result<(usize, Option<Violation>), Trouble> {
        let (since, mut rounds) = (Instant::now(), 0);
        let rounds_max = if plan.schedule == Schedule::FullDisk { BULKY_ROUNDS } else { usize::MAX };
        while since.elapsed() < plan.time && rounds < rounds_max {
            rounds += 1;
            let struck = plan.schedule.round(self).await;
            let healed = match struck {
                Ok(()) => self.heal_and_recover().await,
                Err(failure) => Err(failure),
            };
            match healed {
                Ok(()) => {}
                Err(Failure::Broken(violation)) => return Ok((rounds, Some(violation))),
                Err(Failure::Trouble(trouble)) => match self.cluster.casualties().first() {
                    // It ran into what is worth more than that.
                    Some(what) => return Ok((rounds, Some(Violation::new("members", what.clone())))),
                    None => return Err(trouble),
                },
            }
            self.hold(100, 600).await;
        }
        Ok((rounds, None))
    }

    async fn heal_and_recover(&mut self) -> Result<(), Failure> {
        self.note("healed".to_owned());
        self.heal()?;
        self.well().await
    }

    /// Takes back everything that was done.
    fn heal(&mut self) -> Result<(), Trouble> {
        self.wires.heal()?;
        self.ways = Default::default();
        self.cluster.resume_all()?;
        for place in self.cluster.down() {
            self.start(place)?;
        }
        Ok(())
    }

    pub fn start(&mut self, place: usize) -> Result<(), Trouble> {
        self.note(format!("{place} is started"));
        self.cluster.start(self.wires, place)
    }

    pub fn way(&self, from: usize, to: usize) -> Way {
        self.ways[from][to]
    }

    /// Sets the ways of these pairs.
    pub fn set_all(&mut self, pairs: &[(usize, usize)], way: Way) -> Result<(), Failure> {
        for (from, to) in pairs {
            self.ways[*from][*to] = way;
            self.wires.set(*from, *to, way)?;
        }
        Ok(())
    }

    /// Says what is done to whom.
    pub fn say(&mut self, what: String) {
        self.said.push(what.clone());
        self.note(what);
    }

    fn note(&self, what: String) {
        self.recorder.note(what);
    }

    pub fn broken(&self, rule: &'static str, what: String) -> Failure {
        Failure::Broken(Violation::new(rule, what))
    }

    /// Lets the fault last, for so many milliseconds.
    pub async fn hold(&mut self, first: u64, last: u64) {
        sleep(self.random.millis(first, last)).await;
    }

    /// One or more members that the cluster can do without, together.
    pub fn minority(&mut self) -> Vec<usize> {
        let mut running = self.cluster.running();
        self.random.shuffle(&mut running);
        let most = (self.cluster.setup().members - 1) / 2;
        running.truncate(self.random.between(1, most as u64) as usize);
        running
    }

    /// Who proposes.
    pub async fn proposer(&self) -> Result<usize, Failure> {
        let since = Instant::now();
        loop {
            let mut found: Vec<(i64, usize)> = Vec::new();
            for place in self.cluster.running() {
                let status = self.status(place).await;
                found.extend(
                    status.filter(|status| status.role == "proposer").map(|status| (status.revision, place)),
                );
            }
            if let Some((_, place)) = found.iter().max() {
                return Ok(*place);
            }
            if since.elapsed() > WELL_WITHIN {
                return Err(self.broken("recovery", format!("nobody proposes for {WELL_WITHIN:?}")));
            }
            sleep(PAUSE).await;
        }
    }

    async fn status(&self, place: usize) -> Option<Status> {
        let asked = async {
            let client = pinned(&self.wires.listens(place), options("nemesis-status")).await.ok()?;
            client.status().await.ok()
        };
        timeout(TRY, asked).await.ok().flatten()
    }

    /// Waits until every member votes and has taken a write. How long that took is remembered.
    pub async fn well(&mut self) -> Result<(), Failure> {
        let took = self.well_within(WELL_WITHIN).await?;
        self.slowest = self.slowest.max(took);
        Ok(())
    }

    async fn well_within(&mut self, time: Duration) -> Result<Duration, Failure> {
        let since = Instant::now();
        while let Err(why) = self.try_well().await {
            if let Some(what) = self.cluster.casualties().first() {
                return Err(self.broken("members", what.clone()));
            }
            if since.elapsed() > time {
                return Err(self
                    .broken("recovery", format!("{why}, {time:?} after everything was started, or healed")));
            }
            sleep(PAUSE).await;
        }
        Ok(since.elapsed())
    }

    async fn try_well(&self) -> Result<(), String> {
        let running = self.cluster.running();
        for place in &running {
            match self.status(*place).await {
                None => return Err(format!("member {place} does not answer")),
                Some(status) if !matches!(status.role.as_str(), "proposer" | "voter") => {
                    return Err(format!("member {place} is a {}", status.role));
                }
                Some(_) => {}
            }
        }
        for place in running {
            self.prove(place).await?;
        }
        Ok(())
    }

    /// One write at a member.
    async fn prove(&self, place: usize) -> Result<(), String> {
        let asker = self.prover(place).await?;
        match asker.set(&format!("/proof/{place}"), self.recorder.value(), -1).await {
            Answer::Made(_) => Ok(()),
            answer => Err(format!("member {place} takes no write: {answer}")),
        }
    }

    async fn prover(&self, place: usize) -> Result<Asker, String> {
        let id = ClientId { place, number: PROVER };
        let attachment = Attachment::new(self.wires.listens(place), id, Arc::clone(&self.recorder));
        attachment.attach(TRY).await.map_err(|error| format!("member {place} cannot be reached: {error}"))
    }

    /// These must be served though the fault lasts.
    pub async fn served(&mut self, served: Served) -> Result<(), Failure> {
        let (places, is_enough) = match served {
            Served::Each(places) => (places.clone(), places.len()),
            Served::Any(places) => (places.clone(), places.len().min(1)),
        };
        let (since, mut left) = (Instant::now(), places.clone());
        loop {
            let mut why = String::new();
            for place in left.clone() {
                match self.prove(place).await {
                    Ok(()) => left.retain(|other| *other != place),
                    Err(reason) => why = reason,
                }
            }
            if places.len() - left.len() >= is_enough {
                return Ok(());
            }
            if since.elapsed() > WELL_WITHIN {
                let what = format!("{why}, for {WELL_WITHIN:?}, though a majority is connected to it");
                return Err(self.broken("availability", what));
            }
            sleep(PAUSE).await;
        }
    }

    /// Clients at these members, to ask what may be out of date there, once it may be.
    pub async fn attach_to(&self, places: &[usize]) -> Vec<Asker> {
        let mut askers = Vec::new();
        for place in places {
            for number in LATE {
                let attachment = Attachment::new(
                    self.wires.listens(*place),
                    ClientId { place: *place, number },
                    Arc::clone(&self.recorder),
                );
                askers.extend(attachment.attach(LATE_WITHIN).await.ok());
            }
        }
        askers
    }

    /// Sends each of them off with a question; what they hear comes when it comes. Who has been held up, or was cut off, must not
    /// answer from what it knew before.
    pub async fn ask_late(&mut self, askers: Vec<Asker>) {
        for asker in askers {
            let path = any_path(&mut self.random);
            self.late.spawn(async move { drop(asker.get(&path, ReadAt::Linearizable).await) });
        }
        // Time for the questions to leave, before all is healed.
        self.hold(2, 10).await;
    }

    /// Waits until a member that is no voter has caught up, so that it can become one.
    pub async fn stands_by(&mut self, place: usize) -> Result<(), Failure> {
        let since = Instant::now();
        while let Err(why) = self.prove(place).await {
            if since.elapsed() > WELL_WITHIN {
                return Err(self.broken("recovery", format!("{why}, {WELL_WITHIN:?} after it was started")));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until a member whose disk was full goes on with its log.
    pub async fn uses_its_disk_again(
        &mut self,
        place: usize,
        before: &BTreeMap<PathBuf, u64>,
    ) -> Result<(), Failure> {
        let since = Instant::now();
        while self.cluster.files_on_disk(place)? == *before {
            if since.elapsed() > WELL_WITHIN {
                let what =
                    format!("member {place} writes nothing, {WELL_WITHIN:?} after there was room again");
                return Err(self.broken("recovery", what));
            }
            sleep(PAUSE).await;
        }
        self.slowest = self.slowest.max(since.elapsed());
        Ok(())
    }

    /// One write of so many bytes, whatever becomes of it.
    pub async fn write_much(&mut self, place: usize, bytes: usize) -> Result<(), Failure> {
        let asker = self.prover(place).await.map_err(|why| self.broken("availability", why))?;
        let mut value = self.recorder.value();
        value.push(' ');
        value.push_str(&"x".repeat(bytes));
        asker.set("/much", value, -1).await;
        Ok(())
    }

    fn dir(&self) -> PathBuf {
        self.cluster.setup().dir.clone()
    }
}
