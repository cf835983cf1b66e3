//! The rules of sessions, ephemeral files and queues, one by one: what docs/sessions.md says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tree;

use doozer_store::{
    At, By, Change, Command, Flags, Granted, LABEL_BYTES_MAX, Lookup, OUTCOMES_ALWAYS, OUTCOMES_MAX, Op,
    Options, Outcome, PLACES_MAX, Refusal, Revision, SESSION_BYTES, SESSIONS, SessionChange, SessionId,
    TTL_MS, Txn,
};
use tree::{A, B, C, Tree, refused, set, write};

#[test]
fn an_open_that_comes_again_opens_one_session() {
    let mut tree = Tree::default();
    assert_eq!(tree.open(A), Outcome::Opened);
    assert_eq!(tree.out.sessions, [SessionChange::Opened(A, 5000)]);
    tree.next(A, &set("/f", -1, b"v"));
    let again = Command::Open { session: A, ttl_ms: 9000, opened_ms: 9, label: "other" };
    assert_eq!(tree.apply(again), Outcome::Opened);
    assert_eq!(tree.out.sessions, []);
    let session = tree.store.session(&A).unwrap();
    assert_eq!((session.ttl_ms(), session.opened_ms(), session.label(), session.last()), (5000, 7, "me", 1));
}

#[test]
fn a_ttl_has_bounds() {
    let mut tree = Tree::default();
    let (min, max) = (*TTL_MS.start(), *TTL_MS.end());
    assert_eq!((min, max), (1000, 24 * 3600 * 1000));
    for ms in [0, min - 1, max + 1, u32::MAX] {
        let open = Command::Open { session: A, ttl_ms: ms, opened_ms: 0, label: "" };
        assert_eq!(tree.apply(open), refused(Refusal::BadTtl { ms, min, max }));
    }
    assert_eq!((tree.out.sessions.len(), tree.store.sessions_len()), (0, 0));
    for (session, ttl_ms) in [(A, min), (B, max)] {
        let open = Command::Open { session, ttl_ms, opened_ms: 0, label: "" };
        assert_eq!(tree.apply(open), Outcome::Opened);
    }
}

#[test]
fn a_label_is_cut_before_a_character_that_does_not_fit() {
    let mut tree = Tree::default();
    for (session, label) in [(A, "é".repeat(200)), (B, format!("x{}", "é".repeat(200)))] {
        tree.apply(Command::Open { session, ttl_ms: 5000, opened_ms: 0, label: &label });
        let kept = tree.store.session(&session).unwrap().label();
        assert!(label.starts_with(kept) && kept.len() <= LABEL_BYTES_MAX, "{kept}");
        assert!(kept.len() >= LABEL_BYTES_MAX - 1, "{kept}");
    }
}

#[test]
fn a_session_that_is_not_there_changes_nothing() {
    let mut tree = Tree::default();
    let expired = refused(Refusal::NoSession);
    assert_eq!(tree.by(A, 1, 0, 0, &set("/f", -1, b"")), expired);
    assert_eq!(tree.apply(Command::Close { session: A }), expired);
    assert_eq!(tree.apply(Command::Expire { session: A }), expired);
    assert_eq!(tree.apply(Command::Leave { session: A, sequence: 1, path: "/f" }), Outcome::Absent);
    tree.open(A);
    assert_eq!(tree.apply(Command::Close { session: A }), Outcome::Closed);
    assert_eq!(tree.out.sessions, [SessionChange::Ended(A)]);
    assert_eq!(tree.by(A, 1, 0, 0, &set("/f", -1, b"")), expired);
    assert_eq!((tree.store.revision(), tree.store.session_bytes()), (Revision(0), 0));
}

#[test]
fn commands_of_sessions_take_no_revision() {
    let mut tree = Tree::with_sessions();
    tree.next(A, &write(Command::Nop));
    tree.next(A, &write(Command::Del { path: "/f", rev: -1 }));
    tree.next(A, &set("/f/", -1, b""));
    assert_eq!(tree.store.revision(), Revision(0));
    tree.queue(A, "/lock", b"a");
    tree.queue(B, "/lock", b"b");
    assert_eq!(tree.store.revision(), Revision(1), "the file alone");
    tree.apply(Command::Leave { session: B, sequence: 1, path: "/lock" });
    tree.apply(Command::Close { session: B });
    assert_eq!(tree.store.revision(), Revision(1));
}

#[test]
fn a_command_that_comes_twice_is_applied_once_and_answered_alike() {
    let mut tree = Tree::with_sessions();
    let commands = [set("/f", 0, b"v"), set("/f", 0, b"v"), write(Command::Del { path: "/f", rev: -1 })];
    let expected = [Outcome::Set(Revision(1)), refused(Refusal::RevMismatch), Outcome::Deleted(Revision(2))];
    for (command, outcome) in commands.iter().zip(expected) {
        assert_eq!(tree.next(A, command), outcome);
    }
    for _ in 0..2 {
        for (command, (sequence, outcome)) in commands.iter().zip((1..).zip(expected)) {
            assert_eq!(tree.by(A, sequence, 0, 0, command), outcome);
        }
    }
    // The number says which command it is, not what is in it.
    assert_eq!(tree.by(A, 3, 0, 0, &write(Command::Nop)), expected[2]);
    assert_eq!(tree.store.revision(), Revision(2));
    let other = tree.by(B, 1, 0, 0, &commands[0]);
    assert_eq!(other, Outcome::Set(Revision(3)), "each session has its own numbers");
}

#[test]
fn a_nop_tells_what_became_of_a_command_or_that_it_never_will_be_made() {
    let mut tree = Tree::with_sessions();
    let nop = write(Command::Nop);
    assert_eq!(tree.by(A, 1, 0, 0, &set("/f", 0, b"")), Outcome::Set(Revision(1)));
    assert_eq!(tree.by(A, 1, 0, 0, &nop), Outcome::Set(Revision(1)));
    assert_eq!(tree.by(A, 2, 0, 0, &nop), Outcome::Nop);
    assert_eq!(tree.by(A, 2, 0, 0, &set("/g", 0, b"")), Outcome::Nop);
    assert_eq!(tree.get("/g"), None);
}

#[test]
fn what_was_acknowledged_is_gone_and_what_was_excepted_is_not() {
    let mut tree = Tree::with_sessions();
    let nop = write(Command::Nop);
    (1..=4).for_each(|sequence| assert_eq!(tree.by(A, sequence, 0, 0, &nop), Outcome::Nop));
    assert_eq!(tree.by_but(A, 5, 3, &[2], 0, &nop), Outcome::Nop);
    let kept = |tree: &Tree| {
        let session = tree.store.session(&A).unwrap();
        (1..=6).filter(|sequence| session.outcome(*sequence).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(kept(&tree), [2, 4, 5]);
    assert_eq!([1, 2, 3, 4].map(|sequence| tree.by(A, sequence, 0, 0, &nop)), {
        let gone = refused(Refusal::AnswerGone);
        [gone, Outcome::Nop, gone, Outcome::Nop]
    });
    // It counts, even when the command itself is refused or was applied.
    tree.by(A, 7, 2, 0, &nop);
    assert_eq!(kept(&tree), [4, 5]);
    tree.by(A, 5, 4, 0, &nop);
    assert_eq!(kept(&tree), [5]);
    // What came late, from before, brings nothing back and takes nothing.
    tree.by(A, 1, 0, 0, &nop);
    assert_eq!(kept(&tree), [5]);
}

#[test]
fn who_waits_has_no_answer_whatever_was_acknowledged() {
    let mut tree = Tree::with_sessions();
    tree.queue(A, "/lock", b"a");
    assert_eq!(tree.queue(B, "/lock", b"b"), Outcome::Queued);
    tree.by(B, 2, 1, 0, &write(Command::Nop));
    assert_eq!(tree.store.session(&B).unwrap().outcome(1), Some(Outcome::Queued));
    tree.apply(Command::Close { session: A });
    assert_eq!(tree.by(B, 1, 0, 0, &write(Command::Nop)), Outcome::Set(Revision(3)));
    // Granted, it may be acknowledged, too.
    tree.by(B, 3, 1, 0, &write(Command::Nop));
    assert_eq!(tree.by(B, 1, 0, 0, &write(Command::Nop)), refused(Refusal::AnswerGone));
}

#[test]
fn a_number_is_not_passed_over() {
    let mut tree = Tree::with_sessions();
    for sequence in [2, 3, u64::MAX] {
        let outcome = tree.by(A, sequence, 0, 0, &set("/f", -1, b""));
        assert_eq!(outcome, refused(Refusal::OutOfOrder { expected: 1 }));
    }
    assert_eq!((tree.get("/f"), tree.store.session(&A).unwrap().last()), (None, 0));
    tree.next(A, &set("/f", -1, b""));
    let outcome = tree.by(A, 3, 0, 0, &set("/f", -1, b""));
    assert_eq!(outcome, refused(Refusal::OutOfOrder { expected: 2 }));
    // What is refused for what it says has its number all the same.
    assert_eq!(tree.by(A, 2, 0, 0, b"\x01"), refused(Refusal::Malformed));
    assert_eq!(tree.by(A, 2, 0, 0, &write(Command::Nop)), refused(Refusal::Malformed));
    assert_eq!(tree.by(A, 3, 0, 0, &write(Command::Nop)), Outcome::Nop);
}

#[test]
fn outcomes_are_kept_up_to_a_bound_and_then_no_number_is_used() {
    let mut tree = Tree::with_sessions();
    let nop = write(Command::Nop);
    let most = OUTCOMES_MAX as u64;
    (1..=most).for_each(|sequence| assert_eq!(tree.by(A, sequence, 0, 0, &nop), Outcome::Nop));
    let full = refused(Refusal::Unacknowledged { limit: OUTCOMES_MAX });
    let (bytes, one_more) = (tree.store.session_bytes(), set("/f", -1, b""));
    for _ in 0..2 {
        assert_eq!(tree.by(A, most + 1, 0, 0, &one_more), full);
        assert!(!tree.would_change(A, most + 1, 0, &one_more));
    }
    assert_eq!((tree.get("/f"), tree.store.session_bytes()), (None, bytes));
    assert_eq!(tree.by(A, 1, 0, 0, &nop), Outcome::Nop, "none was forgotten");
    // Its own acknowledgement makes room.
    assert!(tree.would_change(A, most + 1, 1, &one_more));
    assert_eq!(tree.by(A, most + 1, 1, 0, &one_more), Outcome::Set(Revision(1)));
    assert_eq!(tree.by(A, most + 2, 1, 0, &one_more), full);
    assert_eq!(tree.by(B, 1, 0, 0, &one_more), Outcome::Set(Revision(2)), "it is each session's own bound");
}

#[test]
fn places_have_a_bound() {
    let mut tree = Tree::with_sessions();
    tree.queue(B, "/lock", b"");
    for _ in 0..PLACES_MAX {
        assert_eq!(tree.queue(A, "/lock", b""), Outcome::Queued);
    }
    let full = refused(Refusal::Places { limit: PLACES_MAX });
    assert_eq!(tree.queue(A, "/lock", b""), full);
    assert_eq!(tree.queue(A, "/free", b""), full, "it cannot be known before whether it will wait");
    assert_eq!(tree.store.session(&A).unwrap().last(), PLACES_MAX as u64, "the number is not used");
    assert!(matches!(tree.next(A, &set("/f", -1, b"")), Outcome::Set(_)));
    tree.apply(Command::Leave { session: A, sequence: 1, path: "/lock" });
    assert_eq!(tree.queue(A, "/lock", b""), Outcome::Queued);
    let sequence = PLACES_MAX as u64 + 2;
    let last = tree.store.session(&A).unwrap().places().last().unwrap();
    assert_eq!((last.sequence, last.before, last.path), (sequence, PLACES_MAX - 1, "/lock"));
}

#[test]
fn sessions_have_a_bound() {
    let mut tree = Tree::default();
    tree.set(SESSIONS.path, b"2");
    assert_eq!((tree.open(A), tree.open(B)), (Outcome::Opened, Outcome::Opened));
    assert_eq!(tree.open(C), refused(Refusal::Sessions { limit: 2 }));
    assert_eq!(tree.open(A), Outcome::Opened, "one that is open");
    tree.set(SESSIONS.path, b"1");
    assert_eq!(tree.next(B, &set("/f", -1, b"")), Outcome::Set(Revision(3)), "those that are there go on");
    tree.apply(Command::Close { session: A });
    assert_eq!(tree.open(C), refused(Refusal::Sessions { limit: 1 }));
    tree.apply(Command::Expire { session: B });
    assert_eq!(tree.open(C), Outcome::Opened);
}

#[test]
fn bytes_of_sessions_have_a_bound_that_leaves_each_some_outcomes() {
    let mut tree = Tree::with_sessions();
    let nop = write(Command::Nop);
    let always = OUTCOMES_ALWAYS as u64;
    (1..=always).for_each(|sequence| assert_eq!(tree.by(C, sequence, 0, 0, &nop), Outcome::Nop));
    tree.set(SESSION_BYTES.path, SESSION_BYTES.min.to_string().as_bytes());
    tree.queue(A, "/lock", b"");
    let room = SESSION_BYTES.min - tree.store.session_bytes();
    // The one that comes to the bound is let in, whatever it takes.
    assert_eq!(tree.queue(A, "/lock", &vec![0; room]), Outcome::Queued);
    assert!(tree.store.session_bytes() >= SESSION_BYTES.min);
    let full = refused(Refusal::SessionBytes { limit: SESSION_BYTES.min });
    let last = |tree: &Tree, session| tree.store.session(&session).unwrap().last();
    assert_eq!((tree.queue(A, "/lock", b""), last(&tree, A)), (full, 2));
    assert_eq!((tree.queue(B, "/free", b""), last(&tree, B)), (full, 0));
    let other = SessionId([9; 16]);
    assert_eq!(tree.open(other), full);
    assert_eq!(tree.by(C, always + 1, 0, 0, &set("/f", -1, b"")), full);
    assert!(!tree.would_change(C, always + 1, 0, &set("/f", -1, b"")));
    // Who has fewer goes on, up to that; who has so many makes room by an acknowledgement.
    for sequence in 1..=always {
        let outcome = tree.by(B, sequence, 0, 0, &set("/f", -1, b""));
        assert!(matches!(outcome, Outcome::Set(_)), "{outcome:?}");
    }
    assert_eq!(tree.by(B, always + 1, 0, 0, &nop), full);
    assert!(tree.would_change(C, always + 1, 1, &set("/f", -1, b"")));
    let outcome = tree.by(C, always + 1, 1, 0, &set("/f", -1, b""));
    assert!(matches!(outcome, Outcome::Set(_)), "{outcome:?}");
    tree.apply(Command::Leave { session: A, sequence: 2, path: "/lock" });
    assert_eq!((tree.open(other), tree.queue(A, "/lock", b"")), (Outcome::Opened, Outcome::Queued));
}

#[test]
fn all_bytes_are_given_back() {
    let mut tree = Tree::with_sessions();
    let before = tree.store.session_bytes();
    for (session, path) in [(A, "/x"), (B, "/x"), (C, "/x"), (A, "/y"), (B, "/y"), (A, "/x")] {
        tree.queue(session, path, b"value");
    }
    tree.ephemeral(A, "/z", b"");
    for session in [B, C, A] {
        let sequence = tree.store.session(&session).unwrap().last();
        tree.apply(Command::Leave { session, sequence, path: "/x" });
        tree.by(session, sequence, sequence, 0, &write(Command::Nop));
    }
    for path in ["/z", "/y", "/y", "/x", "/x", "/x"] {
        tree.del(path);
    }
    for session in [A, B, C] {
        let last = tree.store.session(&session).unwrap().last();
        tree.by(session, last, last, 0, &write(Command::Nop));
    }
    assert_eq!(tree.store.session_bytes(), before);
    for session in [A, B, C] {
        tree.apply(Command::Close { session });
    }
    assert_eq!(tree.store.session_bytes(), 0);
}

#[test]
fn an_ephemeral_file_goes_with_its_session_while_its_set_is_the_last() {
    let mut tree = Tree::with_sessions();
    for path in ["/d/stays", "/d/goes", "/d/plain", "/d/others", "/d/deleted"] {
        tree.ephemeral(A, path, b"a");
    }
    tree.set("/d/stays", b"");
    tree.next(A, &set("/d/plain", -1, b"its own, but not ephemeral"));
    tree.ephemeral(B, "/d/others", b"b");
    tree.del("/d/deleted");
    tree.set("/d/deleted", b"another one");
    let files: Vec<_> = tree.store.session(&A).unwrap().files().map(|file| file.path).collect();
    assert_eq!(files, ["/d/goes"]);
    let before = tree.store.revision();
    tree.apply(Command::Expire { session: A });
    assert_eq!(tree.store.revision(), before.next(), "one file, one revision");
    let names: Vec<_> = tree.store.dir_entries("/d", At::Now).unwrap().collect();
    assert_eq!(names, ["deleted", "others", "plain", "stays"]);
    tree.apply(Command::Close { session: B });
    assert_eq!(tree.get("/d/others"), None);
}

#[test]
fn a_token_stays_while_the_same_session_writes() {
    let mut tree = Tree::with_sessions();
    tree.queue(A, "/lock", b"");
    let token = |tree: &Tree| tree.store.lock("/lock").map(|lock| (lock.rev.0, lock.token.0, lock.holder));
    assert_eq!(token(&tree), Some((1, 1, Some(A))));
    tree.ephemeral(A, "/lock", b"proclaimed");
    assert_eq!(token(&tree), Some((2, 1, Some(A))));
    let change = Change::Set { value: b"once more", is_ephemeral: true };
    tree.next(
        A,
        &write(Command::Txn(Txn { compares: vec![], ops: vec![Op { path: "/lock", rev: 2, change }] })),
    );
    assert_eq!(token(&tree), Some((3, 1, Some(A))));
    tree.ephemeral(B, "/lock", b"taken");
    assert_eq!(token(&tree), Some((4, 4, Some(B))));
    tree.ephemeral(A, "/lock", b"");
    assert_eq!(token(&tree), Some((5, 5, Some(A))), "it had lost it");
    tree.set("/lock", b"");
    assert_eq!(token(&tree), Some((6, 6, None)));
    tree.ephemeral(A, "/lock", b"");
    tree.del("/lock");
    assert_eq!(token(&tree), None);
    tree.ephemeral(A, "/lock", b"");
    assert_eq!(token(&tree), Some((9, 9, Some(A))));
}

#[test]
fn the_clusters_own_files_are_nobodys() {
    let mut tree = Tree::with_sessions();
    let before = [A, B].map(|session| tree.store.session(&session).unwrap().last());
    for path in ["/ctl/cal/0", "/ctl/settings/max-value", "/ctl/settings/other"] {
        for _ in 0..2 {
            assert_eq!(tree.ephemeral(A, path, b"5"), refused(Refusal::NotBindable), "{path}");
            assert_eq!(tree.queue(A, path, b"5"), refused(Refusal::NotBindable), "{path}");
            let change = Change::Set { value: b"5", is_ephemeral: true };
            let txn = Txn { compares: vec![], ops: vec![Op { path, rev: -1, change }] };
            let outcome = tree.next(A, &write(Command::Txn(txn)));
            assert_eq!(outcome, Outcome::TxnRefused(0, Refusal::NotBindable), "{path}");
            // And then where there is one.
            tree.set(path, b"5");
        }
        assert!(matches!(tree.next(B, &set(path, -1, b"6")), Outcome::Set(_)), "without a flag: {path}");
    }
    let after = [A, B].map(|session| tree.store.session(&session).unwrap().last());
    assert_eq!([after[0] - before[0], after[1] - before[1]], [18, 3], "refused for what it says");
    assert!(matches!(tree.ephemeral(A, "/ctl/node/x/addr", b""), Outcome::Set(_)));
}

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

#[test]
fn whether_a_write_would_change_anything_is_known_before() {
    let mut tree = Tree::with_sessions();
    tree.set("/file", b"");
    let cases = [
        (0, set("/file", -1, b""), true),
        (0, set("/file", 0, b""), false),
        (0, write(Command::Nop), false),
        (0, write(Command::Del { path: "/none", rev: -1 }), false),
        (0, b"\x01".to_vec(), false),
        (1, set("/file", -1, b""), true),
        (1, set("/ctl/cal/0", -1, b""), false),
        (2, set("/none", 0, b""), true),
        (2, set("/file", 0, b""), false),
        (2, set("/none", -1, b""), false),
        (2, set("/ctl/cal/0", 0, b""), false),
    ];
    for (flags, command, would_change) in cases {
        let bytes = write(Command::By(By::new(A, 1, 0, &command).flagged(Flags(flags))));
        assert_eq!(tree.store.would_change(&bytes), would_change, "{flags} {command:?}");
    }
    let set = set("/file", -1, b"");
    assert!(!tree.would_change(A, 2, 0, &set), "out of order");
    assert!(!tree.would_change(SessionId([9; 16]), 1, 0, &set), "of nobody");
    tree.by(A, 1, 0, 0, &set);
    assert!(!tree.would_change(A, 1, 0, &set), "it was applied");
    for none in [Command::Close { session: A }, Command::Expire { session: A }] {
        assert!(!tree.store.would_change(&write(none)));
    }
}

fn granted(session: SessionId, sequence: u64, outcome: Outcome) -> Granted {
    Granted { session, sequence, outcome }
}
