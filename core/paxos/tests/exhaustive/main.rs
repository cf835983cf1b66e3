//! Every order of events in small clusters of the real replica (`doozer_paxos::replica::Replica`), explored by a model
//! checker. Consensus.md, "The simulator", last paragraph.
//!
//! ```sh
//! cargo test -p doozer-paxos --test exhaustive                                      # the small scopes, under a minute
//! cargo test -p doozer-paxos --release --test exhaustive -- --ignored --nocapture   # the large ones
//! ```
//!
//! # What is explored
//! Three members, their disks and their network. What can happen in a state: a message arrives; a member stands for
//! proposer; a command, a change of the voters or a linearizable read is begun; something becomes durable on a disk that
//! takes its time; a member crashes, with what was not durable lost, and starts again from its disk. `scopes` lists what
//! may happen in each scope, and how often. Each state is held against `properties`; each scope must also reach what it is
//! for, so that none is empty.
//!
//! | network | order | loss | repetition |
//! |---|---|---|---|
//! | once | any | any, by never arriving | none; what is sent twice, and the same, is under way once |
//! | again | any | any | any, but for commands and read questions, which would be others |
//! | orderly | that of sending, in each direction | the rest of a direction, from any point on; with `losses` all that is under way in one, and what is sent later arrives; with `resets` the same, and the receiver is told (`Replica::reset`) | none |
//!
//! # What makes it small, and why nothing is hidden by it
//! - Time does not pass: `tick` is never called. `Replica::campaign` takes the place of what time does to an election, so a
//!   proposer can be challenged in any state. What is repeated each round is what the network that repeats is for.
//! - What one member does by itself (flush, apply, enter a configuration, judge a change, write to a disk that is not slow)
//!   is done at once behind each input: it depends on that member alone, so a message that arrives in between is the same as
//!   one before or behind. Only what is durable can matter to others in between; for that there are slow disks.
//! - A message that changes nothing but that it has arrived is no step: it is still under way, and may never arrive.
//! - In scopes that say so (`drops_spent`) a message is lost once it does nothing where it goes but be refused, and its
//!   ballot is outdone or what it tells is known there. This leaves out refusals by members that have promised more, and
//!   messages that get a meaning only by a later crash or repeated synchronisation of their receiver. Whether a message does
//!   nothing is found by giving it to the replica's code, so one that is wrongly heeded is not dropped.
//! - Candidates are members 1 and 2. Names matter only by their order, in ballots of equal number, so two candidates stand
//!   for any two.
//! - The numbers that confirm reads grow by one for each read, so a bound on reads bounds them; no wall clock moves.
//!
//! The replica's code is run once for each distinct state of a member and each input (`cluster`): all else is numbers. A
//! state is known by a 64-bit hash of those; with 10^8 states the chance that two are taken for one is below one in a
//! thousand.
//!
//! That the checks can fail is shown by faults planted in the replica (`planted`).
//!
//! # What is left out
//! Heartbeats and all that ticks do: repetition by round, being stuck; snapshots and logs that begin behind one; suspect ends of logs; full disks; more voters than three;
//! everything beyond a scope's bounds. The simulator has those.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod cluster;
mod disk;
mod fault;
mod model;
mod node;
#[cfg(doozer_planted)]
mod planted;
mod properties;
mod scope;
mod scopes;
mod state;
mod story;
mod table;

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cluster::Cluster;
use scope::Scope;
use stateright::{Checker, CheckerBuilder, Expectation, HasDiscoveries, Model};

/// Scopes that are explored at the same time, each by one thread.
const AT_ONCE: usize = 2;

#[test]
fn small_scopes() {
    explore_all(&scopes::small(), breadth_first);
}

#[test]
#[ignore = "takes minutes and gigabytes: run it with --release"]
fn large_scopes() {
    explore_all(&scopes::large(), depth_first);
}

/// Explores those whose names contain `DOOZER_SCOPE`, all if it is not set.
fn explore_all(scopes: &[Scope], explore: fn(&Scope) -> Result<(), String>) {
    let wanted = std::env::var("DOOZER_SCOPE").unwrap_or_default();
    let scopes: Vec<&Scope> = scopes.iter().filter(|scope| scope.name.contains(&wanted)).collect();
    say(&format!("\n{:<58} {:>13} {:>6} {:>8}", "scope", "unique states", "depth", "seconds"));
    let next = AtomicUsize::new(0);
    let explore_rest = || {
        let mut wrong = Vec::new();
        while let Some(scope) = scopes.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(explore(scope).err());
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|threads| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| threads.spawn(explore_rest)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// Finds a shortest way to whatever it finds.
fn breadth_first(scope: &Scope) -> Result<(), String> {
    let began = Instant::now();
    judge(scope, began, &builder(scope).spawn_bfs().join())
}

/// Holds the states of one way in memory, and of all others a hash.
fn depth_first(scope: &Scope) -> Result<(), String> {
    let began = Instant::now();
    judge(scope, began, &builder(scope).spawn_dfs().join())
}

fn builder(scope: &Scope) -> CheckerBuilder<Cluster> {
    Cluster::new(scope.clone()).checker().threads(1).finish_when(HasDiscoveries::AnyFailures)
}

/// Says how large a scope is. The error tells what must not happen, and how it did, or what never happened.
fn judge(scope: &Scope, began: Instant, checker: &impl Checker<Cluster>) -> Result<(), String> {
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    say(&line(scope.name, states, depth, began.elapsed()));
    let (model, found) = (checker.model(), checker.discoveries());
    let properties = model.properties();
    let (always, sometimes): (Vec<_>, Vec<_>) =
        properties.iter().partition(|property| property.expectation == Expectation::Always);
    if let Some((name, path)) = always.iter().find_map(|always| found.get_key_value(always.name)) {
        let story = story::tell(model, path.clone());
        return Err(format!("{}: after {states} states, violated: {name}\n{story}", scope.name));
    }
    if let Some(never) = sometimes.iter().find(|sometimes| !found.contains_key(sometimes.name)) {
        return Err(format!("{}: never in {states} states: {}", scope.name, never.name));
    }
    Ok(())
}

fn line(name: &str, states: usize, depth: usize, took: Duration) -> String {
    format!("{name:<58} {states:>13} {depth:>6} {:>8.1}", took.as_secs_f64())
}

/// Past the test harness, which keeps what a test prints to itself unless it fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
