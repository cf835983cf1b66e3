//! A transaction as text: a condition or a change a line, in words as a shell has them, and comments from `#` on.

use super::{ANY_REV, Action, Part, Plan, Test};

const IF: &str = "expected `if PATH rev N`, `if PATH value V`, `if PATH absent` or `if PATH fence N`";
const SET: &str =
    "expected `set PATH VALUE` or `set PATH VALUE rev N`, and quotes around a value with spaces";
const DEL: &str = "expected `del PATH` or `del PATH rev N`";

/// An error is the number of the line, and what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Plan, (usize, String)> {
    let mut plan = Plan::default();
    for (number, line) in (1..).zip(text.lines()) {
        let words = words(line).map_err(|why| (number, why))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        add(&mut plan, number, &words).map_err(|why| (number, why))?;
    }
    Ok(plan)
}

/// Adds what a line says.
fn add(plan: &mut Plan, line: usize, words: &[&str]) -> Result<(), String> {
    let line = Some(line);
    match *words {
        [] => {}
        ["if", path, ref test @ ..] => {
            plan.conditions.push(Part { path: path.to_owned(), is: self::test(test)?, line });
        }
        ["set", path, value, ref rev @ ..] => {
            let is = Action::Set { value: value.into(), rev: self::rev(rev, SET)? };
            plan.changes.push(Part { path: path.to_owned(), is, line });
        }
        ["del", path, ref rev @ ..] => {
            let is = Action::Del { rev: self::rev(rev, DEL)? };
            plan.changes.push(Part { path: path.to_owned(), is, line });
        }
        ["if"] => return Err(IF.to_owned()),
        ["set", ..] => return Err(SET.to_owned()),
        ["del"] => return Err(DEL.to_owned()),
        [word, ..] => return Err(format!("expected `if`, `set` or `del`, found `{word}`")),
    }
    Ok(())
}

fn test(words: &[&str]) -> Result<Test, String> {
    Ok(match *words {
        ["rev", rev] => Test::Rev(number(rev)?),
        ["value", value] => Test::Value(value.into()),
        ["absent"] => Test::Absent,
        ["fence", token] => Test::Fence(number(token)?),
        _ => return Err(IF.to_owned()),
    })
}

fn rev(words: &[&str], expected: &str) -> Result<i64, String> {
    match *words {
        [] => Ok(ANY_REV),
        ["rev", rev] => number(rev),
        _ => Err(expected.to_owned()),
    }
}

fn number(word: &str) -> Result<i64, String> {
    word.parse().map_err(|_| format!("expected a revision, which is a whole number, found `{word}`"))
}

/// The words of a line. Within single quotes everything is as it is; within double quotes `\` comes before what is
/// special: `\\`, `\"`, `\n`, `\r` and `\t`.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' if word.is_none() => break,
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => single(&mut chars, word.get_or_insert_default())?,
            '"' => double(&mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

const OPEN: &str = "expected a closing quote before the end of the line";

fn single(chars: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), String> {
    for c in chars {
        if c == '\'' {
            return Ok(());
        }
        word.push(c);
    }
    Err(OPEN.to_owned())
}

fn double(chars: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => word.push(match chars.next() {
                Some(c @ ('\\' | '"')) => c,
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(c) => {
                    return Err(format!("expected `\\\\`, `\\\"`, `\\n`, `\\r` or `\\t`, found `\\{c}`"));
                }
                None => break,
            }),
            c => word.push(c),
        }
    }
    Err(OPEN.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn words_are_as_a_shell_has_them() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("  # none", &[]),
            (" set\t/a  x ", &["set", "/a", "x"]),
            ("set /a x#y # z", &["set", "/a", "x#y"]),
            ("'a b' \"c d\" '' \"\"", &["a b", "c d", "", ""]),
            ("a'b c'd\"e f\"", &["ab cde f"]),
            (r#"'\n "' "\n\r\t\\\"'#""#, &["\\n \"", "\n\r\t\\\"'#"]),
            ("'#' \"#\"", &["#", "#"]),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line).unwrap(), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("put /a x", "expected `if`, `set` or `del`, found `put`"),
            ("if", IF),
            ("if /a", IF),
            ("if /a absent now", IF),
            ("if /a value x y", IF),
            ("if /a rev", IF),
            ("if /a rev x", "expected a revision, which is a whole number, found `x`"),
            (
                "if /a fence 9223372036854775808",
                "expected a revision, which is a whole number, found `9223372036854775808`",
            ),
            ("set", SET),
            ("set /a", SET),
            ("set /a x y", SET),
            ("set /a x rev", SET),
            ("set /a x rev 1 2", SET),
            ("del", DEL),
            ("del /a 3", DEL),
            ("del /a rev ''", "expected a revision, which is a whole number, found ``"),
            ("set /a 'x", OPEN),
            ("set /a \"x", OPEN),
            ("set /a \"x\\", OPEN),
            ("set /a \"\\x\"", "expected `\\\\`, `\\\"`, `\\n`, `\\r` or `\\t`, found `\\x`"),
        ];
        for (line, why) in cases {
            let text = format!("# first\n\n{line}\nset /b x\n");
            assert_eq!(parse(&text), Err((3, why.to_owned())), "{line}");
        }
    }
}
