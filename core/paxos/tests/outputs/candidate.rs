//! From a candidacy to a log to go on with (consensus.md, "Messages").

use doozer_paxos::Ballot;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::Output;

use crate::scene::{LED, One, member, proposal};
use crate::words::*;

/// What one has that has nothing.
const NOTHING: doozer_paxos::message::Have = doozer_paxos::message::Have {
    acc_ballot: Ballot::ZERO,
    last: doozer_paxos::Slot(0),
    decided: doozer_paxos::Slot(0),
};

/// Stands, with a durable promise.
fn candidate(mut one: One) -> One {
    one.campaigns();
    one.kept();
    one
}

#[test]
fn nobody_hears_of_a_ballot_before_it_is_durable() {
    let mut one = member(&[1, 2, 3]).start();
    assert_eq!(one.campaigns(), [keep_promise(1, LED), proposer_is(1)]);
    let asked = prepare(LED, NOTHING);
    assert_eq!(one.kept(), [one.says(2, asked.clone()), one.says(3, asked)]);
}

#[test]
fn a_ballot_is_not_used_again_after_a_restart() {
    let mut one = member(&[1, 2, 3]).promised(b(4, 1)).start();
    assert_eq!(one.campaigns(), [keep_promise(1, b(6, 1)), proposer_is(1)]);
}

#[test]
fn with_a_majoritys_promises_it_opens_a_slot_of_its_own() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    let log = Chain::of(LED, &[""]);
    let synced = one.says(2, accept_sync(LED, log.behind(0), told(0, 0)));
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), [keep(2, LED, log.behind(0)), synced]);
    // Who promises later is brought along as well.
    let synced = one.says(3, accept_sync(LED, log.behind(0), told(0, 0)));
    assert_eq!(one.gets(3, promise(LED, NOTHING, Offer::Nothing)), [synced]);
}

#[test]
fn one_of_five_needs_two_promises_and_no_member_counts_twice() {
    let mut one = candidate(member(&[1, 2, 3, 4, 5]).start());
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), []);
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), []);
    assert_eq!(one.gets(9, promise(LED, NOTHING, Offer::Nothing)), []);
    assert!(!one.member.is_leading());
    one.gets(3, promise(LED, NOTHING, Offer::Nothing));
    assert!(one.member.is_leading());
}

#[test]
fn promises_count_once_its_own_is_durable() {
    let mut one = member(&[1, 2, 3]).start();
    one.campaigns();
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), []);
    let log = Chain::of(LED, &[""]);
    let asked = prepare(LED, NOTHING);
    let synced = accept_sync(LED, log.behind(0), told(0, 0));
    let said =
        [one.says(2, asked.clone()), one.says(3, asked), keep(2, LED, log.behind(0)), one.says(2, synced)];
    assert_eq!(one.kept(), said);
}

#[test]
fn the_log_of_the_greatest_ballot_is_adopted_and_not_the_longest() {
    let (mine, theirs) = (Chain::of(b(1, 2), &["x", "y", "z"]), Chain::of(b(2, 3), &["a"]));
    let longest = mine.then(b(1, 2), &["more"]);
    let mut one = candidate(member(&[1, 2, 3, 4, 5]).has(&mine, b(1, 2)).start());
    let ballot = b(3, 1);
    let offer = Offer::Suffix(longest.behind(3));
    assert_eq!(one.gets(3, promise(ballot, have(b(1, 2), 4, 0), offer)), []);
    // The entry keeps its birth; the slot behind it is the new proposer's own.
    let new = theirs.then(ballot, &[""]);
    let given = one.gets(2, promise(ballot, have(b(2, 3), 1, 0), Offer::Suffix(theirs.behind(0))));
    let to_2 = one.says(2, accept_sync(ballot, new.behind(1), told(0, 0)));
    let to_3 = one.says(3, accept_sync(ballot, new.behind(0), told(0, 0)));
    assert_eq!(given, [keep(2, ballot, new.behind(0)), to_2, to_3]);
}

#[test]
fn of_logs_of_the_same_ballot_the_longest_is_adopted() {
    let log = Chain::of(b(1, 2), &["", "a", "b"]);
    let mut one = candidate(member(&[1, 2, 3]).has(&log.up_to(1), b(1, 2)).start());
    let new = log.then(b(3, 1), &[""]);
    let offer = Offer::Suffix(log.behind(1));
    let given = one.gets(3, promise(b(3, 1), have(b(1, 2), 3, 1), offer));
    let synced = one.says(3, accept_sync(b(3, 1), new.behind(3), told(1, 0)));
    // What is decided among a majority is decided in the log that was adopted; and is told with the next word.
    let told = one.says(3, accept(b(3, 1), new.behind(4), told(1, 0)));
    assert_eq!(given, [keep(2, b(3, 1), new.behind(1)), synced, new.applies(1), told]);
}

#[test]
fn its_own_log_is_gone_on_with_if_it_is_as_good() {
    let log = Chain::of(b(1, 2), &["", "a"]);
    let mut one = candidate(member(&[1, 2, 3]).has(&log, b(1, 2)).start());
    let new = log.then(b(3, 1), &[""]);
    let given = one.gets(2, promise(b(3, 1), have(b(1, 2), 1, 0), Offer::Nothing));
    let synced = one.says(2, accept_sync(b(3, 1), new.behind(1), told(0, 0)));
    assert_eq!(given, [keep(2, b(3, 1), new.behind(2)), synced]);
}

#[test]
fn promises_of_another_ballot_do_not_count() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    assert_eq!(one.gets(2, promise(b(0, 1), NOTHING, Offer::Nothing)), []);
    assert_eq!(one.gets(2, promise(b(7, 2), NOTHING, Offer::Nothing)), []);
}

#[test]
fn a_candidate_that_is_refused_gives_up_and_stands_above_it_next_time() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    assert_eq!(one.gets(2, nack(LED, b(5, 3))), [proposer_is(3)]);
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), []);
    assert_eq!(one.campaigns(), [keep_promise(2, b(6, 1)), proposer_is(1)]);
}

#[test]
fn a_refusal_of_an_earlier_candidacy_changes_nothing() {
    let mut one = candidate(member(&[1, 2, 3]).promised(b(4, 1)).start());
    assert_eq!(one.gets(2, nack(b(4, 1), b(5, 3))), []);
    one.gets(2, promise(b(6, 1), NOTHING, Offer::Nothing));
    assert!(one.member.is_leading());
}

#[test]
fn each_round_those_are_asked_again_that_are_silent() {
    let mut one = candidate(member(&[1, 2, 3, 4, 5]).start());
    one.gets(4, promise(LED, NOTHING, Offer::Nothing));
    let round = (1 << 32) + 1;
    let beats = [2, 3, 4, 5].map(|other| one.says(other, heartbeat(round)));
    let asked = [2, 3, 5].map(|other| one.says(other, prepare(LED, NOTHING)));
    assert_eq!(one.ticks(10), [beats.to_vec(), asked.to_vec()].concat());
}

#[test]
fn nothing_comes_behind_a_stop_sign_that_was_adopted() {
    let theirs = Chain::of(b(1, 2), &["", "voters 1 2"]);
    let mut one = candidate(member(&[1, 2, 3]).start());
    let offer = Offer::Suffix(theirs.behind(0));
    let ballot = LED;
    let given = one.gets(2, promise(ballot, have(b(1, 2), 2, 0), offer));
    let synced = one.says(2, accept_sync(ballot, theirs.behind(2), told(0, 0)));
    assert_eq!(given, [keep(2, ballot, theirs.behind(0)), synced]);
    assert_eq!(one.propose("a"), []);
}

#[test]
fn nothing_comes_behind_a_stop_sign_of_its_own_log() {
    let log = Chain::of(b(1, 2), &["", "voters 1 2"]);
    let mut one = candidate(member(&[1, 2, 3]).has(&log, b(1, 2)).start());
    let given = one.gets(2, promise(b(3, 1), have(b(1, 2), 2, 0), Offer::Nothing));
    let synced = one.says(2, accept_sync(b(3, 1), log.behind(2), told(0, 0)));
    // The configuration at the place behind it is the next one.
    assert_eq!(given, [keep_in(2, 2, b(3, 1), log.behind(2)), synced]);
}

#[test]
fn a_log_that_tells_of_the_next_configuration_is_learned_and_nobody_leads() {
    let theirs = Chain::of(b(1, 2), &["", "voters 1 2"]).then(b_in(2, 1, 2), &[""]);
    let mut one = candidate(member(&[1, 2, 3]).start());
    let offer = Offer::Suffix(theirs.behind(0));
    let given = one.gets(2, promise(LED, have(b_in(2, 1, 2), 3, 0), offer));
    let learned = keep(2, Ballot::ZERO, theirs.up_to(2).behind(0));
    assert_eq!(given, [learned, theirs.applies(1), theirs.applies(2), nobody_proposes()]);
}

#[test]
fn a_candidate_that_lacks_what_nobody_has_in_its_log_takes_a_snapshot_first() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    let given = one.gets(3, promise(LED, have(b(1, 3), 9, 8), Offer::Snapshot));
    assert_eq!(given, [Output::FetchSnapshot(id(3)), nobody_proposes()]);
}

#[test]
fn a_repeated_promise_of_who_is_brought_along_calls_for_nothing() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    one.gets(2, promise(LED, NOTHING, Offer::Nothing));
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), []);
    // Its connection was lost: whatever it was sent may be.
    one.does(|member| member.reset(id(2)));
    let synced = one.says(2, accept_sync(LED, Chain::of(LED, &[""]).behind(0), told(0, 0)));
    assert_eq!(one.gets(2, promise(LED, NOTHING, Offer::Nothing)), [synced]);
}

#[test]
fn what_it_is_given_while_it_stands_is_put_into_slots_when_it_leads() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    let given = Message::Forward { proposals: vec![proposal("a", false)], is_relayed: false };
    assert_eq!(one.gets(3, given), []);
    one.gets(2, promise(LED, NOTHING, Offer::Nothing));
    one.kept();
    let log = Chain::of(LED, &["", "a"]);
    let sent = one.says(2, accept(LED, log.behind(1), told(1, 1)));
    assert_eq!(one.gets(2, accepted(LED, 1)), [log.applies(1), keep(3, LED, log.behind(1)), sent]);
}

#[test]
fn what_it_is_given_while_it_stands_goes_to_whoever_wins() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    let given = |is_relayed| Message::Forward { proposals: vec![proposal("a", false)], is_relayed };
    one.gets(3, given(false));
    let passed_on = one.says(2, given(false));
    assert_eq!(one.gets(2, prepare(b(9, 2), NOTHING)), [keep_promise(2, b(9, 2)), proposer_is(2), passed_on]);
}

#[test]
fn who_asks_to_learn_again_and_again_is_called_once() {
    let mut one = candidate(member(&[1, 2, 3]).start());
    (0..3).for_each(|_| drop(one.gets(7, follow(NOTHING))));
    let given = one.gets(2, promise(LED, NOTHING, Offer::Nothing));
    let called = one.says(7, accept(LED, Chain::of(LED, &[""]).behind(1), told(0, 0)));
    assert_eq!(given.iter().filter(|output| **output == called).count(), 1);
}
