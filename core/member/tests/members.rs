//! A few members in one thread, without disks: they are born, join, vote, write, come along by log and by
//! snapshot, and are replaced when they are gone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

#[path = "support/cluster.rs"]
mod cluster;

use std::rc::Rc;

use cluster::{Client, Cluster, World, id, voters_and_stand_bys};
use doozer_member::driver::{Driver, Sizes};
use doozer_member::peer::Peer;
use doozer_member::recovery::Role;
use doozer_paxos::replica::{Limits, PersistId};
use doozer_store::{Command, Revision};

#[test]
fn a_founder_alone_takes_writes_at_once() {
    let mut cluster = Cluster::new(Limits::default());
    assert_eq!(cluster.answers(), ["birth: set 1"]);
    cluster.set(1, "a", "/a", "x");
    assert_eq!(cluster.answers(), ["a: set 2"]);
    assert!(cluster.member(1).is_idle());
    assert!(cluster.member(1).is_at_rest());
    cluster.read(1, "b");
    assert_eq!(cluster.answers(), ["b: Ok(())"]);
    assert!(cluster.member(1).local().reads_alone());
    assert_eq!(cluster.member(1).replica().config().voters, [id(1)]);
}

#[test]
fn members_join_vote_and_take_every_command() {
    let mut cluster = Cluster::new(Limits::default());
    cluster.set(1, "a", "/a", "x");
    for number in 2..=3 {
        cluster.start(number, Role::Joiner);
        cluster.run(30);
        assert_eq!(cluster.value(number, "/a").as_deref(), Some("x"), "{number} learns");
    }
    cluster.answers();
    cluster.set(2, "early", "/ctl/cal/1", &id(9).to_string());
    cluster.set(2, "no", "/ctl/cal/1", "somebody");
    cluster.set(2, "deep", "/ctl/cal/1/x", "");
    cluster.set(3, "two", "/ctl/cal/1", &id(2).to_string());
    cluster.run(30);
    cluster.set(3, "three", "/ctl/cal/2", &id(3).to_string());
    cluster.run(30);
    cluster.set(1, "twice", "/ctl/cal/3", &id(3).to_string());
    assert_eq!(
        cluster.answers(),
        [
            "early: that member is not attached to the cluster, or has not caught up yet",
            "no: the value is neither empty nor the id of a member",
            "deep: a slot is a file directly under /ctl/cal",
            "two: set 3",
            "three: set 4",
            "twice: that member holds another slot already",
        ]
    );
    for number in 1..=3 {
        assert_eq!(cluster.member(number).replica().config().voters, [id(1), id(2), id(3)]);
        cluster.set(number, "w", &format!("/w/{number}"), "y");
    }
    assert_eq!(cluster.answers(), ["w: set 5", "w: set 6", "w: set 7"]);
    // One of them dies; the others go on.
    let leader = (1..=3).find(|number| cluster.member(*number).replica().is_leading()).unwrap();
    cluster.members.remove(&id(leader));
    let left = if leader == 1 { 2 } else { 1 };
    cluster.set(left, "on", "/on", "z");
    cluster.run(100);
    assert_eq!(cluster.answers(), ["on: set 8"]);
}

#[test]
fn who_lacks_too_much_comes_along_by_snapshot_and_its_waits_go_on() {
    let limits = Limits { kept_bytes_max: 2000, ..Limits::default() };
    let mut cluster = Cluster::new(limits);
    for n in 0..200 {
        cluster.set(1, "w", &format!("/f/{}", n % 7), &n.to_string());
    }
    cluster.start(2, Role::Joiner);
    cluster.run(30);
    assert_eq!(cluster.value(2, "/f/3").as_deref(), Some("199"));
    let digest =
        |cluster: &mut Cluster, number| cluster.member(number).local().state.read().machine().digest();
    assert_eq!(digest(&mut cluster, 1), digest(&mut cluster, 2));
    // A write of its own that was applied while it was away is answered by the snapshot.
    cluster.answers();
    let mut bytes = Vec::new();
    Command::Set { path: "/own", rev: -1, value: b"v" }.encode(&mut bytes);
    let reply = Client("own", Rc::clone(&cluster.answers));
    cluster.member(2).write(&bytes, Some(reply));
    cluster.member(2).pump(0);
    let away = cluster.members.remove(&id(2)).unwrap();
    cluster.quiet();
    for n in 0..200 {
        cluster.set(1, "w", "/f/0", &n.to_string());
    }
    let revision = cluster.member(1).local().state.read().store().revision();
    cluster.answers();
    cluster.members.insert(id(2), away);
    cluster.run(100);
    assert_eq!(cluster.answers(), ["own: set 202"]);
    let seen = cluster.member(2).local().state.read().store().revision();
    assert_eq!((seen, revision), (Revision(402), Revision(402)));
    assert_eq!(digest(&mut cluster, 1), digest(&mut cluster, 2));
}

#[test]
fn a_transfer_that_its_lender_does_not_know_begins_anew_at_once() {
    let limits = Limits { kept_bytes_max: 2000, ..Limits::default() };
    let mut cluster = Cluster::new(limits);
    for n in 0..200 {
        cluster.set(1, "w", &format!("/f/{}", n % 7), &n.to_string());
    }
    // It was begun in a life before this one.
    cluster.member(1).receive(id(2), Peer::SnapshotGet { transfer: 9, offset: 5 });
    let answer = cluster.flying.borrow_mut().pop_front();
    assert_eq!(answer, Some((id(1), id(2), Peer::SnapshotGone { transfer: 9 })));

    cluster.start(2, Role::Joiner);
    let mut gone = None;
    while cluster.deliver(|message| match message {
        Peer::SnapshotPiece { transfer, .. } if gone.is_none() => {
            gone = Some(transfer);
            Peer::SnapshotGone { transfer }
        }
        message => message,
    }) {}
    // Without a tick.
    assert_eq!(cluster.value(2, "/f/3").as_deref(), Some("199"));
    // What is said of the transfer that is over changes nothing.
    let transfer = gone.unwrap();
    cluster.member(2).receive(id(1), Peer::SnapshotGone { transfer });
    cluster.member(1).receive(id(2), Peer::SnapshotGet { transfer, offset: 5 });
    assert!(cluster.flying.borrow().is_empty());
}

/// Two voters, and one of them gone.
fn half() -> (Cluster, Driver<World>) {
    let mut cluster = Cluster::new(Limits::default());
    cluster.start(2, Role::Joiner);
    cluster.run(30);
    assert!(cluster.member(1).local().reads_alone());
    cluster.set(1, "two", "/ctl/cal/1", &id(2).to_string());
    assert!(!cluster.member(1).local().reads_alone());
    assert!(!cluster.member(2).local().reads_alone());
    cluster.run(30);
    let away = cluster.members.remove(&id(2)).unwrap();
    cluster.answers();
    (cluster, away)
}

#[test]
fn without_a_majority_what_is_asked_is_answered_in_time_and_nothing_is_lost() {
    let (mut cluster, away) = half();
    cluster.set(1, "w", "/w", "x");
    cluster.read(1, "r");
    cluster.run(400);
    cluster.set(1, "v", "/v", "y");
    cluster.run(99);
    assert_eq!(cluster.answers(), [""; 0]);
    cluster.run(1);
    assert_eq!(cluster.answers(), ["w: Unknown(Unheard)", "r: Err(Unheard)"]);
    // What comes then is refused at once, and nowhere.
    cluster.set(1, "u", "/u", "z");
    assert_eq!(cluster.answers(), ["u: NotWritten(NoQuorum(Unheard))"]);
    // Nobody waits for the first one any more, but it stands before the second, which has time left.
    cluster.members.insert(id(2), away);
    cluster.run(50);
    assert_eq!(cluster.answers(), ["v: set 4"]);
    assert_eq!(cluster.value(2, "/w").as_deref(), Some("x"));
    cluster.run(600);
    assert_eq!(cluster.answers(), [""; 0]);
    cluster.set(1, "u", "/u", "z");
    cluster.read(1, "r");
    assert_eq!(cluster.answers(), ["u: set 5", "r: Ok(())"]);
    assert!(cluster.member(1).is_idle());
}

#[test]
fn who_has_no_room_on_its_disk_says_so_and_goes_on_when_it_has() {
    // It is told what others decide, until so much of it waits for its disk.
    let mut cluster = Cluster::new(Limits { unacknowledged_bytes_max: 1, ..Limits::default() });
    for (number, slot) in [(2, "/ctl/cal/1"), (3, "/ctl/cal/2")] {
        cluster.start(number, Role::Joiner);
        cluster.run(30);
        cluster.set(1, "vote", slot, &id(number).to_string());
        cluster.run(30);
    }
    assert!(cluster.member(1).replica().is_leading());
    cluster.answers();
    cluster.member(2).host().full = Some(PersistId(0));
    cluster.set(1, "on", "/on", "x");
    assert_eq!(cluster.answers(), ["on: set 4"]);
    cluster.member(2).full("no space", 0);
    cluster.set(2, "w", "/w", "x");
    cluster.read(2, "r");
    cluster.run(499);
    assert_eq!(cluster.answers(), [""; 0]);
    cluster.run(1);
    assert_eq!(cluster.answers(), ["w: Unknown(NoRoom)", "r: Err(NoRoom)"]);
    cluster.set(2, "u", "/u", "x");
    assert_eq!(cluster.answers(), ["u: NotWritten(NoQuorum(NoRoom))"]);
    // What was not known was written.
    assert_eq!(cluster.value(3, "/w").as_deref(), Some("x"));

    let last = cluster.member(2).host().full.take().unwrap();
    cluster.member(2).kept(last, Sizes::default());
    cluster.run(50);
    cluster.set(2, "u", "/u", "x");
    cluster.read(2, "r");
    assert_eq!(cluster.answers(), ["u: set 6", "r: Ok(())"]);
    // Without the others it is again they who are missing.
    [1, 3].iter().for_each(|number| drop(cluster.members.remove(&id(*number))));
    cluster.set(2, "w", "/w", "y");
    cluster.run(500);
    assert_eq!(cluster.answers(), ["w: Unknown(Unheard)"]);
}

#[test]
fn an_empty_slot_is_taken_by_one_who_learns() {
    let mut cluster = Cluster::new(Limits::default());
    (2..=4).for_each(|number| cluster.start(number, Role::Joiner));
    cluster.run(30);
    cluster.set(1, "open", "/ctl/cal/a", "");
    cluster.set(1, "open", "/ctl/cal/b", "");
    cluster.run(300);
    let voters = cluster.member(1).replica().config().voters.clone();
    assert_eq!(voters.len(), 3);
    let slots: Vec<_> = ["0", "a", "b"].map(|name| cluster.value(4, &format!("/ctl/cal/{name}"))).into();
    assert_eq!(slots, voters.iter().map(|voter| Some(voter.to_string())).collect::<Vec<_>>());
    // The one who is left goes on learning, and takes the next.
    let left = (2..=4).find(|number| !voters.contains(&id(*number))).unwrap();
    cluster.set(left, "open", "/ctl/cal/c", "");
    cluster.run(300);
    assert!(cluster.member(left).replica().config().voters.contains(&id(left)));
    // Nothing is written when nothing is to be taken.
    let slot = cluster.member(1).position().slot;
    cluster.run(1_000);
    assert_eq!(cluster.member(1).position().slot, slot);
}

/// Ticks of the rounds after which a voter counts as gone, by default.
const GONE: u64 = 6_000;

#[test]
fn a_stand_by_takes_the_place_of_a_voter_that_is_gone_and_not_too_early() {
    let mut cluster = voters_and_stand_bys(3, 1);
    cluster.lose(3);
    cluster.run(GONE - 10);
    assert_eq!(cluster.voters(), [1, 2, 3]);
    cluster.run(100);
    assert_eq!(cluster.voters(), [1, 2, 4]);
    assert_eq!(cluster.value(4, "/ctl/cal/3"), Some(id(4).to_string()), "in one step");
}

#[test]
fn who_speaks_in_time_is_not_gone() {
    let mut cluster = voters_and_stand_bys(3, 1);
    let gone = cluster.members.remove(&id(3)).unwrap();
    cluster.run(GONE - 100);
    cluster.members.insert(id(3), gone);
    cluster.run(300);
    cluster.lose(3);
    cluster.run(GONE - 100);
    assert_eq!(cluster.voters(), [1, 2, 3]);
}

#[test]
fn without_a_stand_by_three_stay_and_four_become_three() {
    let mut cluster = voters_and_stand_bys(3, 0);
    cluster.lose(3);
    cluster.run(GONE + 500);
    assert_eq!(cluster.voters(), [1, 2, 3]);

    let mut cluster = voters_and_stand_bys(4, 0);
    cluster.lose(4);
    cluster.run(GONE + 100);
    assert_eq!(cluster.voters(), [1, 2, 3]);
    assert_eq!(cluster.value(1, "/ctl/cal/4").as_deref(), Some(""), "the place is open");
}

#[test]
fn a_stand_by_that_is_gone_itself_is_none() {
    let mut cluster = voters_and_stand_bys(3, 1);
    cluster.lose(4);
    cluster.run(100);
    cluster.set(1, "early", "/ctl/cal/5", &id(4).to_string());
    let why = "early: that member is not attached to the cluster, or has not caught up yet";
    assert_eq!(cluster.answers().last().map(String::as_str), Some(why));
    cluster.lose(3);
    cluster.run(GONE + 500);
    assert_eq!(cluster.voters(), [1, 2, 3]);
}

#[test]
fn who_came_to_a_voters_address_gets_its_place_once_that_one_is_silent() {
    let mut cluster = voters_and_stand_bys(3, 2);
    for number in 1..=5_u8 {
        let address = if number == 5 { 3 } else { number };
        cluster.set(1, "addr", &format!("/ctl/node/{}/addr", id(number)), &format!("10.0.0.{address}:8046"));
    }
    // As long as both are there, somebody has made a mistake.
    cluster.run(1_000);
    assert_eq!(cluster.voters(), [1, 2, 3]);
    cluster.lose(3);
    cluster.run(200);
    assert_eq!(cluster.voters(), [1, 2, 5]);
    // The other one waits its time.
    cluster.lose(2);
    cluster.run(GONE - 100);
    assert_eq!(cluster.voters(), [1, 2, 5]);
    cluster.run(200);
    assert_eq!(cluster.voters(), [1, 4, 5]);
}

#[test]
fn without_a_majority_nobody_is_gone() {
    let mut cluster = voters_and_stand_bys(3, 1);
    (2..=3).for_each(|number| cluster.lose(number));
    cluster.run(GONE + 500);
    assert_eq!(cluster.voters(), [1, 2, 3]);
}
