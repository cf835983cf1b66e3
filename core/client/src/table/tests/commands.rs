//! What becomes of writes that are commands of a session.

use std::time::Duration;

use super::holder::*;
use super::*;
use doozer_wire::{Failed, SessionOp, TxnReply};

#[test]
fn the_first_write_opens_a_session_and_waits_for_it() {
    let mut bench = sessions();
    let (_, mut read) = bench.submit(Verb::Get, "/r", None);
    assert_eq!(names(&bench.send()), ["GET"]);
    let (_a, _b) = (bench.set("/a"), bench.set("/b"));
    let open = bench.open();
    assert_eq!(open.session.as_ref().map(Bytes::len), Some(16));
    let terms = open.session_op.unwrap();
    assert_eq!((terms.ttl_ms, &terms.label[..]), (Some(12_000), &b"test"[..]));
    let told = bench.tenure().unwrap().unwrap();
    assert_eq!((told.generation, told.valid_until), (1, Moment(Duration::from_millis(10_500))));
    let requests = bench.send();
    assert_eq!(sent(&requests), ["SET /a 1", "SET /b 2"]);
    assert!(requests.iter().all(|request| request.session == open.session && request.acknowledged.is_none()));
    assert!(read.try_recv().is_err());
    bench.count(&requests[0], 5);
    bench.count(&requests[1], 6);
    bench.set("/c");
    let requests = bench.send();
    assert_eq!((sent(&requests), requests[0].acknowledged), (vec!["SET /c 3".to_owned()], Some(2)));
}

#[test]
fn reads_do_not_wait_for_a_session_and_need_none() {
    let mut bench = sessions();
    bench.set("/a");
    bench.submit(Verb::Get, "/r", None);
    bench.submit(Verb::Nop, "/", None);
    assert_eq!(sent(&bench.send()), ["SESSION  0", "GET /r 0", "NOP / 0"]);
}

#[test]
fn a_key_is_used_for_one_open_only() {
    let mut bench = sessions();
    bench.set("/a");
    let mut keys = Vec::new();
    for _ in 0..3 {
        let requests = bench.send();
        assert_eq!(op(&requests[0]), Some(SessionOp::Open));
        keys.push(requests[0].session.clone());
        bench.reconnect();
    }
    let requests = bench.send();
    keys.push(requests[0].session.clone());
    bench.fail(&requests[0], ErrorKind::Overloaded, "there are 1 sessions already");
    assert!(bench.send().is_empty(), "not at once again");
    assert!(bench.table.alarm().is_some());
    bench.pass(3);
    keys.push(bench.open().session);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    assert_eq!(sent(&bench.send()), ["SET /a 1"]);
}

#[test]
fn why_no_session_could_be_opened_is_said() {
    // What is unknown is only whether there is a session, of which nobody knows.
    for (said, why) in [
        ("no quorum: outcome unknown", ""),
        ("no quorum: outcome unknown: this member's disk is full", ": this member's disk is full"),
        ("no quorum: this member's disk is full", ": this member's disk is full"),
        ("no quorum: nobody is here, nothing was written", ": nobody is here"),
    ] {
        let mut bench = sessions();
        let (tag, _told) = bench.set("/a");
        let requests = bench.send();
        bench.fail(&requests[0], ErrorKind::NoQuorum, said);
        let Abandoned::Unsent(Some(failure)) = bench.table.abandon(tag, &mut bench.done) else { panic!() };
        let detail = format!("no quorum: no session could be opened, nothing was written{why}");
        assert_eq!((failure.kind, failure.detail), (ErrorKind::NoQuorum, detail));
    }

    let mut bench = sessions();
    let (tag, _told) = bench.set("/a");
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::Overloaded, "there are 9 sessions already");
    let Abandoned::Unsent(Some(why)) = bench.table.abandon(tag, &mut bench.done) else { panic!() };
    let detail = "no session could be opened, nothing was written: there are 9 sessions already";
    assert_eq!((why.kind, &why.detail[..]), (ErrorKind::Overloaded, detail));
    // What cannot help later is said at once, to all that wait.
    let (mut a, mut b) = (bench.set("/a").1, bench.set("/b").1);
    bench.pass(3);
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::PermissionDenied, "permission denied");
    assert_eq!(kind(&mut a), Some(ErrorKind::PermissionDenied));
    assert_eq!(kind(&mut b), Some(ErrorKind::PermissionDenied));
    assert!(!bench.table.is_busy());
}

#[test]
fn after_a_lost_connection_every_command_is_sent_again_in_order() {
    let mut bench = opened();
    let mut told: Vec<Told> = ["/a", "/b", "/c"].into_iter().map(|path| bench.set(path).1).collect();
    bench.fill();
    // The last one never began.
    let all = bench.out.len();
    let (_, mut late) = bench.set("/d");
    bench.fill();
    let mut first = bench.take(all);
    let mut decoder = Decoder::new(1 << 20);
    let middle = std::iter::from_fn(|| decoder.next(&mut first).unwrap()).nth(1).unwrap();
    // The second one is answered, the others are not.
    bench.count(&Request::decode(middle).unwrap(), 7);
    assert_eq!(rev(&mut told[1]), Some(7));
    bench.reconnect();
    let (_, mut later) = bench.set("/e");
    let requests = bench.send();
    assert_eq!(sent(&requests), ["SET /a 2", "SET /c 4", "SET /d 5", "SET /e 6"]);
    assert_eq!(requests[1].acknowledged, Some(1));
    for (request, rev) in requests.iter().zip(10..) {
        bench.count(request, rev);
    }
    assert_eq!((rev(&mut told[0]), rev(&mut told[2])), (Some(10), Some(11)));
    assert_eq!((rev(&mut late), rev(&mut later)), (Some(12), Some(13)));
}

#[test]
fn a_refusal_that_counts_is_an_answer() {
    let mut bench = opened();
    let (_, mut told) = bench.set("/a");
    let requests = bench.send();
    bench.reconnect();
    let again = bench.send();
    assert_eq!(sent(&again), sent(&requests));
    bench.answer(again[0].tag.unwrap(), |answer| {
        (answer.err_code, answer.counted) = (Some(ErrorKind::RevMismatch as i32), true);
    });
    assert_eq!(kind(&mut told), Some(ErrorKind::RevMismatch));
    bench.set("/b");
    assert_eq!(sent(&bench.send()), ["SET /b 3"]);
}

#[test]
fn which_part_of_a_transaction_failed_is_told() {
    let mut bench = opened();
    let (caller, mut told) = oneshot::channel();
    let txn = Request { txn: Some(Bytes::new()), ..request(Verb::Txn, "/", None) };
    bench.table.submit(Request { path: None, ..txn }, Owner::Caller(caller), &mut bench.done);
    let requests = bench.send();
    assert_eq!(sent(&requests), ["TXN  2"]);
    bench.answer(requests[0].tag.unwrap(), |answer| {
        (answer.err_code, answer.counted) = (Some(127), true);
        answer.kind = Some(ErrorKind::CompareFailed.number());
        answer.txn = Some(TxnReply { failed: Some(Failed::Compare(2)), ..TxnReply::default() });
    });
    let failure = told.try_recv().unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.part), (ErrorKind::CompareFailed, Some(Failed::Compare(2))));
}

#[test]
fn what_was_not_made_is_sent_again_before_anything_new() {
    for kind in [ErrorKind::Overloaded, ErrorKind::OutOfOrder] {
        let mut bench = opened();
        let (_a, _b, _c) = (bench.set("/a"), bench.set("/b"), bench.set("/c"));
        let requests = bench.send();
        bench.fail(&requests[0], ErrorKind::Overloaded, "nothing was written, try later");
        bench.set("/d");
        bench.pass(3);
        assert!(bench.commands().is_empty(), "the next ones come too early, and so would this one");
        bench.fail(&requests[2], kind, "");
        assert!(bench.commands().is_empty());
        bench.fail(&requests[1], kind, "");
        bench.pass(3);
        let again = bench.commands();
        assert_eq!(sent(&again), ["SET /a 2", "SET /b 3", "SET /c 4", "SET /d 5"]);
        again.iter().for_each(|request| bench.count(request, 9));
        assert!(!bench.table.is_busy());
    }
}

#[test]
fn refused_for_now_it_waits_a_little_longer_each_time() {
    let mut bench = opened();
    let (tag, _told) = bench.set("/a");
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let (refused, mut requests) = (bench.now, bench.commands());
        assert_eq!(sent(&requests), ["SET /a 2"]);
        bench.fail(&requests.remove(0), ErrorKind::Overloaded, "try later");
        while requests.is_empty() {
            bench.now = bench.table.alarm().unwrap();
            requests = bench.commands();
        }
        longest = longest.max(refused.until(bench.now));
        bench.fail(&requests[0], ErrorKind::Overloaded, "try later");
        bench.pass(3);
    }
    assert!(longest > Duration::from_millis(500) && longest <= Duration::from_secs(2), "{longest:?}");
    let Abandoned::Unsent(Some(why)) = bench.table.abandon(tag, &mut bench.done) else { panic!() };
    assert_eq!(why.kind, ErrorKind::Overloaded, "it surely was not made");
    assert!(!bench.table.calls.contains_key(&tag));
}

#[test]
fn a_member_without_a_majority_is_left_and_the_command_sent_elsewhere() {
    for detail in ["no quorum: outcome unknown", "no proposer, nothing was written"] {
        let mut bench = opened();
        let (tag, mut told) = bench.set("/a");
        let requests = bench.send();
        bench.fail(&requests[0], ErrorKind::NoQuorum, detail);
        assert!(bench.table.has_drained());
        assert!(told.try_recv().is_err());
        bench.reconnect();
        bench.pass(3);
        assert_eq!(sent(&bench.send()), ["SET /a 2"]);
        bench.reconnect();
        let Abandoned::Sent(Some(why)) = bench.table.abandon(tag, &mut bench.done) else { panic!() };
        assert_eq!((why.kind, &why.detail[..]), (ErrorKind::Disconnected, "reset"));
    }
}

#[test]
fn a_given_up_command_closes_its_number() {
    let mut bench = opened();
    let (a, _a) = bench.set("/a");
    let (_, mut b) = bench.set("/b");
    bench.send();
    assert_eq!(bench.table.abandon(a, &mut bench.done), Abandoned::Sent(None));
    bench.reconnect();
    let again = bench.send();
    assert_eq!(sent(&again), ["NOP  2", "SET /b 3"]);
    // It was made all the same; that is nobody's business.
    bench.count(&again[1], 9);
    bench.answer(again[0].tag.unwrap(), |answer| (answer.rev, answer.counted) = (Some(8), true));
    assert_eq!(rev(&mut b), Some(9));
    assert!(!bench.table.is_busy());
    bench.set("/c");
    assert_eq!(bench.send()[0].acknowledged, Some(3));
}

#[test]
fn a_command_that_never_left_gives_its_number_to_the_next() {
    let mut bench = opened();
    let (a, _a) = bench.set("/a");
    let (_, mut b) = bench.set("/b");
    bench.fill();
    assert_eq!(bench.table.abandon(a, &mut bench.done), Abandoned::Sent(None));
    bench.reconnect();
    let again = bench.send();
    assert_eq!(sent(&again), ["SET /b 2"]);
    bench.count(&again[0], 4);
    assert_eq!(rev(&mut b), Some(4));
}

#[test]
fn a_stall_gives_numbers_back_and_keeps_the_order() {
    let mut bench = opened();
    let (_a, (b, _b), _c) = (bench.set("/a"), bench.set("/b"), bench.set("/c"));
    bench.fill();
    let first = bench.take(1);
    let begins = bench.table.give_back(bench.taken, &mut bench.done).unwrap();
    bench.out.truncate((begins - bench.taken) as usize);
    assert_eq!(bench.table.abandon(b, &mut bench.done), Abandoned::Unsent(None));
    let rest = bench.take(bench.out.len());
    let mut frame = [&first[..], &rest].concat();
    let request = Request::decode(Bytes::from(frame.split_off(4))).unwrap();
    assert_eq!(sent(&[request]), ["SET /a 2"]);
    bench.set("/d");
    assert_eq!(sent(&bench.send()), ["SET /c 3", "SET /d 4"]);
}

#[test]
fn a_definite_refusal_reaches_the_caller_and_leaves_no_hole() {
    let mut bench = opened();
    let (_, mut a) = bench.set("/a");
    let (_, mut b) = bench.set("/b");
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::DiskFull, "disk full, nothing was written");
    assert_eq!(kind(&mut a), Some(ErrorKind::DiskFull));
    bench.fail(&requests[1], ErrorKind::OutOfOrder, "");
    let again = bench.send();
    assert_eq!(sent(&again), ["NOP  2", "SET /b 3"]);
    bench.count_nop(&again[0]);
    bench.count(&again[1], 3);
    assert_eq!(rev(&mut b), Some(3));
    // The last one's number is free.
    let (_, mut c) = bench.set("/c");
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::PermissionDenied, "permission denied");
    assert_eq!(kind(&mut c), Some(ErrorKind::PermissionDenied));
    bench.set("/d");
    assert_eq!(sent(&bench.send()), ["SET /d 4"]);
}

#[test]
fn a_refusal_says_nothing_of_a_copy_that_may_be_about() {
    let mut bench = opened();
    let (_, mut a) = bench.set("/a");
    bench.send();
    bench.reconnect();
    let again = bench.send();
    bench.fail(&again[0], ErrorKind::DiskFull, "disk full, nothing was written");
    assert!(a.try_recv().is_err(), "another member may have room");
    bench.pass(3);
    let again = bench.send();
    bench.fail(&again[0], ErrorKind::PermissionDenied, "permission denied");
    assert_eq!(kind(&mut a), Some(ErrorKind::OutcomeUnknown));
    // Who may not write cannot close the number either: the session is of no more use.
    let again = bench.send();
    assert_eq!(sent(&again), ["NOP  2"]);
    bench.done.tenure = None;
    bench.fail(&again[0], ErrorKind::PermissionDenied, "permission denied");
    assert_eq!(bench.tenure(), Some(None));
    assert!(!bench.table.is_busy());
    bench.set("/b");
    bench.open();
    assert_eq!(sent(&bench.send()), ["SET /b 1"]);
}

#[test]
fn when_a_session_has_ended_only_what_may_have_been_made_is_unknown() {
    let mut bench = opened();
    let (_, mut a) = bench.set("/a");
    bench.send();
    bench.reconnect();
    // `/a` was sent twice, the next two once.
    let (_, mut b) = bench.set("/b");
    let (_, mut c) = bench.set("/c");
    let (gone, _gone) = bench.set("/gone");
    let requests = bench.send();
    assert_eq!(sent(&requests), ["SET /a 2", "SET /b 3", "SET /c 4", "SET /gone 5"]);
    bench.table.abandon(gone, &mut bench.done);
    bench.fail(&requests[2], ErrorKind::SessionExpired, "");
    assert_eq!(bench.tenure(), Some(None));
    let (_, mut d) = bench.set("/d");
    assert!(bench.send().is_empty(), "the others are still to be answered");
    bench.fail(&requests[0], ErrorKind::SessionExpired, "");
    assert_eq!(kind(&mut a), Some(ErrorKind::OutcomeUnknown));
    bench.fail(&requests[3], ErrorKind::SessionExpired, "");
    bench.fail(&requests[1], ErrorKind::SessionExpired, "");
    let open = bench.open();
    assert_ne!(open.session, requests[0].session);
    let requests = bench.send();
    assert_eq!(sent(&requests), ["SET /b 1", "SET /c 2", "SET /d 3"]);
    requests.iter().for_each(|request| bench.count(request, 6));
    assert_eq!(b.try_recv().unwrap().unwrap().generation, Some(2));
    assert_eq!((rev(&mut c), rev(&mut d)), (Some(6), Some(6)));
    assert!(!bench.table.is_busy());
}

#[test]
fn a_lost_connection_settles_what_an_ended_session_left_open() {
    let mut bench = opened();
    let (_, mut a) = bench.set("/a");
    let (_, mut b) = bench.set("/b");
    let requests = bench.send();
    bench.fail(&requests[1], ErrorKind::SessionExpired, "");
    bench.reconnect();
    assert_eq!(kind(&mut a), Some(ErrorKind::OutcomeUnknown));
    bench.open();
    assert_eq!(sent(&bench.send()), ["SET /b 1"]);
    assert!(b.try_recv().is_err());
}

#[test]
fn a_cluster_that_has_forgotten_answers_is_another() {
    let mut bench = opened();
    let (_, mut a) = bench.set("/a");
    let (_, mut b) = bench.set("/b");
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::OutOfOrder, "out of order: the next of this session is 1");
    // It was refused by a member that is not what it was: who knows what that means.
    assert_eq!(kind(&mut a), Some(ErrorKind::OutcomeUnknown));
    assert_eq!(kind(&mut b), Some(ErrorKind::OutcomeUnknown));
    bench.count(&requests[1], 7);
    bench.set("/c");
    bench.open();
    assert_eq!(sent(&bench.send()), ["SET /c 1"]);
}

#[test]
fn a_member_that_knows_no_sessions_ends_it() {
    let mut bench = opened();
    let (_, mut a) = bench.set("/a");
    bench.send();
    let (_, mut b) = bench.set("/b");
    bench.peer = modern().peer;
    bench.reconnect();
    assert_eq!(kind(&mut a), Some(ErrorKind::OutcomeUnknown));
    let requests = bench.send();
    assert_eq!((sent(&requests), requests[0].session.as_ref()), (vec!["SET /b 0".to_owned()], None));
    bench.answer(requests[0].tag.unwrap(), |answer| answer.rev = Some(3));
    assert_eq!(b.try_recv().unwrap().unwrap().generation, None);
    // What only a session can do is refused.
    let (_, mut c) = bench.queued_set("/c");
    assert!(bench.send().is_empty());
    bench.done.deliver();
    assert_eq!(kind(&mut c), Some(ErrorKind::UnknownVerb));
}

#[test]
fn the_session_is_kept_alive_and_its_lease_counts_from_the_sending() {
    let mut bench = opened();
    bench.done.tenure = None;
    assert_eq!(bench.table.alarm(), Some(Moment(Duration::from_secs(4))));
    bench.pass(5);
    let requests = bench.send();
    assert_eq!((requests.len(), op(&requests[0])), (1, Some(SessionOp::KeepAlive)));
    assert_eq!(bench.table.alarm(), None);
    bench.pass(2);
    bench.answer(requests[0].tag.unwrap(), |_| {});
    assert_eq!(bench.tenure().unwrap().unwrap().valid_until, Moment(Duration::from_millis(15_500)));
    assert_eq!(bench.table.alarm(), Some(Moment(Duration::from_secs(9))));
    // Lost with its connection, it is sent again at once.
    bench.pass(2);
    assert_eq!(names(&bench.send()), ["SESSION"]);
    bench.reconnect();
    assert_eq!(bench.tenure(), None);
    let requests = bench.send();
    assert_eq!(op(&requests[0]), Some(SessionOp::KeepAlive));
    // A member that reaches no others is left.
    bench.fail(&requests[0], ErrorKind::NoQuorum, "");
    assert!(bench.table.has_drained());
    bench.reconnect();
    bench.pass(1);
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::SessionExpired, "");
    assert_eq!(bench.tenure(), Some(None));
    assert_eq!(bench.table.alarm(), None);
    assert!(!bench.table.is_busy() && bench.send().is_empty());
}

#[test]
fn a_session_that_nobody_needs_is_closed_and_opened_again() {
    let mut bench = opened();
    for held in [true, false] {
        if held {
            bench.table.session.hold_open();
        } else {
            bench.table.session.release();
        }
        bench.pass(100);
        let requests = bench.send();
        let expected = if held { SessionOp::KeepAlive } else { SessionOp::Close };
        assert_eq!(op(&requests[0]), Some(expected));
        bench.answer(requests[0].tag.unwrap(), |_| {});
    }
    assert_eq!(bench.tenure(), Some(None));
    assert!(!bench.table.is_busy() && bench.table.alarm().is_none());
    bench.set("/b");
    bench.open();
    assert_eq!(sent(&bench.send()), ["SET /b 1"]);
    // Who bound files keeps it.
    bench.table.session.bind();
    bench.answer(bench.table.last_tag, |answer| (answer.rev, answer.counted) = (Some(1), true));
    bench.pass(100);
    assert_eq!(op(&bench.send()[0]), Some(SessionOp::KeepAlive));
}

#[test]
fn closing_ends_the_session_and_tells_what_may_have_been_made() {
    let mut bench = opened();
    let (_, mut sent_once) = bench.set("/a");
    let (_, mut waits) = bench.set("/b");
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::Overloaded, "nothing was written, try later");
    bench.reconnect();
    let (_, mut new) = bench.set("/c");
    let closed = Failure::new(ErrorKind::Closed, "");
    let farewell = bench.table.fail_all(&closed, &mut bench.done).unwrap();
    bench.done.deliver();
    assert_eq!(op(&farewell), Some(SessionOp::Close));
    assert_eq!(kind(&mut sent_once), Some(ErrorKind::Closed), "it was refused");
    assert_eq!(kind(&mut waits), Some(ErrorKind::OutcomeUnknown));
    assert_eq!(kind(&mut new), Some(ErrorKind::Closed));
    assert!(!bench.table.is_busy() && bench.send().is_empty());
    assert!(bench.table.fail_all(&closed, &mut bench.done).is_none());
}
