//! A proposer that gets nothing decided, and a disk that takes nothing (consensus.md, "Election").

use doozer_paxos::Ballot;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::Output;

use crate::scene::{Before, LED, One, follower_of, leader_of, member};
use crate::words::*;

const THREE: [u8; 3] = [1, 2, 3];

/// Rounds never end here, so that nothing but patience makes anybody unhappy. It is 12 ticks.
fn patient() -> Before {
    member(&THREE).limits(|l| (l.round_ticks, l.stuck_ticks) = (1_000_000, 12))
}

fn says_that_it_is_happy(one: &mut One) -> bool {
    match &one.gets(2, heartbeat(7))[..] {
        [Output::Send(envelope)] => match &envelope.message {
            Message::Beat { beat, .. } => beat.happy,
            other => panic!("it says {other:?}"),
        },
        other => panic!("it gives {other:?}"),
    }
}

#[test]
fn a_proposer_that_gets_nothing_decided_is_unhappy_after_a_while_until_it_does() {
    let (mut one, _) = leader_of(patient(), &THREE);
    one.propose("a");
    one.kept();
    one.ticks(11);
    assert!(says_that_it_is_happy(&mut one));
    one.ticks(1);
    assert!(!says_that_it_is_happy(&mut one));
    one.gets(3, accepted(LED, 2));
    assert!(says_that_it_is_happy(&mut one));
}

#[test]
fn a_proposer_with_nothing_to_decide_is_happy() {
    let (mut one, _) = leader_of(patient(), &THREE);
    one.ticks(100);
    assert!(says_that_it_is_happy(&mut one));
}

#[test]
fn patience_doubles_with_each_proposer_that_came_in_vain() {
    let mut one = patient().start();
    let nothing = have(Ballot::ZERO, 0, 0);
    one.gets(2, prepare(b(3, 2), nothing));
    one.gets(3, prepare(b(4, 3), nothing));
    one.campaigns();
    one.kept();
    one.gets(2, promise(b(5, 1), nothing, Offer::Nothing));
    one.kept();
    // It is the third.
    one.ticks(12 * 8 - 1);
    assert!(says_that_it_is_happy(&mut one));
    one.ticks(1);
    assert!(!says_that_it_is_happy(&mut one));
    // With something of its own decided all is forgotten.
    one.gets(2, accepted(b(5, 1), 1));
    one.propose("a");
    one.kept();
    one.ticks(12);
    assert!(!says_that_it_is_happy(&mut one));
}

#[test]
fn nobody_stands_whose_disk_takes_nothing_until_it_does() {
    let log = Chain::of(b(2, 3), &["", "a"]);
    let mut one = follower_of(patient().has(&log.up_to(1), b(2, 3)), &log.up_to(1), b(2, 3));
    one.gets(3, accept(b(2, 3), log.behind(1), told(1, 1)));
    // One proposer came, and nothing is decided since.
    one.ticks(24);
    assert_eq!(one.campaigns(), []);
    one.kept();
    assert_eq!(one.campaigns(), [keep_promise(2, b(4, 1)), proposer_is(1)]);
}
