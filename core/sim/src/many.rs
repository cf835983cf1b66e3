//! Many seeds, on several threads, one seed each at a time: some of them twice, to see that they come to the same.
//! Never here: what is printed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::checks::Violation;
use crate::plan::{BadPlan, Plan};
use crate::planted::{Fault, plant};
use crate::random::Random;
use crate::run::{Outcome, run};

/// Which seeds, and how.
#[derive(Debug, Clone)]
pub struct Many {
    /// The seeds of a list, in its order; or those that follow from a first one.
    pub seeds: Seeds,
    /// No seed begins after that.
    pub until: Option<Instant>,
    /// Threads.
    pub jobs: usize,
    /// How many of 100 seeds are run twice.
    pub twice_percent: u64,
    /// What is set in each plan.
    pub set: String,
    /// The next seed does not begin once so many have failed.
    pub failures_max: u64,
    /// A fault that is planted in all of them.
    pub planted: Option<Fault>,
}

/// Seeds to be run.
#[derive(Debug, Clone)]
pub enum Seeds {
    /// These.
    These(Vec<u64>),
    /// `first`, `first + 1`, … so many.
    From {
        /// The first.
        first: u64,
        /// How many.
        count: u64,
    },
}

impl Seeds {
    fn at(&self, index: u64) -> Option<u64> {
        match self {
            Seeds::These(seeds) => seeds.get(usize::try_from(index).ok()?).copied(),
            Seeds::From { first, count } => (index < *count).then(|| first.wrapping_add(index)),
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match self {
            Seeds::These(seeds) => seeds.len() as u64,
            Seeds::From { count, .. } => *count,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The check that two runs of a seed that differ count as.
pub const TRACE: &str = "same trace";

/// Runs seeds, and hands over each one's outcome, with whether it was run twice, as it comes.
///
/// # Errors
/// [`BadPlan`] if what is to be set is no plan.
pub fn run_many(many: &Many, mut each: impl FnMut(Outcome, bool)) -> Result<(), BadPlan> {
    Plan::of(0, &many.set)?;
    let (next, stop, failed) = (AtomicU64::new(0), AtomicBool::new(false), AtomicU64::new(0));
    let (sender, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..many.jobs.max(1) {
            let sender = sender.clone();
            let (next, stop, failed) = (&next, &stop, &failed);
            scope.spawn(move || {
                plant(many.planted);
                while !stop.load(Ordering::Relaxed) && many.until.is_none_or(|until| Instant::now() < until) {
                    let Some(seed) = many.seeds.at(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    let Ok(plan) = Plan::of(seed, &many.set) else { return };
                    let (outcome, twice) = run_one(&plan, many.twice_percent);
                    if outcome.violation.is_some()
                        && failed.fetch_add(1, Ordering::Relaxed) + 1 >= many.failures_max
                    {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if sender.send((outcome, twice)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        outcomes.into_iter().for_each(|(outcome, twice)| each(outcome, twice));
    });
    Ok(())
}

/// Runs a plan, perhaps twice, and compares.
fn run_one(plan: &Plan, twice_percent: u64) -> (Outcome, bool) {
    let mut outcome = run(plan, None);
    let is_due = Random::new(plan.seed).fork("twice", 0).below(100) < twice_percent;
    if !is_due || outcome.violation.is_some() {
        return (outcome, false);
    }
    let again = run(plan, None);
    if again.trace != outcome.trace {
        let what = format!("two runs of one plan differ: {:016x} and {:016x}", outcome.trace, again.trace);
        let time = crate::history::Time(outcome.virtual_us);
        outcome.violation = Some(Violation { check: TRACE, time, what });
    }
    (outcome, true)
}

/// How long one look at the smallest plan may take, all tries together.
pub const SHRINK_TIME: Duration = Duration::from_secs(120);

/// Makes a failing plan smaller while the same check fails, and runs the smallest once more for its story.
pub fn shrunk(failed: &Outcome, time: Duration, story_lines: usize) -> (Outcome, usize) {
    let Some(violation) = &failed.violation else { return (run(&failed.plan, Some(story_lines)), 0) };
    let until = Instant::now() + time;
    let fails = |plan: &Plan| run(plan, None).violation.is_some_and(|other| other.check == violation.check);
    let failed_at_s = violation.time.0 / 1_000_000 + 1;
    let (plan, tries) = crate::shrink::shrink(&failed.plan, failed_at_s, fails, || Instant::now() < until);
    (run(&plan, Some(story_lines)), tries)
}
