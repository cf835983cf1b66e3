//! What clients asked and heard, and when: all that the check knows of a run.
//! Never here: what must hold of it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

/// Microseconds of one clock that never goes back.
pub type Micros = u64;

/// A value longer than this stands in the history by its beginning, its length and a hash.
const VALUE_CHARS_MAX: usize = 40;

/// Everything that was heard in a stage.
#[derive(Debug, Clone, Default, Serialize)]
pub struct History {
    /// What was done to the cluster, and when.
    pub notes: Vec<(Micros, String)>,
    pub operations: Vec<Operation>,
    pub holds: Vec<Hold>,
    /// A watch of everything at each member, from the first revision on.
    pub streams: Vec<Stream>,
    /// Each member's whole state in the end.
    pub copies: Vec<Copy>,
}

/// A connection to one member, and to no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ClientId {
    pub place: usize,
    pub number: usize,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    pub client: ClientId,
    pub request: Request,
    pub called: Micros,
    pub returned: Micros,
    pub answer: Answer,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Request {
    Set { path: String, value: String, rev: i64 },
    Del { path: String, rev: i64 },
    Get { path: String, at: ReadAt },
    Wait { glob: String, rev: i64 },
}

/// Which state a read is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ReadAt {
    Linearizable,
    Local,
    Revision(i64),
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Answer {
    /// A SET or DEL made this revision.
    Made(i64),
    /// A GET found nothing, or a DEL had nothing to delete.
    Missing,
    File {
        rev: i64,
        value: String,
    },
    Change(Event),
    /// The file has changed since the revision that the write named.
    Mismatch,
    /// Surely nothing was written; or nothing was read.
    Refused(String),
    /// A write that may or may not have been made.
    Unknown(String),
    /// What no member may answer.
    Wrong(String),
}

/// A time in which a client held a lock, as it saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub client: ClientId,
    pub path: String,
    /// What the lock's file holds.
    pub label: String,
    pub token: i64,
    /// Two moments in which it was sure to hold it: the first that it knows of, and the last.
    pub from: Micros,
    pub until: Micros,
    /// The values of the writes that it sent under the lock's fence, whatever became of them.
    pub writes: Vec<String>,
}

/// A change as a watch or a wait shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    pub rev: i64,
    pub path: String,
    /// None if it was deleted.
    pub value: Option<String>,
}

/// What a watch of everything saw at one member.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stream {
    pub place: usize,
    pub events: Vec<(Micros, Event)>,
    /// What ended the watch, though it never should.
    pub errors: Vec<String>,
    /// The revision that it had to come to in the end; None at a place that is empty then.
    pub until: Option<i64>,
}

/// All files of a member at a revision.
#[derive(Debug, Clone, Serialize)]
pub struct Copy {
    pub place: usize,
    pub rev: i64,
    /// Path, revision, value; in any order.
    pub files: Vec<(String, i64, String)>,
}

impl Operation {
    pub fn path(&self) -> &str {
        match &self.request {
            Request::Set { path, .. } | Request::Del { path, .. } | Request::Get { path, .. } => path,
            Request::Wait { glob, .. } => glob,
        }
    }

    /// Whether the two were under way at the same time.
    pub fn overlaps(&self, other: &Operation) -> bool {
        self.called <= other.returned && other.called <= self.returned
    }
}

/// How a value stands in the history.
pub fn value_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().nth(VALUE_CHARS_MAX).is_none() {
        return text.into_owned();
    }
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let start: String = text.chars().take(VALUE_CHARS_MAX / 2).collect();
    format!("{start}…{}#{:016x}", bytes.len(), hasher.finish())
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "member {} client {}", self.place, self.number)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Set { path, value, rev } => write!(f, "SET {path} {value:?} if {rev}"),
            Request::Del { path, rev } => write!(f, "DEL {path} if {rev}"),
            Request::Get { path, at: ReadAt::Linearizable } => write!(f, "GET {path}"),
            Request::Get { path, at: ReadAt::Local } => write!(f, "GET {path} local"),
            Request::Get { path, at: ReadAt::Revision(rev) } => write!(f, "GET {path} at {rev}"),
            Request::Wait { glob, rev } => write!(f, "WAIT {glob} from {rev}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Made(rev) => write!(f, "made {rev}"),
            Answer::Missing => f.write_str("missing"),
            Answer::File { rev, value } => write!(f, "{value:?} of {rev}"),
            Answer::Change(event) => write!(f, "{event}"),
            Answer::Mismatch => f.write_str("REV_MISMATCH"),
            Answer::Refused(why) => write!(f, "refused: {why}"),
            Answer::Unknown(why) => write!(f, "unknown: {why}"),
            Answer::Wrong(what) => write!(f, "wrong: {what}"),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hold { client, path, token, from, until, .. } = self;
        write!(f, "{client}: holds {path} with the token {token} from {from} to {until} us")
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {} = {value:?}", self.rev, self.path),
            None => write!(f, "{}: {} deleted", self.rev, self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_told_apart() {
        let (mut one, mut other) = (vec![b'x'; 100_000], vec![b'x'; 100_000]);
        other[99_999] = b'y';
        assert_ne!(value_of(&one), value_of(&other));
        assert!(value_of(&one).chars().count() < 50);
        one.truncate(VALUE_CHARS_MAX);
        assert_eq!(value_of(&one), "x".repeat(VALUE_CHARS_MAX));
    }
}
