//! The rules of queues, one by one: what docs/sessions.md says of those who wait for a file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tree;

use doozer_store::{
    At, Change, Command, Flags, Granted, Lookup, Op, Options, Outcome, Refusal, Revision, SessionId, Txn,
};
use tree::{A, B, C, Tree, refused, set, write};

#[test]
fn a_queue_is_fair_and_nobody_comes_between() {
    let mut tree = Tree::with_sessions();
    assert_eq!(tree.queue(A, "/lock", b"a"), Outcome::Set(Revision(1)));
    assert_eq!(tree.queue(B, "/lock", b"b"), Outcome::Queued);
    assert_eq!(tree.queue(C, "/lock", b"c"), Outcome::Queued);
    let waiting: Vec<_> = tree.store.queue("/lock").map(|waiter| waiter.session).collect();
    assert_eq!(waiting, [B, C]);
    // The freeing and a plain SET in one batch: it finds the file made again.
    let batch = [write(Command::Del { path: "/lock", rev: -1 }), set("/lock", 0, b"mine")];
    tree.store.apply(&batch, &mut tree.out);
    assert_eq!(tree.out.outcomes, [Outcome::Deleted(Revision(2)), refused(Refusal::RevMismatch)]);
    assert_eq!(tree.out.granted, [granted(B, 1, Outcome::Set(Revision(3)))]);
    assert_eq!(tree.get("/lock"), Some((3, b"b".to_vec())));
    assert_eq!(tree.by(B, 1, 0, Flags::QUEUE.0, &set("/lock", 0, b"b")), Outcome::Set(Revision(3)));
    assert_eq!(tree.by(C, 1, 0, Flags::QUEUE.0, &set("/lock", 0, b"c")), Outcome::Queued);
    // Writing a file does not free it.
    tree.set("/lock", b"overwritten");
    assert_eq!((tree.out.granted.len(), tree.store.queue("/lock").count()), (0, 1));
    tree.apply(Command::Close { session: B });
    assert_eq!(tree.store.queue("/lock").count(), 1, "it was not B's any more");
    tree.del("/lock");
    assert_eq!(tree.out.granted, [granted(C, 1, Outcome::Set(Revision(6)))]);
}

#[test]
fn a_queued_set_makes_a_file() {
    let mut tree = Tree::with_sessions();
    tree.set("/file", b"");
    tree.set("/d/file", b"");
    for rev in [-1, 1, 5, -2] {
        let outcome = tree.next_with(A, Flags::QUEUE.0, &set("/file", rev, b""));
        assert_eq!(outcome, refused(Refusal::BadQueue), "{rev}");
    }
    assert_eq!(tree.queue(A, "/d", b""), refused(Refusal::IsDir));
    assert_eq!(tree.queue(A, "/file/below", b""), refused(Refusal::NotDir));
    assert!(matches!(tree.queue(A, "/file/", b""), Outcome::Refused(Refusal::BadPath(_))));
    let big = vec![0; tree.store.value_bytes_max() + 1];
    for path in ["/file", "/none"] {
        let outcome = tree.queue(A, path, &big);
        assert!(matches!(outcome, Outcome::Refused(Refusal::TooLarge { .. })), "{path}: {outcome:?}");
    }
    assert_eq!(tree.store.queue("/file").count(), 0);
    // Both flags are the one.
    assert_eq!(tree.next_with(A, 3, &set("/file", 0, b"")), Outcome::Queued);
}

#[test]
fn a_session_may_wait_twice_and_behind_itself() {
    let mut tree = Tree::with_sessions();
    for outcome in [Outcome::Set(Revision(1)), Outcome::Queued, Outcome::Queued] {
        assert_eq!(tree.queue(A, "/lock", b""), outcome);
    }
    let places = |tree: &Tree| -> Vec<_> {
        tree.store.session(&A).unwrap().places().map(|place| (place.sequence, place.before)).collect()
    };
    assert_eq!(places(&tree), [(2, 0), (3, 1)]);
    tree.del("/lock");
    assert_eq!(tree.out.granted, [granted(A, 2, Outcome::Set(Revision(3)))]);
    assert_eq!((places(&tree), tree.store.lock("/lock").unwrap().token), (vec![(3, 0)], Revision(3)));
    // Its end is not a turn of its own.
    tree.apply(Command::Expire { session: A });
    assert_eq!(tree.out.granted, [granted(A, 3, refused(Refusal::NoSession))]);
    assert_eq!((tree.get("/lock"), tree.store.queue("/lock").count()), (None, 0));
}

#[test]
fn the_end_of_a_session_frees_its_places_then_its_files_then_others_get_them() {
    let mut tree = Tree::with_sessions();
    for path in ["/z", "/m", "/a"] {
        tree.queue(A, path, b"a");
    }
    tree.queue(B, "/other", b"b");
    // A is before C at /other, and before B at its own /m.
    for (session, path) in [(A, "/other"), (C, "/other"), (A, "/m"), (B, "/m"), (C, "/z"), (B, "/a")] {
        assert_eq!(tree.queue(session, path, b"next"), Outcome::Queued, "{path}");
    }
    let before = tree.store.revision().0;
    tree.apply(Command::Expire { session: A });
    let gone = refused(Refusal::NoSession);
    let set = |step| Outcome::Set(Revision(before + step));
    assert_eq!(
        tree.out.granted,
        [
            granted(A, 4, gone),
            granted(A, 5, gone),
            granted(B, 3, set(4)),
            granted(B, 2, set(5)),
            granted(C, 2, set(6)),
        ]
    );
    let events: Vec<_> =
        (before + 1..=before + 6).map(|rev| tree.store.event(Revision(rev)).unwrap()).collect();
    let changes: Vec<_> = events.iter().map(|event| (&*event.path, event.value.is_some())).collect();
    let (deleted, made) = (false, true);
    assert_eq!(
        changes,
        [("/a", deleted), ("/m", deleted), ("/z", deleted), ("/a", made), ("/m", made), ("/z", made)]
    );
    let waiting: Vec<_> = tree.store.queue("/other").map(|waiter| waiter.session).collect();
    assert_eq!(waiting, [C]);
}

#[test]
fn a_place_is_left_before_its_turn_and_what_was_granted_after_it() {
    let mut tree = Tree::with_sessions();
    tree.queue_all(&[A, B, C], "/lock", b"");
    let leave = |session, sequence, path| Command::Leave { session, sequence, path };
    // Another number, another path, another session: nothing.
    for other in [leave(B, 2, "/lock"), leave(B, 1, "/other"), leave(SessionId([9; 16]), 1, "/lock")] {
        assert_eq!(tree.apply(other), Outcome::Absent);
        assert_eq!((tree.out.granted.len(), tree.store.queue("/lock").count()), (0, 2));
    }
    assert_eq!(tree.apply(leave(B, 1, "/lock")), Outcome::Left);
    assert_eq!(tree.out.granted, [granted(B, 1, Outcome::Left)]);
    assert_eq!(tree.by(B, 1, 0, Flags::QUEUE.0, &set("/lock", 0, b"")), Outcome::Left, "that is its answer");
    assert_eq!(tree.apply(leave(B, 1, "/lock")), Outcome::Absent);
    assert_eq!(tree.store.revision(), Revision(1), "harmless twice");

    // Made at once, or granted: the file goes, and the next one has it.
    assert_eq!(tree.apply(leave(A, 1, "/lock")), Outcome::Left);
    assert_eq!(tree.out.granted, [granted(C, 1, Outcome::Set(Revision(3)))]);
    let answer = tree.by(A, 1, 0, Flags::QUEUE.0, &set("/lock", 0, b""));
    assert_eq!(answer, Outcome::Left, "who asks once more must not take it for held");
    tree.ephemeral(C, "/lock", b"written again under the same token");
    tree.apply(leave(A, 1, "/lock"));
    assert_eq!(tree.store.lock("/lock").unwrap().holder, Some(C), "harmless twice, to others too");
    tree.apply(leave(C, 1, "/lock"));
    assert_eq!(tree.get("/lock"), None);
}

#[test]
fn leaving_takes_only_what_was_granted_for_that_place() {
    let mut tree = Tree::with_sessions();
    let leave = Command::Leave { session: A, sequence: 1, path: "/lock" };
    tree.queue(A, "/lock", b"");
    tree.set("/lock", b"plain now");
    tree.apply(leave.clone());
    assert!(tree.get("/lock").is_some());
    tree.del("/lock");
    // Held again, by another number.
    tree.queue(A, "/lock", b"");
    tree.apply(leave);
    assert_eq!(tree.store.lock("/lock").unwrap().holder, Some(A));
}

#[test]
fn who_waits_where_no_file_can_be_any_more_is_told() {
    for (path, in_its_way, refusal) in
        [("/a", "/a/b", Refusal::IsDir), ("/a/b", "/a", Refusal::NotDir), ("/a/b/c", "/a/b", Refusal::NotDir)]
    {
        let mut tree = Tree::with_sessions();
        tree.queue_all(&[A, B, C], path, b"");
        let ops = vec![
            Op { path, rev: -1, change: Change::Del },
            Op { path: in_its_way, rev: 0, change: Change::Set { value: b"", is_ephemeral: false } },
        ];
        let outcome = tree.apply(Command::Txn(Txn { compares: vec![], ops }));
        assert!(matches!(outcome, Outcome::Txn(_)), "{outcome:?}");
        let told = [B, C].map(|session| granted(session, 1, refused(refusal)));
        assert_eq!(tree.out.granted, told, "{path}");
        assert_eq!((tree.store.queue(path).count(), tree.store.revision()), (0, Revision(3)));
        assert_eq!(tree.by(B, 1, 0, Flags::QUEUE.0, &set(path, 0, b"")), refused(refusal));
    }
}

#[test]
fn who_waits_goes_on_waiting_when_the_same_step_makes_the_file_again() {
    let mut tree = Tree::with_sessions();
    tree.queue_all(&[A, B], "/lock", b"");
    let ops = vec![
        Op { path: "/lock", rev: -1, change: Change::Del },
        Op { path: "/lock", rev: 0, change: Change::Set { value: b"new", is_ephemeral: false } },
    ];
    tree.apply(Command::Txn(Txn { compares: vec![], ops }));
    assert_eq!((tree.out.granted.len(), tree.store.queue("/lock").count()), (0, 1));
    tree.del("/lock");
    assert_eq!(tree.out.granted, [granted(B, 1, Outcome::Set(Revision(5)))]);
}

#[test]
fn a_grant_is_made_though_the_largest_value_was_lowered_since() {
    let mut tree = Tree::with_sessions();
    tree.queue_all(&[A, B], "/lock", b"value");
    tree.set("/ctl/settings/max-value", b"1");
    tree.apply(Command::Close { session: A });
    assert_eq!(tree.get("/lock").map(|(_, value)| value), Some(b"value".to_vec()));
}

#[test]
fn a_leap_keeps_sessions() {
    let mut tree = Tree::with_sessions();
    tree.queue(A, "/lock", b"a");
    tree.ephemeral(A, "/lock", b"again");
    tree.queue(B, "/lock", b"b");
    tree.next(C, &set("/plain", -1, b"c"));
    let to = Revision(1 << 32);
    let mut new = Tree { store: tree.store.leap(to, Options::default()), ..Tree::default() };
    assert_eq!(new.store.session_bytes(), tree.store.session_bytes());
    let lock = |tree: &Tree| tree.store.lock("/lock").unwrap();
    assert_eq!((lock(&new), lock(&new).token), (lock(&tree), Revision(1)));
    // Each goes on where it was: answers, numbers, places, files.
    assert_eq!(new.by(C, 1, 0, 0, &set("/plain", -1, b"c")), Outcome::Set(Revision(3)));
    assert_eq!(new.ephemeral(A, "/lock", b""), Outcome::Set(Revision(to.0 + 1)));
    assert_eq!(lock(&new).token, Revision(1));
    new.apply(Command::Expire { session: A });
    assert_eq!(new.out.granted, [granted(B, 1, Outcome::Set(Revision(to.0 + 3)))]);
    assert_eq!(new.store.get("/plain", At::Now), tree.store.get("/plain", At::Now));
    assert!(matches!(new.store.get("/lock", At::Now), Ok(Lookup::File { .. })));
}

fn granted(session: SessionId, sequence: u64, outcome: Outcome) -> Granted {
    Granted { session, sequence, outcome }
}
