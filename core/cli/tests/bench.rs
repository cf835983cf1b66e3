//! `doozer bench` against a real member: its figures, and that it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use common::bench::{figures, files};
use common::{Member, doozer, words};

#[test]
fn each_kind_gives_figures_and_leaves_nothing() {
    let member = Member::start();
    for kind in ["set", "get", "mixed"] {
        let line = format!("bench --kind {kind} --connections 3 --in-flight 7 --keys 20 --value-bytes 9");
        let before = member.run("rev").rev();
        let ended = member.run(&format!("{line} --seconds 0.2 --json"));
        let figures = figures(&ended);
        for (name, expected) in [("connections", 3), ("in_flight", 7), ("keys", 20), ("value_bytes", 9)] {
            assert_eq!(figures[name], expected, "{name}");
        }
        assert_eq!((&figures["kind"], &figures["seconds"]), (&kind.into(), &0.2.into()));
        let number = |name: &str| figures[name].as_f64().unwrap();
        assert!((number("ops") / 0.2 - number("ops_per_second")).abs() < 1e-6);
        let latencies = ["p50_us", "p90_us", "p99_us", "max_us"].map(number);
        assert!(latencies[0] > 0.0 && latencies.is_sorted(), "{latencies:?}");
        // Every file is made and deleted, each by one change.
        let written = (member.run("rev").rev() - before) as f64 - 40.0;
        match kind {
            "set" => assert!(written >= number("ops"), "{written} {figures}"),
            "get" => assert_eq!(written, 0.0),
            _ => assert!(written > 0.0),
        }
        assert_eq!(files(&member), "");
    }
}

#[test]
fn plain_figures() {
    let member = Member::start();
    let ended = member.run("bench --in-flight 1 --keys 1 --seconds 0.1");
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
    let names: Vec<_> = ended.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["ops/s", "p50", "p90", "p99", "max"]);
}

#[test]
fn what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let run = |line: &str| doozer(dir.path(), &[], &words(line), b"");
    let nobody = "Error: DISCONNECTED: no member can be reached: 127.0.0.1:1: Connection refused; start doozerd or set \
                  DOOZER_URI";
    run("bench -a 127.0.0.1:1").fails(2, nobody);
    let names = "Error: --given-only needs addresses, and a URI that has them";
    run("bench --given-only -a doozer:?cn=prod").fails(2, names);
    let reads = "error: --consistency says nothing to --kind set, which reads nothing";
    run("bench --kind set --consistency local").is_usage_error(reads);
    for line in [
        "--connections 0",
        "--in-flight 0",
        "--keys 0",
        "--seconds 0",
        "--kind del",
        "-r 1",
        "--consistency none",
    ] {
        assert_eq!(run(&format!("bench {line}")).status, Some(2), "{line}");
    }
}

#[test]
fn a_member_that_refuses_is_quoted() {
    let member = Member::with(&["--memory"], &[("DOOZER_RWSECRET", "right")]);
    member.run("bench --seconds 0.1").fails(2, "Error: PERMISSION_DENIED: permission denied");
    let allowed = member.run(&format!("-a doozer:?ca={}&sk=right bench --seconds 0.1", member.address));
    assert_eq!((allowed.status, &*allowed.stderr), (Some(0), ""));
}
