//! Sessions over real connections: what is refused, that a command is made once, when files go, and what is kept where.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer_node::{Config, Secrets};
use doozer_wire::{
    ErrorKind, FLAG_DEL, FLAG_SET, Features, Hello, Request, SessionOp, SessionRequest, SetFlags, Verb,
};
use support::sessions::{Session, TTL_MS, by_id, del, does, ephemeral, explain, queued};
use support::{Member, at, kind, request, set, wait};

#[test]
fn what_belongs_to_a_session_needs_a_hello() {
    let member = Member::start(Config::default());
    let mut raw = member.connect();
    let session = Session::new(1);
    let requests = [
        session.opening(TTL_MS),
        request(Verb::Txn),
        session.numbered(1, set("/a", "x", 0)),
        Request { acknowledged: Some(1), ..del("/a", -1) },
        Request { unanswered: vec![1], ..request(Verb::Nop) },
        ephemeral("/a", "x", 0),
    ];
    for wish in requests {
        let answer = raw.call(wish.clone());
        assert_eq!((answer.err_code, answer.kind), (Some(127), None), "{wish:?}");
        assert!(answer.err_detail.unwrap().contains("needs a HELLO first"), "{wish:?}");
    }
    assert_eq!(raw.get("/a").1, 0);
    let hello = raw.call(Request { hello: Some(Hello::default()), ..request(Verb::Hello) });
    assert!(hello.hello.unwrap().features.contains(Features::SESSIONS));
    member.stop();
}

#[test]
fn fields_that_do_not_fit_are_refused_and_change_nothing() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let session = Session::open(&mut raw, 1);
    let by = |request: Request| session.numbered(1, request);
    let set_a = || set("/a", "x", 0);
    let short = || Some(Bytes::from_static(b"short"));
    let flags = |flags: u32| Request { flags: SetFlags(flags), ..set_a() };
    let cases: Vec<(Request, &str)> = vec![
        (Request { session: short(), sequence: Some(1), ..set_a() }, "16 bytes, not 5"),
        (Request { session: Some(session.key.clone()), ..set_a() }, "needs both"),
        (Request { sequence: Some(1), ..set_a() }, "needs both"),
        (session.numbered(0, set_a()), "from 1, not from 0"),
        (flags(1), "need a session"),
        (flags(2), "need a session"),
        (by(flags(1 << 7)), "0x80"),
        (by(Request { rev: Some(3), ..flags(2) }), "must have rev 0, not 3"),
        (by(Request { rev: Some(-1), ..flags(2) }), "must have rev 0, not -1"),
        (by(Request { flags: SetFlags::EPHEMERAL, ..del("/a", -1) }), "belong to a SET"),
        (by(Request { flags: SetFlags::EPHEMERAL, ..request(Verb::Nop) }), "belong to a SET"),
        (by(Request { unanswered: vec![2, 2], acknowledged: Some(3), ..set_a() }), "must ascend"),
        (by(Request { unanswered: vec![4], acknowledged: Some(3), ..set_a() }), "above `acknowledged`"),
        (by(Request { unanswered: (1..=4097).collect(), acknowledged: Some(9999), ..set_a() }), "limit 4096"),
        (Request { session: short(), ..session.opening(TTL_MS) }, "key has 16 bytes, not 5"),
        (Request { session: short(), ..session.asks(does(SessionOp::KeepAlive)) }, "not 5"),
        (session.asks(SessionRequest { id: short(), ..does(SessionOp::End) }), "id has 16 bytes, not 5"),
        (session.asks(SessionRequest { id: short(), ..does(SessionOp::Show) }), "id has 16 bytes, not 5"),
    ];
    let before = raw.rev();
    for (wish, said) in cases {
        let answer = raw.call(wish.clone());
        assert_eq!(kind(&answer), Some(ErrorKind::BadSession), "{wish:?}");
        assert!(!answer.counted, "{wish:?}");
        let detail = answer.err_detail.unwrap();
        assert!(detail.contains(said), "{wish:?}: {detail}");
    }
    // The session's fields are looked at before the path, and after what is missing.
    let both = raw.call(Request { sequence: Some(1), ..set("no path", "x", 0) });
    assert_eq!(kind(&both), Some(ErrorKind::BadSession));
    let both = raw.call(Request { sequence: Some(1), rev: None, ..set_a() });
    assert_eq!(kind(&both), Some(ErrorKind::MissingArg));
    assert_eq!((raw.rev(), session.shown(&mut raw).last_sequence), (before, 0));
    member.stop();
}

#[test]
fn the_clusters_own_files_belong_to_no_session() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut session = Session::open(&mut raw, 1);
    let before = raw.rev();
    for wish in [
        ephemeral("/ctl/cal/7", "", 0),
        queued("/ctl/cal/0", ""),
        ephemeral("/ctl/settings/max-value", "7", -1),
        queued("/ctl/settings/max-value", "7"),
    ] {
        let answer = raw.call(session.next(wish.clone()));
        assert_eq!((kind(&answer), answer.counted), (Some(ErrorKind::Other), true), "{wish:?}");
        assert!(answer.err_detail.unwrap().contains("cannot belong to a session"), "{wish:?}");
    }
    assert_eq!((raw.rev(), session.shown(&mut raw).wait_count), (before, 0));
    // Without that, they are written by a session as by anybody.
    assert_eq!(raw.call(session.next(set("/ctl/settings/max-value", "7", -1))).failure(), None);
    member.stop();
}

#[test]
fn what_session_asks_for_is_checked() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let session = Session::new(1);
    for ttl_ms in [0, 1, 999, 86_400_001, u64::from(u32::MAX) + 1_001, u64::MAX] {
        let answer = raw.call(session.opening(ttl_ms));
        assert_eq!(kind(&answer), Some(ErrorKind::BadTtl), "{ttl_ms}");
        assert!(answer.err_detail.unwrap().contains("from 1000 to 86400000 ms"), "{ttl_ms}");
    }
    for op in [SessionOp::Open, SessionOp::KeepAlive, SessionOp::Close, SessionOp::Show, SessionOp::End] {
        let answer = raw.call(Request { session_op: Some(does(op)), ..request(Verb::Session) });
        assert_eq!(kind(&answer), Some(ErrorKind::MissingArg), "{op:?}");
    }
    assert_eq!(kind(&raw.call(request(Verb::Session))), Some(ErrorKind::MissingArg));
    let unknown = SessionRequest { op: 99, ..SessionRequest::default() };
    assert_eq!(kind(&raw.call(session.asks(unknown))), Some(ErrorKind::UnknownVerb));
    let show = raw.call(Request { session_op: Some(does(SessionOp::Explain)), ..request(Verb::Session) });
    assert_eq!(kind(&show), Some(ErrorKind::MissingArg));
    let explain = |path| Request { session_op: Some(does(SessionOp::Explain)), ..at(Verb::Session, path) };
    assert_eq!(kind(&raw.call(explain("nowhere"))), Some(ErrorKind::BadPath));
    assert_eq!(kind(&raw.call(explain("/ctl"))), Some(ErrorKind::IsDir));
    // No session: whatever is asked of it.
    for wish in [
        session.asks(does(SessionOp::KeepAlive)),
        session.asks(does(SessionOp::Close)),
        by_id(SessionOp::End, session.id()),
        by_id(SessionOp::Show, session.id()),
        session.numbered(1, set("/a", "x", 0)),
    ] {
        let answer = raw.call(wish.clone());
        assert_eq!(kind(&answer), Some(ErrorKind::SessionExpired), "{wish:?}");
        assert!(!answer.counted, "{wish:?}");
    }
    assert_eq!(raw.get("/a").1, 0);
    member.stop();
}

#[test]
fn sessions_obey_the_secrets() {
    let secrets = Secrets::new(Some("rw".into()), Some("ro".into()));
    let member = Member::start(Config { secrets, ..Config::default() });
    let present = |secret: &'static str| {
        let mut raw = member.modern();
        let answer = raw.call(Request { value: Some(Bytes::from(secret)), ..request(Verb::Access) });
        assert_eq!(answer.failure(), None);
        raw
    };
    let (mut nobody, mut reader, mut writer) = (member.modern(), present("ro"), present("rw"));
    let mut session = Session::open(&mut writer, 1);
    let reads = [
        Request { session_op: Some(does(SessionOp::List)), ..request(Verb::Session) },
        by_id(SessionOp::Show, session.id()),
        Request { session_op: Some(does(SessionOp::Explain)), ..at(Verb::Session, "/a") },
    ];
    for wish in reads {
        assert_eq!(kind(&nobody.call(wish.clone())), Some(ErrorKind::PermissionDenied), "{wish:?}");
        assert_eq!(reader.call(wish.clone()).failure(), None, "{wish:?}");
    }
    let writes = [
        session.opening(TTL_MS),
        session.asks(does(SessionOp::KeepAlive)),
        session.asks(does(SessionOp::Close)),
        by_id(SessionOp::End, session.id()),
        session.next(set("/a", "x", 0)),
        support::sessions::txn(vec![], vec![]),
    ];
    for wish in writes {
        assert_eq!(kind(&reader.call(wish.clone())), Some(ErrorKind::PermissionDenied), "{wish:?}");
    }
    assert_eq!(session.keep_alive(&mut writer).failure(), None);
    member.stop();
}

#[test]
fn a_command_is_made_once_and_answered_alike() {
    let member = Member::start(Config::default());
    let (mut one, mut other) = (member.modern(), member.modern());
    let mut session = Session::open(&mut one, 1);
    let create = session.next(set("/a", "x", 0));
    let first = one.call(create.clone());
    assert_eq!((first.failure(), first.counted), (None, true));
    // By another connection, and although the file exists now.
    let second = other.call(create);
    assert_eq!((second.failure(), second.rev, second.counted), (None, first.rev, true));
    // A refusal is an answer like any other.
    let refused = session.next(set("/a", "y", 0));
    for raw in [&mut one, &mut other] {
        let answer = raw.call(refused.clone());
        assert_eq!((kind(&answer), answer.counted), (Some(ErrorKind::RevMismatch), true));
    }
    one.del("/a", -1);
    assert_eq!(kind(&other.call(refused)), Some(ErrorKind::RevMismatch), "as it was");
    let gone = session.next(del("/a", -1));
    let answer = one.call(gone.clone());
    assert_eq!((answer.failure(), answer.rev, answer.counted), (None, None, true));
    one.set("/a", "z", 0);
    assert_eq!(other.call(gone).rev, None, "it deleted nothing");
    assert_eq!(one.get("/a").0, "z");
    // A NOP under a number that was used hears what became of it.
    let nop = one.call(session.numbered(1, request(Verb::Nop)));
    assert_eq!((nop.failure(), nop.rev, nop.counted), (None, first.rev, true));
    member.stop();
}

#[test]
fn numbers_without_holes_and_answers_until_they_are_acknowledged() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut session = Session::open(&mut raw, 1);
    // In one burst, as they come.
    (1..=5).for_each(|n| {
        let write = session.next(set(&format!("/o/{n}"), "x", 0));
        raw.send(&Request { tag: Some(n), ..write });
    });
    let revs: Vec<i64> = (1..=5).map(|n| raw.answer(n).rev.unwrap()).collect();
    assert!(revs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{revs:?}");
    let early = raw.call(session.numbered(7, set("/o/7", "x", 0)));
    assert_eq!((kind(&early), early.counted), (Some(ErrorKind::OutOfOrder), false));
    assert!(early.err_detail.unwrap().contains("the next of this session is 6"));
    assert_eq!(raw.call(session.next(set("/o/6", "x", 0))).failure(), None);
    assert_eq!(raw.call(session.next(set("/o/7", "x", 0))).failure(), None);
    // All but the second.
    let acknowledge = Request { acknowledged: Some(7), unanswered: vec![2], ..request(Verb::Nop) };
    assert_eq!(raw.call(session.next(acknowledge)).failure(), None);
    assert_eq!(session.shown(&mut raw).unacknowledged, 2);
    let kept = raw.call(session.numbered(2, set("/o/2", "x", 0)));
    assert_eq!((kept.failure(), kept.rev), (None, Some(revs[1])));
    for gone in [1, 3, 7] {
        let answer = raw.call(session.numbered(gone, set("/o/other", "x", 0)));
        assert_eq!((kind(&answer), answer.counted), (Some(ErrorKind::AnswerGone), true), "{gone}");
    }
    assert_eq!(raw.get("/o/other").1, 0);
    // Another session's numbers are its own.
    let mut other = Session::open(&mut raw, 2);
    assert_eq!(raw.call(other.next(set("/o/other", "x", 0))).failure(), None);
    member.stop();
}

#[test]
fn what_is_not_acknowledged_is_bounded_and_never_forgotten() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut session = Session::open(&mut raw, 1);
    for tag in 1..=4096 {
        let nop = session.next(request(Verb::Nop));
        raw.send(&Request { tag: Some(tag), ..nop });
    }
    (1..=4096).for_each(|tag| assert_eq!(raw.answer(tag).failure(), None, "{tag}"));
    let one_more = session.next(set("/a", "x", 0));
    let refused = raw.call(one_more.clone());
    assert_eq!((kind(&refused), refused.counted), (Some(ErrorKind::Overloaded), false));
    assert!(refused.err_detail.unwrap().contains("4096 answers of this session are not acknowledged"));
    // The very command that was refused makes the room.
    let answer = raw.call(Request { acknowledged: Some(10), ..one_more });
    assert_eq!((answer.failure(), answer.counted), (None, true));
    assert_eq!(session.shown(&mut raw).unacknowledged, 4087);
    assert_eq!(raw.call(session.numbered(11, request(Verb::Nop))).failure(), None);
    member.stop();
}

#[test]
fn ephemeral_files_go_with_their_session() {
    let member = Member::start(Config::default());
    let (mut raw, mut old) = (member.modern(), member.connect());
    for by_end in [false, true] {
        let mut session = Session::open(&mut raw, 1 + u32::from(by_end));
        let mine = raw.call(session.next(ephemeral("/e/mine", "x", 0))).rev.unwrap();
        let again = raw.call(session.next(ephemeral("/e/mine", "y", mine))).rev.unwrap();
        raw.call(session.next(ephemeral("/e/taken", "x", -1)));
        raw.set("/e/taken", "by somebody else", -1);
        raw.call(session.next(set("/e/plain", "x", -1)));
        let shown = session.shown(&mut raw);
        assert_eq!((shown.file_count, shown.files.len(), shown.label), (1, 1, Bytes::from("a test")));
        assert_eq!(
            (&shown.files[0].path[..], shown.files[0].rev, shown.files[0].token),
            (&b"/e/mine"[..], again, mine)
        );
        let lock = explain(&mut raw, "/e/mine").lock.unwrap();
        assert_eq!((lock.rev, lock.token, lock.holder.unwrap().id), (again, mine, session.id()));
        // Who knows nothing of sessions sees a file, and that it goes.
        old.send(&wait("/e/*", mine, 1));
        assert_eq!((old.answer(1).flags, old.get("/e/mine")), (Some(FLAG_SET), (Bytes::from("y"), again)));
        old.send(&wait("/e/mine", again + 1, 2));
        let ended = match by_end {
            true => raw.call(by_id(SessionOp::End, session.id())),
            false => session.end(&mut raw),
        };
        assert_eq!(ended.failure(), None);
        let gone = old.answer(2);
        assert_eq!((gone.flags, gone.path.as_deref()), (Some(FLAG_DEL), Some(&b"/e/mine"[..])));
        assert_eq!(
            (old.get("/e/mine").1, old.get("/e/taken").0, old.get("/e/plain").0),
            (0, Bytes::from("by somebody else"), Bytes::from("x"))
        );
        assert_eq!(kind(&session.end(&mut raw)), Some(ErrorKind::SessionExpired), "a second time");
        let late = raw.call(session.next(ephemeral("/e/mine", "z", -1)));
        assert_eq!((kind(&late), late.counted), (Some(ErrorKind::SessionExpired), false));
    }
    member.stop();
}

#[test]
fn a_session_lives_as_long_as_it_is_kept_alive() {
    let member = Member::start(Config::default());
    let (mut raw, mut other) = (member.modern(), member.modern());
    let opened = Instant::now();
    let (mut kept, mut left) = (Session::open_for(&mut raw, 1, 2_000), Session::open_for(&mut raw, 2, 2_000));
    raw.call(kept.next(ephemeral("/kept", "x", 0)));
    let rev = raw.call(left.next(ephemeral("/left", "x", 0))).rev.unwrap();
    other.send(&wait("/left", rev + 1, 1));
    let answer = kept.keep_alive(&mut raw);
    assert_eq!(answer.failure(), None);
    assert_eq!(answer.session.unwrap().ttl_ms, Some(2_000));
    // The change that is waited for comes with the end of the other one, while this one is kept.
    let gone = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| (other.answer(1), opened.elapsed()));
        while !waiting.is_finished() {
            assert_eq!(kept.keep_alive(&mut raw).failure(), None);
        }
        waiting.join().unwrap()
    });
    assert_eq!(gone.0.flags, Some(FLAG_DEL));
    assert!(gone.1 >= Duration::from_secs(2), "{:?}", gone.1);
    assert_eq!(kind(&left.keep_alive(&mut raw)), Some(ErrorKind::SessionExpired));
    let late = raw.call(left.next(ephemeral("/left", "x", -1)));
    assert_eq!(kind(&late), Some(ErrorKind::SessionExpired));
    assert_eq!(raw.get("/kept").0, "x");
    member.stop();
}

#[test]
fn a_session_ends_although_nothing_else_happens() {
    let member = Member::start(Config::default());
    let (mut raw, mut other) = (member.modern(), member.modern());
    let mut session = Session::open_for(&mut raw, 1, 1_000);
    let rev = raw.call(session.next(ephemeral("/e", "x", 0))).rev.unwrap();
    other.send(&wait("/e", rev + 1, 1));
    // From here on nobody says anything to the member.
    let begun = Instant::now();
    let gone = other.answer(1);
    assert_eq!((gone.flags, gone.path.as_deref()), (Some(FLAG_DEL), Some(&b"/e"[..])));
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    member.stop();
}

#[test]
fn an_open_that_is_sent_again_opens_one() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let session = Session::open_for(&mut raw, 1, 5_000);
    let again = raw.call(session.opening(TTL_MS)).session.unwrap();
    assert_eq!((again.id, again.ttl_ms), (Some(session.id()), Some(5_000)), "it stays as it is");
    assert_eq!(raw.status().sessions, 1);
    assert!(raw.status().session_bytes > 0);
    assert_eq!(session.end(&mut raw).failure(), None);
    assert_eq!((raw.status().sessions, raw.status().session_bytes), (0, 0));
    member.stop();
}

#[test]
fn what_does_not_fit_is_left_out_and_said() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut session = Session::open(&mut raw, 1);
    for n in 0..300 {
        let long = format!("/{n:03}/{}", "x".repeat(4_000));
        raw.send(&Request { tag: Some(n), ..session.next(ephemeral(&long, "", 0)) });
    }
    (0..300).for_each(|n| assert_eq!(raw.answer(n).failure(), None));
    let answer = raw.call(by_id(SessionOp::Show, session.id()));
    assert!(answer.more);
    let shown = answer.session.unwrap().sessions.remove(0);
    assert_eq!(shown.file_count, 300);
    assert!((200..300).contains(&shown.files.len()), "{}", shown.files.len());
    member.stop();
}

#[test]
fn there_are_only_so_many_sessions() {
    let member = Member::start(Config { sessions_max: Some(2), ..Config::default() });
    let mut raw = member.modern();
    assert_eq!(raw.get("/ctl/settings/max-sessions").0, "2");
    let (one, _) = (Session::open(&mut raw, 1), Session::open(&mut raw, 2));
    let third = raw.call(Session::new(3).opening(TTL_MS));
    assert_eq!(kind(&third), Some(ErrorKind::Overloaded));
    assert!(third.err_detail.unwrap().contains("raise /ctl/settings/max-sessions"));
    assert_eq!(one.end(&mut raw).failure(), None);
    Session::open(&mut raw, 3);
    member.stop();
}

#[test]
fn sessions_are_listed_by_pages() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut ids: Vec<[u8; 16]> = (0..1500).map(|number| Session::open(&mut raw, number).id()).collect();
    ids.sort_unstable();
    for limit in [None, Some(700)] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let list = Request { session_op: Some(does(SessionOp::List)), ..request(Verb::Session) };
            let answer = raw.call(Request { after: after.clone(), limit, ..list });
            let sessions = answer.session.unwrap().sessions;
            assert!(sessions.len() <= limit.unwrap_or(1_000) as usize && !sessions.is_empty());
            after = sessions.last().map(|last| Bytes::copy_from_slice(&last.id));
            listed.extend(sessions.into_iter().map(|session| session.id));
            if !answer.more {
                break;
            }
        }
        assert_eq!(listed, ids);
    }
    member.stop();
}
