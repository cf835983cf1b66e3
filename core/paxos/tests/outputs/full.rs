//! A disk without room (consensus.md, "Durability").

use doozer_paxos::election::Beat;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::Replica;

use crate::scene::{LED, One, follower, follower_of, leader, member};
use crate::words::*;

#[test]
fn a_follower_waits_for_room_and_says_that_it_is_unhappy() {
    let log = Chain::of(b(2, 2), &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(1), b(2, 2));
    one.gets(2, accept(b(2, 2), log.behind(1), told(0, 0)));
    assert_eq!(one.does(Replica::full), []);
    let said = Beat { ballot: b(3, 1), leader: b(2, 2), happy: false, counts: true, unheard: Vec::new() };
    let said = one.says(3, Message::Beat { round: 7, beat: said });
    assert_eq!(one.gets(3, heartbeat(7)), [said]);
    assert_eq!(one.campaigns(), []);
    // There is room again.
    assert_eq!(one.kept(), [one.says(2, accepted(b(2, 2), 2))]);
    assert_eq!(one.campaigns(), [keep_promise(2, b(4, 1)), proposer_is(1)]);
}

#[test]
fn a_follower_takes_so_much_and_the_rest_when_there_is_room() {
    let log = Chain::of(b(2, 2), &["", "aaaa", "bbbb", "cccc"]);
    let before = member(&[1, 2, 3]).has(&log.up_to(1), b(2, 2)).limits(|limits| limits.full_bytes_max = 6);
    let mut one = follower_of(before, &log.up_to(1), b(2, 2));
    one.does(Replica::full);
    let take =
        |one: &mut One, slot: u64| one.gets(2, accept(b(2, 2), log.up_to(slot).behind(slot - 1), told(0, 0)));
    assert_eq!(take(&mut one, 2), [keep(1, b(2, 2), log.up_to(2).behind(1))]);
    assert_eq!(take(&mut one, 3), [keep(2, b(2, 2), log.up_to(3).behind(2))]);
    // What it has on the disk, and no more.
    assert_eq!(take(&mut one, 4), [one.says(2, accepted(b(2, 2), 1))]);
    assert_eq!(one.member.last().0, 3);
    // It still says that it is there, for reads elsewhere.
    let asked = accept(b(2, 2), log.behind(4), told_to_confirm(5, 0, 0));
    assert_eq!(one.gets(2, asked.clone()), [one.says(2, confirmed(b(2, 2), 1, 5))]);
    // There is room again: what it did not take is missing, and asked for.
    one.kept();
    let missing = one.says(2, follow(have(b(2, 2), 3, 0)));
    assert_eq!(one.gets(2, accept(b(2, 2), log.behind(4), told(0, 0))), [missing]);
}

#[test]
fn a_proposer_steps_down_and_its_log_stays() {
    let (mut one, _) = leader(&[1, 2, 3]);
    one.propose("a");
    assert_eq!(one.does(Replica::full), [nobody_proposes()]);
    assert!(!one.member.is_leading());
    assert_eq!(one.member.last().0, 2);
}

#[test]
fn a_candidate_steps_down() {
    let mut one = member(&[1, 2, 3]).start();
    one.campaigns();
    assert_eq!(one.does(Replica::full), [nobody_proposes()]);
    one.kept();
    assert_eq!(one.gets(2, promise(LED, have(doozer_paxos::Ballot::ZERO, 0, 0), Offer::Nothing)), []);
}

#[test]
fn the_only_voter_takes_back_what_is_not_written_and_leads_again_under_another_ballot() {
    let (mut one, log) = leader(&[1]);
    one.propose("lost");
    assert_eq!(one.does(Replica::full), []);
    assert_eq!(one.does(Replica::take_back), [nobody_proposes()]);
    assert_eq!(one.member.last().0, 1);
    let next = b(4, 1);
    assert_eq!(one.propose("a"), [keep_promise(4, next), proposer_is(1)]);
    let log = log.then(next, &["", "a"]);
    assert_eq!(one.kept(), [keep(5, next, log.up_to(2).behind(1))]);
    assert_eq!(one.kept(), [log.applies(2), keep(6, next, log.behind(2))]);
}

/// It has become the only voter, and its disk does not have the slot that says so yet: others have decided it.
#[test]
fn what_the_voters_before_decided_is_not_taken_back() {
    let log = Chain::of(b(2, 2), &["", "voters 1"]);
    let mut one = follower(&[2], &log.up_to(1), b(2, 2));
    let given = one.gets(2, accept(b(2, 2), log.behind(1), told(2, 2)));
    assert_eq!(given, [keep(1, b(2, 2), log.behind(1)), log.applies(1), log.applies(2)]);
    one.applied(2);
    one.does(Replica::full);
    assert!(one.member.is_only_voter() && !one.member.may_take_back());
    one.kept();
    assert!(one.member.may_take_back());
}

/// The same, where the disk still has a longer log that is replaced by what was decided.
#[test]
fn what_is_on_the_disk_does_not_count_if_something_takes_its_place() {
    let stale = Chain::of(b(1, 3), &["", "x", "y", "z"]);
    let log = Chain::of(b(2, 2), &["", "voters 1"]);
    let mut one = member(&[2]).has(&stale, b(1, 3)).start();
    one.gets(2, accept_sync(b(2, 2), log.behind(0), told(2, 2)));
    one.applied(2);
    one.does(Replica::full);
    assert!(one.member.is_only_voter() && !one.member.may_take_back());
}

/// The same, where the state came as a snapshot.
#[test]
fn a_snapshot_that_is_under_way_is_not_taken_back() {
    let stale = Chain::of(b(1, 3), &["", "x", "y", "z"]);
    let log = Chain::of(b(2, 2), &["", "a", "voters 1"]);
    let mut one = member(&[1]).has(&stale, b(1, 3)).start();
    assert_eq!(one.installs(log.base(3)), (true, vec![keep_snapshot(1, log.base(3))]));
    assert!(one.member.is_only_voter() && !one.member.may_take_back());
}
