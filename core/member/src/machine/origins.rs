//! Whose commands were applied how far: what makes a command that is sent twice count once. An origin's commands count in
//! the order of their numbers, without a gap; any other is skipped, and its origin sends it again.
//!
//! Never "the greatest number seen": a command overtaken by a later one would be lost while its origin believes that
//! it was applied.

use std::collections::{BTreeMap, VecDeque};

use bytes::BufMut;
use doozer_paxos::Incarnation;
use doozer_paxos::planted::{Planted, is_planted};

use super::outcome::{self, Outcome};
use super::{Number, Origin};

/// All origins that ever opened, and of each its last life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origins {
    known: BTreeMap<Incarnation, Known>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    boot: u64,
    /// The number of the last command applied.
    last: u64,
    /// The outcomes of the last so many commands: what the origin has not acknowledged.
    outcomes: VecDeque<Outcome>,
}

impl Origins {
    /// A life begins. That of an earlier one, repeated or late, changes nothing.
    pub fn open(&mut self, origin: Origin) {
        let Origin { incarnation, boot } = origin;
        let is_new = self.known.get(&incarnation).is_none_or(|known| known.boot < boot);
        if is_new {
            self.known.insert(incarnation, Known { boot, last: 0, outcomes: VecDeque::new() });
        }
    }

    /// Whether this command counts: it is the next one of its origin.
    pub fn is_next(&self, number: &Number) -> bool {
        self.last(&number.origin).is_some_and(|last| {
            number.number == last + 1 || (number.number > last && is_planted(Planted::GreatestNumberCounts))
        })
    }

    /// Counts a command that is the next one. What becomes of it follows with [`Origins::keep`], in order.
    pub fn count(&mut self, number: &Number) {
        assert!(self.is_next(number), "{number:?} is not the next of its origin");
        if let Some(known) = self.known.get_mut(&number.origin.incarnation) {
            known.last = number.number;
        }
    }

    /// Keeps what became of a command that was counted, and forgets what its origin has acknowledged.
    pub fn keep(&mut self, number: &Number, outcome: Outcome) {
        // Behind it in the same entry the next life may have begun: nobody waits for its outcome then.
        let known = self.known.get_mut(&number.origin.incarnation);
        if let Some(known) = known.filter(|known| known.boot == number.origin.boot) {
            known.outcomes.push_back(outcome);
            let kept = number.number.saturating_sub(number.acknowledged).max(1);
            while known.outcomes.len() as u64 > kept {
                known.outcomes.pop_front();
            }
        }
    }

    /// The number of the last command applied of this life; `None` if it has not begun, or is over.
    pub fn last(&self, origin: &Origin) -> Option<u64> {
        let known = self.known.get(&origin.incarnation)?;
        (known.boot == origin.boot).then_some(known.last)
    }

    /// What became of a command that was applied and not acknowledged.
    pub fn outcome(&self, origin: &Origin, number: u64) -> Option<Outcome> {
        let known = self.known.get(&origin.incarnation).filter(|known| known.boot == origin.boot)?;
        let first = known.last + 1 - known.outcomes.len() as u64;
        known.outcomes.get(usize::try_from(number.checked_sub(first)?).ok()?).copied()
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32_le(self.known.len() as u32);
        for (incarnation, known) in &self.known {
            out.put_slice(&incarnation.0);
            out.put_u64_le(known.boot);
            out.put_u64_le(known.last);
            out.put_u32_le(known.outcomes.len() as u32);
            for outcome in &known.outcomes {
                outcome::encode(outcome, out);
            }
        }
    }

    /// Reads what [`Origins::encode`] wrote, and leaves the rest.
    pub fn decode(bytes: &mut &[u8]) -> Option<Origins> {
        let mut origins = Origins::default();
        for _ in 0..u32::from_le_bytes(take(bytes)?) {
            let incarnation = Incarnation(take(bytes)?);
            let (boot, last) = (u64::from_le_bytes(take(bytes)?), u64::from_le_bytes(take(bytes)?));
            let mut outcomes = VecDeque::new();
            for _ in 0..u32::from_le_bytes(take(bytes)?) {
                outcomes.push_back(outcome::decode(bytes)?);
            }
            if outcomes.len() as u64 > last {
                return None;
            }
            origins.known.insert(incarnation, Known { boot, last, outcomes });
        }
        Some(origins)
    }
}

pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use doozer_store::Revision;

    use super::*;

    fn origin(boot: u64) -> Origin {
        Origin { incarnation: Incarnation([1; 16]), boot }
    }

    fn number(boot: u64, number: u64, acknowledged: u64) -> Number {
        Number { origin: origin(boot), number, acknowledged }
    }

    fn set(rev: u64) -> Outcome {
        Outcome::Store(doozer_store::Outcome::Set(Revision(rev)))
    }

    #[test]
    fn only_the_next_command_of_the_last_life_counts() {
        let mut origins = Origins::default();
        assert!(!origins.is_next(&number(1, 1, 0)), "it has not opened");
        origins.open(origin(1));
        assert!(origins.is_next(&number(1, 1, 0)));
        assert!(!origins.is_next(&number(1, 2, 0)), "one before it is missing");
        origins.count(&number(1, 1, 0));
        assert!(!origins.is_next(&number(1, 1, 0)), "it was applied");
        assert!(origins.is_next(&number(1, 2, 0)));
        origins.open(origin(1));
        assert_eq!(origins.last(&origin(1)), Some(1), "opened again, nothing is forgotten");
        origins.open(origin(3));
        assert!(!origins.is_next(&number(1, 2, 0)), "that life is over");
        assert!(origins.is_next(&number(3, 1, 0)));
        origins.open(origin(2));
        assert_eq!(origins.last(&origin(3)), Some(0), "a late opening does not bring an old life back");
    }

    /// An entry's commands are counted first, and their outcomes come when all of it is applied.
    #[test]
    fn an_outcome_that_comes_when_its_life_is_over_is_not_the_next_life_s() {
        let mut origins = Origins::default();
        origins.open(origin(1));
        origins.count(&number(1, 1, 0));
        origins.open(origin(2));
        origins.keep(&number(1, 1, 0), set(10));
        assert_eq!(origins.outcome(&origin(2), 0), None);
        let mut bytes = Vec::new();
        origins.encode(&mut bytes);
        assert_eq!(Origins::decode(&mut &bytes[..]), Some(origins));
    }

    #[test]
    fn outcomes_are_kept_until_they_are_acknowledged_and_travel() {
        let mut origins = Origins::default();
        origins.open(origin(1));
        for n in 1..=5 {
            let number = number(1, n, if n == 5 { 3 } else { 0 });
            origins.count(&number);
            origins.keep(&number, set(n * 10));
        }
        assert_eq!(origins.outcome(&origin(1), 3), None);
        assert_eq!(origins.outcome(&origin(1), 4), Some(set(40)));
        assert_eq!(origins.outcome(&origin(1), 5), Some(set(50)));
        assert_eq!(origins.outcome(&origin(1), 6), None);
        let mut bytes = Vec::new();
        origins.encode(&mut bytes);
        bytes.push(9);
        let mut rest = &bytes[..];
        assert_eq!(Origins::decode(&mut rest), Some(origins));
        assert_eq!(rest, [9]);
        for len in 0..bytes.len() - 1 {
            assert_eq!(Origins::decode(&mut &bytes[..len]), None);
        }
    }
}
