//! Any bytes as a path and as a glob; a glob without wildcards matches itself and nothing else.
#![no_main]

use doozer_store::{Glob, Path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (pattern, name) = input;
    let path = Path::parse(name);
    if let Ok(path) = &path {
        assert_eq!(path.as_str().as_bytes(), name);
    }
    let Ok(glob) = Glob::parse(pattern) else { return };
    if let Ok(path) = &path {
        let literal = !pattern.contains(&b'*') && !pattern.contains(&b'?');
        let matches = glob.matches(path.as_str());
        assert!(!literal || matches == (pattern == name));
    }
    if let Ok(name) = std::str::from_utf8(name) {
        glob.matches(name);
    }
});
