//! Logs that begin behind a snapshot (consensus.md, "Learners and catch-up").

use doozer_paxos::Ballot;
use doozer_paxos::message::Offer;
use doozer_paxos::replica::Output;

use crate::scene::{LED, follower, leader, leader_of, member};
use crate::words::*;

const OLD: Ballot = b(2, 3);
const NEW: Ballot = b(3, 2);
const THREE: [u8; 3] = [1, 2, 3];

fn log() -> Chain {
    Chain::of(OLD, &["", "a", "b", "c", "d"])
}

#[test]
fn what_is_in_no_log_any_more_is_fetched_as_a_snapshot() {
    let mut one = follower(&THREE, &log().up_to(2), OLD);
    assert_eq!(one.gets(3, behind(4)), [Output::FetchSnapshot(id(3))]);
    one.gets(3, accept(OLD, log().up_to(2).behind(2), told(2, 2)));
    assert_eq!(one.gets(3, behind(2)), []);
}

#[test]
fn a_proposer_fetches_no_snapshot() {
    let (mut one, _) = leader(&THREE);
    assert_eq!(one.gets(3, behind(4)), []);
    assert_eq!(one.installs(log().base(4)), (false, vec![]));
}

#[test]
fn a_snapshot_takes_the_place_of_the_state_once_it_is_durable() {
    let mut one = follower(&THREE, &log().up_to(2), OLD);
    let base = log().base(4);
    assert_eq!(one.installs(base.clone()), (true, vec![keep_snapshot(1, base.clone())]));
    // One at a time.
    assert_eq!(one.installs(log().base(5)), (false, vec![]));
    assert_eq!(one.gets(3, behind(5)), []);
    assert_eq!(one.kept(), [Output::Install(base)]);
    assert_eq!(one.applied(4), []);
}

#[test]
fn a_snapshot_takes_no_vote_back() {
    let mut one = member(&THREE).has(&log().up_to(2), OLD).promised(NEW).start();
    one.installs(log().base(4));
    one.kept();
    one.applied(4);
    let refused = one.says(3, nack(OLD, NEW));
    assert_eq!(one.gets(3, accept(OLD, log().behind(4), told(0, 0))), [refused]);
    let said = promise(NEW, have(OLD, 4, 4), Offer::Snapshot);
    assert_eq!(one.gets(2, prepare(NEW, have(b(1, 2), 1, 1))), [one.says(2, said), proposer_is(2)]);
}

#[test]
fn what_is_said_meanwhile_waits_for_the_snapshot() {
    let mut one = follower(&THREE, &log().up_to(2), OLD);
    one.installs(log().base(4));
    assert_eq!(one.gets(2, prepare(NEW, have(OLD, 4, 4))), [keep_promise(2, NEW), proposer_is(2)]);
    assert_eq!(one.kept_up_to(1), [Output::Install(log().base(4))]);
    assert_eq!(one.kept_up_to(2), [one.says(2, promise(NEW, have(OLD, 4, 4), Offer::Nothing))]);
}

#[test]
fn what_comes_behind_a_snapshot_is_applied_after_it() {
    let mut one = follower(&THREE, &log().up_to(2), OLD);
    one.installs(log().base(4));
    assert_eq!(one.gets(2, learn(log().behind(4))), [keep(2, OLD, log().behind(4))]);
    assert_eq!(one.kept_up_to(1), [Output::Install(log().base(4)), log().applies(5)]);
}

#[test]
fn a_snapshot_of_what_the_log_has_is_only_told_to_be_decided() {
    let mut one = follower(&THREE, &log(), OLD);
    assert_eq!(one.installs(log().base(2)), (false, vec![log().applies(1), log().applies(2)]));
    assert_eq!(one.member.last().0, 5);
}

#[test]
fn a_log_that_the_snapshot_contradicts_is_dropped_whole() {
    let other = Chain::of(b(1, 2), &["", "x", "y", "z"]);
    let mut one = member(&THREE).has(&other, b(1, 2)).start();
    assert_eq!(one.installs(log().base(2)), (true, vec![keep_snapshot(1, log().base(2))]));
    assert_eq!(one.member.last().0, 2);
}

#[test]
fn a_candidate_that_lacks_what_is_decided_takes_it_and_stands_no_more() {
    let mut one = member(&THREE).has(&log().up_to(1), OLD).start();
    one.campaigns();
    assert!(one.installs(log().base(4)).0);
    assert_eq!(one.member.proposer(), None);
}

#[test]
fn a_snapshot_of_before_is_of_no_use() {
    let mut one = member(&THREE).has_behind(4, &log(), OLD).start();
    assert_eq!(one.installs(log().base(3)), (false, vec![]));
}

#[test]
fn what_somebody_lacks_who_gets_a_snapshot_is_held() {
    let (mut one, log) = leader_of(member(&THREE).limits(|l| l.kept_bytes_max = 100), &THREE);
    let log = log.then(LED, &["a", "b"]);
    one.does(|member| member.hold_log(Some(doozer_paxos::Slot(1))));
    for (slot, command) in [(2, "a"), (3, "b")] {
        one.propose(command);
        one.kept();
        one.gets(2, accepted(LED, slot));
        one.applied(slot);
    }
    let synced = one.says(3, accept_sync(LED, log.behind(1), told(3, 3)));
    assert_eq!(one.gets(3, follow(have(LED, 1, 1))), [synced]);
}

#[test]
fn an_only_voter_holds_for_who_gets_a_snapshot_as_much_as_others_do() {
    let (mut one, log) = leader_of(member(&[1]).limits(|l| l.kept_bytes_max = 100), &[1]);
    let log = log.then(LED, &["a", "b"]);
    one.does(|member| member.hold_log(Some(doozer_paxos::Slot(1))));
    for (slot, command) in [(2, "a"), (3, "b")] {
        one.propose(command);
        one.kept();
        one.applied(slot);
    }
    let synced = one.says(4, accept_sync(LED, log.behind(1), told(3, 3)));
    assert_eq!(one.gets(4, follow(have(LED, 1, 1))), [synced]);
    // Nobody is getting one any more, and nobody follows.
    one.does(|member| member.reset(id(4)));
    one.does(|member| member.hold_log(None));
    one.propose("c");
    one.kept();
    one.applied(4);
    assert_eq!(one.gets(4, follow(have(LED, 1, 1))), [one.says(4, behind(4))]);
}
