//! Whole seeds: that some pass, that a seed is the same twice, and that a broken promise is told with its story and the
//! command to see it again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::time::Duration;

use doozer_sim::faults::Kind;
use doozer_sim::many::{Many, Seeds, run_many, shrunk};
use doozer_sim::plan::Plan;
use doozer_sim::report::{self, Totals};
use doozer_sim::run::{Outcome, run};

/// A short seed, since tests are not built for speed.
const SHORT: &str = "chaos_s=15,clients=10,think_ms=400";

#[test]
fn a_few_seeds_pass_and_nothing_is_checked_only_in_name() {
    let many = Many {
        seeds: Seeds::From { first: 1, count: 12 },
        until: None,
        jobs: 2,
        twice_percent: 25,
        set: SHORT.to_owned(),
        failures_max: 1,
        planted: None,
    };
    let (mut totals, mut failures) = (Totals::default(), Vec::new());
    run_many(&many, |outcome, was_twice| {
        totals.add(&outcome);
        totals.twice += u64::from(was_twice);
        failures
            .extend(outcome.violation.map(|violation| format!("seed {}: {violation}", outcome.plan.seed)));
    })
    .unwrap();
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(totals.seeds, 12);
    assert!(totals.twice > 0, "no seed was run twice");
    let report = totals.report();
    assert!(report.contains("client operations checked"), "{report}");
}

#[test]
fn a_seed_comes_to_the_same_trace_with_and_without_its_story() {
    let plan = Plan::of(3, SHORT).unwrap();
    let (one, other) = (run(&plan, None), run(&plan, Some(100)));
    assert_eq!(one.trace, other.trace);
    assert_eq!((one.counts, one.checked), (other.counts, other.checked));
    assert!(one.story.is_empty() && other.story.len() > 50);
    assert_ne!(one.trace, run(&Plan::of(4, SHORT).unwrap(), None).trace);
}

/// Everything that a plan can ask for happens, in enough seeds.
#[test]
fn faults_strike() {
    let set = format!(
        "{SHORT},voters=3,durable=1,crash_s=2,cut_s=2,partition_s=3,pause_s=3,rot_s=3,disk_error_s=3,misdirect_s=0,blackout_s=0"
    );
    let outcomes = [5, 6, 7, 8].map(|seed| run(&Plan::of(seed, &set).unwrap(), None));
    assert!(outcomes.iter().all(|outcome| outcome.violation.is_none()), "{outcomes:?}");
    let in_one = |outcome: &Outcome, kind| outcome.faults.iter().find(|(each, _)| *each == kind).unwrap().1;
    let struck = |kind: Kind| outcomes.iter().map(|outcome| in_one(outcome, kind)).sum::<u64>();
    for kind in [Kind::Crash, Kind::Cut, Kind::Partition, Kind::Pause, Kind::DiskError] {
        assert!(struck(kind) > 0, "no {}", kind.name());
    }
    assert_eq!(struck(Kind::Misdirect) + struck(Kind::Blackout), 0, "what the plan leaves out");
}

/// A network that loses everything: the first voters cannot come together, and that is said.
#[test]
fn a_seed_that_fails_is_told_and_shrunk() {
    let plan = Plan::of(7, "voters=3,drop_ppm=1000000,crash_s=5,clients=12").unwrap();
    let failed = run(&plan, None);
    assert_eq!(failed.violation.as_ref().map(|violation| violation.check), Some("settled"));
    let (smallest, tries) = shrunk(&failed, Duration::from_secs(60), 40);
    assert_eq!(smallest.violation.as_ref().map(|violation| violation.check), Some("settled"));
    assert!(tries > 0 && smallest.plan.crash_s == 0 && smallest.plan.clients == 1, "{}", smallest.plan);
    assert!(smallest.plan.drop_ppm > 0, "what it fails for is left");
    let told = report::failure(&failed, &smallest, tries);
    assert!(told.contains("VIOLATION, seed 7: settled at 30.000000 s"), "{told}");
    assert!(told.contains(&failed.plan.command()) && told.contains(&smallest.plan.command()), "{told}");
    assert!(told.contains("A/m0 applies slot"), "the story: {told}");
}
