//! When a slot is decided (consensus.md, "Messages" and "The steady state").

use doozer_paxos::Ballot;

use crate::scene::{LED, follower, leader, member};
use crate::words::*;

const OLD: Ballot = b(2, 3);
const NEW: Ballot = b(3, 2);
const FIVE: [u8; 5] = [1, 2, 3, 4, 5];

#[test]
fn what_is_said_to_be_decided_counts_as_far_as_the_log_reaches() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&FIVE, &log.up_to(2), OLD);
    let empty = log.up_to(2).behind(2);
    assert_eq!(one.gets(3, accept(OLD, empty, told(9, 9))), [log.applies(1), log.applies(2)]);
    // What comes behind it is not decided by what was said before.
    assert_eq!(one.gets(3, accept(OLD, log.behind(2), told(2, 2))), [keep(1, OLD, log.behind(2))]);
}

#[test]
fn what_is_decided_is_not_believed_for_a_log_of_another_ballot() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&FIVE).has(&log, OLD).promised(NEW).start();
    let asked = one.says(2, follow(have(OLD, 2, 0)));
    assert_eq!(one.gets(2, accept(NEW, log.behind(2), told(2, 2))), [asked]);
    assert_eq!(one.member.decided().0, 0);
}

#[test]
fn what_is_decided_needs_no_sync() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&FIVE, &log.up_to(1), OLD);
    let given = one.gets(3, accept(OLD, log.behind(1), told(2, 1)));
    assert_eq!(given, [keep(1, OLD, log.behind(1)), log.applies(1), log.applies(2)]);
}

#[test]
fn one_of_three_decides_what_it_has_as_durably_as_its_proposer() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(2), OLD);
    let given = one.gets(3, accept(OLD, log.behind(2), told(0, 3)));
    assert_eq!(given, [keep(1, OLD, log.behind(2)), log.applies(1), log.applies(2)]);
    assert_eq!(one.kept(), [one.says(3, accepted(OLD, 3)), log.applies(3)]);
}

#[test]
fn the_second_of_two_decides_when_the_proposer_says_that_it_has_it_too() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 3], &log, OLD);
    let again = one.says(3, accepted(OLD, 2));
    let given = one.gets(3, accept(OLD, log.behind(2), told(0, 2)));
    assert_eq!(given, [again, log.applies(1), log.applies(2)]);
}

#[test]
fn one_of_five_does_not_decide_by_itself() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&FIVE, &log.up_to(1), OLD);
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(0, 2))), [keep(1, OLD, log.behind(1))]);
    assert_eq!(one.kept(), [one.says(3, accepted(OLD, 2))]);
}

#[test]
fn who_does_not_vote_does_not_decide_by_itself() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[2, 3], &log.up_to(1), OLD);
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(0, 2))), [keep(1, OLD, log.behind(1))]);
    assert_eq!(one.kept(), [one.says(3, accepted(OLD, 2))]);
}

#[test]
fn what_was_durable_at_the_proposer_before_says_nothing_of_the_next_one() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let new = log.then(NEW, &[""]);
    let mut one = follower(&[1, 2, 3], &log.up_to(2), OLD);
    one.gets(3, accept(OLD, log.behind(2), told(2, 3)));
    let given = one.gets(2, accept_sync(NEW, new.behind(2), told(2, 0)));
    assert_eq!(given, [keep_promise(2, NEW), keep(3, NEW, new.behind(2)), proposer_is(2)]);
    let said = [one.says(3, accepted(OLD, 3)), one.says(2, accepted(NEW, 4))];
    assert_eq!(one.kept(), said);
}

#[test]
fn an_entry_goes_out_beside_the_proposers_own_sync() {
    let (mut one, log) = leader(&[1, 2, 3]);
    let log = log.then(LED, &["a"]);
    let said = accept(LED, log.behind(1), told(1, 1));
    let given = one.propose("a");
    assert_eq!(given, [keep(3, LED, log.behind(1)), one.says(2, said.clone()), one.says(3, said)]);
}

#[test]
fn the_proposer_and_one_of_two_followers_decide() {
    let (mut one, log) = leader(&[1, 2, 3]);
    let log = log.then(LED, &["a"]);
    one.propose("a");
    assert_eq!(one.kept(), []);
    let news = accept(LED, log.behind(2), told(2, 2));
    let news = [one.says(2, news.clone()), one.says(3, news)];
    assert_eq!(one.gets(2, accepted(LED, 2)), [vec![log.applies(2)], news.to_vec()].concat());
}

#[test]
fn two_followers_decide_while_the_proposers_disk_waits() {
    let (mut one, log) = leader(&[1, 2, 3]);
    let log = log.then(LED, &["a"]);
    one.propose("a");
    assert_eq!(one.gets(3, accepted(LED, 2)), []);
    let news = accept(LED, log.behind(2), told(2, 1));
    let news = [one.says(2, news.clone()), one.says(3, news)];
    assert_eq!(one.gets(2, accepted(LED, 2)), [vec![log.applies(2)], news.to_vec()].concat());
}

#[test]
fn one_follower_alone_decides_nothing_however_often_it_says_so() {
    let (mut one, _) = leader(&[1, 2, 3]);
    one.propose("a");
    assert_eq!(one.gets(2, accepted(LED, 2)), []);
    assert_eq!(one.gets(2, accepted(LED, 2)), []);
}

#[test]
fn three_of_five_decide() {
    let (mut one, log) = leader(&FIVE);
    let log = log.then(LED, &["a"]);
    one.propose("a");
    one.kept();
    assert_eq!(one.gets(2, accepted(LED, 2)), []);
    assert_eq!(one.gets(5, accepted(LED, 2))[0], log.applies(2));
}

#[test]
fn what_was_accepted_under_another_ballot_decides_nothing() {
    let (mut one, _) = leader(&[1, 2, 3]);
    one.propose("a");
    one.kept();
    assert_eq!(one.gets(2, accepted(b(0, 1), 2)), []);
    assert_eq!(one.gets(2, accepted(b(7, 2), 2)), []);
}

#[test]
fn what_a_learner_accepted_decides_nothing() {
    let (mut one, log) = leader(&[1, 2, 3]);
    let synced = one.says(4, accept_sync(LED, log.behind(0), told(1, 1)));
    assert_eq!(one.gets(4, follow(have(Ballot::ZERO, 0, 0))), [synced]);
    one.propose("a");
    one.kept();
    assert_eq!(one.gets(4, accepted(LED, 2)), []);
}

#[test]
fn alone_a_proposer_decides_with_its_own_sync() {
    let (mut one, log) = leader(&[1]);
    let log = log.then(LED, &["a"]);
    assert_eq!(one.propose("a"), [keep(3, LED, log.behind(1))]);
    assert_eq!(one.kept(), [log.applies(2)]);
}
