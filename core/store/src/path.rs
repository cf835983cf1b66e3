//! Paths: which names exist, and the order files are listed in.

use std::cmp::Ordering;
use std::fmt;

/// The longest path and the longest glob, in bytes.
pub const PATH_BYTES_MAX: usize = 4096;

/// The path of a file or a directory, known to be well formed: `/`, or `/name/name…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Box<str>);

impl Path {
    /// Checks and copies a path.
    pub fn parse(path: &[u8]) -> Result<Self, PathError> {
        validate(path).map(|path| Self(path.into()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a path, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is nothing.
    #[error("a path cannot be empty")]
    Empty,
    /// The first character is something else than a slash.
    #[error("a path must begin with '/'")]
    NotAbsolute,
    /// It is longer than [`PATH_BYTES_MAX`].
    #[error("a path of {len} bytes is too long: the limit is {max}", max = PATH_BYTES_MAX)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Two slashes side by side, or one at the end.
    #[error("an empty name at byte {at} is not allowed in a path")]
    EmptyName {
        /// Where the name should begin.
        at: usize,
    },
    /// A character that no name can hold.
    #[error("{found:?} at byte {at} is not allowed in a path")]
    Character {
        /// The character.
        found: char,
        /// Where it stands.
        at: usize,
    },
    /// Bytes that are no UTF-8.
    #[error("the bytes at {at} are not UTF-8")]
    NotUtf8 {
        /// Where the first such byte stands.
        at: usize,
    },
}

/// Checks that bytes are a well-formed path. `/` alone, the root, is one.
pub fn validate(path: &[u8]) -> Result<&str, PathError> {
    validate_with(path, allowed)
}

/// The shape of a path, with another set of characters: globs share it.
pub(crate) fn validate_with(path: &[u8], allowed: fn(char) -> bool) -> Result<&str, PathError> {
    if path.len() > PATH_BYTES_MAX {
        return Err(PathError::TooLong { len: path.len() });
    }
    let text = std::str::from_utf8(path).map_err(|e| PathError::NotUtf8 { at: e.valid_up_to() })?;
    match text.strip_prefix('/') {
        None if text.is_empty() => return Err(PathError::Empty),
        None => return Err(PathError::NotAbsolute),
        Some("") => return Ok(text),
        Some(_) => {}
    }
    let mut name_is_empty = false;
    for (at, found) in text.char_indices() {
        if found == '/' {
            if name_is_empty {
                return Err(PathError::EmptyName { at });
            }
            name_is_empty = true;
        } else if allowed(found) {
            name_is_empty = false;
        } else {
            return Err(PathError::Character { found, at });
        }
    }
    if name_is_empty { Err(PathError::EmptyName { at: text.len() }) } else { Ok(text) }
}

/// Whether a name can hold this character. The list is fixed, and not taken from the Unicode tables of
/// the day: members of different builds must never disagree about a path.
pub fn allowed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '@' | '=' | '+' | '~');
    }
    !matches!(c,
        '\u{80}'..='\u{A0}'
        | '\u{AD}'
        | '\u{2000}'..='\u{200F}'
        | '\u{2028}'..='\u{202F}'
        | '\u{205F}'..='\u{206F}'
        | '\u{3000}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFF0}'..='\u{FFFF}')
}

/// The order of the tree: name by name, each compared bytewise. That is the order of the bytes, had the
/// slash been the smallest of them, so everything below a directory directly follows it.
pub fn cmp_components(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rank = |byte: &u8| if *byte == b'/' { 0 } else { u16::from(*byte) + 1 };
    match (a.get(same), b.get(same)) {
        (Some(x), Some(y)) => rank(x).cmp(&rank(y)),
        (x, y) => x.is_some().cmp(&y.is_some()),
    }
}

/// Whether `path` lies below `stem`: a directory's path, or the empty string for the root.
pub(crate) fn is_below(path: &str, stem: &str) -> bool {
    path.as_bytes().get(stem.len()) == Some(&b'/') && path.as_bytes().starts_with(stem.as_bytes())
}

/// What the paths below a directory begin with, before the slash. None for a path that no directory has
/// and that would, being empty, pass for the root.
pub(crate) fn stem(directory: &str) -> Option<&str> {
    match directory {
        "" => None,
        "/" => Some(""),
        _ => Some(directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed() {
        for path in
            ["/", "/a", "/-rf", "/.", "/..", "/...", "/user@host:80", "/k=v=w", "/a_b/i+j/k~l", "/é/世界"]
        {
            assert_eq!(Path::parse(path.as_bytes()).map(|p| p.to_string()), Ok(path.to_owned()));
        }
        let longest = format!("/{}", "n".repeat(PATH_BYTES_MAX - 1));
        assert_eq!(validate(longest.as_bytes()), Ok(longest.as_str()));
    }

    #[test]
    fn bad_shapes() {
        assert_eq!(validate(b""), Err(PathError::Empty));
        for path in ["a", "a/b", "a/", ".", "./a", " /a", "ctl/x"] {
            assert_eq!(validate(path.as_bytes()), Err(PathError::NotAbsolute), "{path}");
        }
        for (path, at) in [("//", 1), ("///", 1), ("//a", 1), ("/a/", 3), ("/a//b", 3)] {
            assert_eq!(validate(path.as_bytes()), Err(PathError::EmptyName { at }), "{path}");
        }
        assert_eq!(validate(b"/ab\xffc"), Err(PathError::NotUtf8 { at: 3 }));
        assert_eq!(validate(&[b'/'; 5000]), Err(PathError::TooLong { len: 5000 }));
    }

    #[test]
    fn bad_characters() {
        for found in " *?%#!$&;,'\"()[]{}|\\^`<>\t\n\0\u{7f}".chars() {
            let path = format!("/a{found}b");
            assert_eq!(validate(path.as_bytes()), Err(PathError::Character { found, at: 2 }), "{path:?}");
        }
        assert_eq!(
            validate(b"/ab c").map_err(|e| e.to_string()),
            Err("' ' at byte 3 is not allowed in a path".to_owned())
        );
    }

    #[test]
    fn the_fixed_list_beyond_ascii() {
        let edges = [
            (0x80, false),
            (0xA0, false),
            (0xA1, true),
            (0xAC, true),
            (0xAD, false),
            (0xAE, true),
            (0x1FFF, true),
            (0x2000, false),
            (0x200F, false),
            (0x2010, true),
            (0x2027, true),
            (0x2028, false),
            (0x202F, false),
            (0x2030, true),
            (0x205E, true),
            (0x205F, false),
            (0x206F, false),
            (0x2070, true),
            (0x2FFF, true),
            (0x3000, false),
            (0x3001, true),
            (0xFDFF, true),
            (0xFE00, false),
            (0xFE0F, false),
            (0xFE10, true),
            (0xFEFE, true),
            (0xFEFF, false),
            (0xFF00, true),
            (0xFFEF, true),
            (0xFFF0, false),
            (0xFFFF, false),
            (0x10000, true),
            (0x1F600, true),
            (0x10FFFF, true),
        ];
        for (code, expected) in edges {
            assert_eq!(char::from_u32(code).map(allowed), Some(expected), "U+{code:04X}");
        }
    }

    #[test]
    fn ordered_name_by_name() {
        let ordered = ["/", "/w/B", "/w/a", "/w/a/z", "/w/a-b", "/w/a.c", "/w/a0"];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(cmp_components(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
