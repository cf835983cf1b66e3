//! Each member of a cluster is taken away and comes back, one after the other, while clients are at work.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use common::cluster::Cluster;
use common::load::{Load, Terms};
use rustix::process::Signal;

/// How often each member goes.
const ROUNDS: usize = 2;

/// What each writer does between two steps.
const WORK: u64 = 60;

/// Has each member go by this signal, and come back with its data.
async fn roll(cluster: &mut Cluster, signal: Signal, terms: Terms) {
    let mut load = Load::start(&cluster.uri(), terms).await;
    load.progress(WORK).await;
    for round in 0..ROUNDS {
        for number in 0..3 {
            load.stage(format!("round {round}, {signal:?} to member {number}"));
            tokio::task::block_in_place(|| cluster.end(number, signal));
            load.stage(format!("round {round}, member {number} has ended"));
            load.progress(WORK).await;
            load.stage(format!("round {round}, member {number} starts"));
            tokio::task::block_in_place(|| cluster.run(number));
            load.stage(format!("round {round}, member {number} serves"));
            cluster.client(number).await.nop().await.unwrap();
            load.progress(WORK).await;
        }
    }
    let account = load.stop().await;
    account.check();
    account.check_members(cluster, 0..3).await;
}

fn run(signal: Signal, terms: Terms) {
    let mut cluster = Cluster::start(3, "--data-dir {}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(roll(&mut cluster, signal, terms));
    cluster.end_all(Signal::TERM);
}

#[test]
fn a_rolling_restart_gives_no_client_an_error() {
    run(Signal::TERM, Terms::NoErrors);
}

#[test]
fn a_rolling_kill_gives_no_client_an_error_either_and_loses_no_event() {
    run(Signal::KILL, Terms::NoErrors);
}

#[test]
fn all_are_killed_at_once_under_their_clients_who_hear_of_no_error() {
    let mut cluster = Cluster::start(3, "--data-dir {}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut load = Load::start(&cluster.uri(), Terms::NoErrors).await;
        for round in 0..ROUNDS {
            load.progress(WORK).await;
            load.stage(format!("round {round}, all are killed"));
            tokio::task::block_in_place(|| cluster.kill_all());
            load.stage(format!("round {round}, all start"));
            tokio::task::block_in_place(|| cluster.run_all());
        }
        load.progress(WORK).await;
        let account = load.stop().await;
        account.check();
        account.check_members(&cluster, 0..3).await;
    });
    cluster.end_all(Signal::TERM);
}
