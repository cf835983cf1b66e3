//! Planted faults: each is looked for with seed after seed, until a check finds it. A fault that is found by none shows a
//! check that is missing.
//! Never here: what a fault does (`doozer_paxos::planted`, and where it is asked for).

use std::time::{Duration, Instant};

use doozer_paxos::planted::{self as replica, Planted};
use doozer_store::planted::{self as store, Planted as OfStore};

use crate::checks::Violation;
use crate::many::{Many, Seeds, run_many};
use crate::plan::BadPlan;

/// A fault of the replica and what is around it, or of the store, which knows nothing of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Of the replica, the member, the journal.
    Replica(Planted),
    /// Of the store.
    Store(OfStore),
}

impl Fault {
    /// All of them, with their names and what they do.
    pub fn all() -> impl Iterator<Item = (Fault, &'static str, &'static str)> {
        let of_replica =
            Planted::ALL.iter().map(|(fault, name, what)| (Fault::Replica(*fault), *name, *what));
        let of_store = OfStore::ALL.iter().map(|(fault, name, what)| (Fault::Store(*fault), *name, *what));
        of_replica.chain(of_store)
    }
}

/// Plants a fault for whatever this thread does from now on, or takes it away. False if this build cannot.
pub fn plant(fault: Option<Fault>) -> bool {
    let (of_replica, of_store) = match fault {
        Some(Fault::Replica(fault)) => (Some(fault), None),
        Some(Fault::Store(fault)) => (None, Some(fault)),
        None => (None, None),
    };
    replica::plant(of_replica) & store::plant(of_store)
}

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
    let can = plant(Some(Fault::Replica(Planted::ALL[0].0)));
    plant(None);
    can
}

/// Looks for one fault, in at most `count` seeds from `first` on; without that, from where it was last found.
///
/// # Errors
/// [`BadPlan`] if what a fault sets in its plan is no plan.
pub fn look_for(
    fault: (Fault, &'static str, &'static str),
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
pub fn shown_elsewhere(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::Replica(Planted::EpochsShareBallots) => Some(
            "a_log_accepted_in_this_configuration_is_preferred_to_any_of_the_one_before in core/paxos/tests/outputs/epochs.rs",
        ),
        _ => None,
    }
}

/// About where a rare one was found: looking from there saves minutes, and if it is not there any more, the search goes on.
fn was_found(fault: Fault) -> u64 {
    let Fault::Replica(fault) = fault else { return 1 };
    match fault {
        Planted::SyncInParts => 1_190,
        Planted::AcceptSyncInTwo => 190,
        Planted::SuspectEndCut => 830,
        Planted::LearnedIsAccepted => 900,
        _ => 1,
    }
}

/// What a fault needs to show at all (those that are rare do without sessions, which have nothing to do with them): a disk, say, for one that is about disks.
fn needs(fault: Fault) -> &'static str {
    let fault = match fault {
        Fault::Store(OfStore::AnswersLostWithSnapshot) => return "kept_bytes=1500,sessions=12",
        Fault::Store(OfStore::TxnInPart) => return "txn_percent=20",
        Fault::Store(_) => return "sessions=12,lock_percent=50",
        Fault::Replica(fault) => fault,
    };
    match fault {
        // A proposer that is cut off for longer than sessions live, with clients that stay.
        Planted::KeptUnconfirmed => {
            "voters=5,sessions=12,ttl_ms=1000,partition_s=5,heal_ms=5000,client_break_s=0,client_drop_ppm=0,away_one_in=0"
        }
        // Sessions that are kept alive at the last moment, and an EXPIRE that takes its time.
        Planted::KeptWhileEnding => {
            "voters=3,sessions=12,ttl_ms=1000,away_one_in=4,sync_us=10000,slots_in_flight=1"
        }
        Planted::OldExpiryCounts => "voters=5,sessions=12,ttl_ms=1000,away_one_in=5,partition_s=5,cut_s=3",
        Planted::RenewedInName => "sessions=12",
        Planted::OldDeadlinesKept => "voters=3,sessions=12,ttl_ms=2500,partition_s=2,heal_ms=600",
        Planted::NoMargin => "sessions=12,clock_rates=1,away_one_in=5",
        Planted::SyncSkipped
        | Planted::PromiseForgotten
        | Planted::PrepareBeforeDurable
        | Planted::OldBallotAfterRestart
        | Planted::NumbersReused => "durable=1",
        Planted::SuspectEndCut => "durable=1,rot_s=4,sessions=0,txn_percent=0,sessions_max=0",
        Planted::SyncInParts => "sessions=0,txn_percent=0,sessions_max=0",
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
            "voters=3,learners=0,durable=1,crash_s=1,down_ms=150,partition_s=2,heal_ms=400,change_s=0,slots_in_flight=8,sessions=0,txn_percent=0,sessions_max=0"
        }
        // Members that hear only others of the proposer, and proposers that come and go.
        Planted::LearnedIsAccepted => {
            "voters=5,learners=0,durable=0,partition_s=2,heal_ms=600,change_s=0,slots_in_flight=8,unacknowledged_bytes=10000,silent_rounds=0,sessions=0,txn_percent=0,sessions_max=0"
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
