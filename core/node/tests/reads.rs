//! Reads at every member of a cluster, at one that only learns as well.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::time::{Duration, Instant};

use doozer_node::{Config, History};
use doozer_wire::{Consistency, ErrorKind, OwnedResponse, Request, Verb};
use support::cluster::{Ports, attached, event, together, voters};
use support::{Member, Raw, at, cancel, kind, wait, watch};

/// Three that vote and, at the end, one that learns.
fn members(history: History) -> Vec<Member> {
    let ports = Ports::new(3);
    let mut members = together(&ports, |_, config| Config { history, ..config });
    voters(&mut members[0].modern(), 3);
    members.push(Member::start(Config { history, ..attached(&ports.addresses()) }));
    // From here on nobody writes but the test: each has said of itself what it says.
    let mut raw = members[0].modern();
    let until = Instant::now() + Duration::from_secs(60);
    while raw.call(at(Verb::List, "/ctl/node/*/writable")).entries.len() < 4 {
        assert!(Instant::now() < until, "a member does not come to rest");
    }
    members
}

fn raws(members: &[Member]) -> Vec<Raw> {
    members.iter().map(Member::modern).collect()
}

/// Pairs of different ones of four.
fn pairs() -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..16).map(|n| (n / 4, n % 4)).filter(|(a, b)| a != b)
}

fn local(request: Request, min_rev: i64) -> Request {
    Request { consistency: Consistency::Local, min_rev: Some(min_rev), ..request }
}

#[test]
fn what_was_written_at_one_is_read_at_each_other_one() {
    let members = members(History::default());
    let mut raws = raws(&members);
    assert_eq!(raws[3].status().role, "learner");
    for (n, (here, there)) in pairs().cycle().take(500).enumerate() {
        let value = n.to_string();
        let rev = raws[here].set("/a", value.clone(), -1);
        assert_eq!(raws[there].get("/a"), (value.into(), rev), "written at {here}, read at {there}");
        assert!(raws[there].rev() >= rev);
        let stat = raws[there].call(at(Verb::Stat, "/a"));
        assert_eq!(stat.rev, Some(rev));
    }
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_local_read_is_not_behind_the_revision_it_names() {
    let members = members(History::default());
    let mut raws = raws(&members);
    for (n, (here, there)) in pairs().cycle().take(500).enumerate() {
        // Asked before it is written, or after.
        let next = raws[here].rev() + 1;
        let early = Request { tag: Some(1), ..local(at(Verb::Get, "/a"), next) };
        if n % 2 == 0 {
            raws[there].send(&early);
        }
        let rev = raws[here].set("/a", n.to_string(), -1);
        assert_eq!(rev, next);
        if n % 2 == 1 {
            raws[there].send(&early);
        }
        let answer = raws[there].answer(1);
        assert_eq!((answer.rev, answer.value), (Some(rev), Some(n.to_string().into())));
        assert!(answer.store_rev >= Some(rev));
    }
    members.into_iter().for_each(Member::stop);
}

/// What a member says of a revision, however it is asked.
fn at_revision(raw: &mut Raw, rev: i64) -> Vec<OwnedResponse> {
    let asked = [
        at(Verb::Get, "/f/1"),
        at(Verb::Get, "/f/6"),
        at(Verb::Stat, "/f"),
        at(Verb::Stat, "/f/2"),
        Request { offset: Some(1), ..at(Verb::Getdir, "/f") },
        Request { offset: Some(2), ..at(Verb::Walk, "/f/*") },
        at(Verb::List, "/**"),
    ];
    let ask = |request: Request| {
        let answer = raw.call(Request { rev: Some(rev), ..request });
        // How far each is now is its own affair, and so is the tag.
        OwnedResponse { tag: None, store_rev: None, ..answer }
    };
    asked.into_iter().map(ask).collect()
}

/// Changes at all members in turn: files are made, changed and deleted.
fn change(raws: &mut [Raw], count: usize) -> i64 {
    for n in 0..count {
        let raw = &mut raws[n % 4];
        let path = format!("/f/{}", n % 7);
        if n % 5 == 4 {
            raw.call(Request { rev: Some(-1), ..at(Verb::Del, &path) });
        } else {
            raw.set(&path, n.to_string(), -1);
        }
    }
    raws[0].rev()
}

#[test]
fn every_member_tells_the_same_history() {
    let members = members(History::default());
    let mut raws = raws(&members);
    let first = raws[0].rev() + 1;
    let last = change(&mut raws, 200);
    for rev in 1..=last {
        let told = at_revision(&mut raws[0], rev);
        for (number, raw) in raws.iter_mut().enumerate().skip(1) {
            assert_eq!(at_revision(raw, rev), told, "member {number}, revision {rev}");
        }
    }
    // One to come is waited for, at each.
    raws.iter_mut().for_each(|raw| {
        raw.send(&Request { tag: Some(1), rev: Some(last + 1), ..at(Verb::Get, "/next") });
    });
    assert_eq!(raws[3].set("/next", "n", 0), last + 1);
    raws.iter_mut().for_each(|raw| assert_eq!(raw.answer(1).rev, Some(last + 1)));

    for from in [1, first, first + 50, last] {
        let told: Vec<Vec<OwnedResponse>> = raws.iter_mut().map(|raw| events(raw, from, last)).collect();
        assert!(!told[0].is_empty());
        assert!(told.iter().all(|events| *events == told[0]), "from revision {from}");
    }
    members.into_iter().for_each(Member::stop);
}

/// What WATCH tells of `/f/*` from a revision on, and that WAIT tells the first of it.
fn events(raw: &mut Raw, from: i64, last: i64) -> Vec<OwnedResponse> {
    let plain = |event: OwnedResponse| OwnedResponse { tag: None, store_rev: None, ..event };
    raw.send(&watch("/f/*", from, 7));
    let mut events: Vec<OwnedResponse> = Vec::new();
    while events.last().is_none_or(|event| event.rev < Some(last)) {
        events.push(plain(event(raw, 7)));
    }
    let revs: Vec<i64> = events.iter().map(|event| event.rev.unwrap()).collect();
    assert!(revs.is_sorted_by(|a, b| a < b) && revs[0] >= from, "{revs:?}");
    raw.call(cancel(7));
    raw.send(&wait("/f/*", from, 8));
    assert_eq!(plain(raw.answer(8)), events[0]);
    events
}

#[test]
fn what_is_too_late_is_so_at_each() {
    let members = members(History { revisions_max: 50, ..History::default() });
    let mut raws = raws(&members);
    change(&mut raws, 200);
    let rev = raws[1].set("/end", "e", 0);
    // Each has applied it before it says where its history begins.
    let firsts: Vec<i64> = raws
        .iter_mut()
        .map(|raw| {
            raw.get("/end");
            raw.status().first_revision
        })
        .collect();
    assert!(firsts.iter().all(|first| *first == firsts[0] && *first > 1 && *first <= rev), "{firsts:?}");
    let oldest = at_revision(&mut raws[0], firsts[0]);
    for (number, raw) in raws.iter_mut().enumerate() {
        assert_eq!(at_revision(raw, firsts[0]), oldest, "member {number}");
        for gone in [1, firsts[0] - 1] {
            let answers = at_revision(raw, gone);
            assert!(
                answers.iter().all(|answer| kind(answer) == Some(ErrorKind::TooLate)),
                "member {number}, revision {gone}: {answers:?}"
            );
            for request in [wait("/f/*", gone, 1), watch("/f/*", gone, 1)] {
                raw.send(&request);
                let answer = raw.answer(1);
                assert_eq!(kind(&answer), Some(ErrorKind::TooLate), "member {number}: {answer:?}");
            }
        }
        assert!(raw.rev() >= rev);
    }
    members.into_iter().for_each(Member::stop);
}
