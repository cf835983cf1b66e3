//! `doozer bench` against a real member: its figures, and that it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use common::{Member, doozer, words};
use rustix::process::Signal;

/// The files that are not the cluster's own.
fn files(member: &Member) -> String {
    let all = member.run("find /").stdout;
    all.lines().filter(|path| *path != "/" && !path.starts_with("/ctl")).collect()
}

#[test]
fn each_kind_gives_figures_and_leaves_nothing() {
    let member = Member::start();
    for kind in ["set", "get", "mixed"] {
        let line = format!("bench --kind {kind} --connections 3 --in-flight 7 --keys 20 --value-bytes 9");
        let before = member.run("rev").rev();
        let ended = member.run(&format!("{line} --seconds 0.2 --json"));
        assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
        let figures: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
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
fn an_interrupt_leaves_nothing_either() {
    let member = Member::start();
    let mut watching = member.follow("watch /bench-*/0");
    let bench = member.follow("bench --kind set --keys 10 --seconds 100");
    assert!(watching.line().starts_with("/bench-"));
    bench.signal(Signal::INT);
    assert_eq!(bench.end().code(), Some(2));
    assert_eq!(files(&member), "");
}

#[test]
fn what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let run = |line: &str| doozer(dir.path(), &[], &words(line), b"");
    let nobody = "Error: cannot connect to 127.0.0.1:1: Connection refused; start doozerd or set DOOZER_URI";
    run("bench -a 127.0.0.1:1").fails(2, nobody);
    let names = "Error: bench needs addresses, and a URI that has them: it does not look names up";
    run("bench -a doozer:?cn=prod").fails(2, names);
    run("bench --tls-ca ca.pem").fails(2, "Error: bench does not speak TLS");
    for line in ["--connections 0", "--in-flight 0", "--keys 0", "--seconds 0", "--kind del", "-r 1"] {
        assert_eq!(run(&format!("bench {line}")).status, Some(2), "{line}");
    }
}

#[test]
fn a_member_that_refuses_is_quoted() {
    let member = Member::with(&["--memory"], &[("DOOZER_RWSECRET", "right")]);
    let ended = member.run("bench --seconds 0.1");
    assert_eq!(ended.status, Some(2));
    assert!(
        ended
            .stderr
            .starts_with("Error: refused with OTHER: permission denied; files may be left in /bench-")
    );
    let allowed = member.run(&format!("-a doozer:?ca={}&sk=right bench --seconds 0.1", member.address));
    assert_eq!((allowed.status, &*allowed.stderr), (Some(0), ""));
}
