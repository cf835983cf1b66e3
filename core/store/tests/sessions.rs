//! The rules of sessions and ephemeral files, one by one: what docs/sessions.md says. `queues` has those who wait.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tree;

use doozer_store::{
    At, By, Change, Command, Flags, LABEL_BYTES_MAX, OUTCOMES_ALWAYS, OUTCOMES_MAX, Op, Outcome, PLACES_MAX,
    Refusal, Revision, SESSION_BYTES, SESSIONS, SessionChange, SessionId, TTL_MS, Txn,
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
