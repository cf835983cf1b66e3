//! Promises and accepted entries (consensus.md, "Messages").

use doozer_paxos::Ballot;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::Output;

use crate::scene::{follower, member};
use crate::words::*;

const OLD: Ballot = b(2, 3);
const NEW: Ballot = b(3, 2);

#[test]
fn a_promise_is_said_once_it_is_durable() {
    let mut one = member(&[1, 2, 3]).start();
    let nothing = have(Ballot::ZERO, 0, 0);
    assert_eq!(one.gets(2, prepare(NEW, nothing)), [keep_promise(1, NEW), proposer_is(2)]);
    assert_eq!(one.kept(), [one.says(2, promise(NEW, nothing, Offer::Nothing))]);
}

#[test]
fn a_promise_that_is_durable_is_said_again_at_once() {
    let mut one = member(&[1, 2, 3]).promised(NEW).start();
    let nothing = have(Ballot::ZERO, 0, 0);
    let said = one.says(2, promise(NEW, nothing, Offer::Nothing));
    assert_eq!(one.gets(2, prepare(NEW, nothing)), [said, proposer_is(2)]);
}

#[test]
fn a_candidate_below_the_promise_is_refused() {
    let mut one = member(&[1, 2, 3]).promised(NEW).start();
    let refused = one.says(3, nack(OLD, NEW));
    assert_eq!(one.gets(3, prepare(OLD, have(OLD, 9, 9))), [refused]);
}

#[test]
fn a_candidate_with_less_of_the_same_ballot_is_offered_what_it_lacks() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = member(&[1, 2, 3]).has(&log, OLD).promised(NEW).start();
    let offer = Offer::Suffix(log.behind(1));
    let said = one.says(2, promise(NEW, have(OLD, 3, 0), offer));
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 1, 1))), [said, proposer_is(2)]);
}

#[test]
fn a_candidate_with_a_log_of_a_lower_ballot_is_offered_all_it_does_not_know_to_be_decided() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = member(&[1, 2, 3]).has(&log, OLD).promised(NEW).start();
    let said = one.says(2, promise(NEW, have(OLD, 3, 0), Offer::Suffix(log.behind(1))));
    assert_eq!(one.gets(2, prepare(NEW, have(b(1, 2), 9, 1))), [said, proposer_is(2)]);
}

#[test]
fn a_candidate_whose_log_is_as_good_is_offered_nothing() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&[1, 2, 3]).has(&log, OLD).promised(NEW).start();
    let said = one.says(2, promise(NEW, have(OLD, 2, 0), Offer::Nothing));
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 2, 0))), [said.clone(), proposer_is(2)]);
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 3, 0))), [said]);
}

#[test]
fn what_is_offered_with_a_promise_is_never_cut() {
    let log = Chain::of(OLD, &["", "abc", "def"]);
    let mut one = member(&[1, 2, 3]).has(&log, OLD).promised(NEW).limits(|l| l.message_bytes_max = 1).start();
    let said = one.says(2, promise(NEW, have(OLD, 3, 0), Offer::Suffix(log.behind(0))));
    assert_eq!(one.gets(2, prepare(NEW, have(b(1, 2), 1, 0))), [said, proposer_is(2)]);
}

#[test]
fn an_offer_that_begins_before_this_log_is_a_snapshot() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = member(&[1, 2, 3]).has_behind(2, &log, OLD).promised(NEW).start();
    let said = one.says(2, promise(NEW, have(OLD, 3, 2), Offer::Snapshot));
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 1, 1))), [said, proposer_is(2)]);
}

#[test]
fn what_a_promise_says_of_the_log_is_durable_too() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(1), OLD);
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(0, 0))), [keep(1, OLD, log.behind(1))]);
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 2, 0))), [keep_promise(2, NEW), proposer_is(2)]);
    // What was accepted may still be said: it was before the promise.
    assert_eq!(one.kept_up_to(1), [one.says(3, accepted(OLD, 2))]);
    assert_eq!(one.kept_up_to(2), [one.says(2, promise(NEW, have(OLD, 2, 0), Offer::Nothing))]);
}

#[test]
fn an_entry_is_accepted_once_it_is_durable() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(1), OLD);
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(0, 0))), [keep(1, OLD, log.behind(1))]);
    assert_eq!(one.kept(), [one.says(3, accepted(OLD, 2))]);
}

#[test]
fn accept_without_sync_is_answered_by_follow() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&[1, 2, 3]).has(&log.up_to(1), OLD).promised(NEW).start();
    // Its log is of another ballot, though the entry would fit.
    let next = log.up_to(1).then(NEW, &["x"]).behind(1);
    let asked = one.says(2, follow(have(OLD, 1, 0)));
    assert_eq!(one.gets(2, accept(NEW, next, told(2, 2))), [asked]);
}

#[test]
fn accept_above_the_promise_is_answered_by_follow_and_promises_nothing() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(1), OLD);
    let next = log.up_to(1).then(NEW, &["x"]).behind(1);
    let asked = one.says(2, follow(have(OLD, 1, 0)));
    assert_eq!(one.gets(2, accept(NEW, next, told(2, 2))), [asked]);
    one.ticks(1);
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(0, 0))), [keep(1, OLD, log.behind(1))]);
}

#[test]
fn accept_below_the_promise_is_refused() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&[1, 2, 3]).has(&log.up_to(1), OLD).promised(NEW).start();
    let refused = one.says(3, nack(OLD, NEW));
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(2, 2))), [refused]);
}

#[test]
fn accept_that_leaves_a_gap_is_answered_by_follow() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(1), OLD);
    let asked = one.says(3, follow(have(OLD, 1, 0)));
    assert_eq!(one.gets(3, accept(OLD, log.behind(2), told(0, 0))), [asked]);
}

#[test]
fn accept_whose_previous_hash_is_another_is_answered_by_follow() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log, OLD);
    let other = Chain::of(OLD, &["", "x", "y"]);
    let asked = one.says(3, follow(have(OLD, 2, 0)));
    assert_eq!(one.gets(3, accept(OLD, other.behind(2), told(0, 0))), [asked]);
}

#[test]
fn a_repeated_accept_is_not_kept_again_but_acknowledged_if_that_seems_lost() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log, OLD);
    // The proposer does not know yet that slot 2 is decided: it may not have heard.
    let again = one.says(3, accepted(OLD, 2));
    assert_eq!(one.gets(3, accept(OLD, log.behind(1), told(1, 1))), [again, log.applies(1)]);
    assert_eq!(one.gets(3, accept(OLD, log.behind(0), told(2, 2))), [log.applies(2)]);
}

#[test]
fn accept_that_begins_inside_the_log_brings_the_rest() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(2), OLD);
    assert_eq!(one.gets(3, accept(OLD, log.behind(0), told(0, 0))), [keep(1, OLD, log.behind(2))]);
}

#[test]
fn a_number_is_confirmed_at_once_with_what_is_durable_by_then() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = follower(&[1, 2, 3], &log.up_to(1), OLD);
    let at_once = one.says(3, confirmed(OLD, 1, 5));
    let given = one.gets(3, accept(OLD, log.behind(1), told_to_confirm(5, 0, 0)));
    assert_eq!(given, [keep(1, OLD, log.behind(1)), at_once]);
    assert_eq!(one.kept(), [one.says(3, accepted(OLD, 2))]);
    // Once; and an older number is no news.
    assert_eq!(
        one.gets(3, accept(OLD, log.behind(2), told_to_confirm(5, 0, 0))),
        [one.says(3, confirmed(OLD, 2, 5))]
    );
    assert_eq!(
        one.gets(3, accept(OLD, log.behind(2), told_to_confirm(4, 2, 2))),
        [log.applies(1), log.applies(2)]
    );
}

#[test]
fn a_sync_takes_the_place_of_the_log_in_one_append_behind_its_promise() {
    let old = Chain::of(OLD, &["", "a", "lost"]);
    let new = old.up_to(2).then(NEW, &["", "x"]);
    let mut one = member(&[1, 2, 3]).has(&old, OLD).start();
    let given = one.gets(2, accept_sync(NEW, new.behind(1), told(0, 0)));
    assert_eq!(given, [keep_promise(1, NEW), keep(2, NEW, new.behind(1)), proposer_is(2)]);
    assert_eq!(one.kept_up_to(1), []);
    assert_eq!(one.kept_up_to(2), [one.says(2, accepted(NEW, 4))]);
}

#[test]
fn a_sync_below_the_promise_is_refused() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&[1, 2, 3]).promised(NEW).start();
    let refused = one.says(3, nack(OLD, NEW));
    assert_eq!(one.gets(3, accept_sync(OLD, log.behind(0), told(2, 2))), [refused]);
}

#[test]
fn a_sync_that_leaves_a_gap_is_promised_and_not_accepted() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = member(&[1, 2, 3]).start();
    let given = one.gets(3, accept_sync(OLD, log.behind(1), told(3, 3)));
    assert_eq!(given, [keep_promise(1, OLD), proposer_is(3)]);
    assert_eq!(one.kept(), [one.says(3, follow(have(Ballot::ZERO, 0, 0)))]);
}

#[test]
fn a_sync_that_follows_another_entry_is_not_accepted() {
    let ours = Chain::of(b(1, 1), &["x"]);
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&[1, 2, 3]).has(&ours, b(1, 1)).promised(OLD).start();
    let asked = one.says(3, follow(have(b(1, 1), 1, 0)));
    assert_eq!(one.gets(3, accept_sync(OLD, log.behind(1), told(2, 2))), [asked, proposer_is(3)]);
}

#[test]
fn a_repeated_sync_takes_nothing_away() {
    let log = Chain::of(OLD, &["", "a", "b"]);
    let mut one = follower(&[1, 2, 3], &log, OLD);
    let shorter = log.up_to(2).behind(0);
    let again = one.says(3, accepted(OLD, 3));
    assert_eq!(one.gets(3, accept_sync(OLD, shorter, told(0, 0))), [again]);
    assert_eq!((one.member.last().0, one.member.decided().0), (3, 0));
}

#[test]
fn a_sync_leaves_decided_slots_as_they_are() {
    let log = Chain::of(OLD, &["", "a"]);
    let new = log.then(NEW, &[""]);
    let mut one = follower(&[1, 2, 3], &log, OLD);
    assert_eq!(one.gets(3, accept(OLD, log.behind(2), told(2, 2)))[..2], [log.applies(1), log.applies(2)]);
    let given = one.gets(2, accept_sync(NEW, new.behind(0), told(0, 0)));
    assert_eq!(given, [keep_promise(1, NEW), keep(2, NEW, new.behind(2)), proposer_is(2)]);
}

#[test]
fn what_is_asked_again_while_the_disk_takes_nothing_is_answered_once() {
    let log = Chain::of(OLD, &["", "a"]);
    let mut one = member(&[1, 2, 3]).has(&log, OLD).start();
    let nothing = have(Ballot::ZERO, 0, 0);
    one.gets(2, prepare(NEW, nothing));
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 1, 1))), []);
    // The last one counts.
    let promised = one.says(2, promise(NEW, have(OLD, 2, 0), Offer::Suffix(log.behind(1))));
    assert_eq!(one.kept(), [promised]);
}

#[test]
fn who_asks_to_be_brought_along_while_its_disk_takes_nothing_asks_once() {
    let mut one = member(&[1, 2, 3]).start();
    one.gets(2, prepare(NEW, have(Ballot::ZERO, 0, 0)));
    one.ticks(500);
    let said: Vec<_> = one.kept().into_iter().filter(is_follow).collect();
    assert_eq!(said, [one.says(2, follow(have(Ballot::ZERO, 0, 0)))]);
}

fn is_follow(output: &Output) -> bool {
    matches!(output, Output::Send(envelope) if matches!(envelope.message, Message::Follow { .. }))
}
