//! Compares every answer about a state with the model's.

use super::model::{Model, entries, glob_matches, is_directory, lock, names, text};
use doozer_store::{At, Event, Glob, Loader, Lookup, Options, ReadError, Revision, Scan, Stat, Store};

/// Few, so that files and directories get in each other's way. The last ones are no paths.
pub const PATHS: &[&str] = &[
    "/a",
    "/b",
    "/a/b",
    "/a/b/c",
    "/a/b/d",
    "/a/c",
    "/a-b",
    "/a.c/x",
    "/ab",
    "/é",
    "/é/世",
    "/ctl/settings/max-value",
    "/ctl/settings/max-sessions",
    "/ctl/settings/max-session-bytes",
    "/ctl/settings",
    "/ctl/cal/0",
    "/",
    "",
    "/a/",
    "x",
    "/a b",
    "//",
];

pub const GLOBS: &[&str] = &[
    "/**",
    "/*",
    "/a/**",
    "/a/*",
    "/a/b",
    "/a",
    "/?",
    "/**/c",
    "/a*",
    "/*/b/*",
    "/*/?",
    "/a/b**",
    "/é*",
    "/??/*",
    "/",
    "/**c",
    "/a?*",
    "/nothing/**",
    "/a/*/d",
    "/*/**/d",
];

/// All reads of one state: the newest, or that of a revision.
pub fn check_state(store: &Store, model: &Model, rev: Option<u64>) {
    let at = rev.map_or(At::Now, |rev| At::Revision(Revision(rev)));
    let tree = &model.trees[rev.unwrap_or(model.revision()) as usize];
    for path in PATHS {
        let file = tree.get(&names(path)).filter(|_| path.starts_with('/'));
        let listed = entries(tree, path);
        let (expected, stat, list_error) = match file {
            Some((rev, value)) => (
                Some((*rev, &**value)),
                Stat { rev: *rev as i64, len: value.len() as u64 },
                Some(ReadError::NotDirectory),
            ),
            None if is_directory(tree, path) => (None, Stat { rev: -2, len: listed.len() as u64 }, None),
            None => (None, Stat::default(), Some(ReadError::NoEntry)),
        };
        match store.get(path, at).unwrap() {
            Lookup::File { rev, value } => assert_eq!(Some((rev.0, &**value)), expected, "{path} {at:?}"),
            Lookup::Directory => assert!(expected.is_none() && is_directory(tree, path), "{path} {at:?}"),
            Lookup::Missing => assert!(expected.is_none() && !is_directory(tree, path), "{path} {at:?}"),
        }
        assert_eq!(store.stat(path, at), Ok(stat), "{path} {at:?}");
        let found = store.dir_entries(path, at).map(|names| names.map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(found, list_error.map_or(Ok(listed.clone()), Err), "{path} {at:?}");
        for offset in [-1, 0, listed.len() as i64 - 1, listed.len() as i64] {
            let name = usize::try_from(offset).ok().and_then(|offset| listed.get(offset));
            let expected = list_error.map_or(name.map(|name| name.as_str()).ok_or(ReadError::Range), Err);
            assert_eq!(store.dir_entry(path, offset, at), expected, "{path} {offset} {at:?}");
        }
    }
    check_entries_after(store, model, rev);
    check_walks(store, model, rev);
    match rev {
        Some(rev) => check_events(store, model, rev),
        None => check_edges(store, model),
    }
}

fn check_entries_after(store: &Store, model: &Model, rev: Option<u64>) {
    let at = rev.map_or(At::Now, |rev| At::Revision(Revision(rev)));
    let tree = &model.trees[rev.unwrap_or(model.revision()) as usize];
    for path in ["/", "/a", "/a/b", "/é", "/ctl"].into_iter().filter(|path| is_directory(tree, path)) {
        let listed = entries(tree, path);
        for name in ["", "a", "a-", "a-b", "a.c", "b", "c", "ctl", "é", "世", "世界"] {
            let expected = listed.iter().find(|other| other.as_str() > name);
            let expected = expected.map(|other| other.as_str()).ok_or(ReadError::Range);
            let found = store.dir_entries_after(path, name, at);
            let found = found.and_then(|mut names| names.next().ok_or(ReadError::Range));
            assert_eq!(found, expected, "{path} after {name:?} {at:?}");
        }
    }
}

fn check_walks(store: &Store, model: &Model, rev: Option<u64>) {
    let at = rev.map_or(At::Now, |rev| At::Revision(Revision(rev)));
    let tree = &model.trees[rev.unwrap_or(model.revision()) as usize];
    for (i, glob) in GLOBS.iter().enumerate() {
        // Every glob with some start or none, in turn.
        let after =
            PATHS.iter().filter(|path| path.starts_with('/')).nth((i + model.changes.len()) % 20).copied();
        let compiled = Glob::parse(glob.as_bytes()).unwrap();
        let found: Vec<_> = store
            .walk(&compiled, at, after)
            .unwrap()
            .map(|file| (file.path.to_owned(), (file.rev.0, file.value.to_vec())))
            .collect();
        let expected: Vec<_> = tree
            .iter()
            .filter(|(path, _)| glob_matches(glob, &text(path)))
            .filter(|(path, _)| after.is_none_or(|after| **path > names(after)))
            .map(|(path, file)| (text(path), file.clone()))
            .collect();
        assert_eq!(found, expected, "{glob} after {after:?} {at:?}");
    }
}

fn check_events(store: &Store, model: &Model, rev: u64) {
    assert_eq!(store.event(Revision(rev)), Ok(event(model, rev)));
    for glob in GLOBS {
        let expected =
            (rev..=model.revision()).find(|rev| glob_matches(glob, &model.changes[*rev as usize - 1].path));
        let expected = expected.map_or(Scan::CaughtUp, |rev| Scan::Found(event(model, rev)));
        let compiled = Glob::parse(glob.as_bytes()).unwrap();
        let (mut from, mut calls) = (Revision(rev), 0);
        let found = loop {
            match store.scan(&compiled, from, 3) {
                Scan::More(next) => {
                    assert_eq!(next.0, from.0 + 3);
                    from = next;
                }
                other => break other,
            }
            calls += 1;
        };
        assert_eq!(found, expected, "{glob} from {rev} in {calls} calls");
    }
}

/// What is not kept any more, or not there yet.
fn check_edges(store: &Store, model: &Model) {
    let glob = Glob::parse(b"/**").unwrap();
    let future = Revision(model.revision() + 1);
    assert_eq!(store.get("/a", At::Revision(future)), Err(ReadError::Future));
    assert_eq!(store.event(future), Err(ReadError::Future));
    assert_eq!(store.scan(&glob, future, 1), Scan::CaughtUp);
    if let Some(late) = model.first.checked_sub(1).filter(|late| *late > 0) {
        let late = Revision(late);
        for at in [At::Revision(late), At::from_raw(Some(-5))] {
            assert_eq!(store.get("/a", at), Err(ReadError::TooLate));
            assert_eq!(store.stat("/a", at), Err(ReadError::TooLate));
            assert_eq!(store.dir_entry("/a", 0, at), Err(ReadError::TooLate));
            assert!(store.walk(&glob, at, None).is_err_and(|error| error == ReadError::TooLate));
        }
        assert_eq!(store.event(late), Err(ReadError::TooLate));
        assert_eq!(store.scan(&glob, late, 1), Scan::TooLate);
        assert_eq!(store.scan(&Glob::parse(b"/a").unwrap(), late, 1), Scan::TooLate);
    }
}

fn event(model: &Model, rev: u64) -> Event {
    let change = &model.changes[rev as usize - 1];
    Event { rev: Revision(rev), path: (*change.path).into(), value: change.value.as_deref().map(Into::into) }
}

pub fn write_snapshot(store: &mut Store) -> Vec<u8> {
    let (mut snapshot, mut bytes) = (store.begin_snapshot(), Vec::new());
    while snapshot.next_chunk(store, &mut bytes) {}
    store.end_snapshot(snapshot);
    bytes
}

/// Loads it in pieces of this many bytes.
pub fn load(bytes: &[u8], options: Options, cut: usize) -> Store {
    let mut loader = Loader::new(options);
    bytes.chunks(cut).for_each(|piece| loader.push(piece).unwrap());
    loader.finish().unwrap()
}

/// All that is shown of sessions, locks and queues.
pub fn check_sessions(store: &Store, model: &Model) {
    let kept = &model.kept;
    assert_eq!(store.sessions_len(), kept.sessions.len());
    assert_eq!(store.session_bytes(), model.session_bytes());
    assert!(store.sessions(None).map(|session| session.id).eq(kept.sessions.keys().copied()));
    for (id, expected) in &kept.sessions {
        let session = store.session(id).unwrap();
        assert_eq!(
            (session.ttl_ms(), session.opened_ms(), session.label(), session.last()),
            (expected.ttl_ms, expected.opened_ms, &*expected.label, expected.last)
        );
        assert_eq!(session.unacknowledged(), expected.outcomes.len());
        for sequence in 0..=expected.last + 1 {
            assert_eq!(session.outcome(sequence).as_ref(), expected.outcomes.get(&sequence), "{sequence}");
        }
        let files: Vec<_> = session.files().map(|file| (file.path, (session.id, file.token.0))).collect();
        let held = kept.bound.iter().filter(|(_, (holder, _))| holder == id);
        assert_eq!(files, held.map(|(path, held)| (&**path, *held)).collect::<Vec<_>>());
        let places: Vec<_> =
            session.places().map(|place| (place.sequence, place.path, place.before)).collect();
        let waits = kept.waiting.iter().enumerate().filter(|(_, place)| place.session == *id);
        let before =
            |at: usize, path: &str| kept.waiting[..at].iter().filter(|other| other.path == path).count();
        let mut waits: Vec<_> =
            waits.map(|(at, place)| (place.sequence, &*place.path, before(at, &place.path))).collect();
        waits.sort_unstable();
        assert_eq!(places, waits);
    }
    for path in PATHS {
        let found = store.lock(path).map(|lock| (lock.rev.0, lock.token.0, lock.holder));
        assert_eq!(found, lock(model, path), "{path}");
        let queue: Vec<_> =
            store.queue(path).map(|waiter| (waiter.session, waiter.sequence, waiter.value_bytes)).collect();
        let waiting = kept.waiting.iter().filter(|place| place.path == *path);
        let waiting: Vec<_> =
            waiting.map(|place| (place.session, place.sequence, place.value.len())).collect();
        assert!(queue.is_empty() || found.is_some(), "a queue without its file: {path}");
        assert_eq!(queue, waiting, "{path}");
    }
}
