//! The model and the store, given the same commands, must be of one opinion about everything, at every revision.

use doozer_store::{
    Applied, At, By, Change as TxnChange, Compare, Expected, Flags, Glob, Lookup as Found, Op, Options,
    Revision, Scan, Store, Txn,
};
use proptest::prelude::*;

use super::*;
use crate::history::{SessionEvent, Settled};

fn encoded(command: &Command<'_>) -> Bytes {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    bytes.into()
}

fn both(commands: &[Bytes]) -> (Model, Store) {
    let (mut model, mut store) = (Model::default(), Store::new(Options::default()));
    let mut applied = Applied::default();
    for (number, command) in commands.iter().enumerate() {
        let before = model.revision();
        let outcome = model.apply(command, Slot(number as u64));
        store.apply([command], &mut applied);
        assert_eq!(outcome, applied.outcomes[0].into(), "{:?}", Command::decode(command));
        assert_eq!(model.revision(), store.revision().0);
        let settled: Vec<Settled> = applied.granted.iter().copied().map(Settled::from).collect();
        assert_eq!(model.step().settled, settled, "{:?}", Command::decode(command));
        let sessions: Vec<SessionEvent> = applied.sessions.iter().copied().map(SessionEvent::from).collect();
        assert_eq!(model.step().sessions, sessions);
        assert_eq!(model.sessions_open(), store.sessions_len());
        if model.revision() > before + 1 || !applied.granted.is_empty() {
            continue;
        }
        let change = model.change_at(model.revision()).map(|(_, _, slot)| slot.0);
        if matches!(outcome, Outcome::Set(_) | Outcome::Deleted(_)) && model.revision() == before {
            // The answer that was kept.
            continue;
        }
        if !matches!(outcome, Outcome::Txn { .. } | Outcome::Closed | Outcome::Left) {
            assert_eq!(outcome.change(), (change == Some(number as u64)).then_some(before + 1));
        }
    }
    (model, store)
}

fn same_reads(model: &Model, store: &Store, path: &str, at: u64) {
    let found = match store.get(path, At::Revision(Revision(at))).unwrap() {
        Found::Missing => None,
        Found::File { rev, value } => Some((rev.0, value.to_vec())),
        Found::Directory => Some((0, Vec::new())),
    };
    let expected = match model.get(path, at) {
        Lookup::Missing => None,
        Lookup::File { rev, value } => Some((rev, value.to_vec())),
        Lookup::Directory => Some((0, Vec::new())),
    };
    assert_eq!(expected, found, "{path} at {at}");
}

fn same_globs(model: &mut Model, store: &Store, text: &str) {
    let glob = Glob::parse(text.as_bytes()).unwrap();
    let pattern = model.pattern(text);
    for at in 1..=model.revision() {
        let walk = store.walk(&glob, At::Revision(Revision(at)), None).unwrap();
        let walked: Vec<_> = walk.map(|file| (file.path, file.rev.0)).collect();
        assert_eq!(model.list(text, at), walked, "{text} at {at}");
        let first = match store.scan(&glob, Revision(at), usize::MAX) {
            Scan::Found(event) => Some(event.rev.0),
            _ => None,
        };
        assert_eq!(model.first_match(&pattern, at, u64::MAX), first, "{text} from {at}");
        assert_eq!(model.is_match(&pattern, at), first == Some(at));
        assert_eq!(
            model.first_match(&pattern, 1, at + 1).is_some(),
            model.first_match(&pattern, 1, u64::MAX).is_some_and(|rev| rev <= at)
        );
    }
}

fn command() -> impl Strategy<Value = Bytes> {
    let path = prop_oneof![
        20 => "(/[ab-]){1,3}",
        2 => Just("/ctl/settings/max-value".to_owned()),
        1 => "[/a ]{0,3}",
    ];
    let rev = prop_oneof![4 => Just(-1_i64), 4 => 0_i64..12, 1 => -4_i64..0, 1 => Just(i64::MAX)];
    let value = prop_oneof![3 => "[a-z]{0,4}", 1 => "[0-9]{1,3}"];
    (path, rev, value, 0..10).prop_map(|(path, rev, value, kind)| match kind {
        0 => encoded(&Command::Nop),
        1..4 => encoded(&Command::Del { path: &path, rev }),
        _ => encoded(&Command::Set { path: &path, rev, value: value.as_bytes() }),
    })
}

const SESSIONS: [SessionId; 3] = [SessionId([1; 16]), SessionId([2; 16]), SessionId([3; 16])];

fn txn() -> impl Strategy<Value = Bytes> {
    let op =
        ("(/[ab]){1,2}", prop_oneof![-1_i64..4, Just(i64::MAX)], proptest::option::of("[a-z]{0,2}"), 0..3);
    let compare = ("(/[ab]){1,2}", 0_i64..9, 0..4);
    let (ops, compares) = (proptest::collection::vec(op, 0..5), proptest::collection::vec(compare, 0..2));
    (ops, compares).prop_map(|(ops, compares)| {
        let compares = compares.iter().map(|(path, rev, kind)| Compare {
            path,
            expected: match kind {
                0 => Expected::Rev(*rev),
                1 => Expected::Fence(*rev),
                2 => Expected::Value(b"a"),
                _ => Expected::Absent,
            },
        });
        let ops = ops.iter().map(|(path, rev, value, kind)| Op {
            path,
            rev: *rev,
            change: value.as_ref().map_or(TxnChange::Del, |value| TxnChange::Set {
                value: value.as_bytes(),
                is_ephemeral: *kind == 0,
            }),
        });
        encoded(&Command::Txn(Txn { compares: compares.collect(), ops: ops.collect() }))
    })
}

/// Commands as sessions send them: mostly the next one, now and then an old one, or one too early.
fn of_sessions() -> impl Strategy<Value = Vec<Bytes>> {
    let write = prop_oneof![3 => command(), 1 => txn(), 3 => "/[ab]".prop_map(|path| {
        encoded(&Command::Set { path: &path, rev: 0, value: b"lock" })
    })];
    let step = (0..SESSIONS.len(), write, 0_u8..4, 0_u64..30, 0..20);
    proptest::collection::vec(step, 1..80).prop_map(|steps| {
        let mut next = [1_u64; SESSIONS.len()];
        let mut commands = Vec::new();
        for (who, write, flags, lag, kind) in steps {
            let session = SESSIONS[who];
            let old = next[who].saturating_sub(lag).max(1);
            commands.push(match kind {
                0..=1 => encoded(&Command::Open {
                    session,
                    ttl_ms: 900 + 200 * (lag as u32 % 3),
                    opened_ms: 0,
                    label: "",
                }),
                2 => encoded(&Command::Close { session }),
                3..=4 => encoded(&Command::Leave { session, sequence: old, path: "/a" }),
                5 => write,
                _ => {
                    let sequence = if kind == 6 { old + lag % 3 } else { next[who] };
                    next[who] += u64::from(kind > 6);
                    let is_set = write[0] == 1;
                    let flags = Flags(if is_set { flags } else { 0 });
                    let by = By::new(session, sequence, old.saturating_sub(3), &write).flagged(flags);
                    encoded(&Command::By(by))
                }
            });
        }
        commands
    })
}

proptest! {
    #[test]
    fn is_of_one_opinion_about_sessions(commands in of_sessions()) {
        let (model, store) = both(&commands);
        for path in ["/a", "/b", "/a/a", "/a/b"] {
            for at in 1..=model.revision() {
                same_reads(&model, &store, path, at);
            }
            let held = store.lock(path).and_then(|lock| Some((lock.holder?, lock.token.0)));
            prop_assert_eq!(model.holder(path), held, "{}", path);
        }
        for session in SESSIONS {
            let last = store.session(&session).map_or(0, |session| session.last());
            prop_assert_eq!(model.last_of(&session), last);
        }
    }

    #[test]
    fn is_of_one_opinion_with_the_store(commands in proptest::collection::vec(command(), 1..60)) {
        let (mut model, store) = both(&commands);
        let paths: Vec<_> = commands
            .iter()
            .filter_map(|command| match Command::decode(command) {
                Ok(Command::Set { path, .. } | Command::Del { path, .. }) => Some(path.to_owned()),
                _ => None,
            })
            .chain(["/", "/a", "/b", "/-", "", "a", "/ctl"].map(str::to_owned))
            .collect();
        for at in 1..=model.revision() {
            paths.iter().for_each(|path| same_reads(&model, &store, path, at));
        }
        for glob in ["/**", "/*", "/a/**", "/a/*", "/a", "/?/b", "/a**", "/ctl/**"] {
            same_globs(&mut model, &store, glob);
        }
    }
}

#[test]
fn globs_that_were_asked_for_before_a_path_came_match_it() {
    let mut model = Model::default();
    let pattern = model.pattern("/a/*");
    let (a, b) = (
        Command::Set { path: "/a/b", rev: -1, value: b"1" },
        Command::Set { path: "/b", rev: -1, value: b"2" },
    );
    for (slot, command) in [(1, &b), (2, &a), (3, &b)] {
        model.apply(&encoded(command), Slot(slot));
    }
    assert_eq!(model.first_match(&pattern, 1, u64::MAX), Some(2));
    assert_eq!(model.first_match(&pattern, 3, u64::MAX), None);
    assert_eq!(model.pattern("/a/*"), pattern);
}

#[test]
fn bytes_that_are_no_command_change_nothing() {
    let mut model = Model::default();
    assert_eq!(model.apply(&Bytes::from_static(b"\x09"), Slot(1)), Outcome::Refused(Refusal::Malformed));
    assert_eq!((model.revision(), model.change_at(0), model.change_at(1)), (0, None, None));
}
