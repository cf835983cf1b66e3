//! WAIT, WATCH, CANCEL and blocked reads over a real connection.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                writer.set("/busy/f", "x", -1);
            }
        });
        let mut answered = 0;
        for round in 0..2000 {
            let rev = waiter.rev() + 1;
            let request = if round % 2 == 0 { wait("/busy/*", rev, 5) } else { watch("/busy/**", rev, 5) };
            waiter.send(&request);
            waiter.send(&Request { tag: Some(6), ..cancel(5) });
            loop {
                let response = waiter.next().unwrap();
                match response.tag {
                    Some(5) => answered += 1,
                    Some(6) => break,
                    other => panic!("{other:?}"),
                }
            }
            // A ping's answer would come after anything that slipped through.
            waiter.send(&Request { tag: Some(7), ..request_ping() });
            assert_eq!(waiter.next().unwrap().tag, Some(7), "round {round}");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(answered > 0, "the writer never won the race: the test shows nothing");
    });
    let mut raw = member.modern();
    assert_eq!(raw.status().watches, 0);
    member.stop();
}

fn request_ping() -> Request {
    request(Verb::Ping)
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
        let mut frames = bytes::BytesMut::new();
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
