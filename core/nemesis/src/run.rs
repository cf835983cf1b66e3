//! A whole run: one stage after the other, until the time is over.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::args::{Args, Kind};
use crate::cluster::Setup;
use crate::programs::{doozerd, own_mounts};
use crate::random::Random;
use crate::schedule::Schedule;
use crate::stage::{Plan, Report, Stage};
use crate::table::Table;
use crate::trouble::{Trouble, io};
use crate::turns::{Choice, Turn};
use crate::wires::{Namespaces, Relay, Wires};

/// Voters are not replaced within a stage, unless that is what it is about.
const NEVER_S: u64 = 600;
/// What one line says of what was done.
const SAID_CHARS_MAX: usize = 160;

/// What there is to run with.
pub struct Run {
    doozerd: PathBuf,
    seed: u64,
    kind: Option<Kind>,
    keep: bool,
    choice: Choice,
    total: Duration,
    namespaces: Option<Wires>,
    relay: Option<Wires>,
    own_mounts: Option<&'static [&'static str]>,
    table: Table,
}

impl Run {
    /// Looks at what the machine can do. If it has network namespaces the calling thread is in one from then on, and so
    /// are all threads that it starts.
    pub fn prepare(args: &Args) -> Result<Run, Trouble> {
        let doozerd = doozerd()?;
        let seed = match args.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(|error| io("a seed")(error.into()))? % 1_000_000_000,
        };
        println!("seed {seed}, {}", doozerd.display());
        let durable = match (args.durable, args.memory) {
            (true, _) => vec![true],
            (_, true) => vec![false],
            _ => vec![true, false],
        };
        let choice = Choice {
            schedules: if args.schedule.is_empty() { Schedule::ALL.to_vec() } else { args.schedule.clone() },
            durable,
            members: args.members.map_or(vec![3, 5], |members| vec![members as usize]),
        };
        let mut run = Run {
            doozerd,
            seed,
            kind: args.wires,
            keep: args.keep,
            choice,
            total: Duration::from_secs_f64(args.minutes * 60.0),
            namespaces: None,
            relay: None,
            own_mounts: own_mounts(),
            table: Table::default(),
        };
        run.find_wires()?;
        run.leave_out_what_cannot_be()?;
        Ok(run)
    }

    fn find_wires(&mut self) -> Result<(), Trouble> {
        if self.kind == Some(Kind::Relay) {
            println!("wires: the relay, as asked for");
            return Ok(());
        }
        match Namespaces::enter() {
            Ok(namespaces) => {
                let rest = match namespaces.has_netem() {
                    true => "",
                    false => "; delay and loss by the relay: the kernel has no netem",
                };
                println!("wires: network namespaces{rest}");
                self.namespaces = Some(Wires::Namespaces(namespaces));
                Ok(())
            }
            Err(trouble) if self.kind == Some(Kind::Namespaces) => Err(trouble),
            Err(trouble) => {
                println!("wires: the relay: {trouble}");
                Ok(())
            }
        }
    }

    fn leave_out_what_cannot_be(&mut self) -> Result<(), Trouble> {
        if self.own_mounts.is_none() && self.choice.schedules.contains(&Schedule::FullDisk) {
            let why =
                "full-disk: this machine lets nobody mount a small file system (unshare, mount -t tmpfs)";
            println!("not run: {why}");
            self.table.missing(why.to_owned());
            self.choice.schedules.retain(|schedule| *schedule != Schedule::FullDisk);
        }
        match self.choice.turns(self.seed).next() {
            Some(_) => Ok(()),
            None => Err(Trouble::Nothing(
                "nothing to run: kill-all and full-disk are for durable members, and full-disk needs mounts"
                    .to_owned(),
            )),
        }
    }

    /// Whether every promise was kept.
    pub async fn go(mut self) -> Result<bool, Trouble> {
        let dir = tempfile::Builder::new().prefix("doozer-nemesis-").tempdir().map_err(io("a directory"))?;
        let (since, time) = (Instant::now(), self.choice.time(self.total));
        let mut random = Random::new(self.seed);
        for (number, turn) in self.choice.turns(self.seed).enumerate() {
            if number > 0 && since.elapsed() >= self.total {
                break;
            }
            let stage_dir = dir.path().join(format!("{number:03}-{}", turn.schedule));
            let plan = self.plan(turn, &stage_dir, &mut random, time);
            let (has_broken, at) = self.stage(turn, &plan, since.elapsed()).await?;
            if !has_broken && !self.keep {
                std::fs::remove_dir_all(&at).map_err(io(at.display().to_string()))?;
            }
        }
        print!("\n{}", self.table);
        let is_well = self.table.violations() == 0;
        if self.keep || !is_well {
            println!("\nkept: {}", dir.keep().display());
        }
        Ok(is_well)
    }

    fn plan(&self, turn: Turn, dir: &Path, random: &mut Random, time: Duration) -> Plan {
        let Turn { schedule, is_durable, members } = turn;
        let place = random.below(members as u64) as usize;
        let small_disk = self.own_mounts.filter(|_| schedule == Schedule::FullDisk);
        let setup = Setup {
            doozerd: self.doozerd.clone(),
            dir: dir.to_owned(),
            members,
            is_durable,
            replace_after_s: if schedule == Schedule::Replace { 2 } else { NEVER_S },
            small_disk: small_disk.map(|own_mounts| (place, own_mounts)),
        };
        Plan { schedule, setup, seed: random.split().next(), time, keep: self.keep }
    }

    /// Runs a stage and says how it went. Whether something was broken, and where it lies.
    async fn stage(&mut self, turn: Turn, plan: &Plan, at: Duration) -> Result<(bool, PathBuf), Trouble> {
        let is_beyond = match &self.namespaces {
            Some(Wires::Namespaces(namespaces)) => turn.schedule.shapes() && !namespaces.has_netem(),
            _ => true,
        };
        let wires = match &mut self.namespaces {
            Some(namespaces) if !is_beyond => namespaces,
            _ => match &mut self.relay {
                Some(relay) => relay,
                none => none.insert(Wires::Relay(Relay::start().await?)),
            },
        };
        let name = wires.name();
        let report = Stage::run(plan, wires).await?;
        println!("{}", line(turn, name, at, &report));
        for violation in &report.violations {
            println!("VIOLATION of {violation}  in {}", plan.setup.dir.display());
        }
        self.table.add(turn, name, &report);
        Ok((!report.violations.is_empty(), plan.setup.dir.clone()))
    }
}

fn line(turn: Turn, wires: &str, at: Duration, report: &Report) -> String {
    let mode = if turn.is_durable { "durable" } else { "memory" };
    let Report { rounds, operations, slowest, said, .. } = report;
    let mut what = said.join("; ");
    if let Some((end, _)) = what.char_indices().nth(SAID_CHARS_MAX) {
        what.replace_range(end.., " …");
    }
    format!(
        "{:>5} s  {:<13} {mode:<7} {} {wires:<10} {rounds:>3} rounds {operations:>7} operations, well within {:>5.2} s: {what}",
        at.as_secs(),
        turn.schedule,
        turn.members,
        slowest.as_secs_f64(),
    )
}
