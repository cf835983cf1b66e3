//! The one error of this crate.

use std::fmt::{self, Write as _};

use doozer_wire::{ErrorKind, Failed, Retry};

use crate::calls::Failure;

/// Why a call failed: its kind, the operation, the path or glob it was about, and what the member had to say.
///
/// Shown as `REV_MISMATCH: set /a: the file has changed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    op: &'static str,
    path: Option<String>,
    detail: String,
    part: Option<Failed>,
}

/// The operations that change something.
const WRITES: [&str; 4] = ["set", "add", "del", "txn"];

impl Error {
    /// An error of what is built on this crate, so that its callers handle one kind of error. `detail` may be empty.
    pub fn new(kind: ErrorKind, op: &'static str, path: Option<&str>, detail: impl Into<String>) -> Error {
        Error { kind, op, path: path.map(str::to_owned), detail: detail.into(), part: None }
    }

    /// What kind of error it is. Its number is the same in every language.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that failed, such as `set`.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// The path or glob the operation was about, if it was about one.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// What there is to say beyond the kind; may be empty.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Which part of a transaction refused it, if one did.
    pub fn failed_part(&self) -> Option<Failed> {
        self.part
    }

    /// The same for whoever asked about the directory `path` and knows nothing of the files in it; what is wrong with one of
    /// those names it.
    pub(crate) fn below(self, path: &str) -> Error {
        let is_of_a_file = matches!(self.kind, ErrorKind::NotDir | ErrorKind::IsDir | ErrorKind::RevMismatch);
        let detail = match &self.path {
            Some(inner) if is_of_a_file && inner != path => {
                let why = if self.detail.is_empty() { self.kind.meaning() } else { &self.detail };
                format!("{inner}: {why}")
            }
            _ => self.detail,
        };
        Error { detail, path: Some(path.to_owned()), ..self }
    }

    pub(crate) fn of_part(self, part: Failed) -> Error {
        Error { part: Some(part), ..self }
    }

    /// Whether the same call may be made again as it is, without looking first. False for a write whose outcome is
    /// not known, and for what fails again until something else changes.
    pub fn is_retryable(&self) -> bool {
        match self.kind.retry() {
            Retry::Safe => true,
            Retry::Unknown => !WRITES.contains(&self.op),
            Retry::Never | Retry::AfterChange => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.op)?;
        if let Some(path) = &self.path {
            // A path that was refused may hold anything, and whoever reads this may do so at a terminal.
            f.write_str(" ")?;
            path.chars().try_for_each(|c| match c.is_control() {
                true => write!(f, "{}", c.escape_default()),
                false => f.write_char(c),
            })?;
        }
        let detail = if self.detail.is_empty() { self.kind.meaning() } else { &self.detail };
        write!(f, ": {detail}")
    }
}

impl std::error::Error for Error {}

/// What a call is about, for its errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub op: &'static str,
    pub path: Option<&'a str>,
}

impl<'a> Subject<'a> {
    pub fn new(op: &'static str) -> Subject<'a> {
        Subject { op, path: None }
    }

    pub fn of(op: &'static str, path: &'a str) -> Subject<'a> {
        Subject { op, path: Some(path) }
    }

    pub fn error(&self, kind: ErrorKind, detail: impl Into<String>) -> Error {
        Error::new(kind, self.op, self.path, detail)
    }

    pub fn failed(&self, failure: Failure) -> Error {
        Error { part: failure.part, ..self.error(failure.kind, failure.detail) }
    }

    /// An answer that lacks what it must have.
    pub fn garbled(&self, what: &str) -> Error {
        self.error(ErrorKind::Protocol, format!("the answer {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_with_all_it_knows() {
        let error = Error::new(ErrorKind::RevMismatch, "set", Some("/a"), "it is at 7");
        assert_eq!(error.to_string(), "REV_MISMATCH: set /a: it is at 7");
        let error = Error::new(ErrorKind::BadPath, "get", Some("/a\0\u{1b}[1mü"), "no");
        assert_eq!(error.to_string(), "BAD_PATH: get /a\\u{0}\\u{1b}[1mü: no");
        let error = Error::new(ErrorKind::Timeout, "rev", None, "");
        assert_eq!(error.to_string(), "TIMEOUT: rev: The call's time ran out before an answer came.");
    }

    #[test]
    fn whoever_asked_about_a_directory_is_told_about_it() {
        let error = Error::new(ErrorKind::NotDir, "enter", Some("/b/ready"), "a file").below("/b");
        assert_eq!(error.to_string(), "NOTDIR: enter /b: /b/ready: a file");
        assert_eq!(error.clone().below("/b"), error);
        let error = Error::new(ErrorKind::UnknownVerb, "enter", Some("/b/ready"), "no sessions").below("/b");
        assert_eq!(error.to_string(), "UNKNOWN_VERB: enter /b: no sessions");
    }

    #[test]
    fn only_what_cannot_do_harm_is_retryable() {
        let retryable = |kind, op| Error::new(kind, op, None, "").is_retryable();
        assert!(retryable(ErrorKind::Timeout, "get"));
        assert!(retryable(ErrorKind::Disconnected, "wait"));
        assert!(retryable(ErrorKind::DiskFull, "set"));
        assert!(!retryable(ErrorKind::OutcomeUnknown, "set"));
        assert!(!retryable(ErrorKind::NoQuorum, "del"));
        assert!(!retryable(ErrorKind::NoQuorum, "add"));
        assert!(!retryable(ErrorKind::RevMismatch, "set"));
        assert!(!retryable(ErrorKind::TooLate, "wait"));
    }
}
