//! How long to pause before connecting again: exponential, with full jitter, so that the clients of a member that
//! died do not all come back at once.

use std::time::Duration;

use crate::random::Random;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    random: Random,
}

impl Backoff {
    pub fn new(random: Random) -> Backoff {
        Backoff { failures: 0, random }
    }

    /// The next pause: from nothing to a ceiling, which doubles each time up to two seconds.
    pub fn pause(&mut self) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures += 1;
        Duration::from_nanos(self.random.up_to(ceiling.as_nanos() as u64))
    }

    /// To be called after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_under_a_ceiling_that_doubles_and_use_all_of_it() {
        let ceilings = [50, 100, 200, 400, 800, 1600, 2000, 2000].map(Duration::from_millis);
        let mut longest = [Duration::ZERO; 8];
        let mut shortest = [LONGEST; 8];
        let mut backoff = Backoff::new(Random::seeded(3));
        for _ in 0..200 {
            for (at, ceiling) in ceilings.iter().enumerate() {
                let pause = backoff.pause();
                assert!(pause <= *ceiling, "{pause:?} after {at} failures");
                longest[at] = longest[at].max(pause);
                shortest[at] = shortest[at].min(pause);
            }
            backoff.reset();
        }
        for (at, ceiling) in ceilings.iter().enumerate() {
            assert!(longest[at] > *ceiling * 9 / 10, "{:?} after {at} failures", longest[at]);
            assert!(shortest[at] < *ceiling / 10, "{:?} after {at} failures", shortest[at]);
        }
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Random::seeded(4));
        assert!((0..1000).all(|_| backoff.pause() <= LONGEST));
    }
}
