//! What becomes of writes that wait in a queue.

use super::holder::*;
use super::*;
use doozer_wire::SetFlags;

#[test]
fn who_waits_in_a_queue_holds_nothing_up() {
    let mut bench = opened();
    let (_, mut queued) = bench.queued_set("/lock");
    let queue = bench.send();
    assert_eq!((sent(&queue), queue[0].flags), (vec!["SET /lock 2".to_owned()], SetFlags(3)));
    bench.set("/a");
    let requests = bench.send();
    assert_eq!((requests[0].acknowledged, &requests[0].unanswered[..]), (Some(2), &[2][..]));
    bench.fail(&requests[0], ErrorKind::NoQuorum, "no quorum: outcome unknown");
    assert!(bench.table.has_drained(), "its place is kept");
    bench.reconnect();
    bench.pass(3);
    let again = bench.send();
    assert_eq!(sent(&again), ["SET /lock 2", "SET /a 3"]);
    bench.count(&again[1], 5);
    bench.count(&again[0], 6);
    assert_eq!(rev(&mut queued), Some(6));
}

#[test]
fn a_queued_set_that_is_given_up_is_cancelled() {
    let mut bench = opened();
    let (tag, _told) = bench.queued_set("/lock");
    let queue = bench.send();
    assert_eq!(bench.table.abandon(tag, &mut bench.done), Abandoned::Sent(None));
    let cancel = bench.send();
    assert_eq!((names(&cancel), cancel[0].other_tag), (vec!["CANCEL"], Some(tag.0)));
    bench.answer(queue[0].tag.unwrap(), |answer| {
        (answer.err_code, answer.kind) = (Some(127), Some(ErrorKind::Cancelled.number()));
        answer.counted = true;
    });
    bench.answer(cancel[0].tag.unwrap(), |_| {});
    assert!(!bench.table.is_busy() && bench.send().is_empty());
}

#[test]
fn a_queued_set_that_is_given_up_is_cancelled_over_the_next_connection_too() {
    let mut bench = opened();
    let (tag, _told) = bench.queued_set("/lock");
    bench.send();
    bench.table.abandon(tag, &mut bench.done);
    bench.send();
    bench.reconnect();
    let again = bench.send();
    assert_eq!(sent(&again), ["SET /lock 2", "CANCEL  0"]);
    assert_eq!(again[1].other_tag, again[0].tag);
    // Its turn had come: what it was granted is deleted.
    bench.count(&again[0], 9);
    bench.answer(again[1].tag.unwrap(), |_| {});
    let tidying = bench.send();
    assert_eq!((sent(&tidying), tidying[0].rev), (vec!["DEL /lock 3".to_owned()], Some(9)));
    bench.reconnect();
    let tidying = bench.send();
    assert_eq!(sent(&tidying), ["DEL /lock 3"]);
    bench.count(&tidying[0], 10);
    assert!(!bench.table.is_busy());
}

#[test]
fn too_many_places_are_an_error_at_once() {
    let mut bench = opened();
    let (_, mut told) = bench.queued_set("/lock");
    let requests = bench.send();
    bench.fail(&requests[0], ErrorKind::Overloaded, "this session waits in 1024 queues already");
    assert_eq!(kind(&mut told), Some(ErrorKind::Overloaded));
    bench.set("/a");
    assert_eq!(sent(&bench.send()), ["SET /a 2"]);
}
