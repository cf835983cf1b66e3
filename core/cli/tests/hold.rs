//! `doozer lock`, `elect` and `register`: a command that runs while something is held for it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::cluster::Cluster;
use common::{Ended, Following, Member, begin, doozer};
use rustix::process::Signal;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the token, then goes on until its input ends.
const HOLD: &str = "echo $DOOZER_LOCK_TOKEN; cat";

/// Tells each signal that it gets, and ends at TERM. Goes on no longer than who started it.
const TELL: &str = "\
for signal in INT QUIT HUP; do trap \"echo $signal\" $signal; done
trap 'echo TERM; exit 3' TERM
echo ready
while kill -0 $PPID; do sleep 0.02; done";

/// Runs it to its end.
fn run(member: &Member, args: &[&str]) -> Ended {
    member.begin(args).ended()
}

fn explain(member: &Member, path: &str) -> Value {
    serde_json::from_str(&member.run(&format!("explain --json {path}")).stdout).unwrap()
}

/// Waits until what is known of a path is so.
#[track_caller]
fn until(member: &Member, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = explain(member, path);
        if is_so(&said) {
            return said;
        }
        assert!(Instant::now() < until, "never {what}: {said}");
    }
}

fn waiting(count: usize) -> impl Fn(&Value) -> bool {
    move |said| said["queue"].as_array().is_some_and(|queue| queue.len() == count)
}

#[track_caller]
fn is_free(member: &Member, path: &str) {
    assert_eq!(explain(member, path)["type"], "missing");
    member.run("session ls --json").prints("{\"sessions\":[]}\n");
}

/// The token that a holder tells first.
fn token(holder: &mut Following) -> i64 {
    holder.line().parse().unwrap()
}

#[test]
fn the_command_knows_its_lock_and_its_status_is_passed_on() {
    let member = Member::start();
    let told = run(&member, &["lock", "/l", "--", "sh", "-c", "echo $DOOZER_LOCK_PATH $DOOZER_LOCK_TOKEN"]);
    let rev = member.revision + 1;
    told.prints(&format!("/l {rev}\n"));
    is_free(&member, "/l");

    let mut holder = member.begin(&["lock", "/l", "--ttl", "20", "--", "sh", "-c", HOLD]);
    let token = token(&mut holder);
    let held = explain(&member, "/l");
    assert_eq!((&held["token"], &held["holder"]["ttl_ms"]), (&json!(token), &json!(20_000)));
    let label = held["holder"]["label"].as_str().unwrap();
    assert!(label.starts_with("sh (doozer pid ") && label.contains(" on "), "{label}");
    assert_eq!(held["history"][0]["value"], label);
    holder.close_input();
    holder.ended().prints("");
    is_free(&member, "/l");

    for (script, status) in [("exit 7", 7), ("kill -KILL $$", 137), ("exit 125", 125)] {
        let ended = run(&member, &["lock", "/l", "--", "sh", "-c", script]);
        assert_eq!(ended, Ended { status: Some(status), stdout: String::new(), stderr: String::new() });
        is_free(&member, "/l");
    }
}

#[test]
fn who_does_not_get_it_says_so() {
    let member = Member::start();
    let mut holder = member.begin(&["lock", "/l", "--", "sh", "-c", HOLD]);
    let token = token(&mut holder);
    run(&member, &["lock", "--try", "/l", "--", "echo", "no"])
        .fails(124, "Error: not acquired: /l: somebody holds it");
    let line = format!("Error: not acquired: /l: not free within 1s: held since revision {token}");
    run(&member, &["lock", "-t", "1", "/l", "--", "echo", "no"]).fails(124, &line);
    run(&member, &["elect", "-t", "1", "/l", "--", "echo", "no"]).fails(124, &line);
    assert!(waiting(0)(&explain(&member, "/l")));
    holder.close_input();
    holder.ended().prints("");
    run(&member, &["lock", "--try", "/l", "--", "echo", "yes"]).prints("yes\n");
    is_free(&member, "/l");
}

#[test]
fn what_cannot_be() {
    let member = Member::start();
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    let plain = plain.to_str().unwrap();
    run(&member, &["lock", "/l", "--", "/none/such"])
        .fails(127, "Error: cannot run /none/such: No such file or directory");
    run(&member, &["lock", "/l", "--", plain])
        .fails(126, &format!("Error: cannot run {plain}: Permission denied"));
    is_free(&member, "/l");
    run(&member, &["lock", "/ctl", "--", "echo"]).fails(2, "Error: ISDIR: /ctl: is a directory");
    run(&member, &["lock", "l", "--", "echo"]).fails(2, "Error: BAD_PATH: l: a path must begin with '/'");
    run(&member, &["lock", "/l", "--ttl", "0.5", "--", "echo"])
        .fails(2, "Error: BAD_TTL: a session's TTL is from 1s to 86400s, not 500ms");
    let usage = "error: the following required arguments were not provided:";
    member.run("lock /l").is_usage_error(usage);
    member.run("register /l --").is_usage_error(usage);
    let nobody =
        doozer(dir.path(), &[], &["-a", "127.0.0.1:1", "-t", "0.2", "lock", "/l", "--", "echo"], b"");
    assert_eq!((nobody.status, &*nobody.stdout), (Some(2), ""), "{nobody:?}");
}

#[test]
fn signals_are_passed_on() {
    let member = Member::start();
    let mut holder = member.begin(&["lock", "/l", "--", "sh", "-c", TELL]);
    assert_eq!(holder.line(), "ready");
    for (signal, name) in [(Signal::INT, "INT"), (Signal::QUIT, "QUIT"), (Signal::HUP, "HUP")] {
        holder.signal(signal);
        assert_eq!(holder.line(), name);
    }

    // Who waits has no command yet.
    let waiter = member.begin(&["lock", "/l", "--", "echo", "no"]);
    until(&member, "/l", "waiting", waiting(1));
    waiter.signal(Signal::TERM);
    waiter.ended().fails(143, "Error: ended by signal 15");
    until(&member, "/l", "left", waiting(0));

    holder.signal(Signal::TERM);
    let ended = holder.ended();
    assert_eq!(ended, Ended { status: Some(3), stdout: "TERM\n".into(), stderr: String::new() });
    is_free(&member, "/l");
}

/// The signals that a process ignores, as its status has them.
fn ignored(ended: &Ended) -> u64 {
    let mask = ended.stdout.strip_prefix("SigIgn:").unwrap_or_else(|| panic!("{ended:?}"));
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn what_was_to_be_ignored_still_is() {
    let member = Member::start();
    let program = env!("CARGO_BIN_EXE_doozer");
    let inner = format!("{program} lock /inner -- grep SigIgn /proc/self/status");
    let plain = run(&member, &["lock", "/outer", "--", "sh", "-c", &inner]);
    let ignoring = run(&member, &["lock", "/outer", "--", "sh", "-c", &format!("trap '' HUP INT; {inner}")]);
    let (hup, int) = (1 << (Signal::HUP.as_raw() - 1), 1 << (Signal::INT.as_raw() - 1));
    assert_eq!(ignored(&ignoring), ignored(&plain) | hup | int);
    assert_eq!(ignored(&plain) & (hup | int), 0);
}

#[test]
fn a_command_is_ended_when_its_lock_is_lost() {
    let member = Member::start();
    let lost =
        "Error: LOCK_LOST: /l: it is no longer held, or may soon be another's; the command was ended\n";
    for taken_by in ["del /l -1", "set /l -1", "session end"] {
        let mut holder = member.begin(&["lock", "/l", "--", "sh", "-c", TELL]);
        assert_eq!(holder.line(), "ready");
        match taken_by {
            "session end" => {
                let id = explain(&member, "/l")["holder"]["session"].as_str().unwrap().to_owned();
                member.run(&format!("session end {id}")).prints("");
            }
            line => assert_eq!(member.put(b"mine", line).status, Some(0)),
        }
        let ended = holder.ended();
        assert_eq!(
            ended,
            Ended { status: Some(125), stdout: "TERM\n".into(), stderr: lost.into() },
            "{taken_by}"
        );
        member.run("del /l -1").prints("");
        is_free(&member, "/l");
    }
}

#[test]
fn a_command_that_does_not_end_is_killed() {
    let member = Member::start();
    let stubborn = "trap '' TERM; echo ready; while kill -0 $PPID; do sleep 0.02; done";
    let mut holder = member.begin(&["lock", "/l", "--", "sh", "-c", stubborn]);
    assert_eq!(holder.line(), "ready");
    member.run("del /l -1").prints("");
    let ended = holder.ended();
    assert_eq!((ended.status, &*ended.stdout), (Some(125), ""), "{ended:?}");
}

#[test]
fn a_holder_that_was_paused_finds_its_lock_gone() {
    let member = Member::start();
    let tell = format!("echo $DOOZER_LOCK_TOKEN; {TELL}");
    let mut holder = member.begin(&["lock", "/l", "--ttl", "1", "--", "sh", "-c", &tell]);
    let old = token(&mut holder);
    assert_eq!(holder.line(), "ready");
    let fenced = |token: i64| format!("if /l fence {token}\nset /guarded {token}\n");
    assert_eq!(member.put(fenced(old).as_bytes(), "txn").status, Some(0));

    holder.signal(Signal::STOP);
    let mut next = member.begin(&["lock", "/l", "--", "sh", "-c", HOLD]);
    // It waits for no longer than the first one's time, and a margin.
    let new = token(&mut next);
    assert!(new > old, "{new} after {old}");
    assert_eq!(member.put(fenced(new).as_bytes(), "txn").status, Some(0));
    // What the paused one had begun comes too late.
    let refused = "Error: COMPARE_FAILED: standard input, line 1: compare 1 (/l): it does not hold";
    member.put(fenced(old).as_bytes(), "txn").fails(1, refused);
    member.run("get /guarded").prints(&new.to_string());

    holder.signal(Signal::CONT);
    let lost =
        "Error: LOCK_LOST: /l: it is no longer held, or may soon be another's; the command was ended\n";
    assert_eq!(holder.ended(), Ended { status: Some(125), stdout: "TERM\n".into(), stderr: lost.into() });
    // Which does the next one no harm.
    assert_eq!(explain(&member, "/l")["token"], new);
    next.close_input();
    next.ended().prints("");
    is_free(&member, "/l");
}

#[test]
fn who_waits_is_served_in_order_and_the_dead_make_room() {
    let member = Member::start();
    let mut first = member.begin(&["lock", "/l", "--ttl", "1", "--", "sh", "-c", HOLD]);
    let mut last = token(&mut first);
    let mut others = Vec::new();
    for count in 1..=3 {
        others.push(member.begin(&["lock", "/l", "--", "sh", "-c", HOLD]));
        until(&member, "/l", "waiting", waiting(count));
    }
    // Its end is nobody's doing but the cluster's.
    first.signal(Signal::KILL);
    drop(first);
    for mut holder in others {
        let token = token(&mut holder);
        assert!(token > last, "{token} after {last}");
        last = token;
        holder.close_input();
        holder.ended().prints("");
    }
    is_free(&member, "/l");
}

#[test]
fn a_leader_says_who_it_is() {
    let member = Member::start();
    let mut first = member.begin(&["elect", "/leader", "--value", "one", "--", "sh", "-c", HOLD]);
    let token_of_first = token(&mut first);
    member.run("get /leader").prints("one");
    let mut second = member.begin(&["elect", "/leader", "--", "sh", "-c", HOLD]);
    until(&member, "/leader", "waiting", waiting(1));
    first.close_input();
    first.ended().prints("");
    assert!(token(&mut second) > token_of_first);
    let said = member.run("get /leader").stdout;
    assert!(said.starts_with("sh (doozer pid "), "{said}");
    member.run("del /leader -1").prints("");
    second.close_input();
    let ended = second.ended();
    assert_eq!((ended.status, &*ended.stdout), (Some(125), ""), "{ended:?}");
}

#[test]
fn a_service_is_there_as_long_as_its_command() {
    let member = Member::start();
    let command = "echo ${DOOZER_LOCK_PATH-none}; cat";
    let mut service = member.begin(&["register", "/srv/1", "10.0.0.1:80", "--", "sh", "-c", command]);
    assert_eq!(service.line(), "none");
    member.run("get /srv/1").prints("10.0.0.1:80");
    let before = explain(&member, "/srv/1");
    let id = before["holder"]["session"].as_str().unwrap();
    // Under the next session it is there again.
    member.run(&format!("session end {id}")).prints("");
    let after = until(&member, "/srv/1", "back", |said| said["holder"]["session"].is_string());
    assert_ne!(after["holder"]["session"], id);
    assert_eq!(after["history"][0]["value"], "10.0.0.1:80");
    service.close_input();
    service.ended().prints("");
    is_free(&member, "/srv/1");
}

#[test]
fn a_lock_is_held_through_the_death_of_members() {
    let mut cluster = Cluster::start(3, "--memory -c locks");
    let dir = tempfile::tempdir().unwrap();
    let mut holder =
        begin(dir.path(), &cluster.uri(), &["lock", "/l", "--ttl", "20", "--", "sh", "-c", HOLD]);
    let old = token(&mut holder);
    let mut next = begin(dir.path(), &cluster.uri(), &["lock", "/l", "--", "sh", "-c", HOLD]);
    until(cluster.member(2), "/l", "waiting", waiting(1));
    cluster.end(0, Signal::KILL);
    let held = explain(cluster.member(2), "/l");
    assert_eq!((&held["token"], held["queue"].as_array().unwrap().len()), (&json!(old), 1));
    holder.close_input();
    holder.ended().prints("");
    assert!(token(&mut next) > old);
    next.close_input();
    next.ended().prints("");
    until(cluster.member(2), "/l", "free", |said| said["type"] == "missing");
    cluster.end_all(Signal::TERM);
}
