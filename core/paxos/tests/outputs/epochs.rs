//! Changes of the voters, and messages of another configuration (consensus.md, "Reconfiguration").

use bytes::Bytes;
use doozer_paxos::Ballot;
use doozer_paxos::message::{Message, Offer, Suffix};
use doozer_paxos::replica::{Output, Verdict};

use crate::scene::{LED, One, follower, leader, member, voters};
use crate::words::*;

const THREE: [u8; 3] = [1, 2, 3];
const B: Ballot = b(2, 3);

/// Slots of the first configuration, of which the third ends it.
fn log(next: &str) -> Chain {
    Chain::of(B, &["", "a", next])
}

/// A follower of 3 that has applied the stop-sign, and what it gave out for that.
fn entered(next: &str) -> (One, Vec<Output>) {
    let mut one = follower(&THREE, &log(next), B);
    one.gets(3, accept(B, log(next).behind(3), told(3, 3)));
    let given = one.applied(3);
    (one, given)
}

#[test]
fn of_a_later_configuration_nothing_is_answered_but_with_what_is_here() {
    let later = b_in(2, 1, 2);
    let of_it = [
        prepare(later, have(B, 9, 9)),
        accept_sync(later, log("x").behind(0), told(3, 3)),
        accept(later, log("x").behind(2), told(3, 3)),
        heartbeat(7),
        read_index(7),
        Message::Forward { proposals: Vec::new(), is_relayed: false },
        accepted(later, 3),
        promise(later, have(B, 3, 3), Offer::Nothing),
        learn(Suffix { entries: Vec::new(), ..log("x").behind(0) }),
    ];
    for message in of_it {
        let mut one = follower(&THREE, &log("x").up_to(2), B);
        let asked = one.says(2, follow(have(B, 2, 0)));
        assert_eq!(one.gets_in(2, 2, message.clone()), [asked], "{message:?}");
    }
}

#[test]
fn decided_entries_are_learned_from_a_later_configuration() {
    let log = log("voters 1 2 3 4");
    let mut one = follower(&THREE, &log.up_to(1), B);
    let given = one.gets_in(2, 2, learn(log.behind(1)));
    assert_eq!(given, [keep(1, B, log.behind(1)), log.applies(1), log.applies(2), log.applies(3)]);
    assert_eq!(one.kept(), [one.says(2, follow(have(B, 3, 3)))]);
}

#[test]
fn a_proposer_that_hears_what_the_next_configuration_decided_leads_no_more() {
    let (mut one, log) = leader(&THREE);
    let log = log.then(LED, &["a", "voters 2 3"]);
    let given = one.gets_in(2, 2, learn(log.behind(1)));
    assert_eq!(given, [keep(3, LED, log.behind(1)), log.applies(2), log.applies(3), nobody_proposes()]);
}

#[test]
fn of_an_earlier_configuration_who_says_what_it_has_is_brought_along() {
    let (mut one, _) = entered("voters 1 2 3 4");
    let lacks = one.says(2, learn(log("voters 1 2 3 4").behind(1)));
    assert_eq!(one.gets_in(1, 2, prepare(b(9, 2), have(B, 1, 1))), [lacks]);
    let lacks = one.says(3, learn(log("voters 1 2 3 4").behind(2)));
    assert_eq!(one.gets_in(1, 3, follow(have(B, 3, 2))), [lacks]);
}

#[test]
fn of_an_earlier_configuration_others_are_told_that_there_is_more() {
    let (mut one, _) = entered("voters 1 2 3 4");
    let log = log("voters 1 2 3 4");
    let more = [one.says(2, learn(Suffix { entries: Vec::new(), ..log.behind(0) }))];
    assert_eq!(one.gets_in(1, 2, heartbeat(7)), more);
    assert_eq!(one.gets_in(1, 2, accept(b(9, 2), log.behind(2), told(9, 9))), more);
    assert_eq!(one.gets_in(1, 2, accept_sync(b(9, 2), log.behind(2), told(9, 9))), more);
}

#[test]
fn of_an_earlier_configuration_answers_and_questions_are_worth_nothing() {
    let (mut one, _) = entered("voters 1 2 3 4");
    for message in [
        promise(B, have(B, 3, 3), Offer::Nothing),
        accepted(B, 9),
        nack(B, b(9, 2)),
        beat(7, b(9, 2), b(9, 2), true),
        read_index(7),
        read_reply(7, 0),
        Message::Forward { proposals: Vec::new(), is_relayed: false },
    ] {
        assert_eq!(one.gets_in(1, 2, message.clone()), [], "{message:?}");
    }
}

#[test]
fn a_follower_that_goes_on_voting_awaits_a_proposer() {
    assert_eq!(entered("voters 1 2 3 4").1, [nobody_proposes()]);
}

#[test]
fn a_follower_that_votes_no_more_asks_the_proposer_to_be_brought_along() {
    let (one, given) = entered("voters 2 3");
    assert_eq!(given, [one.says(3, follow(have(B, 3, 3))), nobody_proposes()]);
}

#[test]
fn the_proposer_goes_on_in_the_next_configuration_with_the_promises_of_its_voters() {
    let (mut one, log) = leader(&THREE);
    let command = Bytes::from_static(b"voters 1 2 4");
    let log = log.then(LED, &["voters 1 2 4"]);
    one.propose_alone("voters 1 2 4");
    one.evaluated(Verdict::Change(command, voters(&[1, 2, 4])));
    one.kept();
    assert_eq!(one.gets(3, accepted(LED, 2))[0], log.applies(2));
    let next = b_in(2, 4, 1);
    assert_eq!(one.applied(2), [keep_promise(4, next)]);
    let asked = prepare(next, have(LED, 2, 2));
    assert_eq!(one.kept(), [one.says(2, asked.clone()), one.says(4, asked)]);
    // The voter that was taken out counts no more, whatever it says.
    assert_eq!(one.gets(3, promise(next, have(LED, 2, 2), Offer::Nothing)), []);
    let new = log.then(next, &[""]);
    let synced = one.says(4, accept_sync(next, new.behind(2), told(2, 0)));
    let others = one.gets(4, promise(next, have(LED, 2, 2), Offer::Nothing));
    assert!(others.contains(&keep_in(2, 5, next, new.behind(2))) && others.contains(&synced));
}

#[test]
fn a_proposer_that_was_taken_out_leads_no_more() {
    let (mut one, log) = leader(&THREE);
    let log = log.then(LED, &["voters 2 3"]);
    one.propose_alone("voters 2 3");
    one.evaluated(Verdict::Change(Bytes::from_static(b"voters 2 3"), voters(&[2, 3])));
    one.kept();
    assert_eq!(one.gets(3, accepted(LED, 2))[0], log.applies(2));
    assert_eq!(one.applied(2), [nobody_proposes()]);
    assert_eq!(one.campaigns(), []);
}

#[test]
fn what_is_behind_a_stop_sign_is_applied_after_it() {
    let log = log("voters 1 2 3 4").then(b_in(2, 1, 2), &["", "b"]);
    let mut one = follower(&THREE, &log.up_to(1), B);
    let given = one.gets_in(2, 2, learn(log.behind(1)));
    assert_eq!(given, [keep(1, B, log.behind(1)), log.applies(1), log.applies(2), log.applies(3)]);
    assert_eq!(one.applied(2), []);
    assert_eq!(one.applied(3), [log.applies(4), log.applies(5), nobody_proposes()]);
}

#[test]
fn a_stop_sign_with_something_behind_it_is_decided() {
    let log = log("voters 1 2 3 4").then(b_in(2, 1, 2), &[""]);
    let mut one = member(&THREE).has(&log, b_in(2, 1, 2)).start();
    assert_eq!(one.ticks(1), [log.applies(1), log.applies(2), log.applies(3)]);
}

#[test]
fn a_stop_sign_at_the_end_proves_nothing() {
    let mut one = member(&THREE).has(&log("voters 1 2 3 4"), B).start();
    assert_eq!(one.ticks(1), []);
}

/// A member that starts with a log that goes on behind a stop-sign, and has not applied that yet.
fn beyond() -> (One, Chain) {
    let log = log("voters 1 2 3 4").then(b_in(2, 4, 2), &[""]);
    (member(&THREE).has(&log, b_in(2, 4, 2)).start(), log)
}

#[test]
fn nothing_is_promised_in_a_configuration_that_is_known_to_be_over() {
    let (mut one, log) = beyond();
    let more = Suffix { entries: Vec::new(), ..log.behind(0) };
    let given = one.gets(2, accept_sync(b(9, 2), log.up_to(3).behind(3), told(3, 3)));
    assert_eq!(given, [one.says(2, learn(more)), log.applies(1), log.applies(2), log.applies(3)]);
    let taught = one.says(2, learn(log.up_to(3).behind(1)));
    assert_eq!(one.gets(2, prepare(b(9, 2), have(B, 3, 1))), [taught]);
    assert_eq!(one.member.last().0, 4);
}

#[test]
fn nobody_stands_in_a_configuration_that_is_known_to_be_over() {
    let (mut one, log) = beyond();
    assert_eq!(one.campaigns(), [log.applies(1), log.applies(2), log.applies(3)]);
    // Not even the only voter there was.
    let alone = Chain::of(b(2, 1), &["", "voters 1 2"]).then(b_in(2, 4, 1), &[""]);
    let mut one = member(&[1]).has(&alone, b_in(2, 4, 1)).start();
    assert_eq!(one.propose("a"), [alone.applies(1), alone.applies(2)]);
}

#[test]
fn a_later_configurations_promise_is_kept_in_an_earlier_one() {
    // It was started again, and does not know that its last slot is decided.
    let mut one = member(&THREE).has(&log("voters 1 2 3 4"), B).promised(b_in(2, 7, 2)).start();
    assert_eq!(one.gets(3, prepare(b(6, 3), have(B, 3, 3))), [one.says(3, nack(b(6, 3), b_in(2, 7, 2)))]);
    assert_eq!(one.campaigns(), [keep_promise(1, b(9, 1)), proposer_is(1)]);
}

/// The ballot counts more than the length, and the configuration more than the number in it.
#[test]
fn a_log_accepted_in_this_configuration_is_preferred_to_any_of_the_one_before() {
    let stopped = log("voters 1 2 4");
    let mine = stopped.then(b_in(2, 1, 4), &["", "chosen"]);
    let mut one = member(&THREE).has(&mine, b_in(2, 1, 4)).start();
    one.ticks(1);
    one.applied(3);
    // Its candidate accepted the log of the first configuration once more, as late as that could be.
    let theirs = have(b(900, 2), 3, 3);
    let given = one.gets(2, prepare(b_in(2, 901, 2), theirs));
    assert_eq!(given, [keep_promise(1, b_in(2, 901, 2)), proposer_is(2)]);
    let offer = Offer::Suffix(mine.behind(3));
    assert_eq!(one.kept(), [one.says(2, promise(b_in(2, 901, 2), have(b_in(2, 1, 4), 5, 3), offer))]);
}
