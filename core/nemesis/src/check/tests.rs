//! A good history, and what is wrong with each way of spoiling it.

use super::*;
use crate::history::{Answer, ClientId, Copy, Event, Hold, Micros, Operation, ReadAt, Request, Stream};

/// Makes histories: one thing after the other, each call a moment after the one before has returned.
struct Story {
    history: History,
    events: Vec<(Micros, Event)>,
    now: Micros,
}

/// A way to spoil a list of such things.
type Spoil<T> = fn(&mut Vec<T>);

const A: &str = "/k/a";
const B: &str = "/k/b";
const LOCK: &str = "/lock/0";
const GUARDED: &str = "/guarded/0";

impl Story {
    fn new() -> Story {
        Story { history: History::default(), events: Vec::new(), now: 0 }
    }

    fn tick(&mut self) -> Micros {
        self.now += 10;
        self.now
    }

    /// A change, made now, which no watch shows before `shown`.
    fn change(&mut self, path: &str, value: Option<&str>, seen: Micros) -> i64 {
        let rev = self.events.len() as i64 + 1;
        let value = value.map(str::to_owned);
        self.events.push((seen, Event { rev, path: path.to_owned(), value }));
        rev
    }

    fn op(&mut self, place: usize, request: Request, answer: Answer) -> usize {
        let (called, returned) = (self.tick(), self.tick());
        let client = ClientId { place, number: 0 };
        self.history.operations.push(Operation { client, request, called, returned, answer });
        self.history.operations.len() - 1
    }

    /// A write that is acknowledged, and shown right after that.
    fn set(&mut self, path: &str, value: &str, rev: i64) -> i64 {
        let made = self.events.len() as i64 + 1;
        self.op(0, set(path, value, rev), Answer::Made(made));
        let seen = self.tick();
        self.change(path, Some(value), seen)
    }

    fn del(&mut self, path: &str, rev: i64) -> i64 {
        let made = self.events.len() as i64 + 1;
        self.op(0, del(path, rev), Answer::Made(made));
        let seen = self.tick();
        self.change(path, None, seen)
    }

    fn get(&mut self, place: usize, path: &str, at: ReadAt, answer: Answer) -> usize {
        self.op(place, get(path, at), answer)
    }

    /// A lock is given to somebody, who writes this under its fence; given back, it is gone. The hold's place in the history.
    fn hold(&mut self, place: usize, value: &str) -> usize {
        let client = ClientId { place, number: 5 };
        let granted = self.tick();
        let token = self.change(LOCK, Some(&client.to_string()), granted);
        let from = self.tick();
        self.set(GUARDED, value, -1);
        let (until, gone) = (self.tick(), self.tick());
        self.change(LOCK, None, gone);
        let (path, label, writes) = (LOCK.to_owned(), client.to_string(), vec![value.to_owned()]);
        self.history.holds.push(Hold { client, path, label, token, from, until, writes });
        self.history.holds.len() - 1
    }

    /// The whole history: two watches have seen everything, and two members hold the last state.
    fn end(mut self) -> History {
        let last = self.events.len() as i64;
        let mut files: Vec<(String, i64, String)> = Vec::new();
        for (_, event) in &self.events {
            files.retain(|(path, ..)| *path != event.path);
            files.extend(event.value.clone().map(|value| (event.path.clone(), event.rev, value)));
        }
        for place in 0..2 {
            let late = self.events.iter().map(|(at, event)| (at + place as Micros, event.clone())).collect();
            let stream = Stream { place, events: late, errors: Vec::new(), until: Some(last) };
            self.history.streams.push(stream);
            self.history.copies.push(Copy { place, rev: last, files: files.clone() });
        }
        self.history
    }
}

fn set(path: &str, value: &str, rev: i64) -> Request {
    Request::Set { path: path.into(), value: value.into(), rev }
}

fn del(path: &str, rev: i64) -> Request {
    Request::Del { path: path.into(), rev }
}

fn get(path: &str, at: ReadAt) -> Request {
    Request::Get { path: path.into(), at }
}

fn wait(glob: &str, rev: i64) -> Request {
    Request::Wait { glob: glob.into(), rev }
}

fn file(rev: i64, value: &str) -> Answer {
    Answer::File { rev, value: value.into() }
}

fn unknown() -> Answer {
    Answer::Unknown("no answer".into())
}

/// Revisions: 1 the cluster's own, 2 a=1, 3 b=2, 4 a=3 under a condition, 5 b deleted; reads and waits of all kinds.
fn good() -> Story {
    let mut story = Story::new();
    story.change("/ctl/name", Some("x"), 1);
    assert_eq!(story.set(A, "1", 0), 2);
    story.get(1, A, ReadAt::Linearizable, file(2, "1"));
    assert_eq!(story.set(B, "2", -1), 3);
    assert_eq!(story.set(A, "3", 2), 4);
    story.op(1, set(A, "refused", 2), Answer::Mismatch);
    story.op(1, set(A, "refused too", 0), Answer::Mismatch);
    story.op(1, set(A, "never", -1), Answer::Refused("no quorum, nothing was written".into()));
    story.get(1, A, ReadAt::Local, file(4, "3"));
    assert_eq!(story.del(B, 3), 5);
    story.op(1, del(B, -1), Answer::Missing);
    story.get(1, B, ReadAt::Linearizable, Answer::Missing);
    story.get(1, A, ReadAt::Revision(3), file(2, "1"));
    story.get(1, B, ReadAt::Revision(4), file(3, "2"));
    let event = |rev, path: &str, value: Option<&str>| {
        Answer::Change(Event { rev, path: path.into(), value: value.map(str::to_owned) })
    };
    story.op(1, wait("/k/*", 3), event(3, B, Some("2")));
    story.op(1, wait(B, 4), event(5, B, None));
    story.op(1, wait("/**", 0), event(1, "/ctl/name", Some("x")));
    story.op(1, wait(A, 5), Answer::Refused("timeout".into()));
    story
}

/// What is found in a history: the rules.
fn rules(history: &History) -> Vec<&'static str> {
    check(history).iter().map(|violation| violation.rule).collect()
}

/// Exactly this rule is broken, and the slice that shows it has something to show.
fn breaks(history: &History, rule: &str) -> String {
    let found = check(history);
    assert_eq!(found.iter().map(|violation| violation.rule).collect::<Vec<_>>(), [rule], "{found:#?}");
    let slice = slice(history, &found[0]);
    assert!((2..40).contains(&slice.lines().count()), "{slice}");
    slice
}

#[test]
fn a_good_history() {
    assert_eq!(rules(&good().end()), [""; 0]);
    assert_eq!(rules(&History::default()), [""; 0]);
}

#[test]
fn an_acknowledged_write_that_is_not_there() {
    let mut story = good();
    story.op(0, set(B, "lost", -1), Answer::Made(6));
    let slice = breaks(&story.end(), "writes");
    assert!(
        slice.contains("\"lost\" if -1 was acknowledged as revision 6, which is not in the log"),
        "{slice}"
    );
    let mut story = good();
    story.op(0, set(B, "lost", -1), Answer::Made(6));
    story.set(B, "other", -1);
    breaks(&story.end(), "writes");
}

#[test]
fn a_write_that_is_there_twice() {
    let mut story = good();
    let seen = story.tick();
    story.change(A, Some("3"), seen);
    breaks(&story.end(), "writes");
    let mut story = good();
    story.op(0, set(B, "u", -1), unknown());
    let seen = story.tick();
    story.change(B, Some("u"), seen);
    story.change(B, Some("u"), seen);
    breaks(&story.end(), "writes");
}

#[test]
fn an_unknown_write_may_be_there_or_not_and_late() {
    let mut story = good();
    story.op(0, set(B, "u", -1), unknown());
    story.op(0, set(B, "v", -1), unknown());
    story.op(0, del(A, 4), unknown());
    story.set(B, "w", -1);
    let seen = story.tick();
    story.change(B, Some("u"), seen);
    story.change(A, None, seen);
    assert_eq!(rules(&story.end()), [""; 0]);
}

#[test]
fn an_unknown_write_against_its_condition() {
    let mut story = good();
    story.op(0, set(A, "u", 2), unknown());
    let seen = story.tick();
    story.change(A, Some("u"), seen);
    breaks(&story.end(), "writes");
}

#[test]
fn an_acknowledged_write_against_its_condition() {
    let mut story = good();
    story.set(A, "late", 2);
    breaks(&story.end(), "writes");
    let mut story = good();
    story.set(A, "not new", 0);
    breaks(&story.end(), "writes");
}

#[test]
fn a_refused_write_that_is_there() {
    for value in ["refused", "never"] {
        let mut story = good();
        let seen = story.tick();
        story.change(A, Some(value), seen);
        breaks(&story.end(), "writes");
    }
}

#[test]
fn a_write_or_a_deletion_of_nobody() {
    let mut story = good();
    let seen = story.tick();
    story.change(A, Some("whose"), seen);
    breaks(&story.end(), "writes");
    let mut story = good();
    let seen = story.tick();
    story.change(A, None, seen);
    breaks(&story.end(), "writes");
    // One DEL deletes once, and only under its condition.
    for rev in [-1, 3] {
        let mut story = good();
        story.op(0, del(A, rev), unknown());
        let seen = story.tick();
        story.change(A, None, seen);
        if rev == -1 {
            story.set(A, "again", 0);
            let seen = story.tick();
            story.change(A, None, seen);
        }
        breaks(&story.end(), "writes");
    }
}

#[test]
fn unknown_deletions_are_told_apart() {
    let mut story = good();
    // Either could be the first deletion, only one the second.
    story.op(0, del(A, -1), unknown());
    story.op(0, del(A, 4), unknown());
    let seen = story.tick();
    story.change(A, None, seen);
    story.set(A, "again", 0);
    let seen = story.tick();
    story.change(A, None, seen);
    assert_eq!(rules(&story.end()), [""; 0]);
}

#[test]
fn one_revision_for_two() {
    let mut story = good();
    story.op(0, del(B, -1), Answer::Made(5));
    breaks(&story.end(), "writes");
}

#[test]
fn a_stale_linearizable_read() {
    let mut story = good();
    story.get(1, A, ReadAt::Linearizable, file(2, "1"));
    let slice = breaks(&story.end(), "real time");
    assert!(slice.contains("had been shown"), "{slice}");
    let mut story = good();
    story.get(1, B, ReadAt::Linearizable, file(3, "2"));
    breaks(&story.end(), "real time");
}

#[test]
fn a_stale_read_that_is_true_again_later() {
    // The state that it shows comes back, by a write that had not been called when it returned.
    let mut story = good();
    story.set(B, "back", 0);
    story.get(1, B, ReadAt::Linearizable, Answer::Missing);
    story.del(B, -1);
    let slice = breaks(&story.end(), "real time");
    assert!(
        slice.starts_with("real time: GET /k/b was answered \"missing\"; revision 6 had been shown"),
        "{slice}"
    );
    // While it is called, it may have come back.
    let mut story = good();
    story.set(B, "back", 0);
    let read = story.get(1, B, ReadAt::Linearizable, Answer::Missing);
    story.del(B, -1);
    story.history.operations[read].returned = story.tick();
    assert_eq!(rules(&story.end()), [""; 0]);
}

#[test]
fn a_linearizable_read_may_be_as_old_as_its_call() {
    let mut story = good();
    let read = story.get(1, A, ReadAt::Linearizable, file(4, "3"));
    story.set(A, "new", -1);
    story.history.operations[read].returned = story.tick();
    assert_eq!(rules(&story.end()), [""; 0]);
}

#[test]
fn a_read_from_the_future() {
    let mut story = good();
    story.get(1, A, ReadAt::Linearizable, file(6, "new"));
    story.set(A, "new", -1);
    breaks(&story.end(), "real time");
    // By a watch.
    let mut story = good();
    let seen = story.now;
    story.op(0, set(A, "new", -1), Answer::Made(6));
    story.change(A, Some("new"), seen);
    breaks(&story.end(), "real time");
}

#[test]
fn two_reads_that_no_order_explains() {
    // While a write is under way, one reads it, and then another one does not. A local read shows what others must see then, too.
    for at in [ReadAt::Linearizable, ReadAt::Local] {
        let mut story = good();
        let write = story.op(0, set(A, "new", -1), Answer::Made(6));
        story.get(1, A, at, file(6, "new"));
        story.get(2, A, ReadAt::Linearizable, file(4, "3"));
        let end = story.tick();
        story.history.operations[write].returned = end;
        story.change(A, Some("new"), end);
        breaks(&story.end(), "real time");
    }
}

#[test]
fn writes_that_change_places() {
    let mut story = good();
    story.op(0, set(A, "first", -1), Answer::Made(7));
    story.op(0, set(A, "second", -1), Answer::Made(6));
    let seen = story.tick();
    story.change(A, Some("second"), seen);
    story.change(A, Some("first"), seen);
    breaks(&story.end(), "real time");
}

#[test]
fn a_refusal_for_which_there_was_no_reason() {
    let mut story = good();
    story.op(1, set(A, "x", 4), Answer::Mismatch);
    breaks(&story.end(), "reads");
    // The file had been deleted before it was asked for.
    let mut story = good();
    story.op(1, set(B, "x", 0), Answer::Mismatch);
    breaks(&story.end(), "real time");
    let mut story = good();
    story.op(1, set(B, "x", -1), Answer::Mismatch);
    assert_eq!(rules(&story.end()), ["real time", "answers"]);
}

#[test]
fn local_reads_that_go_backwards() {
    let mut story = good();
    story.get(1, A, ReadAt::Local, file(2, "1"));
    breaks(&story.end(), "one client's reads");
    // Another client has not seen anything yet.
    let mut story = good();
    story.get(2, A, ReadAt::Local, file(2, "1"));
    story.get(2, B, ReadAt::Local, Answer::Missing);
    story.get(2, B, ReadAt::Local, file(3, "2"));
    assert_eq!(rules(&story.end()), [""; 0]);
}

#[test]
fn a_state_that_never_was() {
    for at in [ReadAt::Local, ReadAt::Linearizable] {
        let mut story = good();
        story.get(2, A, at, file(4, "1"));
        breaks(&story.end(), "reads");
        let mut story = good();
        story.get(2, A, at, file(9, "9"));
        breaks(&story.end(), "reads");
    }
}

#[test]
fn a_past_state_that_is_another_one() {
    for (path, rev, answer) in
        [(A, 3, file(4, "3")), (A, 1, file(2, "1")), (B, 5, file(3, "2")), (A, 4, Answer::Missing)]
    {
        let mut story = good();
        story.get(1, path, ReadAt::Revision(rev), answer);
        breaks(&story.end(), "past reads");
    }
    let mut story = good();
    story.get(1, B, ReadAt::Revision(60), Answer::Missing);
    breaks(&story.end(), "past reads");
}

#[test]
fn a_wait_that_answers_another_change() {
    let event = |rev, path: &str, value: Option<&str>| {
        Answer::Change(Event { rev, path: path.into(), value: value.map(str::to_owned) })
    };
    for (glob, rev, answer) in [
        ("/k/*", 3, event(4, A, Some("3"))),
        (A, 3, event(2, A, Some("1"))),
        ("/k/*", 2, event(2, A, Some("2"))),
        (B, 4, event(5, B, Some("2"))),
        (B, 6, event(7, B, Some("2"))),
    ] {
        let mut story = good();
        story.op(1, wait(glob, rev), answer);
        breaks(&story.end(), "waits");
    }
}

#[test]
fn what_no_member_may_answer() {
    let mut story = good();
    story.get(1, A, ReadAt::Linearizable, Answer::Wrong("TOO_LATE".into()));
    breaks(&story.end(), "answers");
}

#[test]
fn a_watch_with_a_hole_a_repetition_or_in_disorder() {
    let spoil: [Spoil<(Micros, Event)>; 4] = [
        |events| drop(events.remove(2)),
        |events| events.insert(2, events[2].clone()),
        |events| events.swap(2, 3),
        |events| events[0].1.rev = 0,
    ];
    for spoil in spoil {
        let mut history = good().end();
        spoil(&mut history.streams[1].events);
        breaks(&history, "events");
    }
}

#[test]
fn watches_that_differ() {
    let mut history = good().end();
    history.streams[1].events[3].1.value = Some("4".to_owned());
    let slice = breaks(&history, "events");
    assert!(slice.contains("the watch at member 0: 4: /k/a = \"3\""), "{slice}");
    assert!(slice.contains("the watch at member 1: 4: /k/a = \"4\""), "{slice}");
}

#[test]
fn a_watch_that_stands_still_or_ends() {
    let mut history = good().end();
    history.streams[1].events.pop();
    breaks(&history, "events");
    history.streams[1].until = None;
    assert_eq!(rules(&history), [""; 0]);
    history.streams[1].errors.push("TOO_LATE".to_owned());
    assert_eq!(rules(&history), ["events"]);
}

#[test]
fn members_that_differ_in_the_end() {
    let spoil: [Spoil<(String, i64, String)>; 4] = [
        |files| drop(files.pop()),
        |files| files.push((B.to_owned(), 3, "2".to_owned())),
        |files| files[1].1 = 2,
        |files| files[1].2 = "1".to_owned(),
    ];
    for spoil in spoil {
        let mut history = good().end();
        spoil(&mut history.copies[1].files);
        assert_eq!(rules(&history), ["members"]);
    }
}

#[test]
fn a_slice_shows_what_overlaps_and_what_was_done() {
    let mut story = good();
    story.history.notes.push((story.now, "cut 0>1".to_owned()));
    story.get(1, A, ReadAt::Linearizable, file(2, "1"));
    let last = story.history.operations.len() - 1;
    for other in 0..40 {
        let mut near = story.history.operations[last].clone();
        near.client.place = other;
        near.answer = file(4, "3");
        story.history.operations.push(near);
    }
    let slice = breaks(&story.end(), "real time");
    assert!(slice.contains("** cut 0>1"), "{slice}");
    assert!(slice.contains("> +     0.000 ms") || slice.contains("> + "), "{slice}");
    assert!(slice.lines().count() < 25, "{slice}");
}

/// Two clients have had a lock, one after the other.
fn two_holds() -> Story {
    let mut story = good();
    story.hold(0, "first");
    story.hold(1, "second");
    story
}

#[test]
fn locks_that_were_held_in_turn() {
    assert_eq!(rules(&two_holds().end()), [""; 0]);
    // Who was told late, and not of all that it held, has held it all the same.
    let mut story = two_holds();
    story.history.holds[0].from = story.history.holds[0].until;
    assert_eq!(rules(&story.end()), [""; 0]);
}

#[test]
fn a_lock_with_two_holders() {
    let mut story = two_holds();
    story.history.holds[1].from = story.history.holds[0].until;
    assert!(breaks(&story.end(), "locks").contains("two holders"));
    // The times are all right, the tokens are not.
    let mut story = two_holds();
    let (first, second) = (story.history.holds[0].clone(), story.history.holds[1].clone());
    story.history.holds[0] = Hold { from: second.from, until: second.until, ..first.clone() };
    story.history.holds[1] = Hold { from: first.from, until: first.until, ..second };
    breaks(&story.end(), "locks");
}

#[test]
fn a_lock_that_was_given_away_too_early() {
    let mut story = two_holds();
    story.history.holds[0].until += 15;
    assert!(breaks(&story.end(), "locks").contains("/lock/0 deleted was seen"));
}

#[test]
fn a_lock_that_nobody_was_given() {
    let mut story = two_holds();
    story.history.holds[1].token = 900;
    assert!(breaks(&story.end(), "locks").contains("there is no such revision"));
    let mut story = two_holds();
    story.history.holds[1].label = "somebody else".to_owned();
    breaks(&story.end(), "locks");
}

#[test]
fn a_write_under_a_fence_that_was_down() {
    let mut story = two_holds();
    let late = story.set(GUARDED, "too late", -1);
    story.history.holds[0].writes.push("too late".to_owned());
    let slice = breaks(&story.end(), "locks");
    assert!(slice.contains(&format!("{late}: /guarded/0")), "{slice}");
}
