//! Planted faults: each is looked for with seed after seed, until a check finds it. A fault that is found by none shows a
//! check that is missing.
//! Never here: what a fault does (`doozer_paxos::planted`, and where it is asked for).

use std::time::{Duration, Instant};

use doozer_paxos::planted::{Planted, plant};

use crate::checks::Violation;
use crate::many::{Many, Seeds, run_many};
use crate::plan::BadPlan;

/// Where a fault was found.
#[derive(Debug)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// The check that found it, and what it said.
    pub violation: Violation,
}

/// What came of one fault.
#[derive(Debug)]
pub struct Row {
    /// The fault's name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The lowest seed that found it among those that were run; `None` if none did.
    pub found: Option<Found>,
    /// Seeds that were run.
    pub seeds: u64,
    /// How long that took.
    pub took: Duration,
}

/// Whether this build has faults to plant.
pub fn can_plant() -> bool {
    let can = plant(Some(Planted::ALL[0].0));
    plant(None);
    can
}

/// Looks for one fault, in at most `count` seeds from `first` on; without that, from where it was last found.
///
/// # Errors
/// [`BadPlan`] if what a fault sets in its plan is no plan.
pub fn look_for(
    fault: (Planted, &'static str, &'static str),
    first: Option<u64>,
    count: u64,
    jobs: usize,
) -> Result<Row, BadPlan> {
    let (planted, name, what) = fault;
    let begun = Instant::now();
    let many = Many {
        seeds: Seeds::From { first: first.unwrap_or_else(|| was_found(planted)), count },
        until: None,
        jobs,
        twice_percent: 0,
        set: needs(planted).to_owned(),
        failures_max: 1,
        planted: Some(planted),
    };
    let (mut seeds, mut found) = (0, None::<Found>);
    run_many(&many, |outcome, _| {
        seeds += 1;
        let seed = outcome.plan.seed;
        if let Some(violation) = outcome.violation
            && found.as_ref().is_none_or(|before| seed < before.seed)
        {
            found = Some(Found { seed, violation });
        }
    })?;
    Ok(Row { name, what, found, seeds, took: begun.elapsed() })
}

/// Where a fault is shown that seeds hardly ever show any more: it needs several changes of the proposer among voters who have
/// not heard that their configuration is over, and elections do not change proposers for nothing.
pub fn shown_elsewhere(fault: Planted) -> Option<&'static str> {
    match fault {
        Planted::EpochsShareBallots => Some(
            "a_log_accepted_in_this_configuration_is_preferred_to_any_of_the_one_before in core/paxos/tests/outputs/epochs.rs",
        ),
        _ => None,
    }
}

/// About where a rare one was found: looking from there saves minutes, and if it is not there any more, the search goes on.
fn was_found(fault: Planted) -> u64 {
    match fault {
        Planted::SyncInParts => 1_190,
        Planted::AcceptSyncInTwo => 190,
        Planted::SuspectEndCut => 830,
        Planted::LearnedIsAccepted => 900,
        _ => 1,
    }
}

/// What a fault needs to show at all: a disk, say, for one that is about disks.
fn needs(fault: Planted) -> &'static str {
    match fault {
        Planted::SyncSkipped
        | Planted::PromiseForgotten
        | Planted::PrepareBeforeDurable
        | Planted::OldBallotAfterRestart
        | Planted::NumbersReused => "durable=1",
        Planted::SuspectEndCut => "durable=1,rot_s=4",
        Planted::FullDiskIgnored => "durable=1,disk_full_s=4",
        // Voters that are silent for a while, and changes that have to wait.
        Planted::HealedLate => {
            "voters=5,durable=1,disk_full_s=2,heal_ms=3000,unacknowledged_bytes=300,silent_rounds=12"
        }
        Planted::VoteAfterAmnesia => "disk_lost_s=4",
        Planted::SnapshotErasesVote | Planted::SnapshotWithoutOrigins | Planted::WaitsLostWithState => {
            "kept_bytes=1500"
        }
        // Proposers that come and go, and crashes in the middle of what follows.
        Planted::AcceptSyncInTwo => {
            "voters=3,learners=0,durable=1,crash_s=1,down_ms=150,partition_s=2,heal_ms=400,change_s=0,slots_in_flight=8"
        }
        // Members that hear only others of the proposer, and proposers that come and go.
        Planted::LearnedIsAccepted => {
            "voters=5,learners=0,durable=0,partition_s=2,heal_ms=600,change_s=0,slots_in_flight=8,unacknowledged_bytes=10000,silent_rounds=0"
        }
        _ => "",
    }
}

/// A row as a line of the table.
impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Row { name, what, found, seeds, took } = self;
        let seconds = took.as_secs_f64();
        match found {
            Some(Found { seed, violation }) => {
                let line = violation.what.lines().next().unwrap_or_default();
                writeln!(f, "{name:<24} seed {seed:<6} {:<14} {what}", violation.check)?;
                write!(f, "{:>24} {seeds} seeds, {seconds:.1} s; {line:.140}", "")
            }
            None => write!(f, "{name:<24} NOT FOUND in {seeds} seeds, {seconds:.1} s: {what}"),
        }
    }
}
