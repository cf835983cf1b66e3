//! What a call gave, whichever call it was.

use bytes::Bytes;
use doozer::node::LocalFile;
use doozer::{Change, Entry, Error, ErrorKind, Event, FailedPart, File, Stat};

/// The parts that the call gives, and no others.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub rev: Option<i64>,
    /// A file's value; the inner `None` is a file that is missing.
    pub value: Option<Option<Bytes>>,
    pub path: Option<String>,
    pub change: Option<Change>,
    pub len: Option<u64>,
    pub names: Option<Vec<String>>,
    pub values: Option<Vec<Option<Bytes>>>,
    pub text: Option<String>,
    /// Of each change of a transaction; 0: it changed nothing.
    pub revs: Option<Vec<i64>>,
    pub held: Option<bool>,
}

/// How a call failed.
#[derive(Debug)]
pub(crate) struct Fault {
    pub kind: ErrorKind,
    pub op: String,
    pub path: Option<String>,
    pub detail: String,
    /// Which part of a transaction it was, in words.
    pub part: Option<String>,
    /// As it is shown.
    pub shown: String,
}

/// How a call ended.
pub(crate) type Ended = Result<Given, Fault>;

impl Given {
    pub fn rev(rev: i64) -> Given {
        Given { rev: Some(rev), ..Given::default() }
    }

    pub fn text(text: String) -> Given {
        Given { text: Some(text), ..Given::default() }
    }

    pub fn revs(revs: Vec<Option<i64>>) -> Given {
        let revs: Vec<i64> = revs.into_iter().map(Option::unwrap_or_default).collect();
        Given { rev: revs.last().copied(), revs: Some(revs), ..Given::default() }
    }

    pub fn names(names: Vec<String>) -> Given {
        Given { names: Some(names), ..Given::default() }
    }
}

impl From<File> for Given {
    fn from(File { value, rev }: File) -> Given {
        Given { value: Some(value), ..Given::rev(rev) }
    }
}

impl From<LocalFile> for Given {
    fn from(LocalFile { value, rev }: LocalFile) -> Given {
        let value = value.map(|value| Bytes::copy_from_slice(&value));
        Given { value: Some(value), ..Given::rev(rev) }
    }
}

impl From<Stat> for Given {
    fn from(Stat { len, rev }: Stat) -> Given {
        Given { len: Some(len), ..Given::rev(rev) }
    }
}

impl From<Event> for Given {
    fn from(Event { path, value, rev, kind }: Event) -> Given {
        Given { path: Some(path), value: Some(Some(value)), change: Some(kind), ..Given::rev(rev) }
    }
}

impl From<Vec<Entry>> for Given {
    fn from(entries: Vec<Entry>) -> Given {
        let (names, values) = entries.into_iter().map(|entry| (entry.path, entry.value)).unzip();
        Given { values: Some(values), ..Given::names(names) }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault {
            kind: error.kind(),
            op: error.op().to_owned(),
            path: error.path().map(str::to_owned),
            detail: error.detail().to_owned(),
            part: error.failed_part().map(shown),
            shown: error.to_string(),
        }
    }
}

fn shown(part: FailedPart) -> String {
    match part {
        FailedPart::Compare(number) => format!("compare {number}"),
        FailedPart::Op(number) => format!("operation {number}"),
    }
}
