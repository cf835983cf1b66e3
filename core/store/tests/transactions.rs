//! The rules of transactions, one by one: what docs/sessions.md says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tree;

use doozer_store::{
    Change, Changes, Command, Compare, Expected, Flags, Glob, MAX_VALUE, Mode, Op, Outcome, Refusal,
    Revision, SESSIONS, TXN_MAX, Txn,
};
use tree::{A, B, Tree, refused, set, write};

fn put<'a>(path: &'a str, rev: i64, value: &'a [u8]) -> Op<'a> {
    Op { path, rev, change: Change::Set { value, is_ephemeral: false } }
}

fn bound<'a>(path: &'a str, rev: i64, value: &'a [u8]) -> Op<'a> {
    Op { path, rev, change: Change::Set { value, is_ephemeral: true } }
}

fn del(path: &str, rev: i64) -> Op<'_> {
    Op { path, rev, change: Change::Del }
}

fn txn<'a>(compares: &[Compare<'a>], ops: &[Op<'a>]) -> Command<'a> {
    Command::Txn(Txn { compares: compares.to_vec(), ops: ops.to_vec() })
}

/// Makes it, if it is to be made, and tells the revision of each operation.
fn revisions(tree: &mut Tree, ops: &[Op<'_>]) -> Result<Vec<u64>, Outcome> {
    let would_change = tree.store.would_change(&write(txn(&[], ops)));
    let before = tree.store.revision();
    let outcome = tree.apply(txn(&[], ops));
    assert_eq!(would_change, tree.store.revision() > before, "{ops:?}");
    let Outcome::Txn(changes) = outcome else {
        assert_eq!(tree.store.revision(), before, "all or nothing: {ops:?}");
        return Err(outcome);
    };
    Ok((0..ops.len()).map(|op| changes.revision(op).unwrap_or_default().0).collect())
}

#[test]
fn changes_take_consecutive_revisions_and_wake_in_their_order() {
    let mut tree = Tree::default();
    tree.set("/gone", b"");
    tree.store.watch(Glob::parse(b"/**").unwrap(), Revision(1), Mode::Stream, 7);
    let ops =
        [put("/a", 0, b"1"), del("/none", -1), put("/b", -1, b"2"), del("/gone", 1), put("/a", 2, b"3")];
    assert_eq!(revisions(&mut tree, &ops), Ok(vec![2, 0, 3, 4, 5]));
    let fired: Vec<_> = tree.out.fired.iter().map(|fired| (fired.event.rev.0, &*fired.event.path)).collect();
    assert_eq!(fired, [(2, "/a"), (3, "/b"), (4, "/gone"), (5, "/a")]);
    assert_eq!((tree.get("/a"), tree.get("/gone")), (Some((5, b"3".to_vec())), None));
    assert_eq!(revisions(&mut tree, &[]), Ok(vec![]));
    assert_eq!(revisions(&mut tree, &[del("/none", 0)]), Ok(vec![0]));
    assert_eq!(tree.store.revision(), Revision(5));
}

#[test]
fn the_first_operation_that_would_be_refused_refuses_all_and_is_named() {
    let mut tree = Tree::default();
    tree.set("/f", b"");
    tree.set("/d/f", b"");
    let good = put("/new", 0, b"");
    let bad = [
        (put("/f", 0, b""), Refusal::RevMismatch),
        (del("/f", 0), Refusal::RevMismatch),
        (del("/none", -2), Refusal::RevMismatch),
        (put("/d", -1, b""), Refusal::IsDir),
        (del("/d", -1), Refusal::IsDir),
        (put("/", -1, b""), Refusal::IsDir),
        (put("/f/below", -1, b""), Refusal::NotDir),
        (put(MAX_VALUE.path, -1, b"x"), Refusal::BadSetting(&MAX_VALUE)),
    ];
    for (op, refusal) in bad {
        for index in [0, 1, TXN_MAX as u8 - 1] {
            let mut ops = vec![del("/none", -1); usize::from(index)];
            if index > 0 {
                ops[0] = good;
            }
            ops.push(op);
            if usize::from(index) < TXN_MAX - 1 {
                // It is the first that counts.
                ops.push(put("/f/another", -1, b""));
            }
            assert_eq!(revisions(&mut tree, &ops), Err(Outcome::TxnRefused(index, refusal)), "{op:?}");
        }
    }
    let outcome = revisions(&mut tree, &[good, put("no path", -1, b"")]);
    assert!(matches!(outcome, Err(Outcome::TxnRefused(1, Refusal::BadPath(_)))), "{outcome:?}");
    assert_eq!(tree.get("/new"), None);
}

#[test]
fn a_compare_says_what_a_file_is() {
    let mut tree = Tree::with_sessions();
    tree.set("/d/file", b"one");
    tree.set("/d/file", b"value");
    let rev = |path, rev| Compare { path, expected: Expected::Rev(rev) };
    let value = |path, value| Compare { path, expected: Expected::Value(value) };
    let absent = |path| Compare { path, expected: Expected::Absent };
    let cases = [
        (rev("/d/file", 2), true),
        (rev("/d/file", 1), false),
        // Unlike that of a SET, it is exact.
        (rev("/d/file", 3), false),
        (rev("/d/file", -1), false),
        (rev("/d/file", 0), false),
        (rev("/none", 0), true),
        (rev("/d/file/below", 0), true),
        (rev("/d", 0), false),
        (rev("/d", -2), false),
        (value("/d/file", b"value"), true),
        (value("/d/file", b"valu"), false),
        (value("/none", b""), false),
        (value("/d", b""), false),
        (absent("/none"), true),
        (absent("/d/file"), false),
        (absent("/d"), false),
    ];
    for (compare, holds) in cases {
        let before = tree.store.revision();
        for (index, compares) in
            [vec![compare], vec![absent("/none"), rev("/none", 0), compare]].iter().enumerate()
        {
            let command = txn(compares, &[put("/new", -1, b"")]);
            assert_eq!(tree.store.would_change(&write(command.clone())), holds, "{compare:?}");
            let outcome = tree.apply(command);
            let unequal = Outcome::Unequal(2 * index as u8);
            assert!(
                if holds { matches!(outcome, Outcome::Txn(_)) } else { outcome == unequal },
                "{compare:?}: {outcome:?}"
            );
        }
        assert_eq!(tree.store.revision() > before, holds);
    }
    // A compare comes before what would refuse an operation.
    let outcome = tree.apply(txn(&[absent("/d")], &[put("/d", -1, b"")]));
    assert_eq!(outcome, Outcome::Unequal(0));
    // And looks at what was there before all of them.
    let outcome = tree.apply(txn(&[absent("/x")], &[put("/x", 0, b""), del("/x", -1)]));
    assert!(matches!(outcome, Outcome::Txn(_)), "{outcome:?}");
}

#[test]
fn a_fence_is_the_token_of_who_holds_and_else_the_revision() {
    let mut tree = Tree::with_sessions();
    let fenced = |tree: &mut Tree, token| {
        let fence = Compare { path: "/lock", expected: Expected::Fence(token) };
        matches!(tree.apply(txn(&[fence], &[put("/guarded", -1, b"")])), Outcome::Txn(_))
    };
    assert!([-1, 0, 1].iter().all(|token| !fenced(&mut tree, *token)), "no file has no token");
    tree.queue_all(&[A, B], "/lock", b"");
    assert!(fenced(&mut tree, 1));
    tree.ephemeral(A, "/lock", b"proclaimed");
    let rev = tree.get("/lock").unwrap().0 as i64;
    assert!(fenced(&mut tree, 1) && !fenced(&mut tree, rev), "it is not the revision");
    tree.apply(Command::Expire { session: A });
    let rev = tree.get("/lock").unwrap().0 as i64;
    assert!(!fenced(&mut tree, 1) && fenced(&mut tree, rev), "lost, and given to the next");
    tree.set("/lock", b"of nobody");
    let plain = tree.get("/lock").unwrap().0 as i64;
    assert!(!fenced(&mut tree, rev) && fenced(&mut tree, plain));
    tree.del("/lock");
    tree.set("/lock/below", b"");
    assert!([-2, 0, plain].iter().all(|token| !fenced(&mut tree, *token)), "nor has a directory");
}

/// Files that are there, operations, what comes of them.
type Case<'a> = (&'a [&'a str], &'a [Op<'a>], Result<Vec<u64>, Outcome>);

#[test]
fn operations_see_what_those_before_them_did() {
    let files = |paths: &[&str]| {
        let mut tree = Tree::default();
        paths.iter().for_each(|path| tree.set(path, b""));
        tree
    };
    let refuse = |index, refusal| Err(Outcome::TxnRefused(index, refusal));
    let cases: &[Case] = &[
        // Revisions.
        (&["/a"], &[put("/a", 1, b""), put("/a", 1, b"")], refuse(1, Refusal::RevMismatch)),
        (&["/a"], &[put("/a", 1, b""), put("/a", 2, b"")], Ok(vec![2, 3])),
        (&["/a"], &[del("/a", 1), put("/a", 0, b""), del("/a", 2)], refuse(2, Refusal::RevMismatch)),
        (&["/a"], &[del("/a", 1), put("/a", 0, b""), del("/a", 3), del("/a", 0)], Ok(vec![2, 3, 4, 0])),
        // A directory that comes.
        (&[], &[put("/a/b", 0, b""), put("/a", 0, b"")], refuse(1, Refusal::IsDir)),
        (&[], &[put("/a/b", 0, b""), del("/a", 0)], refuse(1, Refusal::IsDir)),
        (&[], &[put("/a/b/c", 0, b""), put("/a", -3, b"")], refuse(1, Refusal::RevMismatch)),
        (&["/a"], &[del("/a", -1), put("/a/b", 0, b""), put("/a", 0, b"")], refuse(2, Refusal::IsDir)),
        (
            &["/a"],
            &[del("/a", -1), put("/a/b", 0, b""), del("/a/b", -1), put("/a", 0, b"")],
            Ok(vec![2, 3, 4, 5]),
        ),
        // One that goes with its last file.
        (&["/a/b"], &[del("/a/b", -1), put("/a", 0, b"")], Ok(vec![2, 3])),
        (&["/a/b", "/a/c"], &[del("/a/b", -1), put("/a", 0, b"")], refuse(1, Refusal::IsDir)),
        (&["/a/b", "/a/c/d"], &[del("/a/b", -1), del("/a/c/d", -1), put("/a", 0, b"")], Ok(vec![3, 4, 5])),
        (&["/a/b"], &[del("/a/b", -1), put("/a/c", 0, b""), put("/a", 0, b"")], refuse(2, Refusal::IsDir)),
        // A file above.
        (&[], &[put("/a", 0, b""), put("/a/b", 0, b"")], refuse(1, Refusal::NotDir)),
        (&[], &[put("/a", 0, b""), del("/a/b", 0)], Ok(vec![1, 0])),
        (&["/a"], &[del("/a", -1), put("/a/b/c", 0, b"")], Ok(vec![2, 3])),
        (&["/a"], &[del("/a", -1), put("/a/b", 0, b""), put("/a/b/c", 0, b"")], refuse(2, Refusal::NotDir)),
        (&["/a/b"], &[del("/a/b", -1), put("/a", 0, b""), put("/a/b", 0, b"")], refuse(2, Refusal::NotDir)),
        // A name that only begins alike.
        (&["/ab", "/a-b"], &[put("/a", 0, b""), put("/ab/c", 0, b"")], refuse(1, Refusal::NotDir)),
        (&["/a-b", "/a.c"], &[put("/a/b", 0, b""), put("/a-c", 0, b"")], Ok(vec![3, 4])),
    ];
    for (before, ops, expected) in cases {
        assert_eq!(&revisions(&mut files(before), ops), expected, "{before:?} {ops:?}");
    }
}

#[test]
fn operations_go_by_the_settings_that_those_before_them_made() {
    let (short, long) = (&b"12345"[..], &b"1234567890"[..]);
    let mut tree = Tree::default();
    tree.set("/old", long);
    let too_large = |limit| Err(Outcome::TxnRefused(1, Refusal::TooLarge { size: 10, limit }));
    assert_eq!(revisions(&mut tree, &[put(MAX_VALUE.path, -1, b"5"), put("/f", -1, long)]), too_large(5));
    assert_eq!(tree.get(MAX_VALUE.path), None);
    assert_eq!(revisions(&mut tree, &[put(MAX_VALUE.path, -1, b"5"), put("/f", -1, short)]), Ok(vec![2, 3]));
    assert_eq!(revisions(&mut tree, &[put(MAX_VALUE.path, -1, b"10"), put("/f", -1, long)]), Ok(vec![4, 5]));
    tree.set(MAX_VALUE.path, b"5");
    assert_eq!(revisions(&mut tree, &[del(MAX_VALUE.path, -1), put("/f", -1, long)]), Ok(vec![7, 8]));
    let ops = [put(MAX_VALUE.path, -1, b"5"), del(MAX_VALUE.path, -1), put("/f", -1, long)];
    assert_eq!(revisions(&mut tree, &ops), Ok(vec![9, 10, 11]));
    assert_eq!(tree.store.value_bytes_max(), MAX_VALUE.default);
    assert_eq!(revisions(&mut tree, &[put(SESSIONS.path, -1, b"0")]), Ok(vec![12]));
    assert!(matches!(tree.open(A), Outcome::Refused(Refusal::Sessions { limit: 0 })));
}

#[test]
fn a_refused_transaction_leaves_sessions_and_queues_alone() {
    let mut tree = Tree::with_sessions();
    tree.queue_all(&[A, B], "/lock", b"");
    let (digest, bytes) = (tree.store.digest(), tree.store.session_bytes());
    let ops = [del("/lock", -1), put("/lock", 0, b""), put("/lock/below", -1, b"")];
    assert_eq!(revisions(&mut tree, &ops), Err(Outcome::TxnRefused(2, Refusal::NotDir)));
    assert_eq!((tree.store.digest(), tree.store.session_bytes()), (digest, bytes));
    assert_eq!(tree.out.granted, []);
}

#[test]
fn only_a_sessions_transaction_makes_ephemeral_files() {
    let mut tree = Tree::with_sessions();
    let ops = [put("/plain", -1, b""), bound("/bound", -1, b"")];
    assert_eq!(revisions(&mut tree, &ops), Err(refused(Refusal::Malformed)));
    let command = write(txn(&[], &ops));
    assert!(tree.would_change(A, 1, 0, &command));
    let outcome = tree.next(A, &command);
    assert!(matches!(outcome, Outcome::Txn(_)), "{outcome:?}");
    assert_eq!(tree.by(A, 1, 0, 0, &command), outcome, "once");
    assert_eq!(tree.by(A, 1, 0, Flags::EPHEMERAL.0, &command), refused(Refusal::Malformed));
    let files: Vec<_> =
        tree.store.session(&A).unwrap().files().map(|file| (file.path, file.token.0)).collect();
    assert_eq!(files, [("/bound", 2)]);
    // What is not named as ephemeral is bound no more.
    tree.next(A, &write(txn(&[], &[put("/bound", -1, b""), bound("/plain", -1, b"")])));
    tree.next(A, &write(txn(&[], &[del("/plain", -1), bound("/plain", 0, b"")])));
    let files: Vec<_> =
        tree.store.session(&A).unwrap().files().map(|file| (file.path, file.token.0)).collect();
    assert_eq!(files, [("/plain", 6)], "another file, another token");
    tree.apply(Command::Close { session: A });
    assert_eq!((tree.get("/plain"), tree.get("/bound")), (None, Some((3, vec![]))));
}

#[test]
fn a_transaction_is_answered_alike_when_it_comes_again() {
    let mut tree = Tree::with_sessions();
    let commands = [
        txn(&[], &[put("/f", 0, b""), put("/g", 0, b"")]),
        txn(&[Compare { path: "/f", expected: Expected::Absent }], &[put("/f", -1, b"")]),
        txn(&[], &[del("/none", -1), put("/f", 0, b"")]),
    ];
    let first: Vec<_> = commands.iter().map(|command| tree.next(A, &write(command.clone()))).collect();
    assert_eq!(first[1..], [Outcome::Unequal(0), Outcome::TxnRefused(1, Refusal::RevMismatch)]);
    let revisions = |changes: Changes| [0, 1].map(|op| changes.revision(op).map(|rev| rev.0));
    assert!(matches!(first[0], Outcome::Txn(changes) if revisions(changes) == [Some(1), Some(2)]));
    let nop = write(Command::Nop);
    assert_eq!([1, 2, 3].map(|sequence| tree.by(A, sequence, 0, 0, &nop)).to_vec(), first);
    assert_eq!(tree.next(A, &set("/f", 1, b"")), Outcome::Set(Revision(3)));
}
