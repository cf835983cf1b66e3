//! A transaction as JSON: `{"if": [...], "do": [...]}`.

use data_encoding::BASE64;
use serde::Deserialize;

use super::{ANY_REV, Action, Part, Plan, Test};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "if")]
    conditions: Vec<Condition>,
    #[serde(default, rename = "do")]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    path: String,
    rev: Option<i64>,
    value: Option<String>,
    value_base64: Option<String>,
    absent: Option<bool>,
    fence: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    set: Option<String>,
    del: Option<String>,
    value: Option<String>,
    value_base64: Option<String>,
    rev: Option<i64>,
}

pub(super) fn parse(text: &str) -> Result<Plan, String> {
    let Document { conditions, changes } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let of =
        |list: &'static str| move |number: usize, why: String| format!("\"{list}\", part {number}: {why}");
    Ok(Plan {
        conditions: each(conditions, Condition::read, of("if"))?,
        changes: each(changes, Change::read, of("do"))?,
    })
}

fn each<T, P>(
    list: Vec<T>,
    read: impl Fn(T) -> Result<P, String>,
    named: impl Fn(usize, String) -> String,
) -> Result<Vec<P>, String> {
    (1..).zip(list).map(|(number, part)| read(part).map_err(|why| named(number, why))).collect()
}

impl Condition {
    fn read(self) -> Result<Part<Test>, String> {
        let Condition { path, rev, value, value_base64, absent, fence } = self;
        let value = bytes(value, value_base64)?;
        let is = match (rev, value, absent, fence) {
            (Some(rev), None, None, None) => Test::Rev(rev),
            (None, Some(value), None, None) => Test::Value(value),
            (None, None, Some(true), None) => Test::Absent,
            (None, None, None, Some(token)) => Test::Fence(token),
            _ => {
                return Err(
                    "expected one of \"rev\", \"value\", \"value_base64\", \"absent\": true and \"fence\""
                        .to_owned(),
                );
            }
        };
        Ok(Part { path, is, line: None })
    }
}

impl Change {
    fn read(self) -> Result<Part<Action>, String> {
        let Change { set, del, value, value_base64, rev } = self;
        let rev = rev.unwrap_or(ANY_REV);
        let (path, is) = match (set, del, bytes(value, value_base64)?) {
            (Some(path), None, Some(value)) => (path, Action::Set { value, rev }),
            (None, Some(path), None) => (path, Action::Del { rev }),
            (Some(_), None, None) => {
                return Err("expected \"value\" or \"value_base64\" beside \"set\"".to_owned());
            }
            (None, Some(_), Some(_)) => return Err("expected no value beside \"del\"".to_owned()),
            _ => return Err("expected either \"set\" or \"del\", with a path".to_owned()),
        };
        Ok(Part { path, is, line: None })
    }
}

/// A value, which may be written as text or, if it is none, in base64.
fn bytes(text: Option<String>, base64: Option<String>) -> Result<Option<Vec<u8>>, String> {
    match (text, base64) {
        (Some(_), Some(_)) => Err("expected one of \"value\" and \"value_base64\", found both".to_owned()),
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(base64)) => BASE64
            .decode(base64.as_bytes())
            .map(Some)
            .map_err(|error| format!("expected base64 in \"value_base64\": {error}")),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn bytes_that_are_no_text() {
        let plan = parse(r#"{"do":[{"set":"/a","value_base64":"//4="}]}"#).unwrap();
        assert_eq!(plan.changes[0].is, Action::Set { value: vec![0xff, 0xfe], rev: ANY_REV });
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let one = "\"if\", part 2: expected one of \"rev\", \"value\", \"value_base64\", \"absent\": true and \"fence\"";
        let cases = [
            (r#"{"if":[{"path":"/a","rev":1},{"path":"/a"}]}"#, one),
            (r#"{"if":[{"path":"/a","rev":1},{"path":"/a","absent":false}]}"#, one),
            (r#"{"if":[{"path":"/a","rev":1},{"path":"/a","rev":1,"fence":1}]}"#, one),
            (r#"{"do":[{}]}"#, "\"do\", part 1: expected either \"set\" or \"del\", with a path"),
            (
                r#"{"do":[{"set":"/a","del":"/a"}]}"#,
                "\"do\", part 1: expected either \"set\" or \"del\", with a path",
            ),
            (
                r#"{"do":[{"set":"/a"}]}"#,
                "\"do\", part 1: expected \"value\" or \"value_base64\" beside \"set\"",
            ),
            (r#"{"do":[{"del":"/a","value":"x"}]}"#, "\"do\", part 1: expected no value beside \"del\""),
            (
                r#"{"do":[{"set":"/a","value":"x","value_base64":"eA=="}]}"#,
                "\"do\", part 1: expected one of \"value\" and \"value_base64\", found both",
            ),
            (
                r#"{"do":[{"set":"/a","value":"x","at":1}]}"#,
                "unknown field `at`, expected one of `set`, `del`, `value`, `value_base64`, `rev` at line 1 column 35",
            ),
            (r#"{"then":[]}"#, "unknown field `then`, expected `if` or `do` at line 1 column 7"),
            (r#"{"if":[{"rev":1}]}"#, "missing field `path` at line 1 column 16"),
        ];
        for (text, why) in cases {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
        let why = parse(r#"{"do":[{"set":"/a","value_base64":"?"}]}"#).unwrap_err();
        assert!(why.starts_with("\"do\", part 1: expected base64 in \"value_base64\": "), "{why}");
        let why = parse("{\n\"do\":").unwrap_err();
        assert!(why.ends_with(" at line 2 column 5"), "{why}");
    }
}
