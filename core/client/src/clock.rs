//! The client's clock: what a session's time is counted by.

use std::time::Duration;

use tokio::time::Instant;

/// A moment, as the time since the client was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(pub Duration);

impl Moment {
    pub fn after(self, time: Duration) -> Moment {
        Moment(self.0.saturating_add(time))
    }

    /// How long from here to a later moment; nothing if that is not later.
    pub fn until(self, later: Moment) -> Duration {
        later.0.saturating_sub(self.0)
    }
}

/// Goes on while the machine sleeps, as a session's time does at the cluster.
#[derive(Debug)]
pub(crate) struct Clock {
    begun: Instant,
    begun_by_system: Duration,
}

impl Clock {
    pub fn new() -> Clock {
        Clock { begun: Instant::now(), begun_by_system: system() }
    }

    /// By whichever clock went further: the one that timers run by stands still while the machine sleeps.
    pub fn now(&self) -> Moment {
        Moment(self.begun.elapsed().max(system().saturating_sub(self.begun_by_system)))
    }
}

/// The time since the machine was started, its sleep included.
fn system() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    // Elsewhere this one goes on in sleep, or there is none that does.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;
    let now = clock_gettime(CLOCK);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_follows_the_clock_that_goes_further() {
        let clock = Clock::new();
        tokio::time::advance(Duration::from_secs(1000)).await;
        let now = clock.now();
        assert!(now >= Moment(Duration::from_secs(1000)), "{now:?}");
        let awake = Clock { begun: Instant::now(), begun_by_system: Duration::ZERO };
        assert_eq!(awake.now().0.as_secs(), system().as_secs());
    }

    #[test]
    fn moments_do_not_run_over() {
        let now = Moment(Duration::from_secs(5));
        assert_eq!(now.until(now.after(Duration::from_secs(2))).as_secs(), 2);
        assert_eq!(now.after(Duration::from_secs(2)).until(now), Duration::ZERO);
        assert_eq!(now.after(Duration::MAX), Moment(Duration::MAX));
    }
}
