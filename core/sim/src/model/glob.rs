//! Paths and globs by the words of `docs/client-protocol.md`, The data.

/// Whether a path matches: `?` is one character of a name, `*` any run within a name, `**` any run.
pub fn matches(glob: &str, path: &str) -> bool {
    if let Some(rest) = glob.strip_prefix("**") {
        return ends(path).any(|end| matches(rest, &path[end..]));
    }
    if let Some(rest) = glob.strip_prefix('*') {
        let name = path.find('/').unwrap_or(path.len());
        return ends(path).take_while(|end| *end <= name).any(|end| matches(rest, &path[end..]));
    }
    let (mut glob, mut path) = (glob.chars(), path.chars());
    match (glob.next(), path.next()) {
        (None, None) => true,
        (Some(wanted), Some(c)) if wanted == c || (wanted == '?' && c != '/') => {
            matches(glob.as_str(), path.as_str())
        }
        _ => false,
    }
}

/// Where a run at the beginning can end.
fn ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.char_indices().map(|(at, _)| at).chain([text.len()])
}

/// Whether a text is a path: `/`, or names with a slash before each, 4,096 bytes at most.
pub(super) fn is_path(text: &str) -> bool {
    let Some(names) = text.strip_prefix('/') else { return false };
    let is_name = |name: &str| !name.is_empty() && name.chars().all(is_of_name);
    text.len() <= 4096 && (names.is_empty() || names.split('/').all(is_name))
}

fn is_of_name(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '.' | '-' | '_' | ':' | '@' | '=' | '+' | '~' => true,
        '\u{AD}' | '\u{2000}'..='\u{200F}' | '\u{2028}'..='\u{202F}' | '\u{205F}'..='\u{206F}' => false,
        '\u{3000}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}' => false,
        _ => c >= '\u{A1}',
    }
}

#[cfg(test)]
mod tests {
    use doozer_store::{Glob, Path};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn globs_match_as_those_of_the_store(
            glob in "(/([abé]|[*?]|\\*\\*){1,4}){1,4}",
            path in "(/[abé]{1,4}){1,4}",
        ) {
            prop_assert_eq!(matches(&glob, &path), Glob::parse(glob.as_bytes()).unwrap().matches(&path));
        }

        #[test]
        fn paths_are_those_of_the_store(text in "[/a.é \u{AD}\u{2010}]{0,6}") {
            prop_assert_eq!(is_path(&text), Path::parse(text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn names_hold_the_characters_that_those_of_the_store_hold() {
        for c in ('\0'..=char::MAX).filter(|c| *c != '/') {
            assert_eq!(is_of_name(c), doozer_store::allowed(c), "{c:?}");
        }
        assert!(is_path(&format!("/{}", "n".repeat(4095))));
        assert!(!is_path(&format!("/{}", "n".repeat(4096))));
    }
}
