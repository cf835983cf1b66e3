//! The program `doozer-sim`.
//! Never here: anything that a test would want to call.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use doozer_sim::args::Args;
use doozer_sim::many::{Many, SHRINK_TIME, Seeds, run_many, shrunk};
use doozer_sim::plan::Plan;
use doozer_sim::planted::{Fault, can_plant, look_for, shown_elsewhere};
use doozer_sim::regressions;
use doozer_sim::report::{self, Totals};
use doozer_sim::run::{Outcome, run};
use indicatif::{ProgressBar, ProgressStyle};

fn main() -> ExitCode {
    let args = Args::parse();
    match go(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("doozer-sim: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every promise was kept.
fn go(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    if let Some(seed) = args.seed {
        return one(args, &Plan::of(seed, &args.set)?);
    }
    if args.planted {
        return planted(args);
    }
    if let Some(path) = &args.regressions {
        let text = std::fs::read_to_string(path)?;
        return regression(args, &regressions::parse(&text)?);
    }
    several(args)
}

fn one(args: &Args, plan: &Plan) -> Result<bool, Box<dyn std::error::Error>> {
    if args.plan {
        print!("{plan}");
        return Ok(true);
    }
    let outcome = run(plan, args.story.then_some(args.story_lines));
    if outcome.violation.is_some() {
        tell(args, &outcome);
        return Ok(false);
    }
    outcome.story.iter().for_each(|line| println!("{line}"));
    let mut totals = Totals::default();
    totals.add(&outcome);
    println!("{}trace {:016x}", totals.report(), outcome.trace);
    Ok(true)
}

fn regression(args: &Args, plans: &[Plan]) -> Result<bool, Box<dyn std::error::Error>> {
    let mut totals = Totals::default();
    for plan in plans {
        let outcome = run(plan, None);
        totals.add(&outcome);
        if outcome.violation.is_some() {
            tell(args, &outcome);
        }
    }
    println!("seeds that once failed: {}", totals.line());
    Ok(totals.failed == 0)
}

/// Whether each planted fault was found.
fn planted(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    if !can_plant() {
        return Err("this build has no faults to plant: run core/sim/planted".into());
    }
    let is_wanted = |name: &str| args.fault.as_deref().is_none_or(|fault| fault == name);
    let faults: Vec<_> = Fault::all().filter(|(_, name, _)| is_wanted(name)).collect();
    if faults.is_empty() {
        return Err(format!("there is no fault {:?}", args.fault.as_deref().unwrap_or_default()).into());
    }
    let (mut unfound, mut elsewhere) = (Vec::new(), 0);
    for fault in &faults {
        if let Some(test) = shown_elsewhere(fault.0).filter(|_| args.fault.is_none()) {
            println!("{:<24} not looked for here: {test}", fault.1);
            elsewhere += 1;
            continue;
        }
        let row = look_for(*fault, args.from, args.seeds.unwrap_or(1_000), jobs(args))?;
        println!("{row}");
        if row.found.is_none() {
            unfound.push(row.name);
        }
    }
    let planted = faults.len() - elsewhere;
    println!("{planted} faults planted, {} found", planted - unfound.len());
    Ok(unfound.is_empty())
}

fn jobs(args: &Args) -> usize {
    args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn several(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    let fresh = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let first = args.from.unwrap_or_else(|| fresh() % 1_000_000_000_000);
    let count = args.seeds.unwrap_or(if args.minutes.is_some() { u64::MAX } else { 100 });
    println!("seeds from {first}");
    let minutes = args.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let many = Many {
        seeds: Seeds::From { first, count },
        until: minutes.map(|minutes| Instant::now() + minutes),
        jobs: jobs(args),
        twice_percent: args.twice_percent,
        set: args.set.clone(),
        failures_max: args.failures_max.max(1),
        planted: None,
    };
    let progress = Progress::new(count);
    let (mut totals, mut failures) = (Totals::default(), Vec::new());
    run_many(&many, |outcome, was_twice| {
        totals.add(&outcome);
        totals.twice += u64::from(was_twice);
        progress.show(&totals);
        if outcome.violation.is_some() {
            progress.tell_failed(&outcome);
            failures.push(outcome);
        }
    })?;
    progress.end();
    failures.iter().for_each(|outcome| tell(args, outcome));
    print!("{}", totals.report());
    let vacuous = totals.vacuous();
    if !vacuous.is_empty() {
        println!("never happened: {}", vacuous.join(", "));
    }
    Ok(failures.is_empty())
}

fn tell(args: &Args, outcome: &Outcome) {
    let time = if args.no_shrink { Duration::ZERO } else { SHRINK_TIME };
    let (smallest, tries) = shrunk(outcome, time, args.story_lines);
    println!("{}", report::failure(outcome, &smallest, tries));
}

/// A bar on a terminal; elsewhere a line now and then.
struct Progress {
    bar: Option<ProgressBar>,
    shown: std::cell::Cell<Instant>,
}

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

impl Progress {
    fn new(count: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = if count == u64::MAX { ProgressBar::new_spinner() } else { ProgressBar::new(count) };
            let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {msg}");
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        Progress { bar, shown: std::cell::Cell::new(Instant::now()) }
    }

    fn show(&self, totals: &Totals) {
        if let Some(bar) = &self.bar {
            bar.set_position(totals.seeds);
            bar.set_message(totals.line());
        } else if self.shown.get().elapsed() >= LINE_EVERY {
            self.shown.set(Instant::now());
            println!("{}", totals.line());
        }
    }

    /// At once, in case the run is broken off before its end.
    fn tell_failed(&self, outcome: &Outcome) {
        let check = outcome.violation.as_ref().map_or("", |violation| violation.check);
        let line = format!("failed ({check}): {}", outcome.plan.command());
        match &self.bar {
            Some(bar) => bar.println(line),
            None => println!("{line}"),
        }
    }

    fn end(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}
