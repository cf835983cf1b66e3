//! Decided entries from whoever has them (consensus.md, "Learners and catch-up").

use doozer_paxos::Ballot;

use crate::scene::{follower, follower_of, leader, member};
use crate::words::*;

const OLD: Ballot = b(2, 3);
const NEW: Ballot = b(3, 2);
const FIVE: [u8; 5] = [1, 2, 3, 4, 5];

#[test]
fn what_is_learned_leaves_the_accepted_ballot_alone() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = member(&FIVE).has(&log.up_to(2), OLD).start();
    one.gets(4, nack(OLD, NEW));
    let given = one.gets(3, learn(log.behind(2)));
    assert_eq!(given, [keep(1, OLD, log.behind(2)), log.applies(1), log.applies(2), log.applies(3)]);
    // Nor does it promise anything.
    let log = Chain::of(NEW, &["x"]);
    let mut one = member(&FIVE).start();
    one.gets(4, nack(OLD, NEW));
    assert_eq!(one.gets(2, learn(log.behind(0))), [keep(1, Ballot::ZERO, log.behind(0)), log.applies(1)]);
}

#[test]
fn what_is_known_already_takes_nothing_away() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&FIVE, &log, OLD);
    assert_eq!(one.gets(2, learn(log.up_to(2).behind(0))), [log.applies(1), log.applies(2)]);
    assert_eq!(one.member.last().0, 3);
}

#[test]
fn what_contradicts_what_is_learned_gives_way() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&FIVE, &log.up_to(1).then(OLD, &["x", "y"]), OLD);
    assert_eq!(
        one.gets(2, learn(log.behind(0))),
        [keep(1, OLD, log.behind(1)), log.applies(1), log.applies(2)]
    );
    assert_eq!(one.member.last().0, 2);
}

#[test]
fn what_leaves_a_gap_or_follows_something_else_is_answered_by_follow() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&FIVE, &log.up_to(1), OLD);
    let asked = one.says(2, follow(have(OLD, 1, 0)));
    assert_eq!(one.gets(2, learn(log.behind(2))), [asked]);
    let mut one = follower(&FIVE, &Chain::of(OLD, &["", "x"]), OLD);
    let asked = one.says(2, follow(have(OLD, 2, 0)));
    assert_eq!(one.gets(2, learn(log.behind(2))), [asked]);
}

#[test]
fn a_proposer_learns_nothing_from_others() {
    let (mut one, log) = leader(&[1, 2, 3]);
    assert_eq!(one.gets(2, learn(log.then(LED_LATER, &["x"]).behind(1))), []);
}

const LED_LATER: Ballot = b(9, 2);

#[test]
fn whoever_asks_is_taught_what_is_decided_and_no_more() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&FIVE, &log, OLD);
    one.gets(3, accept(OLD, log.behind(3), told(2, 2)));
    let taught = one.says(6, learn(log.up_to(2).behind(0)));
    assert_eq!(one.gets(6, follow(have(Ballot::ZERO, 0, 0))), [taught]);
    // It asks with each message; what is under way is not sent twice.
    assert_eq!(one.gets(6, follow(have(Ballot::ZERO, 0, 0))), []);
    let taught = one.says(6, learn(log.behind(2)));
    assert_eq!(one.gets(3, accept(OLD, log.behind(3), told(3, 3))), [log.applies(3), taught]);
}

#[test]
fn who_is_silent_is_taught_no_more() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&FIVE, &log, OLD);
    one.gets(6, follow(have(OLD, 1, 1)));
    one.ticks(30);
    let given = one.gets(3, accept(OLD, log.behind(2), told(2, 2)));
    assert_eq!(given, [log.applies(1), log.applies(2)]);
}

#[test]
fn who_asks_for_what_was_let_go_of_needs_a_snapshot() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let before = member(&FIVE).has_behind(2, &log, OLD);
    let mut one = follower_of(before, &log, OLD);
    let said = one.says(6, behind(2));
    one.gets(3, accept(OLD, log.behind(3), told(3, 3)));
    assert_eq!(one.gets(6, follow(have(Ballot::ZERO, 0, 0))), [said]);
}

#[test]
fn a_proposer_that_was_succeeded_cannot_replace_what_was_learned_since() {
    let log = Chain::of(NEW, &["a", "b"]);
    let mut one = member(&FIVE).start();
    one.gets(2, learn(log.behind(0)));
    // This member promised neither of them anything.
    let given = one.gets(3, accept_sync(OLD, Chain::of(OLD, &["", "x"]).behind(0), told(0, 0)));
    assert_eq!(given, []);
}
