//! `doozer status` of clusters: whole, with a learner, with a member that is dead, held or cut off, without a majority, with
//! an open place; and at addresses where no member is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::cluster::{Cluster, PATIENCE};
use common::{Ended, Member, doozer, words};
use rustix::process::Signal;
use serde_json::Value;

const HEADINGS: [&str; 9] =
    ["slot", "member", "address", "version", "role", "oldest", "revision", "behind", "health"];

/// What it prints at a member: its own lines, and by address the rows of the table.
struct Said {
    own: BTreeMap<String, String>,
    rows: BTreeMap<String, Vec<String>>,
}

impl Said {
    fn at(member: &Member) -> Said {
        let ended = member.run("status");
        assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
        let (own, table) = ended.stdout.split_once("\n\n").unwrap();
        let own = own.lines().map(|line| {
            let (key, value) = line.split_once(' ').unwrap();
            (key.to_owned(), value.trim_start().to_owned())
        });
        let mut rows = table.lines().map(|line| {
            let mut cells: Vec<String> =
                line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
            cells.resize(HEADINGS.len(), String::new());
            cells
        });
        assert_eq!(rows.next().unwrap(), HEADINGS);
        Said { own: own.collect(), rows: rows.map(|row| (row[2].clone(), row)).collect() }
    }

    fn row(&self, address: &str) -> [&str; 5] {
        let row = &self.rows[address];
        [&row[0], &row[1], &row[4], &row[7], &row[8]].map(|cell| &**cell)
    }
}

fn json(member: &Member) -> Value {
    let ended = member.run("status --json");
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Asks until it says what it is expected to: members notice things in their own time, and a busy machine lets one of
/// them be late with its word.
fn until(member: &Member, expected: impl Fn(&Said) -> bool) -> Said {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = Said::at(member);
        if expected(&said) {
            return said;
        }
        assert!(Instant::now() < until, "{:?} {:?}", said.own, said.rows);
    }
}

/// Whether all answer, one leads and the others know it.
fn is_whole(said: &Said) -> bool {
    let roles = |role: &str| said.rows.values().filter(|row| row[4] == role).count();
    said.own["health"] == "ok"
        && (roles("proposer"), roles("voter"), roles("learner")) == (1, 2, 1)
        && said.rows.values().all(|row| row[7] == "0" && row[8] == "ok")
}

#[test]
fn a_whole_cluster_with_a_learner_in_text_and_json() {
    let cluster = Cluster::start(3, "--memory");
    let first = cluster.member(0);
    let learner = Member::with(&["--memory", "-a", &first.address], &[]);
    let revision = first.put(b"x", "set /a -1").rev();
    for asked in [first, cluster.member(1), cluster.member(2), &learner] {
        // A read sees what was written, and then so does the member's own state.
        assert_eq!(asked.run("rev").rev(), revision);
    }
    for asked in [first, cluster.member(1), cluster.member(2), &learner] {
        let said = until(asked, is_whole);
        let values = [
            ("member", &*asked.id),
            ("address", &asked.address),
            ("role", said.row(&asked.address)[2]),
            ("first_revision", "1"),
            ("revision", &revision.to_string()),
            ("quorum", "true"),
        ];
        for (key, value) in values {
            assert_eq!(said.own[key], value, "{key}");
        }
        assert_eq!(said.rows.len(), 4);
        for (number, address) in cluster.addresses().iter().enumerate() {
            let [slot, id, ..] = said.row(address);
            assert!(["0", "1", "2"].contains(&slot), "{slot}");
            assert_eq!(id, cluster.member(number).id);
        }
        assert_eq!(said.row(&learner.address), ["-", &learner.id, "learner", "0", "ok"]);
    }
    let until = Instant::now() + PATIENCE;
    let said = loop {
        let said = json(&learner);
        if said["health"] == "ok" {
            break said;
        }
        assert!(Instant::now() < until, "{said}");
    };
    assert_eq!((&said["quorum"], &said["role"]), (&true.into(), &"learner".into()));
    let members = said["members"].as_array().unwrap();
    let slots: Vec<&Value> = members.iter().map(|member| &member["slot"]).collect();
    assert_eq!(slots, [&"0".into(), &"1".into(), &"2".into(), &Value::Null]);
    assert_eq!(members[3]["member"], *learner.id);
    for member in members {
        assert_eq!((&member["version"], &member["health"]), (&"0.1.0".into(), &"ok".into()));
        assert_eq!((&member["first_revision"], &member["revision"]), (&1.into(), &revision.into()));
        assert_eq!(member["behind"], 0);
    }
}

#[test]
fn members_that_are_dead_or_held_and_a_majority_that_is_lost() {
    let mut cluster = Cluster::start(3, "--data-dir d{}");
    let (asked, id, address) = (0, cluster.member(2).id.clone(), cluster.addresses()[2].clone());
    cluster.take(2).kill();
    let degraded = "degraded: 2 of 3 voters answer, and 2 are needed";
    let said = until(cluster.member(asked), |said| said.own["health"] == degraded);
    assert_eq!(said.own["quorum"], "true");
    let [slot, dead, role, behind, health] = said.row(&address);
    assert!(["0", "1", "2"].contains(&slot));
    assert_eq!([dead, role, behind, health], [&*id, "-", "-", "Connection refused"]);

    // Held, it takes connections and says nothing.
    cluster.member(1).signal(Signal::STOP);
    let said = Said::at(cluster.member(asked));
    assert_eq!(said.own["quorum"], "false");
    let lost = "no quorum: 1 of 3 voters answers, and 2 are needed: writes and linearizable reads fail, local reads go on";
    assert_eq!(said.own["health"], lost);
    let [_, _, role, behind, health] = said.row(&cluster.addresses()[1]);
    assert_eq!((role, behind), ("-", "-"));
    assert!(health.contains("no answer"), "{health}");
    let said = json(cluster.member(asked));
    assert_eq!((&said["quorum"], &said["health"]), (&false.into(), &lost.into()));
    let held =
        said["members"].as_array().unwrap().iter().find(|member| member["address"] == cluster.addresses()[1]);
    assert_eq!((&held.unwrap()["role"], &held.unwrap()["behind"]), (&Value::Null, &Value::Null));

    cluster.member(1).signal(Signal::CONT);
    cluster.run(2);
    until(cluster.member(asked), |said| said.own["health"] == "ok");
}

/// Exit status 0 and nothing said if it is well; else 1 and the reason. It prints what it always prints.
fn check(asked: &Member, health: &str) {
    let ended = asked.run("status --check");
    assert!(ended.stdout.contains(&format!("\nhealth            {health}\n")), "{ended:?}");
    let expected =
        if health == "ok" { (Some(0), String::new()) } else { (Some(1), format!("Error: {health}\n")) };
    assert_eq!((ended.status, ended.stderr), expected);
}

#[test]
fn a_place_that_is_open() {
    let member = Member::start();
    check(&member, "ok");
    member.put(b"", "set /ctl/cal/1 -1").rev();
    let alone = "degraded: 1 of 2 places is open: the loss of the only voter stops writes";
    let said = until(&member, |said| said.own["health"] == alone);
    assert_eq!(said.row("-"), ["1", "-", "-", "-", "open: a learner that is ready takes it"]);
    assert_eq!(json(&member)["members"][1]["member"], Value::Null);
    check(&member, alone);
    // Somebody takes it.
    let learner = Member::with(&["--memory", "-a", &member.address], &[]);
    let said = until(&member, |said| said.own["health"] == "ok");
    assert_eq!(said.row(&learner.address)[..2], ["1", &*learner.id]);
}

#[test]
fn a_voter_that_answers_and_does_not_follow() {
    let places = Cluster::places(3, "");
    let start = |number: usize, others: &str, secret: &str| {
        let args = format!("--data-dir d{number} {others}");
        let variables = [("DOOZER_RWSECRET", secret), ("DOOZER_ROSECRET", "r")];
        Member::at(&places.addresses()[number], places.dir(), &words(&args), &variables)
    };
    let first = start(0, "", "w");
    let run = |secret: &str, line: &str| first.run(&format!("-a {}&sk={secret} {line}", uri(&first.address)));
    let others = format!("-a {}", first.address);
    let [_second, third] = [1, 2].map(|number| start(number, &others, "w"));
    run("w", "touch /ctl/cal/1").prints("");
    run("w", "touch /ctl/cal/2").prints("");
    let until = |health: &str| {
        let until = Instant::now() + PATIENCE;
        loop {
            let ended = run("r", "status --json --check");
            let said: Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(ended.status, Some(i32::from(said["health"] != "ok")));
            if said["health"] == health {
                return said;
            }
            assert!(Instant::now() < until, "{said}");
        }
    };
    until("ok");
    third.kill();

    // With a secret for writing that the others do not have it hears of nobody, but can be asked.
    let cut_off = start(2, &others, "other");
    run("w", "touch /a").prints("");
    let said = until("degraded: 2 of 3 voters are well, and 2 are needed");
    assert_eq!(said["quorum"], true);
    let mut members = said["members"].as_array().unwrap().iter();
    let row = members.find(|member| member["member"] == *cut_off.id).unwrap();
    assert_eq!(row["health"], "no quorum through it");
    assert!(row["behind"].as_i64().unwrap() > 0, "{row}");
    cut_off.kill();
    let _third = start(2, &others, "w");
    until("ok");
}

fn uri(address: &str) -> String {
    format!("doozer:?ca={address}")
}

#[test]
fn a_secret_is_shown_to_the_others_too() {
    let member = Member::with(&["--memory"], &[("DOOZER_RWSECRET", "w"), ("DOOZER_ROSECRET", "r")]);
    let ended = member.run("status");
    ended.fails(2, "Error: PERMISSION_DENIED: permission denied");
    let said = member.run(&format!("-a doozer:?ca={}&sk=r status --json", member.address));
    assert_eq!((said.status, &*said.stderr), (Some(0), ""));
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&said["health"], &said["members"][0]["health"]), (&"ok".into(), &"ok".into()));
}

fn status(address: &str) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    doozer(dir.path(), &[], &words(&format!("-a {address} -t 0.5 status")), b"")
}

#[test]
fn addresses_where_no_member_is() {
    let began = Instant::now();
    let advice = "; start doozerd or set DOOZER_URI";
    let line = "Error: DISCONNECTED: no member can be reached: 127.0.0.1:1: Connection refused";
    status("127.0.0.1:1").fails(2, &format!("{line}{advice}"));
    // Somebody who takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let line = format!("Error: DISCONNECTED: no member can be reached: {address}: no answer yet{advice}");
    status(&address.to_string()).fails(2, &line);
    assert!(began.elapsed() < Duration::from_secs(30), "it may not try for ever");
}
