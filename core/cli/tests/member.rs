//! `doozer member`: who votes, shown and changed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::time::Instant;

use common::cluster::{Cluster, PATIENCE};
use common::{Ended, Member, words};
use serde_json::Value;

/// What a command that succeeds prints.
fn said(ended: &Ended) -> &str {
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{}", ended.stdout);
    &ended.stdout
}

/// The holder of each slot, in order; `-` for one that is open.
fn slots(asked: &Member) -> Vec<(String, String)> {
    let all: Value = serde_json::from_str(said(&asked.run("member list --json"))).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let members = all["members"].as_array().unwrap().iter();
    let voters = members.filter(|member| !member["slot"].is_null());
    voters.map(|member| (text(&member["slot"]), text(&member["member"]))).collect()
}

/// Runs a command until it succeeds: it takes a while until a proposer finds that somebody has caught up.
fn until_done(asked: &Member, command: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let ended = asked.run(command);
        if ended.status == Some(0) {
            return ended.stdout;
        }
        assert!(
            ended.stderr.contains("has not caught up") || ended.stderr.contains("stands by"),
            "{ended:?}"
        );
        assert!(Instant::now() < until, "{ended:?}");
    }
}

fn until_slots(asked: &Member, expected: &[(&str, &str)]) {
    let until = Instant::now() + PATIENCE;
    while slots(asked).iter().map(|(slot, id)| (&**slot, &**id)).ne(expected.iter().copied()) {
        assert!(Instant::now() < until, "{:?} {expected:?}", slots(asked));
    }
}

fn learner(cluster: &Cluster) -> Member {
    let list =
        cluster.addresses().iter().map(|address| format!("-a {address}")).collect::<Vec<_>>().join(" ");
    Member::with(&words(&format!("--memory --timeout 0 {list}")), &[])
}

#[test]
fn a_voter_is_added_replaced_and_removed() {
    let cluster = Cluster::start(3, "--memory --timeout 0");
    let asked = cluster.member(0);
    let ids: Vec<String> = slots(asked).into_iter().map(|(_, id)| id).collect();
    let [a, b, c] = [&*ids[0], &*ids[1], &*ids[2]];

    // An open place is taken by whoever comes.
    let opened = said(&asked.run("member add")).to_owned();
    assert!(opened.starts_with("slot 3: open, since revision "), "{opened}");
    let fourth = learner(&cluster);
    until_slots(asked, &[("0", a), ("1", b), ("2", c), ("3", &fourth.id)]);

    // A place is given to whoever is named, by the only one who stands by if nobody is.
    let fifth = learner(&cluster);
    let replaced = until_done(asked, &format!("member replace {} {}", fourth.address, fifth.id));
    assert!(replaced.starts_with(&format!("slot 3: {}, since revision ", fifth.id)), "{replaced}");
    let replaced = until_done(asked, "member replace 3");
    assert!(replaced.starts_with(&format!("slot 3: {}, since revision ", fourth.id)), "{replaced}");
    let added = until_done(asked, &format!("member add {}", fifth.address));
    assert!(added.starts_with(&format!("slot 4: {}, since revision ", fifth.id)), "{added}");

    // One that runs loses its place, and what it wrote of itself stays.
    let removed = said(&asked.run(&format!("member remove {}", fifth.id))).to_owned();
    assert!(removed.starts_with("slot 4: removed, at revision "), "{removed}");
    assert_eq!(said(&asked.run(&format!("get /ctl/node/{}/addr", fifth.id))), fifth.address);
    // One that is gone loses that too.
    let (id, address) = (fourth.id.clone(), fourth.address.clone());
    fourth.kill();
    let removed = said(&asked.run(&format!("member remove {address}"))).to_owned();
    let lines: Vec<&str> = removed.lines().collect();
    assert!(lines[0].starts_with("slot 3: removed, at revision "), "{removed}");
    assert_eq!(lines[1], format!("{id}: 5 files of what it wrote of itself deleted"));
    assert_eq!(said(&asked.run("find /ctl")).matches(&id).count(), 0);
    until_slots(asked, &[("0", a), ("1", b), ("2", c)]);
    let json: Value = serde_json::from_str(said(&asked.run("member add --json"))).unwrap();
    assert_eq!((&json["slot"], &json["now"]), (&"3".into(), &"open".into()));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let member = Member::start();
    let id = member.id.clone();
    let before = said(&member.run("rev")).to_owned();
    let refused = |command: &str, why: &str| {
        let ended = member.run(command);
        assert_eq!((ended.status, &*ended.stdout), (Some(2), ""), "{command}");
        assert_eq!(ended.stderr, format!("Error: {why}\n"), "{command}");
    };
    let unknown = "no member has the id, the slot or the address x; `doozer member list` shows them";
    ["member add x", "member remove x", "member replace x", "member replace 0 x"]
        .into_iter()
        .for_each(|command| refused(command, unknown));
    refused("member replace 0", "nobody stands by: start a member with -a first");
    refused(&format!("member add {id}"), &format!("{id} has a place already: slot 0"));
    refused(&format!("member replace 0 {id}"), &format!("{id} has that place already"));
    let last = member.run("member remove 0");
    assert_eq!(last.status, Some(2));
    assert!(last.stderr.contains("the last voter cannot be removed"), "{last:?}");
    assert_eq!(said(&member.run("rev")), before);
    assert_eq!(slots(&member), [("0".to_owned(), id)]);
}
