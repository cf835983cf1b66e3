//! Transactions over real connections: all or none, what each part is refused for, and the fence of a lock.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::thread;

use bytes::Bytes;
use doozer_node::Config;
use doozer_wire::{
    Action, Compare, ErrorKind, Failed, OwnedResponse, Request, SetFlags, Test, TxnOp, TxnRequest, Verb,
};
use support::cluster::{Ports, together, voters};
use support::sessions::{Session, compare, ephemeral, txn};
use support::{Member, Raw, at, kind, request, watch};

fn put(path: &str, value: &'static str, rev: i64) -> TxnOp {
    let path = Some(Bytes::copy_from_slice(path.as_bytes()));
    TxnOp { path, rev: Some(rev), action: Some(Action::Set(value.into())), ..TxnOp::default() }
}

fn delete(path: &str, rev: i64) -> TxnOp {
    TxnOp { action: Some(Action::Del), ..put(path, "", rev) }
}

/// Its kind, the part that it names, and its detail.
fn fault(answer: &OwnedResponse) -> (ErrorKind, Option<Failed>, &str) {
    let (kind, detail) = answer.failure().expect("it is refused");
    (kind, answer.txn.as_ref().and_then(|txn| txn.failed), detail)
}

fn revs(answer: &OwnedResponse) -> Vec<i64> {
    assert_eq!(answer.failure(), None);
    answer.txn.as_ref().map(|txn| txn.revs.clone()).expect("a transaction's answer")
}

#[test]
fn all_is_made_by_consecutive_revisions() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let a = raw.set("/t/a", "1", 0);
    let compares = vec![
        compare("/t/a", Test::Rev(a)),
        compare("/t/a", Test::Value("1".into())),
        compare("/t/a", Test::Fence(a)),
        compare("/t/b", Test::Absent),
        compare("/t/b", Test::Rev(0)),
    ];
    // Each sees what those before it did.
    let ops = vec![
        put("/t/b", "2", 0),
        delete("/t/none", 0),
        put("/t/b", "3", a + 1),
        delete("/t/a", a),
        put("/t/a/below", "4", 0),
    ];
    let answer = raw.call(txn(compares, ops));
    assert_eq!(revs(&answer), [a + 1, 0, a + 2, a + 3, a + 4]);
    assert_eq!((answer.store_rev, answer.counted), (Some(a + 4), false));
    assert_eq!(raw.get("/t/b"), ("3".into(), a + 2));
    // Whoever watches sees each.
    raw.send(&watch("/t/**", a + 1, 7));
    let told: Vec<_> = (0..4).map(|_| raw.answer(7).rev.unwrap()).collect();
    assert_eq!(told, [a + 1, a + 2, a + 3, a + 4]);
    // Nothing at all is a success, and takes nothing.
    assert_eq!(revs(&raw.call(txn(vec![], vec![]))), []);
    assert_eq!(raw.rev(), a + 4);
    member.stop();
}

#[test]
fn nothing_is_made_if_one_part_does_not_hold() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let a = raw.set("/t/a", "1", 0);
    let cases = [
        (compare("/t/a", Test::Rev(a - 1)), Failed::Compare(2)),
        (compare("/t/a", Test::Value("2".into())), Failed::Compare(2)),
        (compare("/t/a", Test::Absent), Failed::Compare(2)),
        (compare("/t/a", Test::Fence(a + 1)), Failed::Compare(2)),
    ];
    for (unequal, part) in cases {
        let holds = compare("/t/a", Test::Rev(a));
        let answer = raw.call(txn(vec![holds, unequal], vec![put("/t/b", "x", 0)]));
        assert_eq!(
            fault(&answer),
            (ErrorKind::CompareFailed, Some(part), "compare 2 (/t/a): it does not hold")
        );
    }
    let answer = raw.call(txn(vec![], vec![put("/t/b", "x", 0), put("/t/a", "x", 0)]));
    let (kind, part, detail) = fault(&answer);
    assert_eq!((kind, part), (ErrorKind::RevMismatch, Some(Failed::Op(2))));
    assert!(detail.starts_with("operation 2 (/t/a): "), "{detail}");
    let answer = raw.call(txn(vec![], vec![put("/t/b", "x", 0), put("/t/b/c", "x", 0)]));
    assert_eq!(fault(&answer).0, ErrorKind::NotDir);
    let answer = raw.call(txn(vec![], vec![put("/ctl", "x", 0)]));
    assert_eq!(fault(&answer).0, ErrorKind::IsDir);
    assert_eq!((raw.rev(), raw.get("/t/b").1), (a, 0));
    member.stop();
}

#[test]
fn parts_that_are_wrong_are_named() {
    let member = Member::start(Config { value_bytes_max: 10, ..Config::default() });
    let mut raw = member.modern();
    let before = raw.rev();
    let ok = || put("/t/a", "x", 0);
    let flagged = |flags| TxnOp { flags: SetFlags(flags), ..ok() };
    let no_path = TxnOp { path: None, ..ok() };
    let compare_nothing = Compare { test: None, ..compare("/t/a", Test::Absent) };
    let cases: Vec<(Request, ErrorKind, Option<Failed>, &str)> = vec![
        (request(Verb::Txn), ErrorKind::MissingArg, None, ""),
        (
            txn(vec![], vec![ok(), no_path]),
            ErrorKind::MissingArg,
            Some(Failed::Op(2)),
            "operation 2: no path",
        ),
        (
            txn(vec![], vec![TxnOp { rev: None, ..ok() }]),
            ErrorKind::MissingArg,
            Some(Failed::Op(1)),
            "no rev",
        ),
        (
            txn(vec![], vec![TxnOp { action: None, ..ok() }]),
            ErrorKind::MissingArg,
            Some(Failed::Op(1)),
            "no set or del",
        ),
        (
            txn(vec![compare_nothing], vec![]),
            ErrorKind::MissingArg,
            Some(Failed::Compare(1)),
            "compare 1 (/t/a)",
        ),
        (txn(vec![], vec![flagged(1)]), ErrorKind::BadSession, Some(Failed::Op(1)), "need a session"),
        (
            txn(vec![], vec![ok(), flagged(2)]),
            ErrorKind::BadSession,
            Some(Failed::Op(2)),
            "cannot wait in a queue",
        ),
        (txn(vec![], vec![flagged(64)]), ErrorKind::BadSession, Some(Failed::Op(1)), "0x40"),
        (
            txn(vec![], vec![ok(), put("bad", "x", 0)]),
            ErrorKind::BadPath,
            Some(Failed::Op(2)),
            "operation 2 (bad)",
        ),
        (
            txn(vec![compare("/b//c", Test::Absent)], vec![]),
            ErrorKind::BadPath,
            Some(Failed::Compare(1)),
            "(/b//c)",
        ),
        (
            txn(vec![], vec![put("/a", "eleven byte", 0)]),
            ErrorKind::TooLarge,
            Some(Failed::Op(1)),
            "11 bytes, limit 10",
        ),
        (txn(vec![], vec![ok(); 129]), ErrorKind::TooLarge, None, "129 compares and operations, limit 128"),
        (
            Request { txn: Some(Bytes::from_static(b"\xff")), ..request(Verb::Txn) },
            ErrorKind::Malformed,
            None,
            "",
        ),
        (
            Request { flags: SetFlags::EPHEMERAL, ..txn(vec![], vec![]) },
            ErrorKind::BadSession,
            None,
            "belong to a SET",
        ),
        // Kinds of faults go before each other, wherever they stand.
        (
            txn(vec![compare("bad", Test::Absent)], vec![flagged(1)]),
            ErrorKind::BadSession,
            Some(Failed::Op(1)),
            "",
        ),
        (
            Request { sequence: Some(1), ..txn(vec![compare("bad", Test::Absent)], vec![]) },
            ErrorKind::BadSession,
            None,
            "needs both",
        ),
    ];
    for (wish, expected, part, said) in cases {
        let answer = raw.call(wish.clone());
        let (kind, failed, detail) = fault(&answer);
        assert_eq!((kind, failed), (expected, part), "{said}: {detail}");
        assert!(detail.contains(said), "{said}: {detail}");
    }
    assert_eq!(raw.rev(), before);
    // As many as there may be.
    let many = (0..128).map(|n| put(&format!("/many/{n}"), "x", 0)).collect();
    assert_eq!(revs(&raw.call(txn(vec![], many))), (1..=128).map(|n| before + n).collect::<Vec<_>>());
    let unequal = (0..128).map(|_| compare("/many/1", Test::Absent)).collect();
    assert_eq!(fault(&raw.call(txn(unequal, vec![]))).1, Some(Failed::Compare(1)));
    member.stop();
}

#[test]
fn a_sessions_transaction_is_made_once() {
    let member = Member::start(Config::default());
    let (mut raw, mut other) = (member.modern(), member.modern());
    let mut session = Session::open(&mut raw, 1);
    let bound = TxnOp { flags: SetFlags::EPHEMERAL, ..put("/t/mine", "x", 0) };
    let wish = session.next(txn(vec![], vec![bound, put("/t/a", "x", 0), delete("/t/none", 0)]));
    let first = raw.call(wish.clone());
    assert!(first.counted);
    let again = other.call(wish);
    assert_eq!((revs(&again), again.counted), (revs(&first), true));
    assert_eq!(session.shown(&mut raw).files[0].path, "/t/mine");
    let refused = session.next(txn(vec![compare("/t/a", Test::Absent)], vec![]));
    raw.del("/t/a", -1);
    let held = raw.call(refused.clone());
    assert_eq!((held.failure(), held.counted), (None, true), "it holds now");
    let refused_for_good = session.next(txn(vec![compare("/t/a", Test::Rev(7))], vec![put("/t/b", "x", 0)]));
    for raw in [&mut raw, &mut other] {
        let answer = raw.call(refused_for_good.clone());
        assert_eq!((fault(&answer).0, answer.counted), (ErrorKind::CompareFailed, true));
        assert_eq!(fault(&answer).2, "compare 1 (/t/a): it does not hold");
    }
    // A NOP under its number hears the same, as far as that can be told without the transaction.
    let nop = raw.call(session.numbered(1, request(Verb::Nop)));
    assert_eq!(revs(&nop), revs(&first)[..2]);
    assert_eq!(session.end(&mut raw).failure(), None);
    assert_eq!(raw.get("/t/mine").1, 0);
    member.stop();
}

#[test]
fn a_fence_lets_only_the_holder_through() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let (mut one, mut two) = (Session::open(&mut raw, 1), Session::open(&mut raw, 2));
    let token = raw.call(one.next(ephemeral("/lock", "one", 0))).rev.unwrap();
    // It is written again by who holds it: the token stays.
    let rev = raw.call(one.next(ephemeral("/lock", "still one", token))).rev.unwrap();
    assert!(rev > token);
    let fenced = |token| txn(vec![compare("/lock", Test::Fence(token))], vec![put("/guarded", "x", -1)]);
    assert_eq!(revs(&raw.call(one.next(fenced(token)))).len(), 1);
    assert_eq!(fault(&raw.call(one.next(fenced(rev)))).0, ErrorKind::CompareFailed);
    // Lost, and taken by somebody else: what the first one still sends is refused.
    assert_eq!(one.end(&mut raw).failure(), None);
    assert_eq!(fault(&raw.call(fenced(token))).0, ErrorKind::CompareFailed, "nobody holds it");
    let next = raw.call(two.next(ephemeral("/lock", "two", 0))).rev.unwrap();
    assert!(next > token);
    assert_eq!(fault(&raw.call(fenced(token))).0, ErrorKind::CompareFailed);
    assert_eq!(revs(&raw.call(two.next(fenced(next)))).len(), 1);
    member.stop();
}

#[test]
fn who_votes_is_changed_by_one_operation_at_most() {
    let member = Member::start(Config::default());
    let mut raw = member.modern();
    let mut session = Session::open(&mut raw, 1);
    let before = raw.rev();
    let two = vec![put("/ctl/cal/1", "", 0), put("/ctl/cal/2", "", 0)];
    let answer = raw.call(session.next(txn(vec![], two)));
    let (kind, _, detail) = fault(&answer);
    assert_eq!((kind, answer.counted, raw.rev()), (ErrorKind::Other, false, before), "{detail}");
    assert!(detail.contains("one file under /ctl/cal"), "{detail}");
    // Its number is still to be used.
    let one = session.numbered(1, txn(vec![], vec![put("/ctl/cal/1", "", 0), put("/t/a", "x", 0)]));
    assert_eq!(revs(&raw.call(one)), [before + 1, before + 2]);
    member.stop();
}

/// Money that is moved around between accounts is never more or less than it was, for whoever looks at all of them at once.
#[test]
fn transfers_by_many_members_keep_the_sum() {
    const ACCOUNTS: usize = 4;
    let ports = Ports::new(3);
    let members = together(&ports, |_, config| config);
    let mut raw = members[0].modern();
    assert_eq!(voters(&mut raw, 3).len(), 3);
    let account = |n: usize| format!("/account/{n}");
    let found = (0..ACCOUNTS).map(|n| put(&account(n), "100", 0)).collect();
    assert_eq!(revs(&raw.call(txn(vec![], found))).len(), ACCOUNTS);
    thread::scope(|scope| {
        for (number, member) in members.iter().enumerate() {
            scope.spawn(move || {
                let mut raw = member.modern();
                let mut session = Session::open(&mut raw, number as u32);
                let mut moved = 0;
                while moved < 40 {
                    moved += usize::from(transfer(&mut raw, &mut session, &account, number + moved));
                    let all = raw.call(at(Verb::List, "/account/*"));
                    let sum: u64 =
                        all.entries.iter().map(|entry| number_in(entry.value.as_ref().unwrap())).sum();
                    assert_eq!(sum, 100 * ACCOUNTS as u64);
                }
            });
        }
    });
    members.into_iter().for_each(Member::stop);
}

fn number_in(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

/// One from one account to the next; false if somebody else came between.
fn transfer(raw: &mut Raw, session: &mut Session, account: &impl Fn(usize) -> String, from: usize) -> bool {
    let (from, to) = (account(from % 4), account((from + 1) % 4));
    let ((has, from_rev), (had, to_rev)) = (raw.get(&from), raw.get(&to));
    let write = |path: &str, value: u64, rev| TxnOp {
        path: Some(Bytes::copy_from_slice(path.as_bytes())),
        rev: Some(rev),
        action: Some(Action::Set(value.to_string().into())),
        ..TxnOp::default()
    };
    let Some(left) = number_in(&has).checked_sub(1) else { return true };
    let ops = vec![write(&from, left, from_rev), write(&to, number_in(&had) + 1, to_rev)];
    let body = TxnRequest { compares: vec![], ops }.encode();
    let answer = raw.call(session.next(Request { txn: Some(body), ..request(Verb::Txn) }));
    match kind(&answer) {
        None => true,
        Some(ErrorKind::RevMismatch) => false,
        other => panic!("{other:?}"),
    }
}
