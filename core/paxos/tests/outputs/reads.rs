//! How far a read must see (consensus.md, "Reads").

use bytes::Bytes;
use doozer_paxos::Ballot;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::{Output, Verdict};

use crate::scene::{LED, One, follower, follower_of, leader, member, voters};
use crate::words::*;

const THREE: [u8; 3] = [1, 2, 3];
const B: Ballot = b(2, 3);
/// The number of the first question of a member that was started once.
const FIRST: u64 = (1 << 32) + 1;

fn log() -> Chain {
    Chain::of(B, &["", "a"])
}

fn to_both(one: &One, message: Message) -> [Output; 2] {
    [one.says(2, message.clone()), one.says(3, message)]
}

#[test]
fn the_proposer_is_asked_and_the_answer_awaits_what_it_must_see() {
    let mut one = follower(&THREE, &log(), B);
    assert_eq!(one.reads(7), [one.says(3, vouching(FIRST, B))]);
    assert_eq!(one.gets(3, read_reply(FIRST, 2)), []);
    let given = one.gets(3, accept(B, log().behind(2), told(2, 2)));
    assert_eq!(given, [log().applies(1), log().applies(2)]);
    assert_eq!(one.applied(1), []);
    assert_eq!(one.applied(2), [Output::Read(vec![7])]);
}

#[test]
fn one_question_at_a_time_for_all_that_wait() {
    let mut one = follower(&THREE, &log(), B);
    one.reads(7);
    assert_eq!(one.reads(8), []);
    assert_eq!(one.reads(9), []);
    let next = one.says(3, vouching(FIRST + 1, B));
    assert_eq!(one.gets(3, read_reply(FIRST, 0)), [Output::Read(vec![7]), next]);
    assert_eq!(one.gets(3, read_reply(FIRST + 1, 0)), [Output::Read(vec![8, 9])]);
}

#[test]
fn an_answer_to_another_question_or_life_is_no_answer() {
    let mut one = follower_of(member(&THREE).has(&log(), B).boot(2), &log(), B);
    let number = (2 << 32) + 1;
    assert_eq!(one.reads(7), [one.says(3, vouching(number, B))]);
    assert_eq!(one.gets(3, read_reply(FIRST, 0)), []);
    assert_eq!(one.gets(3, read_reply(number + 1, 0)), []);
    assert_eq!(one.gets(3, read_reply(number, 0)), [Output::Read(vec![7])]);
}

#[test]
fn a_question_is_asked_anew_of_the_next_proposer() {
    let mut one = follower(&THREE, &log(), B);
    one.reads(7);
    let given = one.gets(2, prepare(b(3, 2), have(B, 2, 0)));
    let asked = one.says(2, vouching(FIRST + 1, b(3, 2)));
    assert_eq!(given, [keep_promise(1, b(3, 2)), proposer_is(2), asked]);
    assert_eq!(one.gets(3, read_reply(FIRST, 0)), []);
}

#[test]
fn a_majority_confirms_that_the_proposer_still_is() {
    let (mut one, log) = leader(&THREE);
    let asked = to_both(&one, accept(LED, log.behind(1), told_to_confirm(1, 1, 1)));
    assert_eq!(one.reads(7), asked);
    assert_eq!(one.gets(2, accepted(LED, 1)), []);
    assert_eq!(one.gets(2, confirmed(LED, 1, 1)), [Output::Read(vec![7])]);
}

#[test]
fn a_number_sent_before_the_question_came_confirms_nothing() {
    let (mut one, log) = leader(&THREE);
    one.reads(7);
    let asked = to_both(&one, accept(LED, log.behind(1), told_to_confirm(2, 1, 1)));
    assert_eq!(one.gets(3, read_index(5)), asked);
    assert_eq!(one.gets(2, confirmed(LED, 1, 1)), [Output::Read(vec![7])]);
    let answer = one.says(3, read_reply(5, 1));
    assert_eq!(one.gets(2, confirmed(LED, 1, 2)), [answer]);
}

#[test]
fn who_asks_vouches_for_the_proposer_that_it_has_promised() {
    let (mut one, _) = leader(&THREE);
    assert_eq!(one.gets(3, vouching(5, LED)), [one.says(3, read_reply(5, 1))]);
    // It counts once, and for its own question only.
    let (mut one, log) = leader(&[1, 2, 3, 4, 5]);
    let asked = one.gets(3, vouching(5, LED));
    assert!(asked.contains(&one.says(2, accept(LED, log.behind(1), told_to_confirm(1, 1, 1)))), "{asked:?}");
    assert_eq!(one.gets(3, confirmed(LED, 1, 1)), []);
    assert_eq!(one.gets(2, confirmed(LED, 1, 1)), [one.says(3, read_reply(5, 1))]);
}

#[test]
fn who_has_promised_somebody_else_or_does_not_vote_vouches_for_nobody() {
    let (mut one, log) = leader(&THREE);
    let asked = to_both(&one, accept(LED, log.behind(1), told_to_confirm(1, 1, 1)));
    assert_eq!(one.gets(3, vouching(5, b(9, 2))), asked);
    assert_eq!(one.gets(2, confirmed(LED, 1, 1)), [one.says(3, read_reply(5, 1))]);
    let answer = one.says(4, read_reply(7, 1));
    assert!(!one.gets(4, vouching(7, LED)).contains(&answer));
    // Nor for the reads of the proposer itself, which may have begun later.
    one.reads(7);
    assert!(!one.gets(3, vouching(8, LED)).contains(&Output::Read(vec![7])));
}

#[test]
fn what_is_no_voter_and_what_is_of_another_ballot_confirms_nothing() {
    let (mut one, _) = leader(&THREE);
    one.gets(4, follow(have(LED, 1, 1)));
    one.reads(7);
    assert_eq!(one.gets(4, confirmed(LED, 1, 1)), []);
    assert_eq!(one.gets(2, confirmed(b(0, 1), 1, 1)), []);
}

#[test]
fn alone_a_proposer_needs_nobody() {
    let (mut one, _) = leader(&[1]);
    assert!(one.member.may_read_alone());
    assert_eq!(one.reads(7), [Output::Read(vec![7])]);
}

#[test]
fn a_read_sees_what_a_follower_may_have_decided_by_itself() {
    let (mut one, log) = leader(&THREE);
    let log = log.then(LED, &["a"]);
    one.propose("a");
    one.kept();
    // With this question the followers hear that slot 2 is durable here; the next one comes behind that.
    let told = to_both(&one, accept(LED, log.behind(2), told_to_confirm(1, 1, 2)));
    assert_eq!(one.gets(3, read_index(5)), told);
    one.gets(3, read_index(6));
    let answers = [one.says(3, read_reply(5, 1)), one.says(3, read_reply(6, 2))];
    assert_eq!(one.gets(2, confirmed(LED, 1, 2)), answers);
}

#[test]
fn a_new_proposer_answers_once_its_opening_slot_is_decided() {
    let mut one = member(&THREE).start();
    one.campaigns();
    one.kept();
    one.gets(2, promise(LED, have(Ballot::ZERO, 0, 0), Offer::Nothing));
    let log = Chain::of(LED, &[""]);
    let asked = one.says(2, accept(LED, log.behind(1), told_to_confirm(1, 0, 0)));
    assert_eq!(one.gets(3, read_index(5)), [asked]);
    assert_eq!(one.gets(2, confirmed(LED, 0, 1)), []);
    assert_eq!(one.kept(), []);
    let answer = one.says(3, read_reply(5, 1));
    let told = one.says(2, accept(LED, log.behind(1), told_to_confirm(1, 1, 1)));
    assert_eq!(one.gets(2, accepted(LED, 1)), [log.applies(1), answer, told]);
}

#[test]
fn who_may_answer_reads_without_asking() {
    assert!(!leader(&THREE).0.member.may_read_alone());
    let log = Chain::of(b(1, 1), &["", "a"]);
    let mut one = member(&[1]).has(&log, b(1, 1)).start();
    // What was acknowledged in the life before is applied with its opening slot.
    one.campaigns();
    one.kept();
    assert!(one.member.is_leading() && !one.member.may_read_alone());
    one.kept();
    one.applied(2);
    assert!(!one.member.may_read_alone());
    one.applied(3);
    assert!(one.member.may_read_alone());
    // Whoever comes after it may go on once this is decided.
    one.propose_alone("voters 2");
    one.evaluated(Verdict::Change(Bytes::from_static(b"voters 2"), voters(&[2])));
    assert!(!one.member.may_read_alone());
}

#[test]
fn with_a_stop_sign_in_its_log_a_proposer_answers_no_question() {
    let (mut one, _) = leader(&THREE);
    one.propose_alone("voters 1 2");
    one.evaluated(Verdict::Change(Bytes::from_static(b"voters 1 2"), voters(&[1, 2])));
    one.reads(7);
    assert_eq!(one.gets(2, confirmed(LED, 1, 1)), []);
    assert_eq!(one.gets(3, confirmed(LED, 1, 1)), []);
}

#[test]
fn a_question_is_relayed_by_who_hears_the_proposer() {
    let mut one = follower(&THREE, &log(), B);
    let asked = one.says(3, vouching(FIRST, B));
    assert_eq!(one.gets(2, read_index(5)), [asked]);
    let answer = one.says(2, read_reply(5, 2));
    assert_eq!(one.gets(3, read_reply(FIRST, 2)), [answer]);
}

/// Replica 3 leads, and 1 hears only 2, which 3 serves.
fn cut_off() -> One {
    let mut one = follower(&THREE, &log(), B);
    one.ticks(10);
    one.gets(2, beat(FIRST, b(0, 2), B, true));
    one.ticks(10);
    one
}

#[test]
fn who_does_not_hear_the_proposer_asks_one_that_does() {
    let mut one = cut_off();
    assert_eq!(one.reads(7), [one.says(2, vouching(FIRST, B))]);
    let command = Message::Forward { proposals: vec![crate::scene::proposal("a", false)], is_relayed: false };
    assert_eq!(one.propose("a"), [one.says(2, command)]);
}

#[test]
fn who_does_not_hear_the_proposer_relays_no_question() {
    let mut one = cut_off();
    assert_eq!(one.gets(2, read_index(5)), []);
}

#[test]
fn with_no_proposer_a_read_waits_and_a_question_is_dropped() {
    let mut one = member(&THREE).has(&log(), B).start();
    assert_eq!(one.gets(2, read_index(5)), []);
    assert_eq!(one.reads(7), []);
    let asked = one.says(3, vouching(FIRST, B));
    assert_eq!(one.gets(3, accept(B, log().behind(2), told(0, 0)))[1..], [proposer_is(3), asked]);
}

#[test]
fn a_candidate_asks_nobody_and_itself_once_it_leads() {
    let mut one = member(&THREE).start();
    one.campaigns();
    assert_eq!(one.reads(7), []);
    assert_eq!(one.gets(3, read_index(5)), []);
    assert_eq!(one.gets(3, read_index(6)), []);
    one.kept();
    one.gets(2, promise(LED, have(Ballot::ZERO, 0, 0), Offer::Nothing));
    one.kept();
    one.gets(2, accepted(LED, 1));
    one.applied(1);
    // Number 5 was given up by who asked.
    let answer = one.says(3, read_reply(6, 1));
    assert_eq!(one.gets(2, confirmed(LED, 1, 1)), [answer, Output::Read(vec![7])]);
}

#[test]
fn a_question_of_the_configuration_before_is_asked_anew() {
    let (mut one, _) = leader(&[1]);
    (0..100).for_each(|token| drop(one.reads(token)));
    one.propose_alone("voters 1 2");
    one.evaluated(Verdict::Change(Bytes::from_static(b"voters 1 2"), voters(&[1, 2])));
    one.reads(100);
    one.kept();
    one.applied(2);
    one.kept();
    one.gets_in(2, 2, promise(b_in(2, 4, 1), have(LED, 2, 2), Offer::Nothing));
    one.kept();
    one.gets(2, accepted(b_in(2, 4, 1), 3));
    // One confirmation answers it: what the leader before had sent needs no catching up with.
    assert_eq!(one.applied(3), []);
    assert_eq!(one.gets(2, confirmed(b_in(2, 4, 1), 3, 1)), [Output::Read(vec![100])]);
    assert_eq!(one.does(|_| ()), []);
}

#[test]
fn a_read_that_nobody_waits_for_is_forgotten_wherever_it_stands() {
    let mut one = follower(&THREE, &log(), B);
    // Answered, and what it must see is not here yet; asked for; waiting for the question under way.
    one.reads(1);
    one.gets(3, read_reply(FIRST, 2));
    one.reads(2);
    one.reads(3);
    one.does(|member| member.forget_reads(3));
    one.reads(4);
    one.gets(3, accept(B, log().behind(2), told(2, 2)));
    assert_eq!(one.applied(2), []);
    let asked = one.says(3, vouching(FIRST + 2, B));
    assert_eq!(one.gets(3, read_reply(FIRST + 1, 2)), [asked]);
    assert_eq!(one.gets(3, read_reply(FIRST + 2, 2)), [Output::Read(vec![4])]);
}
