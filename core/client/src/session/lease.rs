//! How long a session surely lives, and when it is to be kept alive again.

use std::time::Duration;

use crate::clock::Moment;

/// A session that was not used for so many TTLs, and holds nothing, is closed.
const IDLE_TTLS: u32 = 3;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    ttl: Duration,
    /// When the OPEN or keep-alive was sent that was answered last.
    sent: Moment,
    /// When the next one is to be sent; `None` while one is under way.
    due: Option<Moment>,
}

impl Lease {
    /// Of a session whose OPEN was sent then, and is answered.
    pub fn new(sent: Moment, ttl: Duration) -> Lease {
        Lease { ttl, sent, due: Some(sent.after(ttl / 3)) }
    }

    /// The cluster cannot end the session before this: an eighth of the TTL is for clocks that run at other rates.
    pub fn valid_until(&self) -> Moment {
        self.sent.after(self.ttl - self.ttl / 8)
    }

    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    pub fn due(&self) -> Option<Moment> {
        self.due
    }

    /// A keep-alive is sent.
    pub fn ask(&mut self) {
        self.due = None;
    }

    /// The keep-alive that was sent then was answered.
    pub fn renew(&mut self, sent: Moment) {
        self.sent = self.sent.max(sent);
        self.due = Some(sent.after(self.ttl / 3));
    }

    /// The keep-alive was refused for now.
    pub fn retry(&mut self, now: Moment) {
        self.due = Some(now.after(self.ttl / 24));
    }

    /// The keep-alive was lost with its connection: the next one is to be sent as soon as there is another.
    pub fn lose(&mut self, now: Moment) {
        self.due = Some(self.due.unwrap_or(now));
    }

    /// Whether a session that was used then last is not needed any more.
    pub fn is_idle(&self, used: Moment, now: Moment) -> bool {
        used.until(now) >= self.ttl * IDLE_TTLS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[test]
    fn it_counts_from_the_sending_of_what_was_answered() {
        let mut lease = Lease::new(at(100), Duration::from_secs(24));
        assert_eq!((lease.valid_until(), lease.due()), (at(121), Some(at(108))));
        lease.ask();
        assert_eq!((lease.valid_until(), lease.due()), (at(121), None));
        lease.renew(at(109));
        assert_eq!((lease.valid_until(), lease.due()), (at(130), Some(at(117))));
        lease.ask();
        lease.retry(at(120));
        assert_eq!((lease.valid_until(), lease.due()), (at(130), Some(at(121))));
        lease.lose(at(120));
        assert_eq!(lease.due(), Some(at(121)), "none was under way");
        lease.ask();
        lease.lose(at(122));
        assert_eq!(lease.due(), Some(at(122)));
        // One that was sent before another was answered adds nothing.
        lease.renew(at(101));
        assert_eq!(lease.valid_until(), at(130));
    }

    #[test]
    fn idle_after_three_ttls() {
        let lease = Lease::new(at(100), Duration::from_secs(10));
        assert!(!lease.is_idle(at(110), at(139)));
        assert!(lease.is_idle(at(110), at(140)));
    }
}
