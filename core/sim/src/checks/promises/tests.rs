//! Acceptors that take something back, or forget, or say what they do not have.

use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::{Config, Entry};
use doozer_store::Command;

use super::super::story::{
    CLUSTER, Made, Story, accept, accepted, append, ballot, caught, id, prepare, promised,
};
use super::*;

fn a_set(story: &mut Story, path: &str) -> Made {
    let command = story.numbered(Command::Set { path, rev: -1, value: b"1" });
    story.form(vec![command], None)
}

fn keep(story: &mut Story, member: u32, what: &Persist) -> Result<(), super::super::Violation> {
    story.checks.persisted(story.now, MemberId(member), what)
}

/// Another entry in the place of one.
fn otherwise(made: &Made) -> Entry {
    Entry { wall_ms: made.entry.wall_ms + 5, ..made.entry.clone() }
}

#[test]
fn an_acceptor_as_it_should_be() {
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    story.send(0, prepare(ballot(1, 0))).unwrap();
    story.send(1, promised(ballot(1, 0), Slot(1))).unwrap();
    story.keep(1, &made).unwrap();
    story.send(1, accepted(ballot(1, 0), Slot(2))).unwrap();
    story.keep(0, &made).unwrap();
    story.send(0, accept(ballot(1, 0), Slot(2))).unwrap();
    assert_eq!(story.checks.counts().votes, 4);
    story.apply(0, &made).unwrap();
    story.recover(1, 1, 2, false).unwrap();
    story.send(1, accepted(ballot(1, 0), Slot(2))).unwrap();
}

#[test]
fn a_promise_is_not_taken_back() {
    let mut story = Story::new(3);
    story.ballot = ballot(3, 1);
    story.promise(0).unwrap();
    story.ballot = ballot(2, 1);
    caught(story.promise(0), NAME);
}

#[test]
fn nothing_is_accepted_before_it_is_promised() {
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    story.ballot = ballot(2, 1);
    caught(story.keep(0, &made), NAME);
}

#[test]
fn the_accepted_ballot_does_not_go_back() {
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    story.ballot = ballot(2, 1);
    story.promise(0).unwrap();
    story.keep(0, &made).unwrap();
    let next = a_set(&mut story, "/b");
    story.ballot = ballot(1, 0);
    caught(story.keep(0, &next), NAME);
}

#[test]
fn what_comes_below_the_promise_must_be_decided() {
    // Learned: it was decided under the lower ballot, and is applied later.
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    story.keep(1, &made).unwrap();
    story.keep(2, &made).unwrap();
    keep(&mut story, 0, &Persist::Promise(ballot(2, 1))).unwrap();
    story.keep(0, &made).unwrap();
    caught(story.send(0, accepted(ballot(1, 0), Slot(2))), NAME);
    story.apply(2, &made).unwrap();
    // Accepted: something else was decided.
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    keep(&mut story, 0, &Persist::Promise(ballot(2, 1))).unwrap();
    keep(&mut story, 0, &Persist::Append(append(ballot(1, 0), &[otherwise(&made)]))).unwrap();
    story.keep(1, &made).unwrap();
    story.keep(2, &made).unwrap();
    caught(story.apply(2, &made), NAME);
    // And nothing was.
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    keep(&mut story, 0, &Persist::Promise(ballot(2, 1))).unwrap();
    story.keep(0, &made).unwrap();
    caught(story.finish(&[]), NAME);
}

#[test]
fn what_was_decided_before_is_no_pretext_for_something_else() {
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    story.keep(1, &made).unwrap();
    story.keep(2, &made).unwrap();
    story.apply(2, &made).unwrap();
    keep(&mut story, 0, &Persist::Promise(ballot(2, 1))).unwrap();
    let other = Persist::Append(append(ballot(1, 0), &[otherwise(&made)]));
    caught(keep(&mut story, 0, &other), NAME);
}

#[test]
fn an_accepted_end_is_not_dropped_under_the_same_ballot() {
    let mut story = Story::new(3);
    let (first, second) = (a_set(&mut story, "/a"), a_set(&mut story, "/b"));
    story.keep(0, &first).unwrap();
    story.keep(0, &second).unwrap();
    caught(story.keep(0, &first), NAME);
    // Unless it contradicts what was decided.
    let mut story = Story::new(3);
    let (first, second) = (a_set(&mut story, "/a"), a_set(&mut story, "/b"));
    let mine = otherwise(&first);
    keep(&mut story, 0, &Persist::Append(append(ballot(1, 0), &[mine]))).unwrap();
    story.keep(1, &first).unwrap();
    story.keep(2, &first).unwrap();
    story.keep(0, &first).unwrap();
    story.keep(0, &second).unwrap();
    story.apply(1, &first).unwrap();
}

#[test]
fn a_snapshot_takes_no_vote_back() {
    let mut story = Story::new(3);
    let (first, second) = (a_set(&mut story, "/a"), a_set(&mut story, "/b"));
    story.keep(0, &first).unwrap();
    story.keep(0, &second).unwrap();
    let config = Config { epoch: 1, voters: vec![id(0), id(1), id(2)] };
    let base =
        |slot, hash| Persist::Install(Base { slot: Slot(slot), hash, wall_ms: 0, config: config.clone() });
    caught(keep(&mut story, 0, &base(2, first.hash)), NAME);
    // Who had less has all of it, and may say so; of what is behind it, nothing.
    keep(&mut story, 1, &base(2, first.hash)).unwrap();
    story.send(1, accepted(ballot(1, 0), Slot(2))).unwrap();
    caught(story.send(1, accepted(ballot(1, 0), Slot(3))), NAME);
}

#[test]
fn nothing_is_said_before_it_is_durable() {
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    caught(story.send(1, promised(ballot(2, 0), Slot(1))), NAME);
    caught(story.send(1, prepare(ballot(2, 1))), NAME);
    caught(story.send(1, accepted(ballot(1, 0), Slot(2))), NAME);
    caught(story.send(0, accept(ballot(1, 0), Slot(2))), NAME);
    story.keep(1, &made).unwrap();
    story.send(1, accepted(ballot(1, 0), Slot(2))).unwrap();
}

#[test]
fn nobody_proposes_under_the_ballot_of_another_one_or_of_an_earlier_life() {
    let mut story = Story::new(3);
    caught(story.send(1, prepare(ballot(1, 0))), NAME);
    story.send(0, prepare(ballot(1, 0))).unwrap();
    story.send(0, accept(ballot(1, 0), Slot(1))).unwrap();
    story.recover(0, 1, 1, false).unwrap();
    caught(story.send(0, accept(ballot(1, 0), Slot(1))), NAME);
    caught(story.send(0, prepare(ballot(1, 0))), NAME);
    story.ballot = ballot(2, 0);
    story.promise(0).unwrap();
    story.send(0, prepare(ballot(2, 0))).unwrap();
}

#[test]
fn amnesia_never_votes() {
    for vote in [promised(ballot(1, 0), Slot(1)), accepted(ballot(1, 0), Slot(1)), prepare(ballot(1, 0))] {
        let mut story = Story::new(3);
        let made = a_set(&mut story, "/a");
        story.keep(0, &made).unwrap();
        story.recover(0, 1, 1, false).unwrap();
        story.send(0, Message::Heartbeat { round: 1 }).unwrap();
        let violation = caught(story.send(0, vote), NAME);
        assert!(violation.what.contains("amnesia"), "{violation}");
    }
}

#[test]
fn a_forgotten_promise_is_amnesia() {
    let mut story = Story::new(3);
    story.ballot = ballot(5, 1);
    story.promise(0).unwrap();
    story.recover_as(0, 1, 1, false, ballot(1, 0)).unwrap();
    caught(story.send(0, accepted(ballot(1, 0), Slot(1))), NAME);
}

#[test]
fn who_is_suspect_says_so_until_it_is_sound() {
    let suspect = Some(Suspect { acc_ballot: ballot(1, 0), last: Slot(2) });
    let mut story = Story::new(3);
    let made = a_set(&mut story, "/a");
    story.keep(0, &made).unwrap();
    story.recover(0, 1, 1, true).unwrap();
    let mut vote = promised(ballot(1, 0), Slot(1));
    caught(story.send(0, vote.clone()), NAME);
    if let Message::Promise { suspect: said, .. } = &mut vote {
        *said = suspect;
    }
    story.send(0, vote).unwrap();
    caught(keep(&mut story, 0, &Persist::Sound), NAME);
    // It stays suspect over another start.
    story.recover(0, 2, 1, false).unwrap();
    caught(story.send(0, promised(ballot(1, 0), Slot(1))), NAME);
    story.recover(0, 3, 1, true).unwrap();
    story.keep(0, &made).unwrap();
    keep(&mut story, 0, &Persist::Sound).unwrap();
    story.send(0, promised(ballot(1, 0), Slot(2))).unwrap();
}

#[test]
fn a_longer_log_that_turned_out_to_be_wrong_may_be_gone() {
    let mut story = Story::new(3);
    let (first, second) = (a_set(&mut story, "/a"), a_set(&mut story, "/b"));
    let mine = otherwise(&first);
    let then = Entry { previous: mine.hash(CLUSTER), ..second.entry.clone() };
    keep(&mut story, 0, &Persist::Append(append(ballot(1, 0), &[mine, then]))).unwrap();
    // What it learned last was on its way to the disk, and survived.
    story.recover(0, 1, 2, false).unwrap();
    story.send(0, promised(ballot(1, 0), Slot(2))).unwrap();
    // It must be decided, though.
    let opening = story.made[0].clone();
    story.apply(0, &opening).unwrap();
    caught(story.finish(&[]), NAME);
}

#[test]
fn who_lost_its_disk_is_silent_for_ever() {
    let mut story = Story::new(3);
    story.checks.disk_lost(MemberId(0));
    caught(story.send(0, Message::Heartbeat { round: 1 }), NAME);
    caught(story.promise(0), NAME);
    caught(story.recover(0, 1, 1, false), NAME);
}

#[test]
fn lives_are_numbered_and_names_are_ones_own() {
    let mut story = Story::new(3);
    story.recover(0, 1, 1, false).unwrap();
    caught(story.recover(0, 1, 1, false), NAME);
    let envelope = Envelope { from: id(1), to: id(2), epoch: 1, message: Message::Heartbeat { round: 1 } };
    caught(story.checks.sent(story.now, MemberId(0), &envelope), NAME);
}
