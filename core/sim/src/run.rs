//! One seed, from its plan to what came of it. A panic in a member's code is as bad as a broken promise, and reported as
//! one.
//! Never here: many seeds (`many`), or what is printed (`report`).

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::{Duration, Instant};

use crate::checks::{Counts as Checked, Violation};
use crate::faults::Kind;
use crate::plan::Plan;
use crate::world::{Counts, World};

/// The check that a panic counts as.
pub const PANIC: &str = "panic";

/// What came of a seed.
#[derive(Debug)]
pub struct Outcome {
    /// What was run.
    pub plan: Plan,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// What happened.
    pub counts: Counts,
    /// What was checked.
    pub checked: Checked,
    /// What went wrong on purpose.
    pub faults: Vec<(Kind, u64)>,
    /// Microseconds of virtual time.
    pub virtual_us: u64,
    /// The hash of everything that happened.
    pub trace: u64,
    /// What happened, in lines, if it was wanted.
    pub story: Vec<String>,
    /// How long it took, of a core's time where the system tells that.
    pub took: Duration,
}

/// Runs a plan. `story_lines` is how many lines of its story are kept, the last ones.
pub fn run(plan: &Plan, story_lines: Option<usize>) -> Outcome {
    let begun = Clock::now();
    let mut world = World::new(plan, story_lines);
    let verdict = caught(|| world.run());
    let violation = match verdict {
        Ok(verdict) => verdict.err(),
        Err(what) => Some(Violation { check: PANIC, time: world.now(), what }),
    };
    Outcome {
        plan: plan.clone(),
        violation,
        counts: *world.counts(),
        checked: *world.checks().counts(),
        faults: world.faults().counts().collect(),
        virtual_us: world.now().0,
        trace: world.trace_hash(),
        story: world.into_story(),
        took: begun.elapsed(),
    }
}

/// The time that this thread has had a core for: others may be at work on this machine.
struct Clock {
    core: Option<Duration>,
    real: Instant,
}

impl Clock {
    fn now() -> Clock {
        Clock { core: core_time(), real: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        let core = core_time().zip(self.core).map(|(now, then)| now.saturating_sub(then));
        core.unwrap_or_else(|| self.real.elapsed())
    }
}

/// As Linux tells it (proc(5), `schedstat`): nanoseconds on a core, then two other numbers.
fn core_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

thread_local! {
    /// What the last panic on this thread said, while panics are caught here.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
    static IS_CAUGHT: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs something, and turns a panic into what it said.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    listen();
    IS_CAUGHT.with_borrow_mut(|is_caught| *is_caught = true);
    let done = panic::catch_unwind(AssertUnwindSafe(run));
    IS_CAUGHT.with_borrow_mut(|is_caught| *is_caught = false);
    done.map_err(|_| SAID.take().unwrap_or_else(|| "a panic that said nothing".to_owned()))
}

/// Panics of threads that catch them are kept, and not printed.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_CAUGHT.with_borrow(|is_caught| *is_caught) {
                SAID.set(Some(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told() {
        let said = caught(|| -> () { panic!("slot {} is gone", 7) });
        assert!(said.is_err_and(|said| said.contains("slot 7 is gone") && said.contains("run.rs")));
        assert_eq!(caught(|| 7), Ok(7));
    }
}
