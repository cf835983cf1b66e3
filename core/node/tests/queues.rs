//! Queued SETs over real connections: their turns, how they are cancelled at every stage, and what is left when a connection or
//! a member goes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::time::{Duration, Instant};

use bytes::BytesMut;
use doozer_node::{Config, Limits};
use doozer_wire::{ErrorKind, FLAG_DEL, FLAG_SET, OwnedResponse, Request, SessionOp, Verb};
use support::cluster::{Ports, event, together, voters};
use support::sessions::{Session, del, does, ephemeral, explain, queued, wait_for_queue};
use support::{Member, Raw, at, cancel, kind, request, set, watch};

/// Sends all of these in one piece.
fn burst(raw: &mut Raw, requests: &[Request]) {
    let mut frames = BytesMut::new();
    requests.iter().for_each(|request| request.encode_frame(&mut frames));
    raw.send_bytes(&frames);
}

fn tagged(tag: i32, request: Request) -> Request {
    Request { tag: Some(tag), ..request }
}

/// A member, and a lock that one session holds.
fn held() -> (Member, Raw, Session, i64) {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut holder = Session::open(&mut raw, 0);
    let answer = raw.call(holder.next(queued("/lock", "holder")));
    assert_eq!((answer.failure(), answer.counted), (None, true));
    let token = answer.rev.unwrap();
    (member, raw, holder, token)
}

#[test]
fn turns_come_in_order_over_three_members() {
    const ROUNDS: usize = 12;
    let ports = Ports::new(3);
    let members = together(&ports, |_, config| config);
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    assert_eq!(voters(&mut raws[0], 3).len(), 3);
    let mut sessions: Vec<Session> = (0..ROUNDS).map(|n| Session::open(&mut raws[n % 3], n as u32)).collect();
    // They come one after the other, each by way of another member.
    let mut first = Some(raws[0].call(sessions[0].next(queued("/lock", "x"))));
    for n in 1..ROUNDS {
        raws[n % 3].send(&tagged(n as i32, sessions[n].next(queued("/lock", "x"))));
        wait_for_queue(&mut raws[(n + 1) % 3], "/lock", n);
    }
    let mut last = 0;
    for n in 0..ROUNDS {
        let answer = first.take().unwrap_or_else(|| raws[n % 3].answer(n as i32));
        assert_eq!((answer.failure(), answer.counted), (None, true));
        let token = answer.rev.unwrap();
        assert!(token > last);
        let lock = explain(&mut raws[(n + 2) % 3], "/lock").lock.unwrap();
        assert_eq!((lock.token, lock.holder.unwrap().id), (token, sessions[n].id()));
        assert_eq!(lock.queue.len(), ROUNDS - 1 - n);
        assert_eq!(
            lock.queue.iter().map(|waiter| waiter.session).collect::<Vec<_>>(),
            sessions[n + 1..].iter().map(Session::id).collect::<Vec<_>>()
        );
        last = token;
        // Let go, by a DEL, by anybody's DEL, or with the session.
        match n % 3 {
            0 => drop(raws[n % 3].call(sessions[n].next(del("/lock", token)))),
            1 => raws[0].del("/lock", -1),
            _ => drop(sessions[n].end(&mut raws[1])),
        }
    }
    assert_eq!(raws[0].get("/lock").1, 0);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn nobody_comes_between() {
    let (member, mut raw, mut holder, token) = held();
    let mut other = member.modern();
    let mut next = Session::open(&mut other, 1);
    other.send(&tagged(1, next.next(queued("/lock", "next"))));
    wait_for_queue(&mut raw, "/lock", 1);
    raw.send(&watch("/lock", token + 1, 9));
    // The lock is let go, and somebody who does not stand in line tries to make the file.
    burst(&mut raw, &[tagged(1, holder.next(del("/lock", token))), tagged(2, set("/lock", "thief", 0))]);
    assert_eq!(raw.answer(1).rev, Some(token + 1));
    assert_eq!(kind(&raw.answer(2)), Some(ErrorKind::RevMismatch));
    assert_eq!(other.answer(1).rev, Some(token + 2));
    let told = [event(&mut raw, 9), event(&mut raw, 9)];
    assert_eq!(
        told.map(|event| (event.flags, event.rev)),
        [(Some(FLAG_DEL), Some(token + 1)), (Some(FLAG_SET), Some(token + 2))]
    );
    assert_eq!(raw.get("/lock").0, "next");
    member.stop();
}

#[test]
fn one_that_waits_is_cancelled() {
    let (member, mut raw, mut holder, token) = held();
    let mut session = Session::open(&mut raw, 1);
    let wish = session.next(queued("/lock", "x"));
    raw.send(&tagged(1, wish.clone()));
    wait_for_queue(&mut raw, "/lock", 1);
    raw.send(&tagged(2, cancel(1)));
    // Its own answer comes first.
    let (first, second) = (raw.next().unwrap(), raw.next().unwrap());
    assert_eq!((first.tag, kind(&first), first.counted), (Some(1), Some(ErrorKind::Cancelled), true));
    assert_eq!((second.tag, second.failure()), (Some(2), None));
    wait_for_queue(&mut raw, "/lock", 0);
    // That is its answer for good, and the lock goes to nobody.
    let again = raw.call(wish);
    assert_eq!((kind(&again), again.counted), (Some(ErrorKind::Cancelled), true));
    raw.call(holder.next(del("/lock", token)));
    assert_eq!(raw.get("/lock").1, 0);
    assert_eq!(raw.call(session.next(queued("/lock", "x"))).failure(), None, "the session goes on");
    member.stop();
}

#[test]
fn one_that_is_on_its_way_is_cancelled() {
    let (member, mut raw, mut holder, token) = held();
    let mut session = Session::open(&mut raw, 1);
    // The member reads both at once: the SET is not applied when the CANCEL comes.
    for tag in (10..90).step_by(2) {
        let wish = session.next(queued("/lock", "x"));
        burst(&mut raw, &[tagged(tag, wish), tagged(tag + 1, cancel(tag))]);
        let (first, second) = (raw.next().unwrap(), raw.next().unwrap());
        assert_eq!((first.tag, kind(&first), first.counted), (Some(tag), Some(ErrorKind::Cancelled), true));
        assert_eq!((second.tag, second.failure()), (Some(tag + 1), None));
    }
    // Where nobody holds it, it is made and deleted again.
    raw.call(holder.next(del("/lock", token)));
    for tag in (100..140).step_by(2) {
        let wish = session.next(queued("/lock", "x"));
        burst(&mut raw, &[tagged(tag, wish), tagged(tag + 1, cancel(tag))]);
        let (first, second) = (raw.next().unwrap(), raw.next().unwrap());
        assert_eq!((first.tag, kind(&first), first.counted), (Some(tag), Some(ErrorKind::Cancelled), true));
        assert_eq!((second.tag, second.failure()), (Some(tag + 1), None));
        assert_eq!(raw.get("/lock").1, 0);
    }
    assert_eq!(session.shown(&mut raw).file_count, 0);
    member.stop();
}

#[test]
fn one_that_is_granted_meanwhile_is_cancelled() {
    let (member, mut raw, mut holder, token) = held();
    let (mut session, mut behind) = (Session::open(&mut raw, 1), Session::open(&mut raw, 2));
    let mut other = member.modern();
    let wish = session.next(queued("/lock", "x"));
    raw.send(&tagged(1, wish.clone()));
    wait_for_queue(&mut other, "/lock", 1);
    other.send(&tagged(1, behind.next(queued("/lock", "y"))));
    wait_for_queue(&mut raw, "/lock", 2);
    // It is let go and cancelled in one piece: the CANCEL is read while the SET is outstanding, and comes behind the DEL.
    burst(&mut raw, &[tagged(2, holder.next(del("/lock", token))), tagged(3, cancel(1))]);
    let answers: Vec<OwnedResponse> = (0..3).map(|_| raw.next().unwrap()).collect();
    let place = |tag| answers.iter().position(|answer| answer.tag == Some(tag));
    assert!(place(1) < place(3) && place(2).is_some(), "{answers:?}");
    // It has got the lock, and lost it before anybody heard of that. So it is told, for good, and the next one has it.
    let told = answers.iter().find(|answer| answer.tag == Some(1)).expect("an answer of its own");
    assert_eq!((kind(told), told.counted), (Some(ErrorKind::Cancelled), true));
    let again = raw.call(wish);
    assert_eq!((kind(&again), again.counted), (Some(ErrorKind::Cancelled), true));
    let granted = other.answer(1);
    assert_eq!(granted.failure(), None);
    let lock = explain(&mut raw, "/lock").lock.unwrap();
    assert_eq!((lock.holder.unwrap().id, lock.rev, lock.queue.len()), (behind.id(), granted.rev.unwrap(), 0));
    // Once it is answered there is nothing to cancel any more.
    let still = other.call(cancel(1));
    assert_eq!(still.failure(), None);
    assert_eq!(other.get("/lock").1, granted.rev.unwrap());
    member.stop();
}

#[test]
fn a_tag_is_free_once_its_set_is_answered() {
    let (member, mut raw, mut holder, token) = held();
    let mut session = Session::open(&mut raw, 1);
    raw.send(&tagged(1, session.next(queued("/lock", "x"))));
    wait_for_queue(&mut raw, "/lock", 1);
    for second in [session.numbered(2, queued("/other", "x")), watch("/lock", 1, 1)] {
        raw.send(&tagged(1, second));
        let refused = raw.next().unwrap();
        assert_eq!((kind(&refused), refused.counted), (Some(ErrorKind::TagInUse), false));
    }
    raw.call(holder.next(del("/lock", token)));
    assert_eq!(raw.answer(1).failure(), None);
    raw.send(&tagged(1, session.next(set("/free", "x", 0))));
    assert_eq!(raw.answer(1).failure(), None);
    member.stop();
}

#[test]
fn a_lost_connection_keeps_the_place_and_whoever_asks_again_takes_it_up() {
    let ports = Ports::new(3);
    let members = together(&ports, |_, config| config);
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    assert_eq!(voters(&mut raws[0], 3).len(), 3);
    let mut holder = Session::open(&mut raws[0], 0);
    let token = raws[0].call(holder.next(queued("/lock", "holder"))).rev.unwrap();
    let (mut lost, mut behind) = (Session::open(&mut raws[1], 1), Session::open(&mut raws[2], 2));
    let wish = lost.next(queued("/lock", "lost"));
    let mut doomed = members[1].modern();
    doomed.send(&tagged(1, wish.clone()));
    wait_for_queue(&mut raws[0], "/lock", 1);
    raws[2].send(&tagged(1, behind.next(queued("/lock", "behind"))));
    wait_for_queue(&mut raws[0], "/lock", 2);
    drop(doomed);
    // Asked for again by another member, and twice: it waits where it waited, and all are answered.
    let mut second = members[2].modern();
    raws[0].send(&tagged(5, wish.clone()));
    second.send(&tagged(6, wish.clone()));
    // Answers that come in between show that both are there: they were applied before these.
    assert_eq!(raws[0].call(request(Verb::Nop)).failure(), None);
    assert_eq!(second.call(request(Verb::Nop)).failure(), None);
    assert_eq!(explain(&mut raws[1], "/lock").lock.unwrap().queue.len(), 2);
    raws[1].call(holder.next(del("/lock", token)));
    let (one, two) = (raws[0].answer(5), second.answer(6));
    assert_eq!((one.failure(), one.counted, one.rev), (None, true, two.rev));
    // And once more, long after.
    assert_eq!(raws[1].call(wish).rev, one.rev);
    assert_eq!(raws[0].get("/lock").0, "lost");
    raws[1].call(lost.next(del("/lock", one.rev.unwrap())));
    assert_eq!(raws[2].answer(1).failure(), None);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_place_goes_with_its_session_and_ends_with_its_path() {
    let (member, mut raw, mut holder, token) = held();
    let (mut gone, mut stays) = (Session::open(&mut raw, 1), Session::open(&mut raw, 2));
    raw.send(&tagged(1, gone.next(queued("/lock", "x"))));
    raw.send(&tagged(2, stays.next(queued("/lock", "y"))));
    wait_for_queue(&mut raw, "/lock", 2);
    assert_eq!(gone.end(&mut raw).failure(), None);
    let answer = raw.answer(1);
    assert_eq!((kind(&answer), answer.counted), (Some(ErrorKind::SessionExpired), false));
    let shown = stays.shown(&mut raw);
    assert_eq!(
        (shown.waits[0].position, shown.waits[0].sequence, &shown.waits[0].path[..]),
        (1, 1, &b"/lock"[..])
    );
    // Where it was, a directory is made in the same step.
    let path = |text: &str| Some(bytes::Bytes::copy_from_slice(text.as_bytes()));
    let ops = vec![
        doozer_wire::TxnOp {
            path: path("/lock"),
            rev: Some(token),
            action: Some(doozer_wire::Action::Del),
            ..Default::default()
        },
        doozer_wire::TxnOp {
            path: path("/lock/below"),
            rev: Some(0),
            action: Some(doozer_wire::Action::Set("z".into())),
            ..Default::default()
        },
    ];
    assert_eq!(raw.call(holder.next(support::sessions::txn(vec![], ops))).failure(), None);
    let answer = raw.answer(2);
    assert_eq!((kind(&answer), answer.counted), (Some(ErrorKind::IsDir), true));
    member.stop();
}

#[test]
fn a_nop_under_the_number_waits_with_it() {
    let (member, mut raw, mut holder, token) = held();
    let mut session = Session::open(&mut raw, 1);
    let wish = session.next(queued("/lock", "x"));
    raw.send(&tagged(1, wish));
    wait_for_queue(&mut raw, "/lock", 1);
    raw.send(&tagged(2, session.numbered(1, request(Verb::Nop))));
    assert_eq!(raw.call(holder.next(del("/lock", token))).failure(), None);
    let (set, nop) = (raw.answer(1), raw.answer(2));
    assert_eq!((set.failure(), nop.failure(), nop.rev), (None, None, set.rev));
    member.stop();
}

/// Commands that wait with a queued SET do not hold their connection up before there are many of them, and then only that.
#[test]
fn waiting_is_bounded_and_keeps_no_connection_open() {
    let limits = Limits { waits_max: 3, writes_in_flight_max: 8, ..Limits::default() };
    let member = Member::start(Config { limits, ..Config::default() });
    let (mut raw, mut other) = (member.modern(), member.modern());
    let mut holder = Session::open(&mut raw, 0);
    assert_eq!(raw.call(holder.next(queued("/lock", "holder"))).failure(), None);
    let mut sessions: Vec<Session> = (1..=4).map(|n| Session::open(&mut raw, n)).collect();
    for n in 0..3 {
        raw.send(&tagged(n, sessions[n as usize].next(queued("/lock", "x"))));
    }
    wait_for_queue(&mut raw, "/lock", 3);
    assert_eq!(raw.status().watches, 3);
    let refused = other.call(sessions[3].numbered(1, queued("/lock", "x")));
    assert_eq!((kind(&refused), refused.counted), (Some(ErrorKind::Overloaded), false));
    // Seven that wait without being queued SETs: the connection still has room for one.
    for tag in 100..107 {
        other.send(&tagged(tag, sessions[0].numbered(1, request(Verb::Nop))));
    }
    assert_eq!(other.call(set("/a", "x", 0)).failure(), None);
    assert_eq!(raw.call(cancel(0)).failure(), None);
    (100..107).for_each(|tag| assert_eq!(kind(&other.answer(tag)), Some(ErrorKind::Cancelled)));
    // The places are free again, and whoever only waits does not hold up a client that has sent everything, or a stop.
    let until = Instant::now() + Duration::from_secs(30);
    while raw.status().watches != 2 {
        assert!(Instant::now() < until, "the place is still counted");
    }
    other.send(&tagged(200, sessions[1].numbered(1, request(Verb::Nop))));
    assert_eq!(other.call(request(Verb::Nop)).failure(), None);
    other.finish_sending();
    assert!(other.next().is_none());
    let begun = Instant::now();
    member.stop();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn a_session_waits_in_only_so_many_queues() {
    let (member, mut raw, mut holder, _) = held();
    assert_eq!(raw.call(holder.next(ephemeral("/one", "x", 0))).failure(), None);
    let mut session = Session::open(&mut raw, 1);
    for tag in 0..1024 {
        raw.send(&tagged(tag, session.next(queued("/lock", "x"))));
    }
    wait_for_queue(&mut raw, "/lock", 1024);
    let one_more = session.next(queued("/one", "x"));
    let refused = raw.call(one_more);
    assert_eq!((kind(&refused), refused.counted), (Some(ErrorKind::Overloaded), false));
    assert!(refused.err_detail.unwrap().contains("waits in 1024 queues already"));
    let nop = raw.call(session.numbered(1025, request(Verb::Nop)));
    assert_eq!((nop.failure(), nop.counted), (None, true), "other commands go on");
    let shown = session.shown(&mut raw);
    assert_eq!((shown.wait_count, shown.waits.len(), shown.waits[1023].position), (1024, 1024, 1024));
    for (limit, some, more) in [(1, 1, true), (1023, 1023, true), (1024, 1024, false), (0, 1024, false)] {
        let asked = Request { session_op: Some(does(SessionOp::Explain)), ..at(Verb::Session, "/lock") };
        let answer = raw.call(Request { limit: Some(limit), ..asked });
        assert_eq!((answer.session.unwrap().lock.unwrap().queue.len(), answer.more), (some, more), "{limit}");
    }
    member.stop();
}

#[test]
fn where_no_lock_can_be() {
    let (member, mut raw, _, _) = held();
    let mut session = Session::open(&mut raw, 1);
    let before = raw.rev();
    for (path, expected) in
        [("/ctl", ErrorKind::IsDir), ("/", ErrorKind::IsDir), ("/lock/below", ErrorKind::NotDir)]
    {
        let answer = raw.call(session.next(queued(path, "x")));
        assert_eq!((kind(&answer), answer.counted), (Some(expected), true), "{path}");
    }
    // A value that is too large is refused before it waits.
    let large = Request { value: Some(vec![0; (1 << 20) + 1].into()), ..queued("/lock", "") };
    let answer = raw.call(session.numbered(4, large));
    assert_eq!((kind(&answer), answer.counted), (Some(ErrorKind::TooLarge), false));
    assert_eq!((raw.rev(), session.shown(&mut raw).wait_count), (before, 0));
    member.stop();
}
