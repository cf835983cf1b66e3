//! G9: a session is never ended by time before its TTL has passed since the sending of its last acknowledged OPEN or
//! keep-alive, in true time, by a proposer whose clock is not more than an eighth too fast; of another one, so much less as
//! its clock is faster than that. (Gray, Cheriton, *Leases*, 1989, section 5, for clocks that run at different rates.)

use std::collections::BTreeMap;

use doozer_store::SessionId;

use super::verdict::{Verdict, ensure};
use crate::history::Time;

pub(super) const NAME: &str = "lifetime";

#[derive(Debug, Default)]
pub(super) struct Lifetime(BTreeMap<SessionId, Life>);

#[derive(Debug)]
struct Life {
    ttl_us: u64,
    /// When the last OPEN or keep-alive that was acknowledged was sent.
    vouched: Option<Time>,
    /// When its EXPIRE took effect, and how long after that sending it may have, at least.
    expired: Option<(Time, u64)>,
}

impl Lifetime {
    pub fn opened(&mut self, session: SessionId, ttl_ms: u32) {
        let ttl_us = u64::from(ttl_ms) * 1_000;
        self.0.entry(session).or_insert(Life { ttl_us, vouched: None, expired: None });
    }

    /// A member says that a session lives, to what was sent then.
    pub fn vouched(&mut self, session: &SessionId, sent: Time) -> Verdict {
        let Some(life) = self.0.get_mut(session) else {
            ensure!(false, NAME, "session {session} is said to live, and never opened");
            return Ok(());
        };
        life.vouched = life.vouched.max(Some(sent));
        life.check(session)
    }

    /// A session was not kept alive, as a proposer found whose tick takes so many microseconds.
    pub fn expired(&mut self, now: Time, session: &SessionId, tick_us: u64) -> Verdict {
        let Some(life) = self.0.get_mut(session) else { return Ok(()) };
        let least = life.ttl_us.min(life.ttl_us * 9 / 8 * tick_us / 10_000);
        life.expired = Some((now, least));
        life.check(session)
    }
}

impl Life {
    fn check(&self, session: &SessionId) -> Verdict {
        let (Some(sent), Some((expired, least))) = (self.vouched, self.expired) else { return Ok(()) };
        ensure!(
            expired.0 >= sent.0 + least,
            NAME,
            "session {session} ended at {expired}, and lives, as was said to what was sent at {sent}, for {least} us from then"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SessionId = SessionId([1; 16]);

    fn life() -> Lifetime {
        let mut life = Lifetime::default();
        life.opened(ONE, 1_000);
        life.vouched(&ONE, Time(500_000)).unwrap();
        life
    }

    #[test]
    fn a_ttl_from_the_last_sending() {
        life().expired(Time(1_500_000), &ONE, 10_000).unwrap();
        assert!(life().expired(Time(1_499_999), &ONE, 10_000).is_err());
        let mut later = life();
        later.vouched(&ONE, Time(600_000)).unwrap();
        assert!(later.expired(Time(1_500_000), &ONE, 10_000).is_err());
    }

    #[test]
    fn a_clock_that_is_too_fast_takes_what_it_takes() {
        life().expired(Time(1_400_000), &ONE, 8_000).unwrap();
        assert!(life().expired(Time(1_399_999), &ONE, 8_000).is_err());
        assert!(life().expired(Time(1_499_999), &ONE, 8_900).is_err());
    }

    #[test]
    fn nobody_is_told_that_it_lives_once_it_has_ended() {
        let mut ended = life();
        ended.expired(Time(1_700_000), &ONE, 10_000).unwrap();
        ended.vouched(&ONE, Time(700_000)).unwrap();
        assert!(ended.vouched(&ONE, Time(900_000)).is_err());
        assert!(life().vouched(&SessionId([2; 16]), Time(0)).is_err());
    }
}
