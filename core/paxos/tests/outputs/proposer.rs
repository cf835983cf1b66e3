//! Slots, batches, changes of the voters, and what followers are sent (consensus.md, "The steady state" and
//! "Reconfiguration").

use bytes::Bytes;
use doozer_paxos::Ballot;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::{Output, Verdict};

use crate::scene::{LED, One, follower, leader, leader_of, member, proposal, voters};
use crate::words::*;

const THREE: [u8; 3] = [1, 2, 3];

/// The same to both followers of three.
fn to_both(one: &One, message: Message) -> [Output; 2] {
    [one.says(2, message.clone()), one.says(3, message)]
}

fn forward(command: &str, is_relayed: bool) -> Message {
    Message::Forward { proposals: vec![proposal(command, false)], is_relayed }
}

#[test]
fn nothing_is_proposed_before_the_opening_slot_is_decided() {
    let mut one = member(&THREE).start();
    one.campaigns();
    one.kept();
    one.gets(2, promise(LED, have(Ballot::ZERO, 0, 0), Offer::Nothing));
    assert_eq!(one.propose("a"), []);
    assert_eq!(one.kept(), []);
    let log = Chain::of(LED, &["", "a"]);
    let sent = one.says(2, accept(LED, log.behind(1), told(1, 1)));
    assert_eq!(one.gets(2, accepted(LED, 1)), [log.applies(1), keep(3, LED, log.behind(1)), sent]);
}

#[test]
fn a_batch_forms_behind_the_slots_in_flight() {
    let (mut one, log) = leader_of(member(&THREE).limits(|l| l.slots_in_flight_max = 1), &THREE);
    let log = log.then(LED, &["a", "b+c"]);
    one.propose("a");
    assert_eq!(one.propose("b"), []);
    assert_eq!(one.propose("c"), []);
    one.kept();
    let given = one.gets(2, accepted(LED, 2));
    let sent = to_both(&one, accept(LED, log.behind(2), told(2, 2)));
    assert_eq!(given, [vec![log.applies(2), keep(4, LED, log.behind(2))], sent.to_vec()].concat());
}

#[test]
fn a_slot_has_so_many_bytes_or_one_command() {
    let small = |l: &mut doozer_paxos::replica::Limits| (l.slots_in_flight_max, l.slot_bytes_max) = (1, 3);
    let (mut one, log) = leader_of(member(&[1]).limits(small), &[1]);
    let log = log.then(LED, &["a", "b+c", "defgh"]);
    ["a", "b", "c", "defgh"].into_iter().for_each(|command| drop(one.propose(command)));
    assert_eq!(one.kept(), [log.applies(2), keep(4, LED, log.up_to(3).behind(2))]);
    assert_eq!(one.kept(), [log.applies(3), keep(5, LED, log.behind(3))]);
}

#[test]
fn the_only_voter_is_at_rest_when_nothing_is_under_way() {
    let (mut one, log) = leader(&[1]);
    assert!(one.member.is_at_rest());
    assert_eq!(one.ticks(1_000), []);
    one.propose("a");
    assert!(!one.member.is_at_rest(), "not durable");
    one.kept();
    assert!(!one.member.is_at_rest(), "not applied");
    one.applied(2);
    assert!(one.member.is_at_rest());
    one.propose_alone("voters 1");
    one.evaluated(Verdict::Drop);
    one.reads(1);
    assert!(one.member.is_at_rest(), "a read that it answered itself");

    // One who learns is told each round where the log ends.
    one.gets(2, Message::Follow { have: have(LED, 1, 1) });
    assert!(!one.member.is_at_rest());
    assert_ne!(one.ticks(1_000), []);
    let log = log.then(LED, &["a"]);
    one.gets(2, accepted(LED, log.last()));
    assert!(!one.member.is_at_rest());
}

#[test]
fn one_voter_of_many_is_never_at_rest() {
    let (one, _) = leader(&THREE);
    assert!(!one.member.is_at_rest());
    let log = Chain::of(LED, &[""]);
    assert!(!follower(&THREE, &log, b(1, 2)).member.is_at_rest());
    assert!(!member(&[1]).start().member.is_at_rest(), "it leads nobody before it leads");
}

#[test]
fn a_follower_is_sent_no_more_than_it_acknowledges() {
    let (mut one, log) = leader_of(member(&THREE).limits(|l| l.unacknowledged_bytes_max = 1), &THREE);
    let log = log.then(LED, &["a", "b"]);
    one.propose("a");
    assert_eq!(one.propose("b"), [keep(4, LED, log.behind(2))]);
    let sent = one.says(2, accept(LED, log.behind(2), told(1, 1)));
    assert_eq!(one.gets(2, accepted(LED, 2)), [sent]);
}

#[test]
fn a_change_of_the_voters_is_judged_when_all_before_it_is_applied() {
    let (mut one, log) = leader(&THREE);
    let log = log.then(LED, &["a", "voters 1 2"]);
    one.propose("a");
    assert_eq!(one.propose_alone("voters 1 2"), []);
    one.kept();
    assert_eq!(one.gets(2, accepted(LED, 2))[0], log.applies(2));
    let command = Bytes::from_static(b"voters 1 2");
    assert_eq!(one.applied(2), [Output::Evaluate(command.clone())]);
    // It stands alone.
    assert_eq!(one.propose("b"), []);
    let sent = to_both(&one, accept(LED, log.behind(2), told(2, 2)));
    let given = one.evaluated(Verdict::Change(command, voters(&[1, 2])));
    assert_eq!(given, [vec![keep(4, LED, log.behind(2))], sent.to_vec()].concat());
    assert_eq!(one.propose("c"), []);
    assert_eq!(one.propose_alone("voters 1"), []);
}

#[test]
fn a_change_that_is_refused_stands_in_a_slot_of_its_own_and_work_goes_on() {
    let (mut one, log) = leader(&[1]);
    let log = log.then(LED, &["refused", "a"]);
    assert_eq!(one.propose_alone("voters 9"), [Output::Evaluate(Bytes::from_static(b"voters 9"))]);
    assert_eq!(one.propose("a"), []);
    let given = one.evaluated(Verdict::Put(Bytes::from_static(b"refused")));
    assert_eq!(given, [keep(3, LED, log.up_to(2).behind(1)), keep(4, LED, log.behind(2))]);
}

#[test]
fn a_change_that_was_made_before_is_dropped() {
    let (mut one, log) = leader(&[1]);
    let log = log.then(LED, &["a"]);
    one.propose_alone("voters 1 2");
    one.propose("a");
    assert_eq!(one.evaluated(Verdict::Drop), [keep(3, LED, log.behind(1))]);
    // Who is not asked says nothing.
    assert_eq!(one.evaluated(Verdict::Put(Bytes::from_static(b"x"))), []);
}

#[test]
fn a_log_of_another_ballot_is_replaced_whole() {
    let (mut one, log) = leader_of(member(&THREE).limits(|l| l.message_bytes_max = 1), &THREE);
    let log = log.then(LED, &["a", "b"]);
    one.propose("a");
    one.propose("b");
    let synced = one.says(3, accept_sync(LED, log.behind(1), told(1, 1)));
    assert_eq!(one.gets(3, follow(have(b(0, 2), 7, 1))), [synced]);
}

#[test]
fn a_log_of_this_ballot_is_completed_in_parts() {
    let (mut one, log) = leader_of(member(&THREE).limits(|l| l.message_bytes_max = 1), &THREE);
    let log = log.then(LED, &["a", "b"]);
    one.propose("a");
    one.propose("b");
    let synced = one.says(3, accept_sync(LED, log.up_to(2).behind(1), told(1, 1)));
    let next = one.says(3, accept(LED, log.behind(2), told(1, 1)));
    assert_eq!(one.gets(3, follow(have(LED, 1, 1))), [synced, next]);
}

#[test]
fn a_follower_with_a_part_of_the_adopted_log_keeps_that() {
    let log = Chain::of(b(1, 2), &["", "a", "b"]);
    let mut one = member(&THREE).has(&log, b(1, 2)).start();
    one.campaigns();
    one.kept();
    let new = log.then(b(3, 1), &[""]);
    one.gets(3, promise(b(3, 1), have(b(1, 2), 3, 0), Offer::Nothing));
    let synced = one.says(2, accept_sync(b(3, 1), new.behind(2), told(0, 0)));
    assert_eq!(one.gets(2, promise(b(3, 1), have(b(1, 2), 2, 0), Offer::Nothing)), [synced]);
    // It is longer than what was adopted: that part is of no use.
    let synced = one.says(2, accept_sync(b(3, 1), new.behind(3), told(0, 0)));
    assert_eq!(one.gets(2, follow(have(b(1, 2), 9, 0))), [synced]);
}

#[test]
fn a_follower_that_lacks_what_was_let_go_of_needs_a_snapshot() {
    let (mut one, _) = leader_of(member(&THREE).limits(|l| l.kept_bytes_max = 0), &THREE);
    one.propose("a");
    one.kept();
    one.gets(2, accepted(LED, 2));
    one.applied(2);
    let said = one.says(3, behind(2));
    assert_eq!(one.gets(3, follow(have(LED, 1, 1))), [said]);
}

#[test]
fn a_proposer_that_hears_of_a_greater_ballot_steps_down() {
    let (mut one, _) = leader(&THREE);
    let theirs = have(LED, 1, 1);
    assert_eq!(one.gets(2, prepare(b(5, 2), theirs)), [keep_promise(3, b(5, 2)), proposer_is(2)]);
    assert!(!one.member.is_leading());
    assert_eq!(one.kept(), [one.says(2, promise(b(5, 2), theirs, Offer::Nothing))]);
}

#[test]
fn a_proposer_refuses_a_lower_ballot_and_goes_on() {
    let (mut one, _) = leader(&THREE);
    let refused = one.says(2, nack(b(0, 2), LED));
    assert_eq!(one.gets(2, prepare(b(0, 2), have(Ballot::ZERO, 0, 0))), [refused]);
    assert!(one.member.is_leading());
}

#[test]
fn commands_of_others_are_taken_as_long_as_there_is_room() {
    let small = |l: &mut doozer_paxos::replica::Limits| (l.slots_in_flight_max, l.waiting_bytes_max) = (1, 1);
    let (mut one, log) = leader_of(member(&THREE).limits(small), &THREE);
    let log = log.then(LED, &["a", "b", "own"]);
    one.propose("a");
    assert_eq!(one.gets(2, forward("b", false)), []);
    assert_eq!(one.gets(3, forward("dropped", false)), []);
    one.kept();
    let given = one.gets(2, accepted(LED, 2));
    assert_eq!(given[..2], [log.applies(2), keep(4, LED, log.up_to(3).behind(2))]);
    // Its own are never refused.
    one.propose("own");
    one.kept();
    assert_eq!(one.gets(2, accepted(LED, 3))[..2], [log.applies(3), keep(5, LED, log.behind(3))]);
}

#[test]
fn commands_are_sent_to_the_proposer_and_relayed_once() {
    let log = Chain::of(b(2, 3), &[""]);
    let mut one = follower(&THREE, &log, b(2, 3));
    assert_eq!(one.propose("a"), [one.says(3, forward("a", false))]);
    let relayed = one.says(3, forward("b", true));
    assert_eq!(one.gets(2, forward("b", false)), [relayed]);
    assert_eq!(one.gets(2, forward("c", true)), []);
}

#[test]
fn with_no_proposer_commands_wait_and_those_of_others_are_dropped() {
    let mut one = member(&THREE).start();
    assert_eq!(one.propose("a"), []);
    assert_eq!(one.gets(2, forward("b", false)), []);
    let log = Chain::of(b(2, 3), &[""]);
    let given = one.gets(3, accept_sync(b(2, 3), log.behind(0), told(0, 0)));
    let sent = one.says(3, forward("a", false));
    assert_eq!(given, [keep_promise(1, b(2, 3)), keep(2, b(2, 3), log.behind(0)), proposer_is(3), sent]);
}

#[test]
fn each_round_followers_are_shown_where_the_log_ends_and_the_silent_are_asked_again() {
    let (mut one, log) = leader(&THREE);
    one.does(|member| member.reset(id(2)));
    let round = (1 << 32) + 1;
    let beats = to_both(&one, heartbeat(round));
    let shown = one.says(3, accept(LED, log.behind(1), told(1, 1)));
    let asked = one.says(2, prepare(LED, have(LED, 1, 1)));
    assert_eq!(one.ticks(10), [beats.to_vec(), vec![shown, asked]].concat());
}
