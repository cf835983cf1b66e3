//! `doozer bench` against real clusters: whom it asks, what it says of each, and that it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::collections::BTreeSet;

use common::bench::{figures, files};
use common::cluster::{Cluster, PATIENCE};
use common::{Ended, Member, doozer, words};
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::timeout;

/// The addresses of the members that had a share.
fn addresses(figures: &Value) -> BTreeSet<String> {
    let members = figures["members"].as_array().unwrap();
    members.iter().map(|member| member["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_interrupt_leaves_nothing_either() {
    let cluster = Cluster::start(3, "--memory");
    for signal in [Signal::INT, Signal::TERM] {
        let member = cluster.member(1);
        // Nothing of the run before.
        let from = member.run("rev").rev() + 1;
        let mut watching = member.follow(&format!("watch /bench-*/9 -r {from}"));
        let bench = member.follow("bench --kind set --keys 10 --seconds 100");
        assert!(watching.line().starts_with("/bench-"));
        bench.signal(signal);
        assert_eq!(bench.end().code(), Some(2));
        assert_eq!(files(cluster.member(2)), "");
    }
}

#[test]
fn one_address_leads_to_all_members() {
    let cluster = Cluster::start(3, "--memory");
    let member = cluster.member(0);
    let learner = Member::with(&["--memory", "-a", &member.address], &[]);
    let all: BTreeSet<String> = cluster.addresses().iter().chain([&learner.address]).cloned().collect();
    // More in flight than there are members, as many, and fewer; and fewer connections than members.
    let runs = [
        ("--connections 9 --in-flight 20", 9, "set"),
        ("--in-flight 4", 4, "get"),
        ("--in-flight 1", 4, "set"),
        ("--in-flight 1", 4, "mixed --consistency local"),
        ("--connections 1", 4, "get --consistency local"),
    ];
    for (shape, connections, kind) in runs {
        let line = format!("bench --kind {kind} {shape} --keys 20 --seconds 0.3 --json");
        let figures = figures(&member.run(&line));
        assert_eq!(figures["connections"], connections, "{line}");
        assert_eq!(addresses(&figures), all, "{line}");
        assert_eq!(figures["missing"], Value::Array(Vec::new()));
        let members = figures["members"].as_array().unwrap();
        let ops: Vec<u64> = members.iter().map(|member| member["ops"].as_u64().unwrap()).collect();
        assert!(ops.iter().all(|ops| *ops > 0), "{line}: {figures}");
        assert_eq!(figures["ops"], ops.iter().sum::<u64>(), "{line}");
        if shape == "--in-flight 1" {
            // They are asked in turn.
            assert!(ops.iter().max().unwrap() - ops.iter().min().unwrap() <= 1, "{figures}");
        }
        let learners = members.iter().filter(|member| member["role"] == "learner");
        let ids: Vec<&Value> = learners.map(|member| &member["member"]).collect();
        assert_eq!(ids, [&*learner.id]);
        let consistency = match kind {
            "set" => Value::Null,
            "get" => "linearizable".into(),
            _ => "local".into(),
        };
        assert_eq!(figures["consistency"], consistency);
    }
    let plain = member.run("bench --in-flight 8 --keys 2 --seconds 0.1").stdout;
    let (_, table) = plain.split_once("\n\n").unwrap();
    assert_eq!(table.lines().count(), 5, "{plain}");
    assert!(table.starts_with("address "), "{plain}");
    let only = figures(&member.run("bench --given-only --in-flight 1 --keys 2 --seconds 0.1 --json"));
    assert_eq!(addresses(&only), BTreeSet::from([member.address.clone()]));
    assert_eq!(files(&learner), "");
}

#[test]
fn members_that_do_not_answer_are_named_and_left_out() {
    let mut cluster = Cluster::start(3, "--data-dir d{} --answer-within 1");
    let (dead, held) = (cluster.addresses()[2].clone(), cluster.addresses()[1].clone());
    cluster.take(2).kill();
    let asked = [cluster.addresses()[0].clone(), held.clone()];
    let ended = cluster.member(0).run("bench --keys 10 --seconds 0.1 --json");
    assert_eq!(
        (ended.status, &*ended.stderr),
        (Some(0), &*format!("{dead} is left out: Connection refused\n"))
    );
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(addresses(&said), BTreeSet::from(asked));
    assert_eq!(said["missing"][0]["address"], dead);
    assert_eq!(said["missing"][0]["why"], "Connection refused");
    // One that was given is no other case.
    let given = format!("-a {},{dead} bench --given-only --keys 10 --seconds 0.1", cluster.addresses()[0]);
    let ended = cluster.member(0).run(&given);
    assert_eq!(
        (ended.status, &*ended.stderr),
        (Some(0), &*format!("{dead} is left out: Connection refused\n"))
    );

    cluster.member(1).signal(Signal::STOP);
    let lost = "Error: NO_QUORUM: no majority of the members can be heard; nothing was written; doozer status shows \
                which members answer";
    cluster.member(0).run("bench --seconds 0.1").fails(2, lost);
    cluster.member(1).signal(Signal::CONT);
    cluster.run(2);
    cluster.wait_for_voters(3);
    assert_eq!(files(cluster.member(0)), "");
}

/// Ends the first member of three in the middle of a load: what came of the load, the member's address, and the load's
/// directory.
fn end_one(kind: &str, signal: Signal, cluster: &mut Cluster) -> (Ended, String, String) {
    let address = cluster.addresses()[0].clone();
    let mut watching = cluster.member(1).follow("watch /bench-*/9");
    let line = format!("-a {address} bench --kind {kind} --keys 10 --seconds 100 --connections 30");
    let dir = cluster.dir().to_owned();
    let bench = std::thread::spawn(move || doozer(&dir, &[], &words(&line), b""));
    let first = watching.line();
    let directory = first.split_once("/9 ").unwrap().0.to_owned();
    wait_for_load(cluster);
    cluster.end(0, signal);
    (bench.join().unwrap(), address, directory)
}

/// Waits until the other two members have their ten connections of thirty, which are opened around from the first one on:
/// so it has its own. The first of these two has one more, of who watches.
fn wait_for_load(cluster: &Cluster) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = async {
        for (number, connections) in [(1, 10 + 1), (2, 10)] {
            let client = cluster.client(number).await;
            while client.status().await.unwrap().connections < connections + 1 {}
        }
    };
    runtime.block_on(async { timeout(PATIENCE, opened).await.expect("a load") });
}

#[test]
fn a_member_lost_in_the_middle_is_named_and_another_one_deletes_the_files() {
    for kind in ["get", "set"] {
        let mut cluster = Cluster::start(3, "--memory");
        let (ended, dead, directory) = end_one(kind, Signal::KILL, &mut cluster);
        assert_eq!((ended.status, ended.stderr.lines().count()), (Some(2), 1), "{ended:?}");
        assert!(ended.stderr.starts_with(&format!("Error: {dead}: ")), "{ended:?}");
        let warned = ended.stderr.ends_with(&format!("; files may be left in {directory}\n"));
        assert_eq!(warned, kind == "set", "{ended:?}");
        if kind == "get" {
            assert_eq!(files(cluster.member(1)), "");
        }
    }
}

#[test]
fn a_member_stopped_in_the_middle_is_named_and_nothing_is_left() {
    for kind in ["get", "set", "mixed --consistency local", "set --in-flight 32"] {
        let mut cluster = Cluster::start(3, "--memory");
        let (ended, stopped, _) = end_one(kind, Signal::TERM, &mut cluster);
        ended.fails(2, &format!("Error: {stopped}: the member is being stopped"));
        assert_eq!(files(cluster.member(1)), "", "{kind}");
    }
}

#[test]
fn a_cluster_is_found_by_its_name() {
    let cluster = Cluster::start(3, "--memory");
    let line =
        format!("bench -b {} -a doozer:?cn=local --keys 10 --seconds 0.1 --json", cluster.addresses()[2]);
    let figures = figures(&doozer(cluster.dir(), &[], &words(&line), b""));
    assert_eq!(addresses(&figures), cluster.addresses().iter().cloned().collect());
}
