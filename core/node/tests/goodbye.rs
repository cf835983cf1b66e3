//! A member that stops tells its clients, and none of them is left without an answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::thread;

use doozer_node::{Config, Data};
use doozer_wire::{ErrorKind, Features, Hello, Request, Verb};
use support::{Member, Raw, kind, request, set};

fn greeted(member: &Member, features: Features) -> Raw {
    let mut raw = member.connect();
    let hello = Hello { features, ..Hello::default() };
    let reply = raw.call(Request { hello: Some(hello), ..request(Verb::Hello) });
    assert!(reply.hello.is_some(), "{reply:?}");
    raw
}

/// Writes `/n/TAG` for each of these.
fn send(raw: &mut Raw, tags: std::ops::Range<i32>) {
    tags.for_each(|tag| raw.send(&Request { tag: Some(tag), ..set(&format!("/n/{tag}"), "x", 0) }));
}

#[test]
fn every_write_is_answered_before_and_after_a_goodbye() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data: Data::Directory(dir.path().to_owned()), ..Config::default() };
    let member = Member::start(config.clone());
    let mut raw = greeted(&member, Features::GOODBYE);
    send(&mut raw, 0..200);
    raw.answer(0);
    let stopping = thread::spawn(move || member.stop());
    let mut made = vec![0];
    let mut refused = Vec::new();
    let (mut sent, mut goodbye) = (200, 0);
    // More is on its way when the goodbye comes.
    while goodbye == 0 || made.len() + refused.len() < sent as usize {
        let answer = raw.next().expect("it goes on until the client leaves");
        match (answer.tag, kind(&answer)) {
            (Some(tag), None) => made.push(tag),
            (Some(tag), Some(ErrorKind::ShuttingDown)) => refused.push(tag),
            (None, Some(ErrorKind::ShuttingDown)) => {
                goodbye += 1;
                send(&mut raw, sent..sent + 100);
                sent += 100;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!((goodbye, sent), (1, 300));
    assert!((200..300).all(|tag| refused.contains(&tag)), "{refused:?}");
    drop(raw);
    stopping.join().unwrap();

    let member = Member::start(config);
    let mut raw = member.modern();
    let is_there = |raw: &mut Raw, tag| raw.get(&format!("/n/{tag}")).1 > 0;
    assert!(made.into_iter().all(|tag| is_there(&mut raw, tag)));
    assert!(!refused.into_iter().any(|tag| is_there(&mut raw, tag)));
    member.stop();
}

#[test]
fn who_does_not_leave_is_closed() {
    let member = Member::start(Config::default());
    let mut stays = greeted(&member, Features::GOODBYE);
    let stopping = thread::spawn(move || member.stop());
    let goodbye = stays.next().unwrap();
    assert_eq!((goodbye.tag, kind(&goodbye)), (None, Some(ErrorKind::ShuttingDown)));
    assert_eq!(stays.next(), None);
    stopping.join().unwrap();
}

#[test]
fn who_does_not_know_it_is_not_told() {
    let member = Member::start(Config::default());
    let mut modern = greeted(&member, Features::CANCEL);
    let mut old = member.connect();
    old.call(request(Verb::Rev));
    member.stop();
    assert_eq!((modern.next(), old.next()), (None, None));
}
