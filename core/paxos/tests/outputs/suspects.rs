//! Members whose log has a suspect end (consensus.md, "Durability").

use doozer_paxos::Ballot;
use doozer_paxos::Slot;
use doozer_paxos::election::Beat;
use doozer_paxos::log::Suspect;
use doozer_paxos::message::{Message, Offer};
use doozer_paxos::replica::Output;

use crate::scene::{One, follower_of, member};
use crate::words::*;

const THREE: [u8; 3] = [1, 2, 3];
const OLD: Ballot = b(2, 3);
const NEW: Ballot = b(3, 2);

fn log() -> Chain {
    Chain::of(OLD, &["", "a", "b"])
}

/// Replica 1 has two slots, and may have had more.
fn suspect(last: u64) -> One {
    let two = log().up_to(2);
    follower_of(member(&THREE).has(&two, OLD).suspect(OLD, last), &two, OLD)
}

/// A candidate under `b(4, 1)` with two slots.
fn candidate(voters: &[u8]) -> One {
    let mut one = member(voters).has(&log().up_to(2), OLD).start();
    one.campaigns();
    one.kept();
    one
}

#[test]
fn a_suspect_member_does_not_stand_and_says_that_it_does_not_count() {
    let mut one = suspect(3);
    assert_eq!(one.campaigns(), []);
    let said = Beat { ballot: b(3, 1), leader: OLD, happy: false, counts: false, unheard: Vec::new() };
    let said = one.says(2, Message::Beat { round: 7, beat: said });
    assert_eq!(one.gets(2, heartbeat(7)), [said]);
}

#[test]
fn a_suspect_member_promises_and_says_what_it_may_have_had() {
    let mut one = suspect(3);
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 2, 0))), [keep_promise(1, NEW), proposer_is(2)]);
    let said = suspect_promise(NEW, have(OLD, 2, 0), Offer::Nothing, (OLD, 3));
    assert_eq!(one.kept(), [one.says(2, said)]);
}

#[test]
fn a_suspect_member_vouches_for_nobody() {
    let mut one = suspect(3);
    assert_eq!(one.reads(7), [one.says(3, read_index((1 << 32) + 1))]);
}

#[test]
fn a_suspect_members_promise_does_not_count() {
    let mut one = candidate(&[1, 2, 3, 4, 5]);
    let said = suspect_promise(b(4, 1), have(OLD, 2, 0), Offer::Nothing, (OLD, 3));
    assert_eq!(one.gets(2, said.clone()), []);
    assert_eq!(one.gets(3, said), []);
    assert_eq!(one.gets(4, promise(b(4, 1), have(OLD, 2, 0), Offer::Nothing)), []);
    one.gets(5, promise(b(4, 1), have(OLD, 2, 0), Offer::Nothing));
    assert!(one.member.is_leading());
}

#[test]
fn what_a_majority_of_sound_logs_does_not_have_was_not_decided() {
    let mut one = candidate(&THREE);
    let said = suspect_promise(b(4, 1), have(OLD, 2, 0), Offer::Nothing, (OLD, 3));
    assert_eq!(one.gets(2, said), []);
    let new = log().up_to(2).then(b(4, 1), &[""]);
    let given = one.gets(3, promise(b(4, 1), have(OLD, 2, 0), Offer::Nothing));
    let synced = [2, 3].map(|other| one.says(other, accept_sync(b(4, 1), new.behind(2), told(0, 0))));
    assert_eq!(given, [vec![keep(2, b(4, 1), new.behind(2))], synced.to_vec()].concat());
}

#[test]
fn what_no_voter_has_is_given_up_aloud_when_all_have_answered() {
    let mut one = candidate(&[1, 3]);
    let said = suspect_promise(b(4, 1), have(OLD, 1, 0), Offer::Nothing, (OLD, 3));
    let new = log().up_to(2).then(b(4, 1), &[""]);
    let given = one.gets(3, said);
    let lost = Output::GaveUp(vec![Suspect { acc_ballot: OLD, last: Slot(3) }]);
    let synced = one.says(3, accept_sync(b(4, 1), new.behind(1), told(0, 0)));
    assert_eq!(given, [keep(2, b(4, 1), new.behind(2)), lost, synced]);
}

/// It stands if everybody answers and nobody is better.
#[test]
fn its_own_end_is_given_up_aloud_as_well() {
    let mut one = member(&[1, 3]).has(&log().up_to(2), OLD).suspect(OLD, 9).start();
    one.ticks(10);
    let other =
        Beat { ballot: b(1, 3), leader: Ballot::ZERO, happy: false, counts: false, unheard: Vec::new() };
    one.gets(3, Message::Beat { round: (1 << 32) + 1, beat: other });
    one.ticks(10);
    one.kept();
    let said = suspect_promise(b(4, 1), have(OLD, 1, 0), Offer::Nothing, (OLD, 3));
    let given = one.gets(3, said);
    let new = log().up_to(2).then(b(4, 1), &[""]);
    let lost = [(OLD, 3), (OLD, 9)].map(|(acc_ballot, last)| Suspect { acc_ballot, last: Slot(last) });
    let synced = one.says(3, accept_sync(b(4, 1), new.behind(1), told(0, 0)));
    let kept = [keep(2, b(4, 1), new.behind(2)), keep_sound(3)];
    assert_eq!(given, [kept.to_vec(), vec![Output::GaveUp(lost.to_vec()), synced]].concat());
}

#[test]
fn nothing_is_given_up_that_stands_in_the_log_that_goes_on() {
    let mut one = candidate(&[1, 3]);
    let said = suspect_promise(b(4, 1), have(OLD, 1, 0), Offer::Nothing, (OLD, 2));
    let given = one.gets(3, said);
    assert_eq!(given.len(), 2, "an append and a sync");
    assert!(one.member.is_leading());
}

#[test]
fn the_entry_that_was_lost_makes_it_good() {
    let mut one = suspect(3);
    let given = one.gets(3, accept(OLD, log().behind(2), told(0, 0)));
    assert_eq!(given, [keep(1, OLD, log().behind(2)), keep_sound(2)]);
    assert_eq!(one.kept_up_to(1), []);
    assert_eq!(one.kept_up_to(2), [one.says(3, accepted(OLD, 3))]);
}

#[test]
fn less_than_was_lost_does_not_make_it_good() {
    let mut one = suspect(4);
    assert_eq!(one.gets(3, accept(OLD, log().behind(2), told(0, 0))), [keep(1, OLD, log().behind(2))]);
}

#[test]
fn the_whole_log_of_a_later_proposer_makes_it_good() {
    let mut one = suspect(4);
    let new = log().up_to(2).then(NEW, &[""]);
    let given = one.gets(2, accept_sync(NEW, new.behind(2), told(0, 0)));
    assert_eq!(given, [keep_promise(1, NEW), keep(2, NEW, new.behind(2)), keep_sound(3), proposer_is(2)]);
}

#[test]
fn the_log_of_an_earlier_proposer_does_not() {
    let two = log().up_to(2);
    let mut one = member(&THREE).has(&two, OLD).suspect(b(5, 3), 3).start();
    let new = two.then(NEW, &["", "x"]);
    let given = one.gets(2, accept_sync(NEW, new.behind(2), told(0, 0)));
    assert_eq!(given, [keep_promise(1, NEW), keep(2, NEW, new.behind(2)), proposer_is(2)]);
}

/// It would vote with the lower ballot that it fell back to, for less than what it had a part in deciding.
#[test]
fn what_it_is_taught_to_be_decided_does_not() {
    let mut one = member(&THREE).has(&log().up_to(2), OLD).suspect(b(5, 3), 3).start();
    let given = one.gets(2, learn(log().behind(2)));
    let applied = [1, 2, 3].map(|slot| log().applies(slot));
    assert_eq!(given, [vec![keep(1, OLD, log().behind(2))], applied.to_vec()].concat());
    let (is_taken, given) = one.installs(Chain::of(OLD, &["", "a", "b", "c"]).base(4));
    assert!(is_taken);
    assert_eq!(given.len(), 1, "nothing but the snapshot is to be kept");
}

#[test]
fn the_next_configuration_makes_it_good() {
    let log = Chain::of(OLD, &["", "a", "voters 1 2 3 4"]);
    let mut one = member(&THREE).has(&log.up_to(2), OLD).suspect(b(5, 3), 3).start();
    one.gets_in(2, 2, learn(log.behind(2)));
    let given = one.applied(3);
    assert_eq!(given, [keep_sound(2)]);
    // What it may have had of that one is not made good by entering it.
    let mut one = member(&THREE).has(&log.up_to(2), OLD).suspect(b_in(2, 7, 3), 4).start();
    one.gets_in(2, 2, learn(log.behind(2)));
    assert_eq!(one.applied(3), []);
}

/// Such a member knows of decided slots that none of those have who accepted more lately.
#[test]
fn whoever_knows_more_to_be_decided_than_the_best_log_has_is_learned_from_first() {
    let mut one = candidate(&THREE);
    let given = one.gets(2, promise(b(4, 1), have(b(1, 2), 3, 3), Offer::Nothing));
    assert_eq!(given, [one.says(2, follow(have(OLD, 2, 0))), nobody_proposes()]);
}

/// Its log was damaged and begins anew: it is taught that it once was the only voter.
#[test]
fn the_only_voter_does_not_lead_while_it_is_suspect() {
    for suspect in [OLD, b_in(3, 7, 2)] {
        let mut one = member(&[1]).has(&log().up_to(2), b(2, 1)).suspect(suspect, 9).start();
        one.propose("late");
        let given = [one.campaigns(), one.ticks(500), one.kept()].concat();
        assert!(!one.member.is_leading());
        assert!(!given.iter().any(|output| matches!(output, Output::Persist(..))), "{given:?}");
    }
}

/// It accepted something in a later configuration, so this one is over, whoever of it is here.
#[test]
fn nobody_stands_in_a_configuration_that_is_surely_over() {
    let beat = |of| Beat { ballot: b(1, of), leader: OLD, happy: false, counts: false, unheard: Vec::new() };
    for (suspect, stands) in [(OLD, true), (b_in(2, 2, 3), false)] {
        let mut one = member(&THREE).has(&log().up_to(2), OLD).suspect(suspect, 9).start();
        let stood = (0..5).any(|_| {
            let asked = one.ticks(10);
            let round = asked.iter().find_map(heartbeat_round);
            for other in round.into_iter().flat_map(|round| [(2, round), (3, round)]) {
                one.gets(other.0, Message::Beat { round: other.1, beat: beat(other.0) });
            }
            asked.iter().any(|output| matches!(output, Output::Persist(..)))
        });
        assert_eq!(stood, stands, "{suspect:?}");
    }
}

fn heartbeat_round(output: &Output) -> Option<u64> {
    match output {
        Output::Send(envelope) => match envelope.message {
            Message::Heartbeat { round } => Some(round),
            _ => None,
        },
        _ => None,
    }
}
