//! Clusters of several members over the network: how they come together, and that each of them takes every request.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use doozer_node::{Config, Secrets};
use doozer_wire::{Consistency, ErrorKind, Features, Hello, Request, Verb};
use support::cluster::{Ports, again, attached, durable, event, together, value, voters};
use support::{Member, Raw, at, kind, request, set, watch};

#[test]
fn members_join_one_by_one_and_each_takes_every_request() {
    let first = Member::start(Config::default());
    let address = vec![first.address.to_string()];
    let mut raw = first.modern();
    raw.set("/early", "e", 0);
    let second = Member::start(attached(&address));
    let third = Member::start(attached(&address));
    let mut raws = [raw, second.modern(), third.modern()];

    // Who only learns serves as well.
    assert_eq!(value(&mut raws[1], "/early"), "e");
    for n in 0..3 {
        let rev = raws[n].set(&format!("/from/{n}"), "x", 0);
        for raw in &mut raws {
            assert_eq!(raw.get(&format!("/from/{n}")).1, rev);
            assert!(raw.rev() >= rev);
        }
    }
    // An empty place makes it a voter.
    raws[2].set("/ctl/cal/1", "", 0);
    raws[1].set("/ctl/cal/2", "", 0);
    let ids: BTreeSet<String> = raws
        .iter_mut()
        .map(|raw| String::from_utf8(raw.call(request(Verb::SelfId)).value.unwrap().to_vec()).unwrap())
        .collect();
    for raw in &mut raws {
        assert_eq!(voters(raw, 3), ids);
    }
    // A change is told everywhere, in order.
    let from = raws[0].rev() + 1;
    raws.iter_mut().for_each(|raw| raw.send(&watch("/w/*", from, 7)));
    let mut writer = second.modern();
    let revs: Vec<i64> = (0..20).map(|n| writer.set(&format!("/w/{n}"), "v", 0)).collect();
    for raw in &mut raws {
        for rev in &revs {
            assert_eq!(event(raw, 7).rev, Some(*rev));
        }
    }
    // Any one may go.
    drop(raws);
    first.crash();
    for member in [&second, &third] {
        member.modern().set("/after", "a", -1);
    }
    second.stop();
    third.stop();
}

#[test]
fn members_with_the_same_list_found_one_cluster_together() {
    let ports = Ports::new(3);
    let members = together(&ports, |_, config| config);
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    for raw in &mut raws {
        assert_eq!(voters(raw, 3).len(), 3);
    }
    let clusters: BTreeSet<[u8; 16]> = raws.iter_mut().map(|raw| raw.status().cluster).collect();
    assert_eq!(clusters.len(), 1);
    let rev = raws[2].set("/a", "b", 0);
    assert_eq!(raws[0].get("/a").1, rev);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_full_stop_and_start_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports::new(3);
    let start = || together(&ports, |number, config| durable(config, dir.path(), number));
    let members = start();
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    voters(&mut raws[0], 3);
    let revs: Vec<i64> = (0..30).map(|n| raws[n % 3].set(&format!("/n/{n}"), n.to_string(), 0)).collect();
    drop(raws);
    for (number, member) in members.into_iter().enumerate() {
        if number == 1 { member.stop() } else { member.crash() }
    }
    let mut members = start();
    for member in &members {
        let mut raw = member.modern();
        for (n, rev) in revs.iter().enumerate() {
            let (value, at) = raw.get(&format!("/n/{n}"));
            assert_eq!((value, at), (n.to_string().into(), *rev));
        }
    }
    // Each may be away for a while.
    for number in 0..3 {
        members.remove(0).crash();
        for member in &members {
            member.modern().set("/on", "o", -1);
        }
        members.push(again(&ports, number, |config| durable(config, dir.path(), number)));
        members[2].modern().set("/on", "o", -1);
    }
    members.into_iter().for_each(Member::stop);
}

#[test]
fn without_a_majority_writes_and_linearizable_reads_fail_in_time_and_local_reads_go_on() {
    let ports = Ports::new(3);
    let soon = Duration::from_millis(700);
    let mut members = together(&ports, |_, config| Config { answer_within: soon, ..config });
    let mut raw = members[0].modern();
    voters(&mut raw, 3);
    let rev = raw.set("/a", "b", 0);
    members.drain(1..).for_each(Member::crash);
    raw.send(&Request { tag: Some(1), ..at(Verb::Get, "/a") });
    raw.send(&Request { tag: Some(2), ..set("/a", "c", -1) });
    let (read, write) = (raw.answer(1), raw.answer(2));
    assert_eq!((kind(&read), kind(&write)), (Some(ErrorKind::NoQuorum), Some(ErrorKind::NoQuorum)));
    assert_eq!(write.failure().unwrap().1, "no quorum: outcome unknown");
    // Now it knows.
    let refused = raw.call(set("/a", "d", -1));
    assert!(refused.failure().unwrap().1.contains("nothing was written"), "{refused:?}");
    let local = raw.call(Request { consistency: Consistency::Local, ..at(Verb::Get, "/a") });
    assert_eq!((local.rev, local.value), (Some(rev), Some("b".into())));
    let old = raw.call(Request { rev: Some(rev), ..at(Verb::Get, "/a") });
    assert_eq!(old.rev, Some(rev));
    members.into_iter().for_each(Member::crash);
}

#[test]
fn who_does_not_know_the_secret_cannot_join() {
    let secret = |text: &str| Secrets::new(Some(text.to_owned()), None);
    let first = Member::start(Config { secrets: secret("one"), ..Config::default() });
    let address = vec![first.address.to_string()];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stranger =
        Config { listen: Some("127.0.0.1:0".to_owned()), secrets: secret("two"), ..attached(&address) };
    let started = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(2), doozer_node::Node::start(stranger)).await
    });
    assert!(started.is_err(), "it waits for a cluster that takes it");
    let friend = Member::start(Config { secrets: secret("one"), ..attached(&address) });
    let mut raw = friend.modern();
    let shown = raw.call(Request { value: Some("one".into()), ..request(Verb::Access) });
    assert_eq!(shown.failure(), None);
    raw.set("/a", "b", 0);
    friend.stop();
    first.stop();
}

#[test]
fn a_member_that_is_stopped_answers_what_it_was_asked() {
    let ports = Ports::new(3);
    let mut members = together(&ports, |_, config| config);
    voters(&mut members[0].modern(), 3);
    // Whichever leads: each of them in turn, as long as there is a majority.
    for _ in 0..2 {
        let member = members.remove(0);
        // Who knows no goodbye is closed once what was read is answered.
        let mut raw = member.connect();
        let hello = Hello { features: Features::GOODBYE, ..Hello::default() };
        raw.call(Request { hello: Some(hello), ..request(Verb::Hello) });
        (0..300).for_each(|n| raw.send(&Request { tag: Some(n), ..set(&format!("/n/{n}"), "x", -1) }));
        let first = raw.answer(0);
        assert!(first.rev.is_some(), "{first:?}");
        let stopped = thread::spawn(move || member.stop());
        for n in 1..300 {
            let answer = raw.answer(n);
            let is_refused = kind(&answer) == Some(ErrorKind::ShuttingDown);
            assert!(answer.rev.is_some() || is_refused, "{answer:?}");
        }
        stopped.join().unwrap();
        if members.len() == 2 {
            members[1].modern().set("/on", "o", -1);
        }
    }
    members.into_iter().for_each(Member::crash);
}
