//! What must hold for any bytes at all. Each takes only public functions, so that a coverage-guided fuzzer
//! can include this file and call them as they are.

use doozer_store::{Command, Glob, Loader, Options, Path, Store};

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

/// A snapshot is refused, or makes a store that writes the very same one; wherever it is cut.
pub fn snapshot(bytes: &[u8]) {
    let options = Options::default();
    let cut = 1 + bytes.first().map_or(0, |byte| usize::from(*byte)) + bytes.len() / 3;
    let whole = load(bytes, options, usize::MAX);
    let pieces = load(bytes, options, cut);
    assert_eq!(whole.is_some(), pieces.is_some());
    if let Some(mut store) = whole {
        let (mut snapshot, mut again) = (store.begin_snapshot(), Vec::new());
        while snapshot.next_chunk(&store, &mut again) {}
        store.end_snapshot(snapshot);
        assert_eq!(again, bytes);
    }
}

fn load(bytes: &[u8], options: Options, cut: usize) -> Option<Store> {
    let mut loader = Loader::new(options);
    for piece in bytes.chunks(cut) {
        loader.push(piece).ok()?;
    }
    loader.finish().ok()
}
