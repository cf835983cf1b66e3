//! What commands print, in plain text and as JSON.
//! How an answer is come by is the commands' business.

use std::io::{self, Write};

use data_encoding::BASE64;
use doozer_client::{Change, Event, File};
use serde::Serialize;

/// Something a command prints: as its JSON object, or as its plain text.
pub(super) trait Answer: Serialize {
    /// Writes the plain text, with all line ends it needs.
    fn plain(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Where answers go.
pub(super) struct Out<W> {
    to: W,
    json: bool,
}

impl<W: Write> Out<W> {
    pub fn new(to: W, json: bool) -> Self {
        Out { to, json }
    }

    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an answer. It is on its way only after [`Out::flush`].
    pub fn print(&mut self, answer: &impl Answer) -> io::Result<()> {
        if !self.json {
            return answer.plain(&mut self.to);
        }
        serde_json::to_writer(&mut self.to, answer)?;
        self.to.write_all(b"\n")
    }

    /// Prints text that has no JSON form.
    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.to.write_all(text)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A value, in JSON as text if it is text.
#[derive(Debug, PartialEq, Eq, Serialize)]
enum Value<'a> {
    #[serde(rename = "value")]
    Text(&'a str),
    #[serde(rename = "value_base64")]
    Base64(String),
}

impl Value<'_> {
    fn of(bytes: &[u8]) -> Value<'_> {
        std::str::from_utf8(bytes).map_or_else(|_| Value::Base64(BASE64.encode(bytes)), Value::Text)
    }
}

/// For commands that succeed in silence.
#[derive(Serialize)]
pub(super) struct Done {}

impl Answer for Done {
    fn plain(&self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The version of this program.
#[derive(Serialize)]
pub(super) struct Version {
    pub version: &'static str,
}

impl Answer for Version {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "doozer {}", self.version)
    }
}

/// A revision.
#[derive(Serialize)]
pub(super) struct Rev {
    pub rev: i64,
}

impl Answer for Rev {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.rev)
    }
}

/// A write that prints its revision.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    pub path: &'a str,
    pub rev: i64,
}

impl Answer for Written<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.rev)
    }
}

/// A write that says nothing but in JSON; without a revision if nothing changed.
#[derive(Serialize)]
pub(super) struct Quiet<'a> {
    pub path: &'a str,
    pub rev: Option<i64>,
}

impl Answer for Quiet<'_> {
    fn plain(&self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A member's id. Plain it has no line end, as the original printed it.
#[derive(Serialize)]
pub(super) struct SelfId {
    pub id: String,
}

impl Answer for SelfId {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.id.as_bytes())
    }
}

/// A file, or that there is none.
#[derive(Serialize)]
pub(super) struct Got<'a> {
    path: &'a str,
    rev: i64,
    #[serde(flatten)]
    value: Option<Value<'a>>,
    #[serde(skip)]
    bytes: &'a [u8],
}

impl<'a> Got<'a> {
    pub fn new(path: &'a str, file: &'a File) -> Self {
        let value = file.value.as_deref();
        Got { path, rev: file.rev, value: value.map(Value::of), bytes: value.unwrap_or_default() }
    }
}

impl Answer for Got<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.bytes)
    }
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Kind {
    File {
        rev: i64,
        len: u64,
    },
    Dir {
        /// Left out where nobody asked for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        entries: Option<u64>,
    },
}

/// STAT's answer.
#[derive(Serialize)]
pub(super) struct Stat<'a> {
    pub path: &'a str,
    #[serde(flatten)]
    pub kind: Kind,
}

impl Answer for Stat<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.kind {
            Kind::File { rev, len } => writeln!(out, "{rev} {len}"),
            Kind::Dir { entries } => writeln!(out, "d {}", entries.unwrap_or_default()),
        }
    }
}

/// A change.
#[derive(Serialize)]
pub(super) struct Happened<'a> {
    path: &'a str,
    pub rev: i64,
    pub kind: &'static str,
    #[serde(flatten)]
    value: Option<Value<'a>>,
    #[serde(skip)]
    bytes: &'a [u8],
}

impl<'a> Happened<'a> {
    pub fn new(event: &'a Event) -> Self {
        let (kind, value) = match event.kind {
            Change::Set => ("set", Some(Value::of(&event.value))),
            Change::Del => ("del", None),
        };
        Happened { path: &event.path, rev: event.rev, kind, value, bytes: &event.value }
    }

    /// What the file holds since; `None` if it was deleted.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.value.is_some().then_some(self.bytes)
    }
}

impl Answer for Happened<'_> {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} {} {} {}", self.path, self.rev, self.kind, self.bytes.len())?;
        out.write_all(self.bytes)?;
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(answer: &impl Answer) -> (String, String) {
        let print = |json| {
            let mut bytes = Vec::new();
            Out::new(&mut bytes, json).print(answer).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        (print(false), print(true))
    }

    fn expect(answer: &impl Answer, plain: &str, json: &str) {
        assert_eq!(printed(answer), (plain.to_owned(), format!("{json}\n")));
    }

    #[test]
    fn small_answers() {
        expect(&Done {}, "", "{}");
        expect(&Version { version: "1.2.3" }, "doozer 1.2.3\n", r#"{"version":"1.2.3"}"#);
        expect(&Rev { rev: 7 }, "7\n", r#"{"rev":7}"#);
        expect(&Written { path: "/a", rev: 7 }, "7\n", r#"{"path":"/a","rev":7}"#);
        expect(&Quiet { path: "/a", rev: None }, "", r#"{"path":"/a","rev":null}"#);
        expect(&SelfId { id: "abc".into() }, "abc", r#"{"id":"abc"}"#);
    }

    #[test]
    fn files_and_their_values() {
        let file = |value: &'static [u8]| File { value: Some(value.into()), rev: 3 };
        expect(&Got::new("/a", &file(b"x\n")), "x\n", r#"{"path":"/a","rev":3,"value":"x\n"}"#);
        expect(&Got::new("/a", &file(b"")), "", r#"{"path":"/a","rev":3,"value":""}"#);
        let (_, json) = printed(&Got::new("/a", &file(b"\xff\xfe")));
        assert_eq!(json, "{\"path\":\"/a\",\"rev\":3,\"value_base64\":\"//4=\"}\n");
        let missing = File { value: None, rev: 0 };
        expect(&Got::new("/a", &missing), "", r#"{"path":"/a","rev":0}"#);
    }

    #[test]
    fn stats() {
        let file = Stat { path: "/a", kind: Kind::File { rev: 3, len: 5 } };
        expect(&file, "3 5\n", r#"{"path":"/a","type":"file","rev":3,"len":5}"#);
        let dir = Stat { path: "/", kind: Kind::Dir { entries: Some(2) } };
        expect(&dir, "d 2\n", r#"{"path":"/","type":"dir","entries":2}"#);
    }

    #[test]
    fn changes() {
        let set = Event { path: "/a".into(), value: "hi".into(), rev: 9, kind: Change::Set };
        let json = r#"{"path":"/a","rev":9,"kind":"set","value":"hi"}"#;
        expect(&Happened::new(&set), "/a 9 set 2\nhi\n", json);
        let del = Event { path: "/a".into(), value: "".into(), rev: 10, kind: Change::Del };
        expect(&Happened::new(&del), "/a 10 del 0\n\n", r#"{"path":"/a","rev":10,"kind":"del"}"#);
    }
}
