//! Several changes at once, all or none, as a file or standard input says: in a small text form, or in JSON.
//! What may be in a transaction, the cluster says.

mod json;
mod text;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use doozer_client::{Client, FailedPart, Txn};
use serde::Serialize;

use super::answers::{Answer, Out};
use super::args::Options;
use super::commands::{INPUT_BYTES_MAX, print};
use super::connect::connect;
use super::failure::Failure;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    conditions: Vec<Part<Test>>,
    changes: Vec<Part<Action>>,
}

/// A condition, or a change.
#[derive(Debug, PartialEq, Eq)]
struct Part<T> {
    path: String,
    is: T,
    /// Where it stands, if it is in text.
    line: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Test {
    Rev(i64),
    Value(Vec<u8>),
    Absent,
    Fence(i64),
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Set { value: Vec<u8>, rev: i64 },
    Del { rev: i64 },
}

/// A change goes ahead whatever the file is, unless it names a revision.
const ANY_REV: i64 = -1;

/// Makes the transaction that a file holds, or standard input.
pub(super) async fn txn(
    options: &Options,
    file: Option<&Path>,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let name = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let in_it = |why: String| Failure::Plan(format!("{name}{why}"));
    let text = read(file).map_err(|error| in_it(format!(": cannot be read: {error}")))?;
    let plan = Plan::parse(&text).map_err(in_it)?;
    let client = connect(options).await?;
    let done = plan.carry_out(&client, &name).await;
    client.close().await;
    print(out, &plan.became(done?))
}

/// The bytes of a file, or of standard input.
fn read(file: Option<&Path>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match file {
        Some(file) => File::open(file)?.take(INPUT_BYTES_MAX).read_to_end(&mut text)?,
        None => io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut text)?,
    };
    Ok(text)
}

impl Plan {
    /// An error continues a sentence that begins with the name of what was read.
    fn parse(text: &[u8]) -> Result<Plan, String> {
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(": it is not UTF-8; JSON has `value_base64` for values that are no text".to_owned());
        };
        let plan = if text.trim_start().starts_with('{') {
            json::parse(text).map_err(|why| format!(": {why}"))?
        } else {
            text::parse(text).map_err(|(line, why)| format!(", line {line}: {why}"))?
        };
        if plan == Plan::default() {
            return Err(": it says nothing: expected a line such as `set /a x`".to_owned());
        }
        Ok(plan)
    }

    async fn carry_out(&self, client: &Client, name: &str) -> Result<Vec<Option<i64>>, Failure> {
        client.txn(self.txn()).await.map_err(|error| match error.failed_part() {
            Some(part) => Failure::Txn(error, self.line(part).map(|line| format!("{name}, line {line}"))),
            None => Failure::Client(error),
        })
    }

    fn txn(&self) -> Txn {
        let txn = self.conditions.iter().fold(Txn::new(), |txn, Part { path, is, .. }| match is {
            Test::Rev(rev) => txn.if_rev(path, *rev),
            Test::Value(value) => txn.if_value(path, value.clone()),
            Test::Absent => txn.if_absent(path),
            Test::Fence(token) => txn.if_fence(path, *token),
        });
        self.changes.iter().fold(txn, |txn, Part { path, is, .. }| match is {
            Action::Set { value, rev } => txn.set(path, value.clone(), *rev),
            Action::Del { rev } => txn.del(path, *rev),
        })
    }

    /// Where a part stands that refused it all.
    fn line(&self, part: FailedPart) -> Option<usize> {
        let at = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
        match part {
            FailedPart::Compare(number) => self.conditions.get(at(number)?)?.line,
            FailedPart::Op(number) => self.changes.get(at(number)?)?.line,
        }
    }

    /// What became of each change.
    fn became(&self, revs: Vec<Option<i64>>) -> Changed<'_> {
        let changes = self.changes.iter().zip(revs).map(|(Part { path, is, .. }, rev)| {
            let kind = match is {
                Action::Set { .. } => "set",
                Action::Del { .. } => "del",
            };
            Change { path, kind, rev }
        });
        Changed { changes: changes.collect() }
    }
}

/// What a transaction changed.
#[derive(Serialize)]
struct Changed<'a> {
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    path: &'a str,
    kind: &'static str,
    /// None of the deletion of a file that was not there.
    rev: Option<i64>,
}

impl Answer for Changed<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        self.changes.iter().try_for_each(|Change { path, kind, rev }| match rev {
            Some(rev) => writeln!(out, "{path} {rev} {kind}"),
            None => writeln!(out, "{path} - {kind}"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let text = "\
# a transfer
if /a rev 3
  if /b value 'x y'   # a comment
if /c absent
if /l fence 38

set /a \"one\\ntwo\" rev 3
set /d ''
del /b
del /e rev 7
";
        let json = r#"
{"if": [{"path":"/a","rev":3},{"path":"/b","value":"x y"},{"path":"/c","absent":true},{"path":"/l","fence":38}],
 "do": [{"set":"/a","value":"one\ntwo","rev":3},{"set":"/d","value_base64":""},{"del":"/b"},{"del":"/e","rev":7}]}"#;
        let (text, json) = (Plan::parse(text.as_bytes()).unwrap(), Plan::parse(json.as_bytes()).unwrap());
        assert_eq!(format!("{:?}", text.txn()), format!("{:?}", json.txn()));
        assert_eq!(text.conditions[1].is, Test::Value(b"x y".to_vec()));
        assert_eq!(text.changes[2].is, Action::Del { rev: ANY_REV });
        // A part is found again by its number, which counts from 1.
        assert_eq!(text.line(FailedPart::Compare(2)), Some(3));
        assert_eq!(text.line(FailedPart::Op(3)), Some(9));
        assert_eq!(text.line(FailedPart::Op(5)), None);
        assert_eq!(json.line(FailedPart::Op(3)), None);
    }

    #[test]
    fn what_says_nothing_is_no_transaction() {
        for nothing in ["", "\n# only this\n", "{}", " \n{\"if\":[]}"] {
            let why = Plan::parse(nothing.as_bytes()).unwrap_err();
            assert_eq!(why, ": it says nothing: expected a line such as `set /a x`", "{nothing:?}");
        }
        assert!(Plan::parse(b"set /a \xff").unwrap_err().starts_with(": it is not UTF-8; "));
    }
}
