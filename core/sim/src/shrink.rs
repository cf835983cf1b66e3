//! A failing plan made smaller: fewer faults, fewer clients, a shorter time, fewer members, while the same check fails.
//! (Zeller, Hildebrandt, *Simplifying and isolating failure-inducing input*, 2002, in its simplest form.)
//! Never here: how a plan is run.

use crate::faults::Kind;
use crate::plan::Plan;

/// The smallest plan found for which `fails` still holds, and how many were tried. `may_go_on` is asked before each try.
pub fn shrink(
    plan: &Plan,
    failed_at_s: u64,
    mut fails: impl FnMut(&Plan) -> bool,
    mut may_go_on: impl FnMut() -> bool,
) -> (Plan, usize) {
    let (mut smallest, mut tries) = (plan.clone(), 0);
    loop {
        let mut has_shrunk = false;
        for candidate in candidates(&smallest, failed_at_s) {
            if !may_go_on() {
                return (smallest, tries);
            }
            tries += 1;
            // What was made from an earlier one may have been overtaken.
            let merged = merge(&smallest, &candidate);
            if merged != smallest && fails(&merged) {
                smallest = merged;
                has_shrunk = true;
            }
        }
        if !has_shrunk {
            return (smallest, tries);
        }
    }
}

/// One number made smaller.
struct Candidate {
    name: &'static str,
    value: u64,
}

fn merge(plan: &Plan, candidate: &Candidate) -> Plan {
    let mut merged = plan.clone();
    let is_smaller = plan.get(candidate.name).is_some_and(|value| candidate.value < value);
    if is_smaller {
        merged.set(candidate.name, candidate.value);
    }
    merged
}

/// What may be tried next, the most promising first.
fn candidates(plan: &Plan, failed_at_s: u64) -> Vec<Candidate> {
    let mut candidates = vec![Candidate { name: "chaos_s", value: failed_at_s }];
    let value = |name: &'static str| plan.get(name).unwrap_or_default();
    for kind in Kind::ALL {
        candidates.push(Candidate { name: kind.field(), value: 0 });
    }
    for name in
        ["drop_ppm", "duplicate_ppm", "reorder_ppm", "client_drop_ppm", "client_break_s", "clock_rates"]
            .into_iter()
            .chain(["sessions", "txn_percent", "away_one_in", "sessions_max"])
    {
        candidates.push(Candidate { name, value: 0 });
    }
    for name in ["learners", "spares"] {
        candidates.push(Candidate { name, value: 0 });
    }
    let least = [("clients", 1), ("sessions", 1), ("pipeline", 1), ("voters", 1), ("cold_paths", 1)];
    for (name, least) in least.into_iter().chain([("hot_paths", 1), ("chaos_s", 1)]) {
        candidates.push(Candidate { name, value: (value(name) / 2).max(least) });
        candidates.push(Candidate { name, value: value(name).saturating_sub(1).max(least) });
    }
    candidates.retain(|candidate| candidate.value < value(candidate.name));
    candidates
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_is_not_needed_goes() {
        let set = "voters=5,learners=2,clients=30,crash_s=3,cut_s=3,rot_s=10,chaos_s=70,drop_ppm=1000";
        let plan = Plan::of(1, set).unwrap();
        let needs = |plan: &Plan| plan.crash_s > 0 && plan.voters >= 3 && plan.chaos_s >= 9;
        let (smallest, tries) = shrink(&plan, 12, needs, || true);
        let left = (smallest.crash_s, smallest.voters, smallest.chaos_s, smallest.cut_s, smallest.rot_s);
        assert_eq!(left, (3, 3, 9, 0, 0));
        assert_eq!((smallest.clients, smallest.learners, smallest.drop_ppm), (1, 0, 0));
        assert!(tries > 10);
    }

    #[test]
    fn it_stops_when_it_is_told() {
        let plan = Plan::of(1, "voters=5").unwrap();
        let mut left = 3;
        let may_go_on = || {
            left -= 1;
            left >= 0
        };
        assert_eq!(shrink(&plan, 12, |_| false, may_go_on), (plan.clone(), 3));
    }
}
