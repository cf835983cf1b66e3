//! Who holds a path, who waits for it, and what became of it before.

use std::io::{self, Write};
use std::time::Duration;

use doozer_client::{Client, Error, ErrorKind, Event, Explained, Waiter};
use serde::Serialize;
use tokio::time::timeout;

use super::answers::{Answer, Happened, Out};
use super::columns::columns;
use super::commands::print;
use super::failure::Failure;
use super::history::history;
use super::sessions::{Session, plain};

/// So many changes are told, at most.
const CHANGES: usize = 10;

/// A value is cut to so many characters where it is told to people.
const VALUE_CHARS: usize = 48;

/// The way back through the history may take so long, as one call may.
pub(super) async fn explain(
    client: &Client,
    path: &str,
    limit: Duration,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let held = match client.explain(path).await {
        Ok(held) => held,
        Err(error) if error.kind() == ErrorKind::IsDir => {
            let entries = client.stat(path, None).await?.len;
            return print(out, &Explanation { path, is: Is::Dir { entries }, history: Vec::new() });
        }
        Err(error) => return Err(error.into()),
    };
    let changes = timeout(limit, changes(client, path)).await.map_err(|_| {
        Error::new(ErrorKind::Timeout, "explain", Some(path), format!("no answer within {limit:?}"))
    })??;
    let history = changes.iter().map(Happened::new).collect();
    print(out, &Explanation { path, is: Is::of(held), history })
}

async fn changes(client: &Client, path: &str) -> Result<Vec<Event>, Error> {
    history(client, path, client.rev().await?, CHANGES).await
}

#[derive(Serialize)]
struct Explanation<'a> {
    path: &'a str,
    #[serde(flatten)]
    is: Is,
    history: Vec<Happened<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Is {
    Missing,
    Dir {
        entries: u64,
    },
    File {
        rev: i64,
        token: i64,
        holder: Option<Session>,
        queue: Vec<Waiting>,
        /// Whether more wait than are listed.
        more: bool,
    },
}

#[derive(Serialize)]
struct Waiting {
    session: String,
    label: String,
    value_bytes: u64,
}

impl Is {
    fn of(Explained { rev, token, holder, queue, more }: Explained) -> Is {
        // Who waits, waits for a file: it is never without.
        if rev == 0 {
            return Is::Missing;
        }
        let waiting = |Waiter { session, label, value_len }| Waiting {
            session: session.to_string(),
            label,
            value_bytes: value_len,
        };
        let queue = queue.into_iter().map(waiting).collect();
        Is::File { rev, token, holder: holder.map(Session::of), queue, more }
    }
}

impl Answer for Explanation<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { path, is, history } = self;
        match is {
            Is::Missing => writeln!(out, "Nothing is at {path}.")?,
            Is::Dir { entries } => return writeln!(out, "{path} is a directory (entries: {entries})."),
            Is::File { rev, token, holder, queue, more } => {
                match holder {
                    Some(session) => held(path, session, out)?,
                    None => writeln!(
                        out,
                        "{path} is bound to no session: it stays until somebody deletes it, and its token is its revision."
                    )?,
                }
                writeln!(out, "token {token}, revision {rev}")?;
                waiting(queue, *more, out)?;
            }
        }
        changed(history, out)
    }
}

fn held(path: &str, session: &Session, out: &mut dyn Write) -> io::Result<()> {
    let (label, age, ttl) = (plain(&session.label), session.age(), session.ttl());
    writeln!(out, "{path} is held by {label}: session {}, opened {age} ago, TTL {ttl}.", session.session)
}

fn waiting(queue: &[Waiting], more: bool, out: &mut dyn Write) -> io::Result<()> {
    if queue.is_empty() {
        return writeln!(out, "nobody waits");
    }
    writeln!(out)?;
    let mut rows = vec![["place", "session", "label"].map(str::to_owned)];
    rows.extend((1..).zip(queue).map(|(place, Waiting { session, label, .. }): (usize, _)| {
        [place.to_string(), session.clone(), plain(label)]
    }));
    columns(&rows, out)?;
    if more { writeln!(out, "and more") } else { Ok(()) }
}

fn changed(history: &[Happened<'_>], out: &mut dyn Write) -> io::Result<()> {
    if history.is_empty() {
        return writeln!(out, "no change of it is kept");
    }
    writeln!(out)?;
    let mut rows = vec![["revision", "change", "bytes", "value"].map(str::to_owned)];
    rows.extend(history.iter().map(|change| {
        let bytes = change.value().map(|value| value.len().to_string()).unwrap_or_default();
        let value = change.value().map(cut).unwrap_or_default();
        [change.rev.to_string(), change.kind.to_owned(), bytes, value]
    }));
    columns(&rows, out)
}

/// The beginning of a value, in one line.
fn cut(value: &[u8]) -> String {
    // A character takes four bytes at most.
    let text = String::from_utf8_lossy(&value[..value.len().min(4 * VALUE_CHARS + 4)]);
    let mut chars = text.chars();
    let mut cut = plain(&chars.by_ref().take(VALUE_CHARS).collect::<String>());
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use doozer_client::Change;

    fn text(answer: &impl Answer) -> String {
        let mut out = Vec::new();
        answer.plain(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_is_cut_to_a_line() {
        assert_eq!(cut(b"a\nb\xff"), "a\\nb\u{fffd}");
        assert_eq!(cut("ä".repeat(48).as_bytes()), "ä".repeat(48));
        assert_eq!(cut("😀".repeat(4_000).as_bytes()), format!("{}…", "😀".repeat(48)));
    }

    #[test]
    fn a_file_of_no_session() {
        let events = [
            Event { path: "/a".into(), value: "x".into(), rev: 9, kind: Change::Set },
            Event { path: "/a".into(), value: "".into(), rev: 7, kind: Change::Del },
        ];
        let is = Is::File { rev: 9, token: 9, holder: None, queue: Vec::new(), more: false };
        let history = events.iter().map(Happened::new).collect();
        let expected = "\
/a is bound to no session: it stays until somebody deletes it, and its token is its revision.
token 9, revision 9
nobody waits

revision  change  bytes  value
9         set     1      x
7         del
";
        let explanation = Explanation { path: "/a", is, history };
        assert_eq!(text(&explanation), expected);
        let json = serde_json::to_value(&explanation).unwrap();
        assert_eq!((&json["type"], &json["holder"]), (&"file".into(), &serde_json::Value::Null));
        assert_eq!(json["history"][1], serde_json::json!({"path": "/a", "rev": 7, "kind": "del"}));
    }

    #[test]
    fn what_is_no_file() {
        let dir = Explanation { path: "/a", is: Is::Dir { entries: 3 }, history: Vec::new() };
        assert_eq!(text(&dir), "/a is a directory (entries: 3).\n");
        let missing = Explanation { path: "/a", is: Is::Missing, history: Vec::new() };
        assert_eq!(text(&missing), "Nothing is at /a.\nno change of it is kept\n");
        let json = serde_json::to_value(&missing).unwrap();
        assert_eq!(json, serde_json::json!({"path": "/a", "type": "missing", "history": []}));
    }
}
