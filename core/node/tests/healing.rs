//! Voters that are gone are replaced by the cluster itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use doozer_node::Config;
use doozer_wire::{Request, Verb};
use support::cluster::{Ports, again, attached, durable, together, voters};
use support::writers::{Shape, Writers, history};
use support::{Member, Raw, at, request, wait};

const SHAPE: Shape = Shape { paths: 20, value_bytes: 8 };

fn id(member: &Member) -> String {
    let answer = member.modern().call(request(Verb::SelfId));
    String::from_utf8(answer.value.unwrap().to_vec()).unwrap()
}

fn ids(members: &[&Member]) -> BTreeSet<String> {
    members.iter().map(|member| id(member)).collect()
}

/// Waits until these hold the places, and one is open if so many of them are not held.
fn until_held(member: &Member, holders: &BTreeSet<String>, open: usize) {
    let mut raw = member.modern();
    loop {
        let rev = raw.rev();
        let listed = raw.call(Request { rev: Some(rev), ..at(Verb::List, "/ctl/cal/*") });
        let values = listed.entries.iter().map(|entry| {
            String::from_utf8(entry.value.as_ref().map(|it| it.to_vec()).unwrap_or_default()).unwrap()
        });
        let (none, held): (Vec<String>, Vec<String>) = values.partition(String::is_empty);
        if held.into_iter().collect::<BTreeSet<_>>() == *holders && none.len() == open {
            return;
        }
        raw.send(&wait("/ctl/cal/*", rev + 1, 1));
        raw.answer(1);
    }
}

#[test]
fn members_in_memory_are_restarted_one_after_the_other() {
    let ports = Ports::new(3);
    let mut members = together(&ports, |_, config| config);
    voters(&mut members[0].modern(), 3);
    let mut writers = Writers::start(&members, SHAPE);
    for number in 0..3 {
        writers.wait_for(200);
        members.remove(0).crash();
        members.push(again(&ports, number, |config| config));
        let all: Vec<&Member> = members.iter().collect();
        until_held(all[0], &ids(&all), 0);
        writers.at(&members[2]);
    }
    // Nobody is left of those who began, and nothing is lost.
    writers.wait_for(200);
    let made = writers.stop();
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    let told = history(&mut raws[0], &made);
    assert!(raws[1..].iter_mut().all(|raw| history(raw, &made) == told));
    drop(raws);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_stand_by_takes_the_place_of_who_is_gone_and_who_comes_back_stands_by() {
    let (dir, three) = (tempfile::tempdir().unwrap(), Ports::new(3));
    let patient = |number, config| Config {
        replace_after: Duration::from_secs(1),
        ..durable(config, dir.path(), number)
    };
    let mut members = together(&three, patient);
    voters(&mut members[0].modern(), 3);
    let stand_by = Member::start(patient(3, Config { ..attached(&three.addresses()) }));

    let gone = members.remove(1);
    let old = id(&gone);
    gone.crash();
    until_held(&stand_by, &ids(&[&members[0], &members[1], &stand_by]), 0);

    // It is who it was, and votes no more; when the next one is gone it does again.
    let back = again(&three, 1, |config| patient(1, config));
    assert_eq!(id(&back), old);
    let rev = back.modern().set("/a", "1", -1);
    assert_eq!(members[0].modern().get("/a").1, rev);
    members.remove(1).crash();
    until_held(&back, &ids(&[&members[0], &stand_by, &back]), 0);
    [back, stand_by].into_iter().chain(members).for_each(Member::stop);
}

#[test]
fn without_a_stand_by_a_place_is_left_open_for_who_comes_back() {
    let (dir, ports) = (tempfile::tempdir().unwrap(), Ports::new(4));
    let patient = |number, config| Config {
        replace_after: Duration::from_secs(1),
        ..durable(config, dir.path(), number)
    };
    let mut members = together(&ports, patient);
    voters(&mut members[0].modern(), 4);
    members.remove(3).crash();
    let three: Vec<&Member> = members.iter().collect();
    until_held(three[0], &ids(&three), 1);
    // Two of four would be too many to lose. Of the three that are left, one may go.
    members.remove(2).crash();
    members[0].modern().set("/a", "1", -1);

    let back = again(&ports, 3, |config| patient(3, config));
    until_held(&back, &ids(&[&members[0], &members[1], &back]), 1);
    [back].into_iter().chain(members).for_each(Member::stop);
}
