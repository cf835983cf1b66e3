//! Which stage comes when, and for how long.

use std::time::Duration;

use crate::random::Random;
use crate::schedule::Schedule;

/// What it takes to start a cluster and to check it in the end, about.
const OVERHEAD: Duration = Duration::from_secs(4);
const TIME_MIN: Duration = Duration::from_secs(5);
const TIME_MAX: Duration = Duration::from_secs(60);
/// In less time a stage shows little.
const USEFUL: Duration = Duration::from_secs(10);

/// What a stage is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    pub schedule: Schedule,
    pub is_durable: bool,
    pub members: usize,
}

/// What may be drawn.
#[derive(Debug, Clone)]
pub struct Choice {
    pub schedules: Vec<Schedule>,
    pub durable: Vec<bool>,
    pub members: Vec<usize>,
}

impl Choice {
    /// All kinds of clusters for this schedule, so that those after each other differ in both.
    fn clusters(&self, schedule: Schedule) -> Vec<(bool, usize)> {
        let can_be = |durable: &bool| *durable || schedule.can_be_in_memory();
        let durable: Vec<bool> = self.durable.iter().copied().filter(can_be).collect();
        let count = durable.len() * self.members.len();
        let mut clusters = Vec::with_capacity(count);
        for round in 0..self.members.len() {
            for (at, durable) in durable.iter().enumerate() {
                clusters.push((*durable, self.members[(at + round) % self.members.len()]));
            }
        }
        clusters
    }

    /// Every schedule once, then again with other clusters, without end. Empty if nothing can be run.
    pub fn turns(&self, seed: u64) -> impl Iterator<Item = Turn> + use<> {
        let mut possible: Vec<_> = self
            .schedules
            .iter()
            .map(|schedule| (*schedule, self.clusters(*schedule)))
            .filter(|(_, clusters)| !clusters.is_empty())
            .collect();
        // So that a short run does not begin with the same one each time.
        let mut random = Random::new(seed);
        let first = random.below(possible.len() as u64) as usize;
        possible.rotate_left(first);
        let offset = random.below(4) as usize;
        let rounds = if possible.is_empty() { 0 } else { usize::MAX };
        (0..rounds).flat_map(move |round| {
            let mut turns = Vec::with_capacity(possible.len());
            for (at, (schedule, clusters)) in possible.iter().enumerate() {
                let (is_durable, members) = clusters[(at + round + offset) % clusters.len()];
                turns.push(Turn { schedule: *schedule, is_durable, members });
            }
            turns
        })
    }

    /// How long each stage may take, so that in this time each schedule has its turn, with all clusters if there is time.
    pub fn time(&self, total: Duration) -> Duration {
        let all: usize = self.schedules.iter().map(|schedule| self.clusters(*schedule).len()).sum();
        let each = |stages: usize| total / (stages.max(1) as u32);
        let share = if each(all) >= USEFUL { each(all) } else { each(self.schedules.len()) };
        share.saturating_sub(OVERHEAD).clamp(TIME_MIN, TIME_MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn everything() -> Choice {
        Choice { schedules: Schedule::ALL.to_vec(), durable: vec![true, false], members: vec![3, 5] }
    }

    #[test]
    fn each_schedule_has_its_turn_and_then_each_cluster() {
        let choice = everything();
        for seed in 0..20 {
            let turns: Vec<Turn> = choice.turns(seed).take(16 * 4).collect();
            let first: BTreeSet<Schedule> = turns[..16].iter().map(|turn| turn.schedule).collect();
            assert_eq!(first.len(), 16);
            let all: BTreeSet<Turn> = turns.iter().copied().collect();
            // Two schedules are for durable members alone.
            assert_eq!(all.len(), 14 * 4 + 2 * 2);
            assert!(all.iter().all(|turn| turn.is_durable || turn.schedule.can_be_in_memory()));
        }
    }

    #[test]
    fn what_cannot_be_has_no_turn() {
        let memory = Choice { durable: vec![false], schedules: vec![Schedule::KillAll], ..everything() };
        assert_eq!(memory.turns(1).next(), None);
    }

    #[test]
    fn a_short_run_has_short_stages() {
        let choice = everything();
        assert_eq!(choice.time(Duration::from_secs(180)), Duration::from_millis(7_250));
        assert_eq!(choice.time(Duration::from_secs(3_600)), TIME_MAX - OVERHEAD);
        assert_eq!(choice.time(Duration::from_secs(1)), TIME_MIN);
        assert_eq!(choice.time(Duration::from_secs(360_000)), TIME_MAX);
    }
}
