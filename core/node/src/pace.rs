//! When the driver's next tick is due, and how many have passed.
//! Never here: what a tick does.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The replica's tick.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Woken so many ticks late, the process was held or the machine is busy, and what others have said meanwhile may wait to
/// be read: it has to be heard before time draws conclusions from not having heard it.
const LATE_TICKS: u64 = 3;

/// So many ticks late, the process was held: five rounds of heartbeats.
const HELD_TICKS: u64 = 50;

/// Time that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Ticks to be counted.
    pub ticks: u64,
    /// More was lost than others would take for a moment.
    pub was_held: bool,
}

/// Lets quiet ticks pass at once, so that a member to which nothing happens sleeps.
pub(crate) struct Pace {
    /// The tick that was counted last.
    at: Instant,
    /// So many ticks later there is something to do; `None`: never.
    quiet: Option<u64>,
    due: Pin<Box<Sleep>>,
}

impl Pace {
    /// The first tick is due in one tick.
    pub fn new() -> Pace {
        let at = Instant::now();
        Pace { at, quiet: Some(1), due: Box::pin(sleep_until(at + TICK)) }
    }

    /// How many ticks are to be counted now.
    pub fn passed(&mut self) -> Passed {
        self.passed_by(Instant::now())
    }

    fn passed_by(&mut self, now: Instant) -> Passed {
        let Some(quiet) = self.quiet else {
            self.at = now;
            return Passed { ticks: 0, was_held: false };
        };
        let passed = (now - self.at).as_millis() as u64 / TICK.as_millis() as u64;
        if passed < quiet + LATE_TICKS {
            let counted = passed.min(quiet);
            self.at += TICK * counted as u32;
            return Passed { ticks: counted, was_held: false };
        }
        self.at = now;
        Passed { ticks: (quiet - 1).max(1), was_held: passed >= quiet + HELD_TICKS }
    }

    /// Says how many ticks from the last one on bring nothing but for the last of them.
    pub fn set(&mut self, quiet: Option<u64>) {
        self.quiet = quiet;
        if let Some(quiet) = quiet {
            let due = self.at + TICK * quiet as u32;
            if self.due.deadline() != due {
                self.due.as_mut().reset(due);
            }
        }
    }

    /// Waits until there is something to do. May be given up and called again.
    pub async fn due(&mut self) {
        match self.quiet {
            Some(_) => self.due.as_mut().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds after it began, and what it then counts.
    fn counted(pace: &mut Pace, begun: Instant, ms: u64) -> u64 {
        pace.passed_by(begun + Duration::from_millis(ms)).ticks
    }

    #[tokio::test(start_paused = true)]
    async fn ticks_are_counted_when_something_happens_or_the_last_is_due() {
        let (begun, mut pace) = (Instant::now(), Pace::new());
        assert_eq!(counted(&mut pace, begun, 9), 0);
        assert_eq!(counted(&mut pace, begun, 10), 1);
        pace.set(Some(8));
        assert_eq!(counted(&mut pace, begun, 45), 3, "a message");
        pace.set(Some(5));
        assert_eq!(counted(&mut pace, begun, 49), 0);
        assert_eq!(counted(&mut pace, begun, 91), 5);
        pace.set(Some(10));
        pace.due().await;
        assert_eq!(begun.elapsed().as_millis(), 190);
        assert_eq!(pace.passed(), Passed { ticks: 10, was_held: false });
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_held_hears_first_and_then_draws_conclusions() {
        let (begun, mut pace) = (Instant::now(), Pace::new());
        pace.set(Some(10));
        assert_eq!(counted(&mut pace, begun, 2_000), 9, "the last is yet to come");
        pace.set(Some(1));
        assert_eq!(counted(&mut pace, begun, 2_009), 0);
        assert_eq!(counted(&mut pace, begun, 2_010), 1);
        pace.set(Some(1));
        assert_eq!(counted(&mut pace, begun, 9_000), 1, "time goes on, however slow the machine");
        pace.set(Some(10));
        let held = |pace: &mut Pace, ms| pace.passed_by(begun + Duration::from_millis(ms)).was_held;
        assert!(!held(&mut pace, 9_590));
        pace.set(Some(10));
        assert!(held(&mut pace, 10_190));
    }

    #[tokio::test(start_paused = true)]
    async fn at_rest_no_time_passes() {
        let (begun, mut pace) = (Instant::now(), Pace::new());
        pace.set(None);
        assert_eq!(counted(&mut pace, begun, 5_000), 0);
        pace.set(Some(1));
        assert_eq!(counted(&mut pace, begun, 5_010), 1);
    }
}
