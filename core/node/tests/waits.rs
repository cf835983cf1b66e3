//! WAIT, WATCH, CANCEL and blocked reads over a real connection.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::BytesMut;
use doozer_node::{Config, History, Limits};
use doozer_wire::{ErrorKind, FLAG_DEL, FLAG_PROGRESS, FLAG_SET, OwnedResponse, Request, Verb};
use support::{Member, Raw, at, cancel, kind, request, set, wait, watch};

/// The events of a stream up to `last`, without the progress marks, which must never be behind what came before.
fn events_until(raw: &mut Raw, tag: i32, last: i64) -> Vec<OwnedResponse> {
    let mut events: Vec<OwnedResponse> = Vec::new();
    let mut seen = 0;
    while seen < last {
        let response = raw.answer(tag);
        assert_eq!(response.failure(), None);
        let rev = response.rev.unwrap();
        if response.flags == Some(FLAG_PROGRESS) {
            assert!(rev >= seen, "a mark of {rev} after {seen}");
            continue;
        }
        assert!(rev > seen, "revision {rev} after {seen}");
        seen = rev;
        events.push(response);
    }
    events
}

#[test]
fn extensions_need_a_hello() {
    let member = Member::start(Config::default());
    let mut raw = member.connect();
    for verb in [Verb::List, Verb::Status, Verb::Watch, Verb::Cancel] {
        let reply = raw.call(Request { rev: Some(1), other_tag: Some(1), ..at(verb, "/**") });
        assert_eq!(reply.err_code, Some(127), "{verb:?}");
        assert!(reply.err_detail.unwrap().contains("HELLO"), "{verb:?}");
        assert_eq!(reply.kind, None, "no field of ours before HELLO");
    }
    raw.hello();
    let reply = raw.call(Request { rev: Some(1), ..at(Verb::List, "/ctl/name") });
    assert_eq!(kind(&reply), None);
    member.stop();
}

#[test]
fn nothing_follows_a_cancel() {
    let member = Member::start(Config::default());
    let (mut waiter, mut writer) = (member.modern(), member.connect());
    for n in 0..1000 {
        writer.send(&Request { tag: Some(n), ..set(&format!("/many/{n}"), "x", 0) });
    }
    (0..1000).for_each(|n| drop(writer.answer(n)));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                writer.set("/busy/f", "x", -1);
            }
        });
        // Dropped when an assertion fails, too: the writer must end for the test to fail.
        let _stop = SetOnDrop(&stop);
        let mut answered = 0;
        for round in 0..60_000 {
            // Who wins the race is up to the machine.
            if round >= 600 && answered > 0 {
                break;
            }
            let rev = waiter.rev() + 1;
            // A tag of its own, so that what comes after all is not taken for the next round's.
            let tag = 100 + round;
            let request = match round % 3 {
                0 => wait("/busy/*", rev, tag),
                1 => watch("/busy/**", rev, tag),
                _ => Request { tag: Some(tag), rev: Some(rev), ..at(Verb::Get, "/busy/f") },
            };
            // The list in between gives the change time to come while the member is still at this batch.
            let mut frames = BytesMut::new();
            request.encode_frame(&mut frames);
            Request { tag: Some(4), ..at(Verb::List, "/many/*") }.encode_frame(&mut frames);
            Request { tag: Some(6), ..cancel(tag) }.encode_frame(&mut frames);
            Request { tag: Some(7), ..request_ping() }.encode_frame(&mut frames);
            waiter.send_bytes(&frames);
            let mut cancelled = false;
            loop {
                match waiter.next().unwrap().tag {
                    Some(4) => {}
                    Some(late) if late == tag && cancelled => {
                        panic!("round {round}: after the cancel's answer")
                    }
                    Some(event) if event == tag => answered += 1,
                    Some(6) => cancelled = true,
                    Some(7) => break,
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(answered > 0, "the writer never won the race: the test shows nothing");
    });
    let mut raw = member.modern();
    assert_eq!(raw.status().watches, 0);
    member.stop();
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn request_ping() -> Request {
    request(Verb::Ping)
}

#[test]
fn a_tag_is_free_again_once_its_wait_is_answered() {
    let member = Member::start(Config::default());
    let (mut waiter, mut writer) = (member.modern(), member.connect());
    let mut rev = writer.rev();
    for _ in 0..10 {
        waiter.send(&wait("/f", rev + 1, 5));
        rev = writer.set("/f", "x", -1);
        assert_eq!(waiter.answer(5).rev, Some(rev));
    }
    member.stop();
}

#[test]
fn a_blocked_read_is_answered_by_the_very_change_it_waits_for() {
    let member = Member::start(Config::default());
    let (mut reader, mut writer) = (member.modern(), member.connect());
    for _ in 0..10 {
        let next = writer.rev() + 1;
        reader.send(&Request { tag: Some(5), rev: Some(next), ..at(Verb::Get, "/f") });
        assert_eq!(reader.status().watches, 1);
        writer.set("/f", "x", -1);
        assert_eq!(reader.answer(5).rev, Some(next));
    }
    member.stop();
}

#[test]
fn many_streams_of_one_connection_each_keep_their_order_under_pressure() {
    let member = Member::start(Config::default());
    let (mut watcher, mut writer) = (member.modern(), member.connect());
    let first = writer.rev() + 1;
    let globs = ["/p/*", "/p/a*", "/**", "/p/b*", "/p/?"];
    for (tag, glob) in globs.iter().enumerate() {
        watcher.send(&watch(glob, first, tag as i32));
    }
    let changes = 3000;
    let last = first + changes - 1;
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..changes as i32 {
                let path = ["/p/a", "/p/b", "/p/ab", "/p/ba"][n as usize % 4];
                writer.send(&Request { tag: Some(n), ..set(path, vec![b'v'; 8 << 10], -1) });
                if n % 50 == 49 {
                    (n - 49..=n).for_each(|n| assert_eq!(writer.answer(n).failure(), None));
                }
            }
        });
        // Reads as it comes, so that streams fall behind and catch up again and again.
        let mut seen = [first - 1; 5];
        while seen[0] < last || seen[2] < last {
            let response = watcher.next().unwrap();
            let (tag, rev) = (response.tag.unwrap() as usize, response.rev.unwrap());
            if response.flags != Some(FLAG_PROGRESS) {
                assert!(rev > seen[tag], "{}: {rev} after {}", globs[tag], seen[tag]);
                assert!(![0, 2].contains(&tag) || rev == seen[tag] + 1, "{}: a hole", globs[tag]);
                seen[tag] = rev;
            }
        }
    });
    member.stop();
}

#[test]
fn a_watch_misses_and_repeats_nothing() {
    let member = Member::start(Config::default());
    let (mut watcher, mut writer) = (member.modern(), member.connect());
    let first = writer.rev() + 1;
    writer.set("/a/1", "old", 0);
    watcher.send(&watch("/a/**", first, 1));
    let mut last = 0;
    for i in 0..500 {
        writer.set("/b/noise", "x", -1);
        last = writer.set(&format!("/a/{}", i % 7), format!("{i}"), -1);
        if i % 50 == 49 {
            writer.del(&format!("/a/{}", i % 7), -1);
            last += 1;
        }
    }
    let events = events_until(&mut watcher, 1, last);
    assert_eq!(events.len(), 1 + 500 + 10);
    assert_eq!(events.iter().filter(|event| event.flags == Some(FLAG_DEL)).count(), 10);
    assert!(events.iter().all(|event| event.path.as_ref().unwrap().starts_with(b"/a/")));
    member.stop();
}

#[test]
fn a_slow_reader_is_held_back_and_then_gets_everything() {
    let member = Member::start(Config::default());
    let (mut watcher, mut writer) = (member.modern(), member.connect());
    let first = writer.rev() + 1;
    watcher.send(&watch("/big/*", first, 1));
    watcher.send(&watch("/**", first, 2));
    // More than the sockets' buffers and the outbox hold together, while nothing is read.
    let value = vec![b'v'; 16 << 10];
    for i in 0..2000 {
        writer.set(&format!("/big/{}", i % 10), value.clone(), -1);
    }
    let last = writer.rev();
    let events = events_until(&mut watcher, 1, last);
    let revs: Vec<i64> = events.iter().map(|event| event.rev.unwrap()).collect();
    assert_eq!(revs, (first..=last).collect::<Vec<_>>());
    assert_eq!(events_until(&mut watcher, 2, last).len(), events.len());
    // Live again: the next change comes at once.
    let next = writer.set("/big/0", "last", -1);
    assert_eq!(events_until(&mut watcher, 1, next).len(), 1);
    member.stop();
}

#[test]
fn a_reader_that_falls_off_the_history_is_told() {
    let history = History { revisions_max: 100, ..History::default() };
    let member = Member::start(Config { history, ..Config::default() });
    let (mut watcher, mut writer) = (member.modern(), member.connect());
    let first = writer.rev() + 1;
    watcher.send(&watch("/**", first, 1));
    let value = vec![b'v'; 64 << 10];
    for _ in 0..1000 {
        writer.set("/f", value.clone(), -1);
    }
    let mut next = first;
    loop {
        let response = watcher.answer(1);
        if let Some((kind, _)) = response.failure() {
            assert_eq!(kind, ErrorKind::TooLate);
            break;
        }
        if response.flags == Some(FLAG_SET) {
            assert_eq!(response.rev, Some(next), "what was sent before it has no hole");
            next += 1;
        }
    }
    assert!(next <= writer.rev(), "it did fall off");
    assert_eq!(watcher.status().watches, 0);
    member.stop();
}

#[test]
fn an_idle_watch_learns_how_far_it_has_seen() {
    let member = Member::start(Config::default());
    let (mut watcher, mut writer) = (member.modern(), member.connect());
    let now = writer.rev();
    watcher.send(&watch("/quiet", now + 1, 1));
    let mark = watcher.answer(1);
    assert_eq!((mark.flags, mark.rev), (Some(FLAG_PROGRESS), Some(now)));
    let other = writer.set("/other", "x", -1);
    let mark = watcher.answer(1);
    assert_eq!((mark.flags, mark.rev), (Some(FLAG_PROGRESS), Some(other)));
    member.stop();
}

#[test]
fn reads_of_the_future_wait_and_can_be_cancelled() {
    let member = Member::start(Config::default());
    let (mut reader, mut writer) = (member.modern(), member.connect());
    let now = writer.set("/f", "one", 0);
    let read = |verb, tag, rev| Request { tag: Some(tag), rev: Some(rev), offset: Some(0), ..at(verb, "/f") };
    reader.send(&read(Verb::Get, 1, now + 2));
    reader.send(&read(Verb::Walk, 2, now + 2));
    reader.send(&read(Verb::Stat, 3, now + 3));
    reader.send(&read(Verb::List, 4, now + 2));
    reader.send(&Request { tag: Some(5), min_rev: Some(now + 2), ..at(Verb::Get, "/f") });
    assert_eq!(reader.status().watches, 5);

    // One tag, two outstanding requests: the second is refused, the first goes on.
    reader.send(&read(Verb::Get, 3, now + 9));
    assert_eq!(kind(&reader.answer(3)), Some(ErrorKind::TagInUse));
    assert_eq!(kind(&reader.call(cancel(3))), None);
    assert_eq!(reader.status().watches, 4);
    assert_eq!(kind(&reader.call(cancel(3))), None, "what is gone can be cancelled");

    writer.set("/f", "two", -1);
    writer.set("/f", "three", -1);
    let last = writer.set("/f", "four", -1);
    assert_eq!(reader.answer(1).value.unwrap(), "three");
    assert_eq!(reader.answer(2).value.unwrap(), "three");
    assert_eq!(reader.answer(4).entries[0].value.as_ref().unwrap(), "three");
    assert!(reader.answer(5).rev.unwrap() >= now + 2);
    let status = reader.call(request(Verb::Status));
    assert_eq!((status.status.unwrap().watches, status.store_rev), (0, Some(last)));

    // Arguments are checked before the wait.
    let negative = Request { offset: Some(-1), ..read(Verb::Getdir, 9, now + 100) };
    reader.send(&negative);
    assert_eq!(kind(&reader.answer(9)), Some(ErrorKind::Range));
    member.stop();
}

#[test]
fn a_dead_connection_frees_its_waits() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut doomed = member.modern();
    for tag in 0..1000 {
        doomed.send(&wait(&format!("/never/{tag}"), i64::MAX, tag));
    }
    doomed.send(&watch("/**", 1, 5000));
    doomed.send(&Request { tag: Some(5001), rev: Some(i64::MAX), ..at(Verb::Get, "/f") });
    doomed.call(request(Verb::Ping));
    assert_eq!(raw.status().watches, 1002);
    drop(doomed);
    while raw.status().watches > 0 {
        thread::yield_now();
    }
    assert_eq!(raw.status().connections, 1);
    member.stop();
}

#[test]
fn more_waits_than_allowed_are_refused_and_harm_nobody() {
    let limits = Limits { waits_max: 10, ..Limits::default() };
    let member = Member::start(Config { limits, ..Config::default() });
    let (mut raw, mut writer) = (member.modern(), member.connect());
    for tag in 0..10 {
        raw.send(&wait("/f", i64::MAX, tag));
    }
    for request in [wait("/f", 1, 10), watch("/f", 1, 10)] {
        raw.send(&request);
        assert_eq!(kind(&raw.answer(10)), Some(ErrorKind::Overloaded));
    }
    raw.call(cancel(0));
    let rev = writer.set("/g", "x", 0);
    raw.send(&wait("/g", rev, 11));
    assert_eq!(raw.answer(11).rev, Some(rev));
    member.stop();
}

#[test]
fn a_hundred_thousand_waits_are_kept_and_found() {
    let member = Member::start(Config::default());
    let mut writer = member.connect();
    let rev = writer.rev() + 1;
    let mut waiters: Vec<Raw> = (0..10).map(|_| member.modern()).collect();
    for (n, waiter) in waiters.iter_mut().enumerate() {
        let mut frames = BytesMut::new();
        for tag in 0..10_000 {
            wait(&format!("/w/{n}/{tag}"), rev, tag).encode_frame(&mut frames);
        }
        waiter.send_bytes(&frames);
        waiter.call(request(Verb::Ping));
    }
    assert_eq!(waiters[0].status().watches, 100_000);
    for n in [0, 5, 9] {
        let rev = writer.set(&format!("/w/{n}/77"), "x", 0);
        assert_eq!(waiters[n].answer(77).rev, Some(rev));
    }
    assert_eq!(waiters[0].status().watches, 99_997);
    member.stop();
}

#[test]
fn one_change_reaches_every_watcher_and_the_order_is_one() {
    let member = Member::start(Config::default());
    let mut watchers: Vec<Raw> = (0..20).map(|_| member.modern()).collect();
    let mut writers: Vec<Raw> = (0..4).map(|_| member.connect()).collect();
    let first = writers[0].rev() + 1;
    for watcher in &mut watchers {
        watcher.send(&watch("/race/*", first, 1));
    }
    thread::scope(|scope| {
        for (n, writer) in writers.iter_mut().enumerate() {
            scope.spawn(move || {
                for i in 0..250 {
                    writer.send(&Request {
                        tag: Some(i),
                        ..set(&format!("/race/{}", i % 3), format!("{n}"), -1)
                    });
                }
                for i in 0..250 {
                    writer.answer(i);
                }
            });
        }
    });
    let last = first + 999;
    let orders: Vec<Vec<_>> = watchers
        .iter_mut()
        .map(|watcher| {
            let events = events_until(watcher, 1, last);
            events.into_iter().map(|event| (event.rev, event.path, event.value)).collect()
        })
        .collect();
    assert_eq!(orders[0].len(), 1000);
    assert!(orders.iter().all(|order| *order == orders[0]));
    member.stop();
}
