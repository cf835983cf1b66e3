//! Sessions among a few members: who may say that one lives, when one ends, and that a turn in a queue is told where it is
//! waited for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

#[path = "support/cluster.rs"]
mod cluster;

use std::rc::Rc;

use cluster::{Client, Cluster, id, voters_and_stand_bys};
use doozer_member::driver::Driver;
use doozer_member::peer::Peer;
use doozer_member::recovery::Role;
use doozer_paxos::replica::Limits;
use doozer_store::{By, Command, Flags, SessionId};

const ONE: SessionId = SessionId([1; 16]);
const TWO: SessionId = SessionId([2; 16]);

/// Ticks of the TTL of a second, and with the margin.
const TTL: u64 = 100;
const ALL: u64 = TTL + 13 + 1;

fn open(cluster: &mut Cluster, at: u8, session: SessionId) {
    let open = Command::Open { session, ttl_ms: 1_000, opened_ms: 0, label: "" };
    cluster.write(at, "open", &open);
    let told = cluster.answers();
    assert!(told.len() == 1 && told[0].starts_with("open: Applied(Store(Opened)"), "{told:?}");
}

/// Three that vote.
fn three() -> Cluster {
    let mut cluster = voters_and_stand_bys(3, 0);
    cluster.answers();
    cluster
}

fn leader(cluster: &mut Cluster) -> u8 {
    (1..=3).find(|number| cluster.member(*number).replica().open_ballot().is_some()).expect("a leader")
}

/// The leader, and the other two.
fn parts(cluster: &mut Cluster) -> (u8, [u8; 2]) {
    match leader(cluster) {
        1 => (1, [2, 3]),
        2 => (2, [1, 3]),
        other => (other, [1, 2]),
    }
}

/// Time passes, and what comes from one to the other is lost if `is_cut` says so.
fn run_cut(cluster: &mut Cluster, ticks: u64, is_cut: impl Fn(u8, u8) -> bool) {
    for _ in 0..ticks {
        cluster.members.values_mut().for_each(Driver::tick);
        loop {
            cluster.members.values_mut().for_each(|member| member.pump(0));
            let Some((from, to, message)) = cluster.flying.borrow_mut().pop_front() else { break };
            if !is_cut(from.0[0], to.0[0]) {
                cluster.member(to.0[0]).receive(from, message);
            }
        }
    }
}

fn client(cluster: &Cluster, name: &'static str) -> Client {
    Client(name, Rc::clone(&cluster.answers))
}

fn lives(cluster: &mut Cluster, at: u8, session: &SessionId) -> bool {
    cluster.member(at).local().state.read().store().session(session).is_some()
}

#[test]
fn a_session_that_is_kept_alive_at_any_member_lives_and_costs_nothing() {
    let mut cluster = three();
    open(&mut cluster, 1, ONE);
    let slot = cluster.member(1).position().slot;
    for round in 0..20 {
        cluster.run(TTL / 3);
        cluster.keep_alive(1 + round % 3, "kept", ONE);
        cluster.run(5);
        assert_eq!(cluster.answers(), ["kept: Alive"], "{round}");
    }
    assert_eq!(cluster.member(1).position().slot, slot, "nothing was decided for it");
    cluster.run(ALL + 20);
    for number in 1..=3 {
        assert!(!lives(&mut cluster, number, &ONE), "{number}");
    }
    cluster.keep_alive(1, "late", ONE);
    cluster.run(5);
    assert_eq!(cluster.answers(), ["late: Ended"]);
}

#[test]
fn one_that_is_not_kept_alive_ends_when_its_time_is_over_and_not_before() {
    let mut cluster = three();
    open(&mut cluster, 3, ONE);
    let bound = |sequence, path: &str, rev| {
        let mut inner = Vec::new();
        Command::Set { path, rev, value: b"v" }.encode(&mut inner);
        let by = By::new(ONE, sequence, 0, &inner).flagged(Flags::EPHEMERAL);
        let mut bytes = Vec::new();
        Command::By(by).encode(&mut bytes);
        bytes
    };
    let bytes = bound(1, "/bound", 0);
    cluster.write(3, "bound", &Command::decode(&bytes).unwrap());
    let told = cluster.answers();
    assert!(told[0].starts_with("bound: set"), "{told:?}");
    cluster.run(ALL - 1);
    assert!(lives(&mut cluster, 1, &ONE));
    assert_eq!(cluster.value(1, "/bound").as_deref(), Some("v"));
    cluster.run(1);
    assert!(!lives(&mut cluster, 1, &ONE));
    assert_eq!(cluster.value(1, "/bound"), None);
}

#[test]
fn a_new_proposer_gives_each_session_all_of_its_time() {
    let mut cluster = three();
    let (old, [one, other]) = parts(&mut cluster);
    open(&mut cluster, one, ONE);
    cluster.run(TTL - 5);
    // The proposer goes, and with it what it knew.
    cluster.members.remove(&id(old));
    let mut waited = 0;
    while [one, other].iter().all(|at| cluster.member(*at).replica().open_ballot().is_none()) {
        cluster.run(1);
        waited += 1;
        assert!(waited < 200, "nobody leads");
    }
    cluster.run(ALL - 1);
    assert!(lives(&mut cluster, one, &ONE));
    cluster.run(2);
    assert!(!lives(&mut cluster, one, &ONE));
}

#[test]
fn a_proposer_that_is_cut_off_keeps_nothing_alive_and_ends_nothing() {
    let mut cluster = three();
    let (old, [one, other]) = parts(&mut cluster);
    open(&mut cluster, one, ONE);
    open(&mut cluster, one, TWO);
    let cut = client(&cluster, "cut");
    let is_cut = |from, to| from == old || to == old;
    run_cut(&mut cluster, 1, is_cut);
    cluster.member(old).keep_alive(ONE, cut);
    // Long enough for the others to elect another, and for both sessions to run out at the old one.
    for _ in 0..3 * ALL / 20 {
        for (at, session) in [(one, ONE), (other, TWO)] {
            let kept = client(&cluster, "kept");
            cluster.member(at).keep_alive(session, kept);
        }
        run_cut(&mut cluster, 20, is_cut);
    }
    let told = cluster.answers();
    assert!(told.iter().all(|text| text == "kept: Alive") && told.len() > 10, "{told:?}");
    // What it had in mind when it hears again comes to nothing: its EXPIREs are of another ballot.
    cluster.run(10);
    for at in 1..=3 {
        assert!(lives(&mut cluster, at, &ONE) && lives(&mut cluster, at, &TWO), "{at}");
    }
}

#[test]
fn a_question_goes_by_way_of_a_member_that_hears_the_proposer() {
    let mut cluster = three();
    let (leader, [one, _]) = parts(&mut cluster);
    open(&mut cluster, one, ONE);
    let kept = client(&cluster, "kept");
    cluster.member(one).keep_alive(ONE, kept);
    let is_cut = |from, to| (from, to) == (leader, one) || (from, to) == (one, leader);
    run_cut(&mut cluster, 80, is_cut);
    assert_eq!(cluster.answers(), ["kept: Alive"]);
}

#[test]
fn who_hears_of_no_majority_says_so_in_time() {
    let mut cluster = three();
    let (old, [one, _]) = parts(&mut cluster);
    open(&mut cluster, one, ONE);
    let kept = client(&cluster, "kept");
    cluster.member(old).keep_alive(ONE, kept);
    run_cut(&mut cluster, 499, |_, _| true);
    assert_eq!(cluster.answers(), [""; 0]);
    run_cut(&mut cluster, 1, |_, _| true);
    assert_eq!(cluster.answers(), ["kept: Unknown(Unheard)"]);
}

#[test]
fn a_proposer_that_was_held_gives_all_of_their_time_again() {
    let mut cluster = three();
    let (leader, [one, _]) = parts(&mut cluster);
    open(&mut cluster, one, ONE);
    cluster.run(ALL - 1);
    cluster.member(leader).held();
    cluster.run(ALL - 1);
    assert!(lives(&mut cluster, one, &ONE));
    cluster.run(1);
    assert!(!lives(&mut cluster, one, &ONE));
}

#[test]
fn a_turn_is_told_where_it_is_waited_for_by_snapshot_too() {
    let limits = Limits { kept_bytes_max: 2_000, ..Limits::default() };
    let mut cluster = Cluster::new(limits);
    cluster.start(2, Role::Joiner);
    cluster.run(30);
    for session in [ONE, TWO] {
        cluster.write(1, "open", &Command::Open { session, ttl_ms: 60_000, opened_ms: 0, label: "" });
    }
    let (mut set, mut del) = (Vec::new(), Vec::new());
    Command::Set { path: "/lock", rev: 0, value: b"" }.encode(&mut set);
    Command::Del { path: "/lock", rev: -1 }.encode(&mut del);
    let queued = |session, sequence| Command::By(By::new(session, sequence, 0, &set).flagged(Flags::QUEUE));
    cluster.answers();
    cluster.write(1, "one", &queued(ONE, 1));
    cluster.write(2, "two", &queued(TWO, 1));
    cluster.write(2, "again", &queued(TWO, 1));
    assert_eq!(cluster.answers(), ["one: set 2", "two: waits", "again: waits"]);
    cluster.write(1, "free", &Command::By(By::new(ONE, 2, 1, &del)));
    assert_eq!(cluster.answers(), ["free: deleted 3", "two: set 4", "again: set 4"]);
    // And when the member that it waits at comes along by a snapshot.
    cluster.write(2, "two", &Command::By(By::new(TWO, 2, 1, &del)));
    cluster.write(1, "one", &queued(ONE, 3));
    cluster.write(2, "two", &queued(TWO, 3));
    assert_eq!(cluster.answers(), ["two: deleted 5", "one: set 6", "two: waits"]);
    let away = cluster.members.remove(&id(2)).unwrap();
    cluster.write(1, "free", &Command::By(By::new(ONE, 4, 3, &del)));
    for n in 0..200 {
        cluster.set(1, "w", "/f", &n.to_string());
    }
    cluster.answers();
    cluster.members.insert(id(2), away);
    cluster.run(60);
    assert_eq!(cluster.answers(), ["two: set 8"]);
}

#[test]
fn a_message_about_sessions_that_nobody_asked_for_changes_nothing() {
    let mut cluster = three();
    open(&mut cluster, 1, ONE);
    for number in 1..=3 {
        for message in [
            Peer::KeptAlive { number: 1, ended: vec![ONE.0], unsure: vec![] },
            Peer::KeepAlive { number: 1, sessions: vec![TWO.0] },
        ] {
            cluster.member(number).receive(id(9), message);
        }
    }
    cluster.run(ALL - 10);
    assert!(lives(&mut cluster, 1, &ONE));
}
