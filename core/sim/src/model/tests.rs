//! The model and the store, given the same commands, must be of one opinion about everything, at every revision.

use doozer_store::{Applied, At, Glob, Lookup as Found, Options, Revision, Scan, Store};
use proptest::prelude::*;

use super::*;

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
        let change = model.change_at(model.revision()).map(|(_, _, slot)| slot.0);
        assert_eq!(outcome.change(), (change == Some(number as u64)).then_some(before + 1));
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

proptest! {
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
