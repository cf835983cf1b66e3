//! Globs: paths with wildcards, and whether a path matches one.

use crate::path::{PathError, allowed, validate_with};
use std::fmt;
use std::ops::ControlFlow;

/// A path in which `?` stands for one character of a name, `*` for any run within a name, and `**` for any
/// run, slashes included. Runs may be empty.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    text: Box<str>,
    literal_len: usize,
    rest: Box<[Token]>,
}

/// Text that is no glob. Its message is the one clients know from the original.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid glob pattern: {pattern}")]
pub struct InvalidGlob {
    /// What was given, with replacement characters where it is not UTF-8.
    pub pattern: String,
    /// What is wrong with it.
    pub source: PathError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Token {
    Exactly(char),
    One,
    Run,
    DeepRun,
}

impl Glob {
    /// Checks and compiles a glob. It has the shape and the characters of a path, and the wildcards.
    pub fn parse(glob: &[u8]) -> Result<Self, InvalidGlob> {
        let text = validate_with(glob, |c| allowed(c) || is_wildcard(c))
            .map_err(|source| InvalidGlob { pattern: String::from_utf8_lossy(glob).into_owned(), source })?;
        let (literal_len, rest) = compile(text);
        Ok(Self { text: text.into(), literal_len, rest })
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What every match begins with: the text before the first wildcard.
    pub fn literal_prefix(&self) -> &str {
        &self.text[..self.literal_len]
    }

    /// The one path it matches, if it has no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        (self.literal_len == self.text.len()).then_some(&self.text)
    }

    /// Whether a path matches. Takes at most (characters of the path) × (characters of the glob) steps.
    pub fn matches(&self, path: &str) -> bool {
        path.strip_prefix(self.literal_prefix()).is_some_and(|rest| run(&self.rest, rest))
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The leading names of a glob, each a pattern of its own: what lets a walk leave out whole directories.
pub(crate) struct Names {
    names: Vec<Name>,
    /// No `**` anywhere, so that a match has exactly as many names.
    exact: bool,
}

struct Name {
    literal: Box<str>,
    rest: Box<[Token]>,
}

/// What a walk does with a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Match,
    Other,
    /// Neither it nor anything below this many bytes of it matches.
    SkipBelow(usize),
}

impl Names {
    /// Everything before the first name with a `**` in it.
    pub(crate) fn leading(glob: &Glob) -> Self {
        let mut names = Vec::new();
        for name in glob.text.split('/').skip(1) {
            if name.contains("**") {
                return Self { names, exact: false };
            }
            let (literal_len, rest) = compile(name);
            names.push(Name { literal: name[..literal_len].into(), rest });
        }
        Self { names, exact: true }
    }

    /// Whether `path`, of a file, matches `glob`, which these are the leading names of.
    pub(crate) fn judge(&self, glob: &Glob, path: &str) -> Verdict {
        let mut end = 0;
        for pattern in &self.names {
            let Some(below) = path.get(end + 1..) else { return Verdict::Other };
            let name = below.split('/').next().unwrap_or(below);
            end += 1 + name.len();
            if !name.strip_prefix(&*pattern.literal).is_some_and(|rest| run(&pattern.rest, rest)) {
                return Verdict::SkipBelow(end);
            }
        }
        match (self.exact, end == path.len()) {
            (true, true) => Verdict::Match,
            (true, false) => Verdict::SkipBelow(end),
            (false, _) if glob.matches(path) => Verdict::Match,
            (false, _) => Verdict::Other,
        }
    }
}

fn is_wildcard(c: char) -> bool {
    matches!(c, '*' | '?')
}

/// Where the literal beginning ends, and what follows it. Runs side by side become one, the widest of them.
fn compile(text: &str) -> (usize, Box<[Token]>) {
    let literal_len = text.find(is_wildcard).unwrap_or(text.len());
    let rest = &text[literal_len..];
    let mut tokens = Vec::with_capacity(rest.len());
    for c in rest.chars() {
        match (c, tokens.last()) {
            ('*', Some(Token::Run)) => {
                tokens.pop();
                tokens.push(Token::DeepRun);
            }
            ('*', Some(Token::DeepRun)) => {}
            ('*', _) => tokens.push(Token::Run),
            ('?', _) => tokens.push(Token::One),
            (c, _) => tokens.push(Token::Exactly(c)),
        }
    }
    (literal_len, tokens.into())
}

/// Whether all of `text` matches all of `tokens`.
fn run(tokens: &[Token], text: &str) -> bool {
    match tokens {
        [] => text.is_empty(),
        [Token::DeepRun] => true,
        [Token::Run] => !text.contains('/'),
        _ if tokens.len() < 64 => simulate(tokens, text, &mut [0]),
        _ => simulate(tokens, text, &mut vec![0; tokens.len() / 64 + 1]),
    }
}

/// Steps through the text with the set of all positions in `tokens` that what was read so far can have led
/// to (Thompson, "Regular expression search algorithm", 1968). `positions` is that set, a bit for each.
fn simulate(tokens: &[Token], text: &str, positions: &mut [u64]) -> bool {
    reach(tokens, positions, 0);
    let end = text.chars().try_for_each(|c| {
        if step(tokens, positions, c) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    end.is_continue() && positions[tokens.len() / 64] & (1 << (tokens.len() % 64)) != 0
}

/// Takes every position over one character; false when none is left. From the last position to the first,
/// since a position only moves on: what is set here is not met again in the same step.
fn step(tokens: &[Token], positions: &mut [u64], c: char) -> bool {
    let mut alive = false;
    for word in (0..positions.len()).rev() {
        let mut bits = std::mem::take(&mut positions[word]);
        while bits != 0 {
            let bit = 63 - bits.leading_zeros() as usize;
            bits ^= 1 << bit;
            let at = word * 64 + bit;
            let next = match tokens.get(at) {
                Some(Token::Exactly(expected)) if *expected == c => at + 1,
                Some(Token::One) if c != '/' => at + 1,
                Some(Token::Run) if c != '/' => at,
                Some(Token::DeepRun) => at,
                _ => continue,
            };
            reach(tokens, positions, next);
            alive = true;
        }
    }
    alive
}

/// Adds a position, and the one after it if a run, which may be empty, stands there. (No two runs are
/// neighbours, see `compile`.)
fn reach(tokens: &[Token], positions: &mut [u64], at: usize) {
    positions[at / 64] |= 1 << (at % 64);
    if matches!(tokens.get(at), Some(Token::Run | Token::DeepRun)) {
        positions[(at + 1) / 64] |= 1 << ((at + 1) % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text.as_bytes()).unwrap()
    }

    /// The rules once more, in the plainest words.
    fn naive(glob: &[char], path: &[char]) -> bool {
        match (glob, path) {
            ([], _) => path.is_empty(),
            (['*', '*', rest @ ..], _) => (0..=path.len()).any(|n| naive(rest, &path[n..])),
            (['*', rest @ ..], _) => {
                (0..=path.len()).take_while(|n| !path[..*n].contains(&'/')).any(|n| naive(rest, &path[n..]))
            }
            (['?', rest @ ..], [c, below @ ..]) => *c != '/' && naive(rest, below),
            ([x, rest @ ..], [c, below @ ..]) => x == c && naive(rest, below),
            _ => false,
        }
    }

    #[track_caller]
    fn check(pattern: &str, paths: &[&str], wanted: &[&str]) {
        let glob = glob(pattern);
        let names = Names::leading(&glob);
        let found: Vec<_> = paths.iter().copied().filter(|p| glob.matches(p)).collect();
        assert_eq!(found, wanted, "{pattern}");
        for path in paths {
            let verdict = names.judge(&glob, path);
            assert_eq!(verdict == Verdict::Match, glob.matches(path), "{pattern} {path}");
            if let Verdict::SkipBelow(end) = verdict {
                for other in paths.iter().filter(|o| crate::path::is_below(o, &path[..end])) {
                    assert!(!glob.matches(other), "{pattern} skips {other} at {path}");
                }
            }
        }
    }

    #[test]
    fn double_stars() {
        let paths = ["/p/q", "/p/x/q", "/p/x/y/q", "/p/xq", "/pq", "/px/q", "/q", "/r/p/q", "/r/pq"];
        check("/p/**/q", &paths, &["/p/x/q", "/p/x/y/q"]);
        check("/p/**q", &paths, &["/p/q", "/p/x/q", "/p/x/y/q", "/p/xq"]);
        check("/p**/q", &paths, &["/p/q", "/p/x/q", "/p/x/y/q", "/px/q"]);
        check("/**/p/**", &paths, &["/r/p/q"]);
        check("/p/*/q", &paths, &["/p/x/q"]);
        check("/p/*/*/q", &paths, &["/p/x/y/q"]);
        check("/q/**", &paths, &[]);
        check("/q**", &paths, &["/q"]);
        check("/p/**/**/q", &paths, &["/p/x/y/q"]);
        check("/p/***/q", &paths, &["/p/x/q", "/p/x/y/q"]);
        check("/**", &paths, &paths);
        check("/", &paths, &[]);
    }

    #[test]
    fn wildcards_within_a_name() {
        let paths = ["/a", "/ab", "/abc", "/a.b", "/a0", "/d/a", "/d/ab", "/d/e/a", "/é", "/éa", "/世界/x"];
        check("/?", &paths, &["/a", "/é"]);
        check("/??", &paths, &["/ab", "/a0", "/éa"]);
        check("/é*", &paths, &["/é", "/éa"]);
        check("/??/x", &paths, &["/世界/x"]);
        check("/a?b", &paths, &["/a.b"]);
        check("/*?/?", &paths, &["/d/a", "/世界/x"]);
        check("/d?a", &paths, &[]);
        check("/*/*", &paths, &["/d/a", "/d/ab", "/世界/x"]);
        check("/**?a", &paths, &["/éa"]);
        check("/d/*", &paths, &["/d/a", "/d/ab"]);
    }

    #[test]
    fn invalid() {
        for text in ["", "a", "**", "?", "/ ", "//", "/a/", "/**/", "//**", "/a//b", "/a[b", "/a\0b", "/a,b"]
        {
            let error = Glob::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid glob pattern: {text}"));
        }
    }

    #[test]
    fn literal_beginnings() {
        assert_eq!(glob("/a/b").as_literal(), Some("/a/b"));
        assert_eq!(glob("/a/b*c/?").as_literal(), None);
        assert_eq!(glob("/a/b*c/?").literal_prefix(), "/a/b");
        assert_eq!(glob("/").as_literal(), Some("/"));
    }

    #[test]
    fn a_spiteful_glob_takes_no_longer() {
        let glob = glob(&format!("/{}c", "**a*".repeat(1000)));
        assert!(!glob.matches(&format!("/{}b", "a".repeat(4094))));
        assert!(glob.matches(&format!("/{}c", "a".repeat(4094))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_the_naive_one(
            pattern in "(/([abé]|[*?]|\\*\\*){1,4}){1,4}",
            path in "(/[abé]{1,4}){1,4}",
            padding in prop::bool::weighted(0.1),
        ) {
            // Some patterns of more than 63 tokens, which take the other way.
            let (pattern, path) = if padding {
                (format!("/*{}{pattern}", "a".repeat(80)), format!("/b{}{path}", "a".repeat(80)))
            } else {
                (pattern, path)
            };
            let glob = glob(&pattern);
            let chars: (Vec<_>, Vec<_>) = (pattern.chars().collect(), path.chars().collect());
            let expected = naive(&chars.0, &chars.1);
            prop_assert_eq!(glob.matches(&path), expected);
            let verdict = Names::leading(&glob).judge(&glob, &path);
            prop_assert_eq!(verdict == Verdict::Match, expected);
        }
    }
}
