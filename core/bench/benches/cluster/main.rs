//! Doozer beside etcd and ZooKeeper: three members of each, driven by the same load, on one machine.
//! `cargo build --release --bin doozerd && cargo bench -p doozer-bench --bench cluster [-- --quick] [--plots DIR]
//! [--only PHASE]…`, where a phase is rates, faults, watchers, locks or files. A system whose program is missing is left out.

mod figures;
mod locks;
mod steps;
mod trio;

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use doozer_bench::bare::replicated_write;
use doozer_bench::compare::{Comparison, Subject};
use doozer_bench::floor;
use doozer_bench::measure::KEYS;
use doozer_bench::plot::bars;
use doozer_bench::server::Scratch;
use hdrhistogram::Histogram;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use figures::PICTURES;
use locks::LockStep;
use steps::{Plan, Settings, Step};
use trio::{Left, Trio};

const TARGET_TMP: &str = env!("CARGO_TARGET_TMPDIR");
/// About what a SET of such a value is on the wire.
const FRAME_BYTES: usize = 160;
const SECTOR_BYTES: usize = 4 << 10;

const PHASES: [&str; 5] = ["rates", "faults", "watchers", "locks", "files"];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let options = Options::parse(env::args().skip(1))?;
    raise_file_limit()?;
    // One thread: the load must not take more of the processors than it needs.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        // Dropping the work ends every process that it has started, held ones too.
        tokio::select! {
            done = Bench::new(&options).run() => done,
            _ = ctrl_c() => Err("interrupted".into()),
            _ = terminated.recv() => Err("terminated".into()),
        }
    })?;
    println!("\n{measured}");
    options.plots.as_deref().map_or(Ok(()), |directory| write_all(&measured, directory))
}

struct Options {
    quick: bool,
    plots: Option<PathBuf>,
    only: Vec<String>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Outcome<Options> {
        let mut options = Options { quick: false, plots: None, only: Vec::new() };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--plots" => options.plots = Some(args.next().ok_or("--plots needs a directory")?.into()),
                "--only" => {
                    let phase = args.next().filter(|phase| PHASES.contains(&phase.as_str()));
                    options.only.push(phase.ok_or_else(|| format!("--only needs one of {PHASES:?}"))?);
                }
                // What cargo says to every benchmark.
                "--bench" => {}
                other => return Err(format!("unknown option {other}").into()),
            }
        }
        Ok(options)
    }

    fn wants(&self, phase: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == phase)
    }
}

struct Bench<'a> {
    options: &'a Options,
    plan: Plan,
    left: Left,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options) -> Bench<'a> {
        let settings = if options.quick { Settings::QUICK } else { Settings::WHOLE };
        let (all, figures) = figures::figures();
        Bench { options, plan: Plan { settings, figures, all }, left: Left::default() }
    }

    async fn run(mut self) -> Outcome<Comparison> {
        let started = Instant::now();
        println!("{}", machine()?);
        for phase in PHASES.into_iter().filter(|phase| self.options.wants(phase)) {
            eprintln!("{phase}, after {:.0} s", started.elapsed().as_secs_f64());
            match phase {
                "rates" => self.rates().await?,
                "faults" => {
                    let faults = [Step::Kill, Step::Hold700, Step::Hold2000, Step::Dead, Step::Slow];
                    self.steps(&faults).await?;
                }
                "watchers" => self.steps(&[Step::FanOut]).await?,
                "locks" => self.locks().await?,
                _ => self.files().await?,
            }
        }
        Ok(self.plan.all)
    }

    async fn start(&mut self, files: usize) -> Outcome<Trio> {
        Ok(Trio::start(Path::new(TARGET_TMP), files, &mut self.left).await?)
    }

    /// Everything side by side and alive over all rounds: a virtual machine that has just begun compiles, and what is
    /// idle takes as little of the processors as the table says.
    async fn rates(&mut self) -> Outcome<()> {
        let (mut trio, scratch) = (self.start(KEYS).await?, Scratch::new(TARGET_TMP)?);
        let mut memory = trio::in_memory(Path::new(TARGET_TMP), &mut self.left).await;
        self.step(&mut trio, Step::WarmUp, 0).await;
        for round in 0..self.plan.settings.rounds {
            self.floors(round, scratch.path()).await?;
            trio.numbered_sets(round, &mut self.plan).await;
            for step in [Step::Set, Step::OneSet, Step::Get, Step::LocalGet, Step::DeepLocalGet] {
                self.step(&mut trio, step, round).await;
            }
            trio::take(&mut memory, Subject::Doozer, Step::MemorySet, round, &mut self.plan).await;
            self.step(&mut trio, Step::Idle, round).await;
        }
        Ok(())
    }

    async fn steps(&mut self, steps: &[Step]) -> Outcome<()> {
        let mut trio = self.start(KEYS).await?;
        for round in 0..self.plan.settings.rounds {
            for step in steps {
                self.step(&mut trio, *step, round).await;
            }
        }
        Ok(())
    }

    /// Side by side and alive over all rounds, as for rates.
    async fn locks(&mut self) -> Outcome<()> {
        let mut trio = self.start(KEYS).await?;
        self.step(&mut trio, Step::WarmUp, 0).await;
        trio.lock_step(LockStep::WarmUp, 0, &mut self.plan).await;
        for round in 0..self.plan.settings.rounds {
            for step in
                [LockStep::Alone, LockStep::HandOver, LockStep::HandOverHeld, LockStep::HandOverAmongMany]
            {
                trio.lock_step(step, round, &mut self.plan).await;
            }
        }
        Ok(())
    }

    /// New clusters in each round: a member that has been restarted holds less than one that was written to.
    async fn files(&mut self) -> Outcome<()> {
        for round in 0..self.plan.settings.rounds {
            let mut trio = self.start(self.plan.settings.files).await?;
            for step in [Step::Resident, Step::RestartOne, Step::RestartAll] {
                self.step(&mut trio, step, round).await;
            }
        }
        Ok(())
    }

    async fn step(&mut self, trio: &mut Trio, step: Step, round: usize) {
        trio.step(step, round, &mut self.plan).await;
    }

    async fn floors(&mut self, round: usize, directory: &Path) -> Outcome<()> {
        let (window, directory) = (self.plan.settings.window / 2, directory.to_owned());
        // They block, and so have a thread of their own.
        let floors = spawn_blocking(move || {
            let trip = floor::round_trip(FRAME_BYTES, window)?;
            let sync = floor::two_syncs(&directory, SECTOR_BYTES, window)?;
            let bare = replicated_write(&directory, FRAME_BYTES, SECTOR_BYTES, window)?;
            io::Result::Ok([trip, sync, bare].each_ref().map(median_us))
        });
        let [trip, sync, bare] = floors.await??;
        for (figure, value) in [
            (self.plan.figures.bare, bare),
            (self.plan.figures.trip, trip),
            (self.plan.figures.sync, sync),
            (self.plan.figures.one_set, 2.0 * trip + sync),
        ] {
            self.plan.all.add(figure, Subject::Machine, round, value);
        }
        Ok(())
    }
}

/// Where it was measured, and whether somebody else was busy there.
fn machine() -> io::Result<String> {
    let read = |path| Ok::<_, io::Error>(fs::read_to_string(path)?.trim().to_owned());
    let processors = std::thread::available_parallelism()?;
    let (kernel, load) = (read("/proc/sys/kernel/osrelease")?, read("/proc/loadavg")?);
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!("Linux {kernel}, {processors} processors, load {load} before it begins"))
}

fn median_us(times: &Histogram<u64>) -> f64 {
    times.value_at_quantile(0.5) as f64 / 1e3
}

fn write_all(measured: &Comparison, directory: &Path) -> Outcome<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("cluster.tsv"), measured.to_tsv())?;
    for (name, title, keys) in PICTURES {
        if let Some(picture) = bars(measured, title, keys) {
            fs::write(directory.join(format!("{name}.svg")), picture)?;
        }
    }
    Ok(())
}

/// A thousand watchers need more open files than some machines allow at first.
fn raise_file_limit() -> Outcome<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

impl Settings {
    const WHOLE: Settings = Settings {
        rounds: 5,
        window: Duration::from_millis(1_000),
        warm_up: Duration::from_secs(15),
        kills: 3,
        watchers: 1_000,
        writes: 11,
        files: 100_000,
        idle: Duration::from_secs(5),
    };

    const QUICK: Settings = Settings {
        rounds: 1,
        window: Duration::from_millis(500),
        warm_up: Duration::from_secs(6),
        kills: 3,
        writes: 5,
        idle: Duration::from_secs(3),
        ..Settings::WHOLE
    };
}
