//! Every kind of error as C has it.
//! Made from errors.toml by doozer-wire-generate; do not edit.

use std::ffi::CStr;

use doozer_bridge::ErrorKind;

/// What became of a call: 0, or the permanent number of a kind of error. Later versions add kinds, so a
/// program must be ready for numbers it does not know.
#[allow(non_camel_case_types, reason = "C's names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum doozer_code {
    /// It was done.
    DOOZER_OK = 0,
    /// Another request with this tag is still outstanding on the connection.
    DOOZER_TAG_IN_USE = 1,
    /// The member does not know the verb.
    DOOZER_UNKNOWN_VERB = 2,
    /// This member or file does not take writes.
    DOOZER_READONLY = 3,
    /// The revision is older than the history the member keeps.
    DOOZER_TOO_LATE = 4,
    /// The file has changed since the revision the write names.
    DOOZER_REV_MISMATCH = 5,
    /// The path is not one a file can have.
    DOOZER_BAD_PATH = 6,
    /// The request lacks a field its verb needs.
    DOOZER_MISSING_ARG = 7,
    /// The offset is negative or past the last entry.
    DOOZER_RANGE = 8,
    /// A file stands where the request needs a directory.
    DOOZER_NOTDIR = 20,
    /// A directory stands where the request needs a file.
    DOOZER_ISDIR = 21,
    /// Nothing has that path.
    DOOZER_NOENT = 22,
    /// An error without a kind of its own that this client knows.
    DOOZER_OTHER = 127,
    /// The glob is not well formed.
    DOOZER_BAD_GLOB = 200,
    /// The value is larger than the cluster's largest value, or the transaction has too many parts.
    DOOZER_TOO_LARGE = 201,
    /// A file under /ctl/settings was given a value it cannot have.
    DOOZER_BAD_SETTING = 202,
    /// The connection has not presented the secret this request needs, or the secret was wrong.
    DOOZER_PERMISSION_DENIED = 203,
    /// The verb can be used only on a connection that has sent HELLO.
    DOOZER_HELLO_NEEDED = 204,
    /// There is no room on disk for another write; reads go on.
    DOOZER_DISK_FULL = 205,
    /// A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues.
    DOOZER_OVERLOADED = 206,
    /// The member is stopping and did not take the request.
    DOOZER_SHUTTING_DOWN = 207,
    /// The message could not be understood.
    DOOZER_MALFORMED = 208,
    /// The member cannot reach a majority of the cluster.
    DOOZER_NO_QUORUM = 209,
    /// Whether the write was made cannot be known any more.
    DOOZER_OUTCOME_UNKNOWN = 210,
    /// The session has ended, and its ephemeral files and places in queues with it.
    DOOZER_SESSION_EXPIRED = 211,
    /// A command of the session that comes before this one has not arrived yet.
    DOOZER_OUT_OF_ORDER = 212,
    /// The command was made before, and its answer was acknowledged and is not kept any more.
    DOOZER_ANSWER_GONE = 213,
    /// A compare of the transaction does not hold.
    DOOZER_COMPARE_FAILED = 214,
    /// A session cannot have this TTL.
    DOOZER_BAD_TTL = 215,
    /// The request's session fields do not fit together, or a key or an id has another length than 16 bytes.
    DOOZER_BAD_SESSION = 216,
    /// The call's time ran out before an answer came.
    DOOZER_TIMEOUT = 240,
    /// The caller cancelled the call before an answer came.
    DOOZER_CANCELLED = 241,
    /// The connection was lost, or no address could be reached.
    DOOZER_DISCONNECTED = 242,
    /// The lock is no longer held, or may soon be another's.
    DOOZER_LOCK_LOST = 243,
    /// The client, watch or lock was closed by its owner.
    DOOZER_CLOSED = 244,
    /// A lock, watch or embedded member was made before a fork and used in the child.
    DOOZER_FORKED = 245,
    /// The library failed inside; the handle cannot be used any more.
    DOOZER_PANIC = 246,
    /// The address or URI is not well formed.
    DOOZER_BAD_URI = 247,
    /// The operating system refused an operation.
    DOOZER_IO = 248,
    /// The other side answered with something that is no answer.
    DOOZER_PROTOCOL = 249,
    /// The program was built for another version of the library than the one it loaded.
    DOOZER_ABI_MISMATCH = 250,
}

impl From<ErrorKind> for doozer_code {
    fn from(kind: ErrorKind) -> doozer_code {
        match kind {
            ErrorKind::TagInUse => doozer_code::DOOZER_TAG_IN_USE,
            ErrorKind::UnknownVerb => doozer_code::DOOZER_UNKNOWN_VERB,
            ErrorKind::ReadOnly => doozer_code::DOOZER_READONLY,
            ErrorKind::TooLate => doozer_code::DOOZER_TOO_LATE,
            ErrorKind::RevMismatch => doozer_code::DOOZER_REV_MISMATCH,
            ErrorKind::BadPath => doozer_code::DOOZER_BAD_PATH,
            ErrorKind::MissingArg => doozer_code::DOOZER_MISSING_ARG,
            ErrorKind::Range => doozer_code::DOOZER_RANGE,
            ErrorKind::NotDir => doozer_code::DOOZER_NOTDIR,
            ErrorKind::IsDir => doozer_code::DOOZER_ISDIR,
            ErrorKind::NoEntry => doozer_code::DOOZER_NOENT,
            ErrorKind::Other => doozer_code::DOOZER_OTHER,
            ErrorKind::BadGlob => doozer_code::DOOZER_BAD_GLOB,
            ErrorKind::TooLarge => doozer_code::DOOZER_TOO_LARGE,
            ErrorKind::BadSetting => doozer_code::DOOZER_BAD_SETTING,
            ErrorKind::PermissionDenied => doozer_code::DOOZER_PERMISSION_DENIED,
            ErrorKind::HelloNeeded => doozer_code::DOOZER_HELLO_NEEDED,
            ErrorKind::DiskFull => doozer_code::DOOZER_DISK_FULL,
            ErrorKind::Overloaded => doozer_code::DOOZER_OVERLOADED,
            ErrorKind::ShuttingDown => doozer_code::DOOZER_SHUTTING_DOWN,
            ErrorKind::Malformed => doozer_code::DOOZER_MALFORMED,
            ErrorKind::NoQuorum => doozer_code::DOOZER_NO_QUORUM,
            ErrorKind::OutcomeUnknown => doozer_code::DOOZER_OUTCOME_UNKNOWN,
            ErrorKind::SessionExpired => doozer_code::DOOZER_SESSION_EXPIRED,
            ErrorKind::OutOfOrder => doozer_code::DOOZER_OUT_OF_ORDER,
            ErrorKind::AnswerGone => doozer_code::DOOZER_ANSWER_GONE,
            ErrorKind::CompareFailed => doozer_code::DOOZER_COMPARE_FAILED,
            ErrorKind::BadTtl => doozer_code::DOOZER_BAD_TTL,
            ErrorKind::BadSession => doozer_code::DOOZER_BAD_SESSION,
            ErrorKind::Timeout => doozer_code::DOOZER_TIMEOUT,
            ErrorKind::Cancelled => doozer_code::DOOZER_CANCELLED,
            ErrorKind::Disconnected => doozer_code::DOOZER_DISCONNECTED,
            ErrorKind::LockLost => doozer_code::DOOZER_LOCK_LOST,
            ErrorKind::Closed => doozer_code::DOOZER_CLOSED,
            ErrorKind::Forked => doozer_code::DOOZER_FORKED,
            ErrorKind::Panic => doozer_code::DOOZER_PANIC,
            ErrorKind::BadUri => doozer_code::DOOZER_BAD_URI,
            ErrorKind::Io => doozer_code::DOOZER_IO,
            ErrorKind::Protocol => doozer_code::DOOZER_PROTOCOL,
            ErrorKind::AbiMismatch => doozer_code::DOOZER_ABI_MISMATCH,
            _ => doozer_code::DOOZER_OTHER,
        }
    }
}

/// What a number is called, if it is one of the above.
pub(crate) fn name(number: u32) -> Option<&'static CStr> {
    Some(match number {
        0 => c"OK",
        1 => c"TAG_IN_USE",
        2 => c"UNKNOWN_VERB",
        3 => c"READONLY",
        4 => c"TOO_LATE",
        5 => c"REV_MISMATCH",
        6 => c"BAD_PATH",
        7 => c"MISSING_ARG",
        8 => c"RANGE",
        20 => c"NOTDIR",
        21 => c"ISDIR",
        22 => c"NOENT",
        127 => c"OTHER",
        200 => c"BAD_GLOB",
        201 => c"TOO_LARGE",
        202 => c"BAD_SETTING",
        203 => c"PERMISSION_DENIED",
        204 => c"HELLO_NEEDED",
        205 => c"DISK_FULL",
        206 => c"OVERLOADED",
        207 => c"SHUTTING_DOWN",
        208 => c"MALFORMED",
        209 => c"NO_QUORUM",
        210 => c"OUTCOME_UNKNOWN",
        211 => c"SESSION_EXPIRED",
        212 => c"OUT_OF_ORDER",
        213 => c"ANSWER_GONE",
        214 => c"COMPARE_FAILED",
        215 => c"BAD_TTL",
        216 => c"BAD_SESSION",
        240 => c"TIMEOUT",
        241 => c"CANCELLED",
        242 => c"DISCONNECTED",
        243 => c"LOCK_LOST",
        244 => c"CLOSED",
        245 => c"FORKED",
        246 => c"PANIC",
        247 => c"BAD_URI",
        248 => c"IO",
        249 => c"PROTOCOL",
        250 => c"ABI_MISMATCH",
        _ => return None,
    })
}
