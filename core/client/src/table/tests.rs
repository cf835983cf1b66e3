//! What becomes of calls, without a connection: the transport's part is played by counting bytes.

mod chaos;
mod commands;
mod holder;
mod queued;

use super::*;
use crate::calls::Answer;
use crate::streams::Taken;
use bytes::Bytes;
use doozer_wire::{Decoder, FLAG_PROGRESS, FLAG_SET, HelloReply};
use tokio::sync::oneshot;

/// A table and the connection it is handed to.
struct Bench {
    table: Table,
    peer: Peer,
    now: Moment,
    done: Done,
    taken: u64,
    out: BytesMut,
}

fn bench(features: Features) -> Bench {
    let hello =
        HelloReply { features, value_bytes_max: 1 << 20, frame_bytes_max: 4 << 20, ..HelloReply::default() };
    Bench {
        table: table(),
        now: Moment::default(),
        peer: Peer::modern(&hello),
        done: Done::default(),
        taken: 0,
        out: BytesMut::new(),
    }
}

/// A table whose sessions have a TTL of 12 s.
fn table() -> Table {
    Table::new(Terms::sample(), Random::seeded(1))
}

fn modern() -> Bench {
    bench(Features::CANCEL | Features::LIST | Features::WATCH | Features::PING | Features::LOCAL_READS)
}

fn request(verb: Verb, path: &str, rev: Option<i64>) -> Request {
    let path = Some(Bytes::copy_from_slice(path.as_bytes()));
    Request { verb: verb as i32, path, rev, ..Request::default() }
}

impl Bench {
    fn submit(&mut self, verb: Verb, path: &str, rev: Option<i64>) -> (Tag, oneshot::Receiver<Answer>) {
        let (caller, answer) = oneshot::channel();
        (self.table.submit(request(verb, path, rev), Owner::Caller(caller), &mut self.done), answer)
    }

    fn fill(&mut self) {
        self.table.fill(&self.peer, self.now, self.taken, &mut self.out, Waker::noop(), &mut self.done);
    }

    /// The transport takes so many bytes of what it was handed.
    fn take(&mut self, bytes: usize) -> BytesMut {
        self.taken += bytes as u64;
        self.out.split_to(bytes)
    }

    /// The transport takes everything; returns the requests.
    fn send(&mut self) -> Vec<Request> {
        self.fill();
        let mut sent = self.take(self.out.len());
        let mut decoder = Decoder::new(1 << 30);
        let mut requests = Vec::new();
        while let Some(body) = decoder.next(&mut sent).unwrap() {
            requests.push(Request::decode(body).unwrap());
        }
        requests
    }

    fn answer(&mut self, tag: i32, fill: impl FnOnce(&mut OwnedResponse)) {
        let mut response = OwnedResponse { tag: Some(tag), ..OwnedResponse::default() };
        fill(&mut response);
        self.table.answer(response, self.now, &mut self.done);
        self.done.deliver();
    }

    fn lose(&mut self) {
        self.table.lost(self.taken, "reset", self.now, &mut self.done);
        self.done.deliver();
        (self.taken, self.out) = (0, BytesMut::new());
    }

    fn event(&mut self, tag: i32, rev: i64) {
        self.answer(tag, |answer| {
            (answer.rev, answer.path, answer.flags) =
                (Some(rev), Some(Bytes::from_static(b"/a")), Some(FLAG_SET));
        });
    }

    /// The revisions of the events a watch's reader finds.
    fn events(&mut self, id: WatchId) -> Vec<i64> {
        match self.table.streams.take(id, Waker::noop()) {
            Taken::Events(events) => events.iter().map(|event| event.rev).collect(),
            Taken::Nothing => Vec::new(),
            other => panic!("{other:?}"),
        }
    }
}

fn names(requests: &[Request]) -> Vec<&'static str> {
    requests.iter().map(|request| Verb::from_i32(request.verb).map_or("?", Verb::name)).collect()
}

fn kind(answer: &mut oneshot::Receiver<Answer>) -> Option<ErrorKind> {
    answer.try_recv().unwrap().err().map(|failure| failure.kind)
}

#[test]
fn answers_find_their_callers_in_any_order() {
    let mut bench = modern();
    let (first, mut a) = bench.submit(Verb::Get, "/a", None);
    let (second, mut b) = bench.submit(Verb::Get, "/b", None);
    assert_eq!(names(&bench.send()), ["GET", "GET"]);
    bench.answer(second.0, |answer| answer.rev = Some(2));
    bench.answer(first.0, |answer| answer.rev = Some(1));
    assert_eq!(a.try_recv().unwrap().unwrap().response.rev, Some(1));
    assert_eq!(b.try_recv().unwrap().unwrap().response.rev, Some(2));
    assert!(!bench.table.is_busy());
}

#[test]
fn an_answer_to_nothing_is_ignored() {
    let mut bench = modern();
    let (tag, mut answer) = bench.submit(Verb::Get, "/a", None);
    // It was not sent yet.
    bench.answer(tag.0, |answer| answer.rev = Some(9));
    bench.answer(777, |answer| answer.rev = Some(9));
    bench.table.answer(OwnedResponse::default(), bench.now, &mut bench.done);
    assert!(answer.try_recv().is_err());
    assert_eq!(names(&bench.send()), ["GET"]);
}

#[test]
fn a_write_is_sent_again_only_if_none_of_it_was_taken() {
    let mut bench = modern();
    let (_, mut whole) = bench.submit(Verb::Set, "/whole", Some(0));
    bench.fill();
    let one = bench.out.len();
    let (_, mut part) = bench.submit(Verb::Set, "/parts", Some(0));
    let (_, mut none) = bench.submit(Verb::Set, "/nones", Some(0));
    bench.fill();
    bench.take(one + 1);
    bench.lose();
    assert_eq!(kind(&mut whole), Some(ErrorKind::OutcomeUnknown));
    assert_eq!(kind(&mut part), Some(ErrorKind::OutcomeUnknown));
    assert!(none.try_recv().is_err());
    let again = bench.send();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].path.as_deref(), Some(&b"/nones"[..]));
}

#[test]
fn a_frame_taken_up_to_its_last_byte_leaves_the_next_untouched() {
    let mut bench = modern();
    let (_, mut first) = bench.submit(Verb::Del, "/a", Some(5));
    bench.fill();
    let one = bench.out.len();
    let (_, mut second) = bench.submit(Verb::Del, "/b", Some(5));
    bench.fill();
    bench.take(one);
    bench.lose();
    assert_eq!(kind(&mut first), Some(ErrorKind::OutcomeUnknown));
    assert!(second.try_recv().is_err());
    assert_eq!(names(&bench.send()), ["DEL"]);
}

#[test]
fn reads_and_waits_are_sent_again_in_order() {
    let mut bench = modern();
    let mut waiting = Vec::new();
    for (verb, path) in [(Verb::Get, "/a"), (Verb::Wait, "/b"), (Verb::Nop, "/"), (Verb::Stat, "/c")] {
        waiting.push(bench.submit(verb, path, Some(3)).1);
    }
    bench.send();
    waiting.push(bench.submit(Verb::Get, "/d", None).1);
    bench.lose();
    assert_eq!(names(&bench.send()), ["GET", "WAIT", "NOP", "STAT", "GET"]);
    assert!(waiting.iter_mut().all(|answer| answer.try_recv().is_err()));
}

#[test]
fn what_a_stalled_transport_has_not_begun_can_still_be_taken_back() {
    let mut bench = modern();
    let (first, _a) = bench.submit(Verb::Set, "/a", Some(0));
    let (second, _b) = bench.submit(Verb::Set, "/b", Some(0));
    let (third, _c) = bench.submit(Verb::Set, "/c", Some(0));
    bench.fill();
    bench.take(1);
    let begins = bench.table.give_back(bench.taken, &mut bench.done).unwrap();
    bench.out.truncate((begins - bench.taken) as usize);
    assert_eq!(bench.table.abandon(first, &mut bench.done), Abandoned::Sent(None));
    assert_eq!(bench.table.abandon(second, &mut bench.done), Abandoned::Unsent(None));
    let rest = bench.out.len();
    bench.take(rest);
    let sent = bench.send();
    assert_eq!(sent.iter().filter_map(|request| request.tag).collect::<Vec<_>>(), [third.0]);
}

#[test]
fn a_write_nobody_waits_for_any_more_is_not_sent_again() {
    let mut bench = modern();
    let (tag, _answer) = bench.submit(Verb::Set, "/a", Some(0));
    bench.fill();
    assert_eq!(bench.table.abandon(tag, &mut bench.done), Abandoned::Sent(None));
    bench.lose();
    assert!(!bench.table.is_busy());
    assert!(bench.send().is_empty());
}

#[test]
fn a_wait_is_cancelled_and_its_tag_kept_until_that_is_answered() {
    let mut bench = modern();
    let (tag, _answer) = bench.submit(Verb::Wait, "/a", Some(1));
    bench.send();
    assert_eq!(bench.table.abandon(tag, &mut bench.done), Abandoned::Sent(None));
    let sent = bench.send();
    assert_eq!(names(&sent), ["CANCEL"]);
    assert_eq!(sent[0].other_tag, Some(tag.0));
    assert!(bench.table.calls.contains_key(&tag));
    bench.answer(sent[0].tag.unwrap(), |_| {});
    assert!(!bench.table.is_busy());
}

#[test]
fn only_reads_that_may_block_are_cancelled() {
    for (verb, rev, expected) in [
        (Verb::Get, None, &["CANCEL"][..]),
        (Verb::Get, Some(11), &["CANCEL"]),
        (Verb::Get, Some(10), &[]),
        (Verb::Set, Some(11), &[]),
    ] {
        let mut bench = modern();
        let (seen, _answer) = bench.submit(Verb::Rev, "/", None);
        bench.send();
        bench.answer(seen.0, |answer| answer.store_rev = Some(10));
        let (tag, _answer) = bench.submit(verb, "/a", rev);
        bench.send();
        assert_eq!(bench.table.abandon(tag, &mut bench.done), Abandoned::Sent(None));
        assert_eq!(names(&bench.send()), expected, "{verb:?} {rev:?}");
    }
}

#[test]
fn without_cancel_a_dropped_wait_costs_its_tag_until_it_answers() {
    let mut bench = bench(Features::default());
    let (tag, _answer) = bench.submit(Verb::Wait, "/a", Some(1));
    bench.send();
    assert_eq!(bench.table.abandon(tag, &mut bench.done), Abandoned::Sent(None));
    assert!(bench.send().is_empty());
    assert!(bench.table.is_busy());
    bench.event(tag.0, 3);
    assert!(!bench.table.is_busy());
}

#[test]
fn tags_are_not_given_twice_while_in_use() {
    let mut bench = modern();
    let (first, _a) = bench.submit(Verb::Wait, "/a", Some(1));
    bench.table.last_tag = i32::MAX;
    let (second, _b) = bench.submit(Verb::Wait, "/b", Some(1));
    assert_eq!((first, second), (Tag(1), Tag(2)));
}

#[test]
fn reads_never_go_back_behind_what_was_seen() {
    let mut bench = modern();
    let (tag, _answer) = bench.submit(Verb::Get, "/a", None);
    assert_eq!(bench.send()[0].min_rev, None);
    bench.answer(tag.0, |answer| answer.store_rev = Some(40));
    let (tag, _answer) = bench.submit(Verb::Set, "/a", Some(-1));
    assert_eq!(bench.send()[0].min_rev, None);
    bench.answer(tag.0, |answer| answer.store_rev = Some(39));
    for (verb, rev, expected) in
        [(Verb::Get, None, Some(40)), (Verb::Get, Some(7), None), (Verb::List, None, Some(40))]
    {
        bench.submit(verb, "/a", rev);
        assert_eq!(bench.send()[0].min_rev, expected, "{verb:?} {rev:?}");
    }
    bench.lose();
    let resent = bench.send();
    assert!(resent.iter().all(|request| request.rev.is_some() || request.min_rev == Some(40)));
    assert_eq!(resent.len(), 3);
}

#[test]
fn a_member_that_is_shutting_down_is_left_once_its_writes_are_answered() {
    let mut bench = modern();
    let (sent, mut a) = bench.submit(Verb::Set, "/a", Some(0));
    let (refused, mut b) = bench.submit(Verb::Set, "/b", Some(0));
    bench.send();
    bench.answer(refused.0, |answer| {
        (answer.err_code, answer.kind) = (Some(127), Some(ErrorKind::ShuttingDown.number()));
    });
    assert!(!bench.table.has_drained());
    bench.submit(Verb::Get, "/c", None);
    assert!(bench.send().is_empty());
    bench.answer(sent.0, |answer| answer.rev = Some(1));
    assert!(bench.table.has_drained());
    assert_eq!(kind(&mut a), None);
    assert!(b.try_recv().is_err());
    bench.lose();
    assert!(!bench.table.has_drained());
    let mut again = bench.send();
    again.sort_by_key(|request| request.tag);
    assert_eq!(names(&again), ["SET", "GET"]);
}

#[test]
fn a_member_that_says_goodbye_is_left_once_its_writes_are_answered() {
    let mut bench = modern();
    let (sent, mut a) = bench.submit(Verb::Set, "/a", Some(0));
    let (refused, mut b) = bench.submit(Verb::Set, "/b", Some(0));
    bench.submit(Verb::Wait, "/c", Some(1));
    bench.send();
    let mut goodbye = OwnedResponse { err_code: Some(127), ..OwnedResponse::default() };
    bench.table.answer(goodbye.clone(), bench.now, &mut bench.done);
    assert!(!bench.table.draining, "an untagged answer of another kind says nothing");
    goodbye.kind = Some(ErrorKind::ShuttingDown.number());
    bench.table.answer(goodbye.clone(), bench.now, &mut bench.done);
    bench.submit(Verb::Get, "/d", None);
    assert!(bench.send().is_empty());
    bench.answer(sent.0, |answer| answer.rev = Some(1));
    assert!(!bench.table.has_drained());
    // Sent before the goodbye came, and read behind it.
    bench.answer(refused.0, |answer| (answer.err_code, answer.kind) = (goodbye.err_code, goodbye.kind));
    assert!(bench.table.has_drained());
    assert_eq!(kind(&mut a), None);
    assert!(b.try_recv().is_err());
    bench.lose();
    let mut again = bench.send();
    again.sort_by_key(|request| request.tag);
    assert_eq!(names(&again), ["SET", "WAIT", "GET"]);
}

#[test]
fn what_the_member_cannot_take_fails_unsent() {
    let mut bench = modern();
    let (caller, mut large) = oneshot::channel();
    let value = Some(Bytes::from(vec![0; (1 << 20) + 1]));
    let request = Request { value, ..request(Verb::Set, "/a", Some(0)) };
    bench.table.submit(request, Owner::Caller(caller), &mut bench.done);
    let (_, mut unknown) = bench.submit(Verb::Status, "/", None);
    assert!(bench.send().is_empty());
    bench.done.deliver();
    assert_eq!(kind(&mut large), Some(ErrorKind::TooLarge));
    assert_eq!(kind(&mut unknown), Some(ErrorKind::UnknownVerb));
}

#[test]
fn closing_tells_sent_writes_from_the_rest() {
    let mut bench = modern();
    let (_, mut sent) = bench.submit(Verb::Set, "/a", Some(0));
    let (_, mut wait) = bench.submit(Verb::Wait, "/a", Some(1));
    bench.send();
    let (_, mut queued) = bench.submit(Verb::Set, "/b", Some(0));
    let closed = Failure::new(ErrorKind::Closed, "");
    bench.table.fail_all(&closed, &mut bench.done);
    bench.done.deliver();
    assert_eq!(kind(&mut sent), Some(ErrorKind::OutcomeUnknown));
    assert_eq!(kind(&mut wait), Some(ErrorKind::Closed));
    assert_eq!(kind(&mut queued), Some(ErrorKind::Closed));
}

#[test]
fn the_dead_do_not_pile_up_in_the_queue() {
    let mut bench = modern();
    for _ in 0..1000 {
        let (tag, _answer) = bench.submit(Verb::Get, "/a", None);
        assert_eq!(bench.table.abandon(tag, &mut bench.done), Abandoned::Unsent(None));
    }
    assert!(bench.table.queue.len() < 10);
}

#[test]
fn a_watch_goes_on_after_what_it_has_seen() {
    let mut bench = modern();
    let id = bench.table.open_watch("/**", 5, &mut bench.done);
    let first = bench.send();
    assert_eq!((names(&first), first[0].rev), (vec!["WATCH"], Some(5)));
    let tag = first[0].tag.unwrap();
    bench.event(tag, 7);
    bench.event(tag, 7);
    bench.event(tag, 6);
    bench.event(tag, 9);
    bench.lose();
    let again = bench.send();
    assert_eq!((names(&again), again[0].rev), (vec!["WATCH"], Some(10)));
    bench
        .answer(again[0].tag.unwrap(), |answer| (answer.flags, answer.rev) = (Some(FLAG_PROGRESS), Some(30)));
    assert_eq!(bench.table.streams.complete(id), None);
    assert_eq!(bench.events(id), [7, 9]);
    assert_eq!(bench.table.streams.complete(id), Some(30));
    bench.lose();
    assert_eq!(bench.send()[0].rev, Some(31));
}

#[test]
fn a_slow_reader_stops_the_watch_and_resumes_it() {
    let mut bench = modern();
    let id = bench.table.open_watch("/**", 1, &mut bench.done);
    let tag = bench.send()[0].tag.unwrap();
    for rev in 1..5000 {
        bench.event(tag, rev);
    }
    let cancel = bench.send();
    assert_eq!((names(&cancel), cancel[0].other_tag), (vec!["CANCEL"], Some(tag)));
    let seen = bench.events(id);
    assert_eq!(seen, (1..=4096).collect::<Vec<_>>());
    assert!(bench.table.streams.is_paused(id));
    bench.table.resume_watch(id, &mut bench.done);
    // Those on their way when the watch was stopped belong to the old tag.
    bench.event(tag, 5000);
    bench.answer(cancel[0].tag.unwrap(), |_| {});
    let again = bench.send();
    assert_eq!((names(&again), again[0].rev), (vec!["WATCH"], Some(4097)));
    assert_ne!(again[0].tag, Some(tag));
    assert!(bench.events(id).is_empty());
}

#[test]
fn large_events_stop_a_watch_by_their_bytes() {
    let mut bench = modern();
    let id = bench.table.open_watch("/**", 1, &mut bench.done);
    let tag = bench.send()[0].tag.unwrap();
    for rev in 1..=5 {
        bench.answer(tag, |answer| {
            (answer.rev, answer.path, answer.flags) =
                (Some(rev), Some(Bytes::from_static(b"/a")), Some(FLAG_SET));
            answer.value = Some(Bytes::from(vec![0; 1 << 20]));
        });
    }
    assert_eq!(names(&bench.send()), ["CANCEL"]);
    assert_eq!(bench.events(id), [1, 2, 3, 4]);
}

#[test]
fn without_watch_one_wait_follows_another() {
    let mut bench = bench(Features::default());
    let id = bench.table.open_watch("/**", 5, &mut bench.done);
    for rev in [8, 9, 20] {
        let sent = bench.send();
        assert_eq!(names(&sent), ["WAIT"]);
        assert!(sent[0].rev <= Some(rev));
        bench.event(sent[0].tag.unwrap(), rev);
    }
    assert_eq!(bench.send()[0].rev, Some(21));
    assert_eq!(bench.events(id), [8, 9, 20]);
    bench.lose();
    // The next member knows WATCH.
    bench.peer = modern().peer;
    let sent = bench.send();
    assert_eq!((names(&sent), sent[0].rev), (vec!["WATCH"], Some(21)));
}

#[test]
fn an_error_ends_a_watch_after_its_events() {
    let mut bench = modern();
    let id = bench.table.open_watch("/**", 1, &mut bench.done);
    let tag = bench.send()[0].tag.unwrap();
    bench.event(tag, 1);
    bench.answer(tag, |answer| answer.err_code = Some(ErrorKind::TooLate as i32));
    assert_eq!(bench.events(id), [1]);
    let end = bench.table.streams.take(id, Waker::noop());
    assert_eq!(end, Taken::Failed(Failure::new(ErrorKind::TooLate, "")));
    assert_eq!(bench.table.streams.take(id, Waker::noop()), Taken::Over);
    bench.lose();
    assert!(bench.send().is_empty());
}

#[test]
fn a_closed_watch_is_cancelled() {
    let mut bench = modern();
    let id = bench.table.open_watch("/**", 1, &mut bench.done);
    let tag = bench.send()[0].tag;
    bench.table.close_watch(id, &mut bench.done);
    let sent = bench.send();
    assert_eq!((names(&sent), sent[0].other_tag), (vec!["CANCEL"], tag));
    let id = bench.table.open_watch("/**", 1, &mut bench.done);
    bench.table.close_watch(id, &mut bench.done);
    assert!(bench.send().is_empty());
}
