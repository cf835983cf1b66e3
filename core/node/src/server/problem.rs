//! Why a request was not done, and how that is answered.

use bytes::BytesMut;
use doozer_store::{InvalidGlob, PathError, Refusal, Revision};
use doozer_wire::{ErrorKind, Response};

/// An error answer in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub kind: ErrorKind,
    pub detail: Option<String>,
}

impl From<ErrorKind> for Problem {
    fn from(kind: ErrorKind) -> Self {
        Problem { kind, detail: None }
    }
}

impl Problem {
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Problem { kind, detail: Some(detail.into()) }
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
        let response = if modern {
            let store_rev = seen.map(Revision::to_raw);
            Response { store_rev, ..Response::error_after_hello(tag, self.kind, detail) }
        } else {
            Response::error(tag, self.kind, detail)
        };
        response.encode_frame(frames);
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
            Refusal::BadSetting { .. } => ErrorKind::BadSetting,
            Refusal::Malformed => ErrorKind::Other,
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
