//! What must hold for any bytes at all. Each takes only public functions, so that a coverage-guided fuzzer
//! can include this file and call them as they are.

use doozer_store::{Applied, By, Command, Flags, Glob, Loader, Options, Path, SessionId, Store};

/// A path is text that stays what it is.
pub fn path(bytes: &[u8]) {
    if let Ok(path) = Path::parse(bytes) {
        assert_eq!(path.as_str().as_bytes(), bytes);
        assert!(Path::parse(path.as_str().as_bytes()).is_ok());
        // A path is a glob, which matches itself and nothing else.
        let Ok(glob) = Glob::parse(bytes) else { panic!("{path} is no glob") };
        assert_eq!(glob.as_literal(), Some(path.as_str()));
        assert!(glob.matches(path.as_str()));
    }
}

/// A glob and a text it may match, separated by the first line feed.
pub fn glob(bytes: &[u8]) {
    let (pattern, text) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, bytes),
    };
    if let Ok(glob) = Glob::parse(pattern) {
        assert_eq!(glob.as_str().as_bytes(), pattern);
        let text = String::from_utf8_lossy(text);
        if glob.matches(&text) {
            assert!(text.starts_with(glob.literal_prefix()));
            assert!(glob.as_literal().is_none_or(|literal| literal == text));
        }
    }
}

/// A command is the same when it is encoded again.
pub fn command(bytes: &[u8]) {
    if let Ok(command) = Command::decode(bytes) {
        let mut again = Vec::new();
        command.encode(&mut again);
        assert_eq!(again, bytes);
    }
}

/// Applied where there are sessions, files of theirs and queues, a command leaves a state that a snapshot tells in full.
pub fn apply(bytes: &[u8]) {
    let mut store = with_sessions();
    let would_change = store.would_change(bytes);
    let before = store.revision();
    store.apply([bytes, bytes], &mut Applied::default());
    assert!(store.revision() > before || !would_change);
    let Some(loaded) = load(&written(&mut store), Options::default(), usize::MAX) else {
        panic!("no snapshot")
    };
    assert_eq!((loaded.digest(), loaded.session_bytes()), (store.digest(), store.session_bytes()));
}

/// Two sessions; the first one holds a file, and both wait for it.
pub fn with_sessions() -> Store {
    let (mut store, mut out) = (Store::new(Options::default()), Applied::default());
    let sessions = [1, 2].map(|n| SessionId([n; 16]));
    for session in sessions {
        apply_one(&mut store, &mut out, Command::Open { session, ttl_ms: 5000, opened_ms: 7, label: "é" });
    }
    let mut set = Vec::new();
    Command::Set { path: "/l", rev: 0, value: b"v" }.encode(&mut set);
    for (session, sequence) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
        let flags = if (session, sequence) == (1, 2) { Flags::default() } else { Flags::QUEUE };
        let by = By::new(sessions[session], sequence, 0, &set).flagged(flags);
        apply_one(&mut store, &mut out, Command::By(by));
    }
    store
}

fn apply_one(store: &mut Store, out: &mut Applied, command: Command<'_>) {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    store.apply([bytes], out);
}

/// As [`snapshot`], of bytes without their end, which is made to be right: nothing is saved by the hash.
pub fn snapshot_of_records(bytes: &[u8]) {
    let mut bytes = [bytes, &[4]].concat();
    bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
    snapshot(&bytes);
}

/// A snapshot is refused, or makes a store that writes the very same one, but for an older format; wherever it is cut.
pub fn snapshot(bytes: &[u8]) {
    let options = Options::default();
    let cut = 1 + bytes.first().map_or(0, |byte| usize::from(*byte)) + bytes.len() / 3;
    let whole = load(bytes, options, usize::MAX);
    let pieces = load(bytes, options, cut);
    assert_eq!(whole.is_some(), pieces.is_some());
    if let Some(mut store) = whole {
        let again = written(&mut store);
        if again.first() == bytes.first() {
            assert_eq!(again, bytes);
        } else {
            let body = 1..bytes.len() - 32;
            assert_eq!(again[body.clone()], bytes[body]);
        }
    }
}

fn written(store: &mut Store) -> Vec<u8> {
    let (mut snapshot, mut bytes) = (store.begin_snapshot(), Vec::new());
    while snapshot.next_chunk(store, &mut bytes) {}
    store.end_snapshot(snapshot);
    bytes
}

fn load(bytes: &[u8], options: Options, cut: usize) -> Option<Store> {
    let mut loader = Loader::new(options);
    for piece in bytes.chunks(cut) {
        loader.push(piece).ok()?;
    }
    loader.finish().ok()
}
