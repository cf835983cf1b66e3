//! Why a request was not done, and how that is answered.

use bytes::BytesMut;
use doozer_store::{InvalidGlob, PATH_BYTES_MAX, PathError, Refusal, Revision};
use doozer_wire::{ErrorKind, Failed, Response, TxnReply};

/// An error answer in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub kind: ErrorKind,
    pub detail: Option<String>,
    /// The part of a transaction that it is about.
    pub failed: Option<Failed>,
    /// It is the answer, for good, of a session's command.
    pub counted: bool,
}

impl From<ErrorKind> for Problem {
    fn from(kind: ErrorKind) -> Self {
        Problem { kind, detail: None, failed: None, counted: false }
    }
}

impl Problem {
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Problem { detail: Some(detail.into()), ..kind.into() }
    }

    /// The same, of one part of a transaction, which its detail names.
    pub fn of_part(self, part: Failed, path: Option<&[u8]>) -> Self {
        let (what, number) = match part {
            Failed::Compare(number) => ("compare", number),
            Failed::Op(number) => ("operation", number),
        };
        // One that is too long is no name of anything.
        let path = path.filter(|path| path.len() <= PATH_BYTES_MAX);
        let path = path.map(|path| format!(" ({})", String::from_utf8_lossy(path))).unwrap_or_default();
        let why = self.detail.as_deref().unwrap_or(self.kind.meaning());
        let detail = format!("{what} {number}{path}: {why}");
        Problem { detail: Some(detail), failed: Some(part), ..self }
    }

    pub fn permission_denied() -> Self {
        // The original's words.
        Problem::new(ErrorKind::PermissionDenied, "permission denied")
    }

    /// Appends the answer. A connection that has sent HELLO (`modern`) is told the kind's number and the detail
    /// always; others get what the original's clients know.
    pub fn encode_frame(
        &self,
        tag: Option<i32>,
        modern: bool,
        seen: Option<Revision>,
        frames: &mut BytesMut,
    ) {
        let detail = self.detail.as_deref();
        if !modern {
            return Response::error(tag, self.kind, detail).encode_frame(frames);
        }
        let txn = self.failed.map(|failed| TxnReply { failed: Some(failed), ..TxnReply::default() });
        let response = Response::error_after_hello(tag, self.kind, detail);
        let store_rev = seen.map(Revision::to_raw);
        Response { store_rev, txn: txn.as_ref(), counted: self.counted, ..response }.encode_frame(frames);
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let kind = match refusal {
            Refusal::RevMismatch => ErrorKind::RevMismatch,
            Refusal::IsDir => ErrorKind::IsDir,
            Refusal::NotDir => ErrorKind::NotDir,
            Refusal::BadPath(_) => ErrorKind::BadPath,
            Refusal::TooLarge { .. } => ErrorKind::TooLarge,
            Refusal::BadSetting(_) => ErrorKind::BadSetting,
            Refusal::Malformed | Refusal::NotBindable => ErrorKind::Other,
            Refusal::NoSession => ErrorKind::SessionExpired,
            Refusal::OutOfOrder { .. } => ErrorKind::OutOfOrder,
            Refusal::AnswerGone => ErrorKind::AnswerGone,
            Refusal::Unacknowledged { .. }
            | Refusal::Sessions { .. }
            | Refusal::SessionBytes { .. }
            | Refusal::Places { .. } => ErrorKind::Overloaded,
            Refusal::BadTtl { .. } => ErrorKind::BadTtl,
            Refusal::BadQueue => ErrorKind::BadSession,
        };
        Problem::new(kind, refusal.to_string())
    }
}

impl From<PathError> for Problem {
    fn from(error: PathError) -> Self {
        Problem::new(ErrorKind::BadPath, error.to_string())
    }
}

/// A glob that does not parse, in the original's words.
pub(crate) fn bad_glob(pattern: &[u8], _why: &InvalidGlob) -> Problem {
    Problem::new(ErrorKind::BadGlob, format!("invalid glob pattern: {}", String::from_utf8_lossy(pattern)))
}
