//! The sessions of the cluster: all of them, one with what belongs to it, and the end of one.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use doozer_client::{BoundFile, Client, Place, SessionDetails, SessionInfo};
use serde::Serialize;

use super::answers::{Answer, Done, Out};
use super::args::SessionCommand;
use super::columns::columns;
use super::commands::print;
use super::failure::Failure;
use super::spans::span;

pub(super) async fn session(
    client: &Client,
    command: SessionCommand,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    match command {
        SessionCommand::Ls { .. } => {
            let sessions = client.sessions().await?;
            print(out, &Sessions { sessions: sessions.into_iter().map(Session::of).collect() })
        }
        SessionCommand::Show { id, .. } => print(out, &Details::of(client.session(id).await?)),
        SessionCommand::End { id } => {
            client.end_session(id).await?;
            print(out, &Done {})
        }
    }
}

/// A session, and how long it has been there as far as this machine's clock can tell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Session {
    pub session: String,
    pub label: String,
    age_ms: u64,
    ttl_ms: u64,
    /// How many of its writes were made.
    writes: u64,
    files: u64,
    places: u64,
    unacknowledged: u64,
}

impl Session {
    pub fn of(info: SessionInfo) -> Session {
        let age = SystemTime::now().duration_since(info.opened).unwrap_or_default();
        Session {
            session: info.id.to_string(),
            label: info.label,
            age_ms: millis(age),
            ttl_ms: millis(info.ttl),
            writes: info.last_sequence,
            files: info.file_count,
            places: info.wait_count,
            unacknowledged: info.unacknowledged,
        }
    }

    pub fn age(&self) -> String {
        span(Duration::from_millis(self.age_ms))
    }

    pub fn ttl(&self) -> String {
        span(Duration::from_millis(self.ttl_ms))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A label without what would upset a terminal.
pub(super) fn plain(label: &str) -> String {
    label.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// All of them.
#[derive(Serialize)]
struct Sessions {
    sessions: Vec<Session>,
}

impl Answer for Sessions {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        const HEADINGS: [&str; 7] = ["session", "age", "ttl", "files", "places", "unacknowledged", "label"];
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(self.sessions.iter().map(|session| {
            [
                session.session.clone(),
                session.age(),
                session.ttl(),
                session.files.to_string(),
                session.places.to_string(),
                session.unacknowledged.to_string(),
                plain(&session.label),
            ]
        }));
        columns(&rows, out)
    }
}

/// One of them, with its files and its places in queues.
#[derive(Serialize)]
struct Details {
    #[serde(flatten)]
    session: Session,
    bound: Vec<Bound>,
    waits: Vec<Wait>,
    /// Whether there are more files or places than are listed.
    more: bool,
}

#[derive(Serialize)]
struct Bound {
    path: String,
    token: i64,
    rev: i64,
}

#[derive(Serialize)]
struct Wait {
    path: String,
    position: u64,
}

impl Details {
    fn of(SessionDetails { session, files, waits, more }: SessionDetails) -> Details {
        let bound = |BoundFile { path, rev, token }| Bound { path, token, rev };
        let wait = |Place { path, position }| Wait { path, position };
        Details {
            session: Session::of(session),
            bound: files.into_iter().map(bound).collect(),
            waits: waits.into_iter().map(wait).collect(),
            more,
        }
    }
}

impl Answer for Details {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        let Details { session, bound, waits, more } = self;
        let mut line = |key: &str, value: &dyn std::fmt::Display| writeln!(out, "{key:<14} {value}");
        line("session", &session.session)?;
        line("label", &plain(&session.label))?;
        line("age", &session.age())?;
        line("ttl", &session.ttl())?;
        line("writes", &session.writes)?;
        line("files", &session.files)?;
        line("places", &session.places)?;
        line("unacknowledged", &session.unacknowledged)?;
        if !bound.is_empty() {
            writeln!(out)?;
            let mut rows = vec![["token", "revision", "file"].map(str::to_owned)];
            rows.extend(
                bound.iter().map(|file| [file.token.to_string(), file.rev.to_string(), file.path.clone()]),
            );
            columns(&rows, out)?;
        }
        if !waits.is_empty() {
            writeln!(out)?;
            let mut rows = vec![["place", "in the queue of"].map(str::to_owned)];
            rows.extend(waits.iter().map(|place| [place.position.to_string(), place.path.clone()]));
            columns(&rows, out)?;
        }
        if *more { writeln!(out, "\nand more") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn text(answer: &impl Answer) -> String {
        let mut out = Vec::new();
        answer.plain(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn one() -> Session {
        Session {
            session: "0f".repeat(16),
            label: "web pid 7\u{1b}[1m".into(),
            age_ms: 62_000,
            ttl_ms: 10_000,
            writes: 12,
            files: 1,
            places: 2,
            unacknowledged: 3,
        }
    }

    #[test]
    fn all_in_a_table() {
        let said = text(&Sessions { sessions: vec![one()] });
        let expected = "\
session                           age      ttl   files  places  unacknowledged  label
0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f  1 m 2 s  10 s  1      2       3               web pid 7\\u{1b}[1m
";
        assert_eq!(said, expected);
    }

    #[test]
    fn one_with_what_belongs_to_it() {
        let details = Details {
            session: one(),
            bound: vec![Bound { path: "/locks/a".into(), token: 9, rev: 12 }],
            waits: vec![Wait { path: "/locks/b".into(), position: 2 }],
            more: true,
        };
        let expected = "\
session        0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
label          web pid 7\\u{1b}[1m
age            1 m 2 s
ttl            10 s
writes         12
files          1
places         2
unacknowledged 3

token  revision  file
9      12        /locks/a

place  in the queue of
2      /locks/b

and more
";
        assert_eq!(text(&details), expected);
        let json = serde_json::to_value(&details).unwrap();
        assert_eq!(json["bound"][0], serde_json::json!({"path": "/locks/a", "token": 9, "rev": 12}));
        assert_eq!(json["waits"][0], serde_json::json!({"path": "/locks/b", "position": 2}));
        assert_eq!((&json["age_ms"], &json["more"]), (&62_000.into(), &true.into()));
    }
}
