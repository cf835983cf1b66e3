//! When sessions end for want of keep-alives, as the proposer sees it: by its own ticks, and only while it leads.
//! docs/sessions.md has the argument.
//! Never here: which sessions there are (the store), or that one ends (its EXPIRE, when it is applied).

use std::collections::{BTreeMap, BTreeSet};

use doozer_paxos::Ballot;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_store::SessionId;

/// Milliseconds of a tick.
const TICK_MS: u64 = 10;

/// Ticks after which an EXPIRE that has not been applied is proposed once more. The same command does not stand in a queue
/// twice.
const AGAIN_TICKS: u64 = 100;

/// The deadlines of a proposer.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// What they were made under. Without one there are none.
    ballot: Option<Ballot>,
    leases: BTreeMap<SessionId, Lease>,
    /// By the tick in which they are due.
    due: BTreeSet<(u64, SessionId)>,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    /// Its TTL and the margin.
    ticks: u64,
    /// When it is to be looked at.
    due: u64,
    /// Its EXPIRE was proposed: nobody is told any more that it lives.
    is_ending: bool,
}

impl Leases {
    /// What the deadlines were made under.
    pub fn ballot(&self) -> Option<Ballot> {
        self.ballot
    }

    /// This member does not lead any more.
    pub fn stop(&mut self) {
        if is_planted(Planted::OldDeadlinesKept) {
            self.ballot = None;
            return;
        }
        *self = Leases::default();
    }

    /// This member leads from now on: each session has all of its time, whatever others knew.
    pub fn begin(&mut self, ballot: Ballot, sessions: impl Iterator<Item = (SessionId, u32)>, now: u64) {
        self.stop();
        self.ballot = Some(ballot);
        for (id, ttl_ms) in sessions {
            // Whatever it had, if that is planted.
            if !self.leases.contains_key(&id) {
                self.opened(id, ttl_ms, now);
            }
        }
    }

    /// A session opened.
    pub fn opened(&mut self, id: SessionId, ttl_ms: u32, now: u64) {
        if self.ballot.is_none() {
            return;
        }
        let ttl = u64::from(ttl_ms).div_ceil(TICK_MS);
        // Clocks need not run alike; and of the tick that it begins in, nearly nothing may be left.
        let margin = if is_planted(Planted::NoMargin) { 0 } else { ttl.div_ceil(8) };
        let ticks = ttl + margin + 1;
        self.put(id, Lease { ticks, due: now + ticks, is_ending: false });
    }

    /// A session has ended.
    pub fn ended(&mut self, id: &SessionId) {
        if let Some(lease) = self.leases.remove(id) {
            self.due.remove(&(lease.due, *id));
        }
    }

    /// A session was kept alive at some tick. Whether it surely lives on.
    pub fn renew(&mut self, id: &SessionId, at: u64) -> bool {
        let Some(lease) = self.leases.get(id).copied().filter(|lease| !lease.is_ending) else { return false };
        if !is_planted(Planted::RenewedInName) {
            self.put(*id, Lease { due: lease.due.max(at + lease.ticks), ..lease });
        }
        true
    }

    /// This member's process was held, and could not hear: each session has all of its time again, except for those whose
    /// EXPIRE is under way.
    pub fn extend(&mut self, now: u64) {
        let ids: Vec<SessionId> = self.leases.keys().copied().collect();
        for id in ids {
            self.renew(&id, now);
        }
    }

    /// Whose EXPIRE is to be proposed now.
    pub fn expire(&mut self, now: u64) -> Vec<SessionId> {
        let mut ended = Vec::new();
        while let Some((due, id)) = self.due.first().copied()
            && due <= now
        {
            self.due.pop_first();
            if let Some(lease) = self.leases.get_mut(&id) {
                (lease.due, lease.is_ending) = (now + AGAIN_TICKS, true);
                self.due.insert((lease.due, id));
                ended.push(id);
            }
        }
        ended
    }

    /// How many ticks it is until one is to be looked at.
    pub fn ticks_to_next(&self, now: u64) -> Option<u64> {
        self.due.first().map(|(due, _)| due.saturating_sub(now).max(1))
    }

    fn put(&mut self, id: SessionId, lease: Lease) {
        self.ended(&id);
        self.due.insert((lease.due, id));
        self.leases.insert(id, lease);
    }
}

#[cfg(test)]
mod tests {
    use doozer_paxos::Incarnation;

    use super::*;

    const ONE: SessionId = SessionId([1; 16]);
    const TWO: SessionId = SessionId([2; 16]);
    /// A TTL of a second, and its margin.
    const SECOND: u64 = 100 + 13 + 1;

    fn leading() -> Leases {
        let mut leases = Leases::default();
        let ballot = Ballot::of(1, 1, Incarnation([1; 16]));
        leases.begin(ballot, [(ONE, 1_000), (TWO, 2_000)].into_iter(), 50);
        leases
    }

    #[test]
    fn each_has_its_ttl_and_the_margin() {
        let mut leases = leading();
        assert_eq!(leases.ticks_to_next(50), Some(SECOND));
        assert_eq!(leases.expire(50 + SECOND - 1), []);
        assert_eq!(leases.expire(50 + SECOND), [ONE]);
        assert_eq!(leases.expire(50 + 2 * SECOND), [ONE, TWO], "again, since it is not applied");
        leases.ended(&ONE);
        leases.ended(&TWO);
        assert_eq!(leases.ticks_to_next(1_000), None);
    }

    #[test]
    fn a_keep_alive_counts_from_when_it_came_and_never_backwards() {
        let mut leases = leading();
        assert!(leases.renew(&ONE, 60));
        assert!(leases.renew(&ONE, 55));
        assert_eq!(leases.ticks_to_next(60), Some(SECOND));
        assert!(!leases.renew(&SessionId([3; 16]), 60));
    }

    #[test]
    fn one_that_is_ending_is_not_kept_alive() {
        let mut leases = leading();
        assert_eq!(leases.expire(50 + SECOND), [ONE]);
        assert!(!leases.renew(&ONE, 50 + SECOND));
        leases.extend(50 + SECOND);
        assert_eq!(leases.ticks_to_next(50 + SECOND), Some(AGAIN_TICKS));
        assert_eq!(leases.expire(50 + SECOND + AGAIN_TICKS), [ONE]);
    }

    #[test]
    fn after_a_pause_all_have_all_of_their_time() {
        let mut leases = leading();
        leases.extend(160);
        assert_eq!(leases.expire(160 + SECOND - 1), []);
        assert_eq!(leases.expire(160 + SECOND), [ONE]);
    }

    #[test]
    fn who_does_not_lead_ends_nothing() {
        let mut leases = leading();
        leases.stop();
        leases.opened(ONE, 1_000, 60);
        assert_eq!((leases.ticks_to_next(60), leases.expire(10_000)), (None, vec![]));
        assert!(!leases.renew(&ONE, 60));
    }
}
