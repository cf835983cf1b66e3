//! Sessions over several members: a command that is sent to two of them, what a restart of all keeps, and what it takes to keep
//! many alive.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use doozer_node::Config;
use doozer_wire::{Consistency, ErrorKind, FLAG_DEL, OwnedResponse, Request, SessionOp, StatusReply, Verb};
use support::cluster::{Ports, again, durable, event, together, voters};
use support::sessions::{Session, TTL_MS, by_id, del, does, ephemeral, explain, queued, wait_for_queue};
use support::{Member, Raw, at, kind, request, set, watch};

/// So many sessions are to live at once.
const MANY: u32 = 20_000;

fn three(ports: &Ports, config: impl Fn(usize, Config) -> Config + Sync) -> (Vec<Member>, Vec<Raw>) {
    let members = together(ports, config);
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    assert_eq!(voters(&mut raws[0], 3).len(), 3);
    (members, raws)
}

#[test]
fn a_command_that_is_sent_to_several_members_is_made_once() {
    let ports = Ports::new(3);
    let (members, mut raws) = three(&ports, |_, config| config);
    let mut session = Session::open(&mut raws[0], 1);
    raws[0].send(&watch("/once/**", 1, 1_000));
    for n in 0..100 {
        // To all at once: any of them may be the first.
        let wish = session.next(set(&format!("/once/{n}"), "x", 0));
        raws.iter_mut().for_each(|raw| raw.send(&Request { tag: Some(n), ..wish.clone() }));
        let answers: Vec<OwnedResponse> = raws.iter_mut().map(|raw| raw.answer(n)).collect();
        for answer in &answers {
            assert_eq!((answer.failure(), answer.counted, answer.rev), (None, true, answers[0].rev));
        }
        let told = event(&mut raws[0], 1_000);
        assert_eq!((told.rev, told.path), (answers[0].rev, Some(format!("/once/{n}").into())));
    }
    // Any member tells of it, as far as it is told to look.
    for raw in &mut raws {
        assert_eq!(session.shown(raw).last_sequence, 100);
        let local =
            raw.call(Request { consistency: Consistency::Local, ..by_id(SessionOp::Show, session.id()) });
        assert!(local.session.unwrap().sessions[0].last_sequence <= 100);
        assert_eq!(session.keep_alive(raw).session.unwrap().ttl_ms, Some(TTL_MS));
    }
    assert_eq!(session.end(&mut raws[1]).failure(), None);
    for raw in &mut raws {
        assert_eq!(kind(&session.keep_alive(raw)), Some(ErrorKind::SessionExpired));
        assert_eq!(kind(&raw.call(by_id(SessionOp::Show, session.id()))), Some(ErrorKind::SessionExpired));
    }
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_session_that_is_kept_alive_outlives_the_proposer() {
    let ports = Ports::new(3);
    let (mut members, mut raws) = three(&ports, |_, config| config);
    let proposer = raws.iter_mut().position(|raw| raw.status().role == "proposer").unwrap();
    members.remove(proposer).crash();
    drop(raws);
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    let (mut kept, mut left) =
        (Session::open_for(&mut raws[0], 1, 2_000), Session::open_for(&mut raws[1], 2, 2_000));
    assert_eq!(raws[0].call(kept.next(ephemeral("/kept", "x", 0))).failure(), None);
    let rev = raws[1].call(left.next(ephemeral("/left", "x", 0))).rev.unwrap();
    raws[1].send(&watch("/left", rev + 1, 7));
    // By turns at both members, until the one that nobody keeps alive has ended.
    let [one, two] = &mut raws[..] else { panic!() };
    let gone = thread::scope(|scope| {
        let waiting = scope.spawn(|| event(two, 7));
        let mut others = members.iter().cycle().map(Member::modern);
        while !waiting.is_finished() {
            let kept_alive = kept.keep_alive(&mut others.next().unwrap());
            assert_eq!(kept_alive.failure(), None);
        }
        waiting.join().unwrap()
    });
    assert_eq!(gone.flags, Some(FLAG_DEL));
    assert_eq!(
        (one.get("/kept").0, kind(&left.keep_alive(one))),
        ("x".into(), Some(ErrorKind::SessionExpired))
    );
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_restart_of_all_members_keeps_sessions_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports::new(3);
    let (members, mut raws) = three(&ports, |n, config| durable(config, dir.path(), n));
    let mut session = Session::open(&mut raws[0], 1);
    let mut waiter = Session::open(&mut raws[1], 2);
    let create = session.next(queued("/lock", "holder"));
    let token = raws[0].call(create.clone()).rev.unwrap();
    let refused = session.next(set("/lock", "x", 0));
    assert_eq!(kind(&raws[2].call(refused.clone())), Some(ErrorKind::RevMismatch));
    let waits = waiter.next(queued("/lock", "waiter"));
    raws[1].send(&Request { tag: Some(1), ..waits.clone() });
    wait_for_queue(&mut raws[0], "/lock", 1);
    let before = session.shown(&mut raws[0]);
    drop(raws);
    members.into_iter().for_each(Member::crash);

    let members: Vec<Member> = thread::scope(|scope| {
        let start = |n| again(&ports, n, |config| durable(config, dir.path(), n));
        let starting: Vec<_> = (0..3).map(|n| scope.spawn(move || start(n))).collect();
        starting.into_iter().map(|member| member.join().unwrap()).collect()
    });
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    assert_eq!(session.shown(&mut raws[2]), before);
    let again = raws[1].call(create);
    assert_eq!((again.failure(), again.rev, again.counted), (None, Some(token), true));
    assert_eq!(kind(&raws[1].call(refused)), Some(ErrorKind::RevMismatch));
    assert_eq!(session.keep_alive(&mut raws[0]).failure(), None);
    // The place is where it was, and whoever asks again is told.
    raws[2].send(&Request { tag: Some(1), ..waits });
    assert_eq!(raws[2].call(request(Verb::Nop)).failure(), None);
    assert_eq!(explain(&mut raws[2], "/lock").lock.unwrap().queue[0].session, waiter.id());
    assert_eq!(raws[0].call(session.next(del("/lock", token))).failure(), None);
    assert_eq!(raws[2].answer(1).rev, Some(token + 2));
    members.into_iter().for_each(Member::stop);
}

/// Sends one request for each of them in one go, and takes all answers.
fn for_each_of_many(raw: &mut Raw, wish: impl Fn(Session) -> Request) -> Duration {
    let mut frames = BytesMut::new();
    for number in 0..MANY {
        Request { tag: Some(number as i32), ..wish(Session::new(number)) }.encode_frame(&mut frames);
    }
    let begun = Instant::now();
    raw.send_bytes(&frames);
    for _ in 0..MANY {
        assert_eq!(raw.next().unwrap().failure(), None);
    }
    begun.elapsed()
}

#[test]
fn twenty_thousand_sessions_are_kept_alive_without_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports::new(3);
    let (members, mut raws) = three(&ports, |n, config| durable(config, dir.path(), n));
    let opening = for_each_of_many(&mut raws[0], |session| session.opening(TTL_MS));
    let status = |raws: &mut [Raw]| -> Vec<StatusReply> { raws.iter_mut().map(Raw::status).collect() };
    let until = Instant::now() + Duration::from_secs(30);
    // The last thing that a member says of itself when it starts.
    while raws[0].call(at(Verb::List, "/ctl/node/*/writable")).entries.len() != 3
        || status(&mut raws).iter().any(|it| it.sessions != u64::from(MANY))
    {
        assert!(Instant::now() < until, "each of them is there, and has heard of all");
    }
    loop {
        let before = status(&mut raws);
        let keeping: Vec<Duration> = raws
            .iter_mut()
            .map(|raw| for_each_of_many(raw, |session| session.asks(does(SessionOp::KeepAlive))))
            .collect();
        let after = status(&mut raws);
        println!("{MANY} sessions opened in {opening:?}, kept alive in {keeping:?}");
        let told = |it: &StatusReply| (it.revision, it.sessions, it.session_bytes);
        assert!(before.iter().map(told).eq(after.iter().map(told)), "{before:?} {after:?}");
        // What a member had to write about their opening may have reached its disk in this round, and another proposer may
        // have taken over, but not in each.
        let log = |it: &StatusReply| (it.slot, it.data_bytes);
        if before.iter().map(log).eq(after.iter().map(log)) {
            break;
        }
        assert!(Instant::now() < until, "every round writes something: {before:?} {after:?}");
    }
    assert_eq!(kind(&Session::new(MANY).keep_alive(&mut raws[1])), Some(ErrorKind::SessionExpired));
    members.into_iter().for_each(Member::stop);
}
