//! What calls give back.

use bytes::Bytes;
use doozer_wire::{FLAG_DEL, FLAG_SET, OwnedEntry, OwnedResponse};

use crate::error::{Error, Subject};

/// Values up to so many bytes are copied out of the buffer they were read into, which a caller who keeps a small value
/// would otherwise keep alive as a whole.
const COPIED_BYTES_MAX: usize = 16 << 10;

/// A file as GET answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// What it holds; `None` if there is no such file.
    pub value: Option<Bytes>,
    /// The revision that wrote it; 0 if there is no such file.
    pub rev: i64,
}

impl File {
    pub(crate) fn of(answer: OwnedResponse) -> File {
        match answer.rev.unwrap_or_default() {
            0 => File::default(),
            rev => File { value: Some(own(answer.value.unwrap_or_default())), rev },
        }
    }
}

/// What STAT answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// A file's length in bytes, or a directory's number of entries.
    pub len: u64,
    /// The revision that wrote the file; 0 if there is nothing, -2 if there is a directory.
    pub rev: i64,
}

impl Stat {
    /// Whether there is a directory.
    pub fn is_dir(&self) -> bool {
        self.rev == -2
    }

    /// Whether there is a file.
    pub fn is_file(&self) -> bool {
        self.rev > 0
    }
}

/// A file of a walk or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub path: String,
    /// What it holds; `None` if only the paths were asked for.
    pub value: Option<Bytes>,
    /// The revision that wrote it.
    pub rev: i64,
    /// The value's length in bytes, asked for or not.
    pub len: u64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was written.
    Set,
    /// It was deleted.
    Del,
}

/// A change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The file's path.
    pub path: String,
    /// What it holds now; empty if it was deleted.
    pub value: Bytes,
    /// The revision this change made.
    pub rev: i64,
    /// What happened.
    pub kind: Change,
}

/// An event as it came, not looked into yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawEvent {
    pub path: Option<Bytes>,
    pub value: Bytes,
    pub rev: i64,
    pub flags: i32,
}

impl RawEvent {
    pub fn of(response: OwnedResponse) -> RawEvent {
        RawEvent {
            path: response.path,
            value: response.value.unwrap_or_default(),
            rev: response.rev.unwrap_or_default(),
            flags: response.flags.unwrap_or_default(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.path.as_ref().map_or(0, Bytes::len) + self.value.len()
    }

    pub fn parse(self, subject: &Subject<'_>) -> Result<Event, Error> {
        let kind = match self.flags & (FLAG_SET | FLAG_DEL) {
            FLAG_SET => Change::Set,
            FLAG_DEL => Change::Del,
            _ => return Err(subject.garbled("is neither a set nor a deletion")),
        };
        if self.rev <= 0 {
            return Err(subject.garbled("is a change without a revision"));
        }
        let path = text(self.path, subject)?;
        Ok(Event { path, value: own(self.value), rev: self.rev, kind })
    }
}

pub(crate) fn entry(raw: OwnedEntry, subject: &Subject<'_>) -> Result<Entry, Error> {
    let path = text(Some(raw.path), subject)?;
    Ok(Entry { path, value: raw.value.map(own), rev: raw.rev, len: length(raw.len) })
}

/// A path or name of an answer.
pub(crate) fn text(raw: Option<Bytes>, subject: &Subject<'_>) -> Result<String, Error> {
    let raw = raw.ok_or_else(|| subject.garbled("lacks a path"))?;
    String::from_utf8(raw.into()).map_err(|_| subject.garbled("has a path that is not UTF-8"))
}

pub(crate) fn length(len: i32) -> u64 {
    u64::try_from(len).unwrap_or_default()
}

/// A value to be given away.
pub(crate) fn own(value: Bytes) -> Bytes {
    if value.len() <= COPIED_BYTES_MAX { Bytes::copy_from_slice(&value) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_leave_the_buffer_they_came_in() {
        let buffer = Bytes::from(vec![1; 64 << 10]);
        let small = own(buffer.slice(..10));
        assert_eq!(small, buffer.slice(..10));
        assert_ne!(small.as_ptr(), buffer.as_ptr());
        assert_eq!(own(buffer.slice(..COPIED_BYTES_MAX + 1)).as_ptr(), buffer.as_ptr());
    }

    #[test]
    fn an_event_without_its_parts_is_garbled() {
        let subject = Subject::of("wait", "/**");
        let whole = RawEvent { path: Some("/a".into()), value: Bytes::new(), rev: 3, flags: FLAG_DEL };
        let event = whole.clone().parse(&subject).unwrap();
        assert_eq!(event, Event { path: "/a".into(), value: Bytes::new(), rev: 3, kind: Change::Del });
        let broken = [
            RawEvent { path: None, ..whole.clone() },
            RawEvent { path: Some(Bytes::from_static(b"/\xff")), ..whole.clone() },
            RawEvent { rev: 0, ..whole.clone() },
            RawEvent { flags: 0, ..whole.clone() },
        ];
        for event in broken {
            let error = event.clone().parse(&subject).unwrap_err();
            assert_eq!(error.kind(), doozer_wire::ErrorKind::Protocol, "{event:?}");
        }
    }
}
