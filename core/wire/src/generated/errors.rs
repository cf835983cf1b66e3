//! Every kind of error, with its permanent number.
//! Made from errors.toml by doozer-wire-generate; do not edit.

use std::fmt;

/// Whether sending a request again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same request will fail again. Nothing was changed.
    Never,
    /// The request can succeed once something else has changed: look first, then decide. Nothing was changed.
    AfterChange,
    /// Nothing was changed, and the same request may be sent again, after a short pause or to another member.
    Safe,
    /// A read may be sent again. A write may or may not have been made: look before sending it again.
    Unknown,
}

/// What went wrong. The number of a kind is permanent; later versions add kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// Another request with this tag is still outstanding on the connection.
    TagInUse = 1,
    /// The member does not know the verb.
    UnknownVerb = 2,
    /// This member or file does not take writes.
    ReadOnly = 3,
    /// The revision is older than the history the member keeps.
    TooLate = 4,
    /// The file has changed since the revision the write names.
    RevMismatch = 5,
    /// The path is not one a file can have.
    BadPath = 6,
    /// The request lacks a field its verb needs.
    MissingArg = 7,
    /// The offset is negative or past the last entry.
    Range = 8,
    /// A file stands where the request needs a directory.
    NotDir = 20,
    /// A directory stands where the request needs a file.
    IsDir = 21,
    /// Nothing has that path.
    NoEntry = 22,
    /// An error without a kind of its own that this client knows.
    Other = 127,
    /// The glob is not well formed.
    BadGlob = 200,
    /// The value is larger than the cluster's largest value, or the transaction has too many parts.
    TooLarge = 201,
    /// A file under /ctl/settings was given a value it cannot have.
    BadSetting = 202,
    /// The connection has not presented the secret this request needs, or the secret was wrong.
    PermissionDenied = 203,
    /// The verb can be used only on a connection that has sent HELLO.
    HelloNeeded = 204,
    /// There is no room on disk for another write; reads go on.
    DiskFull = 205,
    /// A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues.
    Overloaded = 206,
    /// The member is stopping and did not take the request.
    ShuttingDown = 207,
    /// The message could not be understood.
    Malformed = 208,
    /// The member cannot reach a majority of the cluster.
    NoQuorum = 209,
    /// Whether the write was made cannot be known any more.
    OutcomeUnknown = 210,
    /// The session has ended, and its ephemeral files and places in queues with it.
    SessionExpired = 211,
    /// A command of the session that comes before this one has not arrived yet.
    OutOfOrder = 212,
    /// The command was made before, and its answer was acknowledged and is not kept any more.
    AnswerGone = 213,
    /// A compare of the transaction does not hold.
    CompareFailed = 214,
    /// A session cannot have this TTL.
    BadTtl = 215,
    /// The request's session fields do not fit together, or a key or an id has another length than 16 bytes.
    BadSession = 216,
    /// The call's time ran out before an answer came.
    Timeout = 240,
    /// The caller cancelled the call before an answer came.
    Cancelled = 241,
    /// The connection was lost, or no address could be reached.
    Disconnected = 242,
    /// The lock is no longer held, or may soon be another's.
    LockLost = 243,
    /// The client, watch or lock was closed by its owner.
    Closed = 244,
    /// A lock, watch or embedded member was made before a fork and used in the child.
    Forked = 245,
    /// The library failed inside; the handle cannot be used any more.
    Panic = 246,
    /// The address or URI is not well formed.
    BadUri = 247,
    /// The operating system refused an operation.
    Io = 248,
    /// The other side answered with something that is no answer.
    Protocol = 249,
    /// The program was built for another version of the library than the one it loaded.
    AbiMismatch = 250,
}

impl ErrorKind {
    /// Every kind, by ascending number.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::TagInUse,
        ErrorKind::UnknownVerb,
        ErrorKind::ReadOnly,
        ErrorKind::TooLate,
        ErrorKind::RevMismatch,
        ErrorKind::BadPath,
        ErrorKind::MissingArg,
        ErrorKind::Range,
        ErrorKind::NotDir,
        ErrorKind::IsDir,
        ErrorKind::NoEntry,
        ErrorKind::Other,
        ErrorKind::BadGlob,
        ErrorKind::TooLarge,
        ErrorKind::BadSetting,
        ErrorKind::PermissionDenied,
        ErrorKind::HelloNeeded,
        ErrorKind::DiskFull,
        ErrorKind::Overloaded,
        ErrorKind::ShuttingDown,
        ErrorKind::Malformed,
        ErrorKind::NoQuorum,
        ErrorKind::OutcomeUnknown,
        ErrorKind::SessionExpired,
        ErrorKind::OutOfOrder,
        ErrorKind::AnswerGone,
        ErrorKind::CompareFailed,
        ErrorKind::BadTtl,
        ErrorKind::BadSession,
        ErrorKind::Timeout,
        ErrorKind::Cancelled,
        ErrorKind::Disconnected,
        ErrorKind::LockLost,
        ErrorKind::Closed,
        ErrorKind::Forked,
        ErrorKind::Panic,
        ErrorKind::BadUri,
        ErrorKind::Io,
        ErrorKind::Protocol,
        ErrorKind::AbiMismatch,
    ];

    /// The permanent number, the same in every language and version.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The kind with this permanent number, or `None` if this version knows none.
    pub const fn from_number(number: u32) -> Option<ErrorKind> {
        Some(match number {
            1 => ErrorKind::TagInUse,
            2 => ErrorKind::UnknownVerb,
            3 => ErrorKind::ReadOnly,
            4 => ErrorKind::TooLate,
            5 => ErrorKind::RevMismatch,
            6 => ErrorKind::BadPath,
            7 => ErrorKind::MissingArg,
            8 => ErrorKind::Range,
            20 => ErrorKind::NotDir,
            21 => ErrorKind::IsDir,
            22 => ErrorKind::NoEntry,
            127 => ErrorKind::Other,
            200 => ErrorKind::BadGlob,
            201 => ErrorKind::TooLarge,
            202 => ErrorKind::BadSetting,
            203 => ErrorKind::PermissionDenied,
            204 => ErrorKind::HelloNeeded,
            205 => ErrorKind::DiskFull,
            206 => ErrorKind::Overloaded,
            207 => ErrorKind::ShuttingDown,
            208 => ErrorKind::Malformed,
            209 => ErrorKind::NoQuorum,
            210 => ErrorKind::OutcomeUnknown,
            211 => ErrorKind::SessionExpired,
            212 => ErrorKind::OutOfOrder,
            213 => ErrorKind::AnswerGone,
            214 => ErrorKind::CompareFailed,
            215 => ErrorKind::BadTtl,
            216 => ErrorKind::BadSession,
            240 => ErrorKind::Timeout,
            241 => ErrorKind::Cancelled,
            242 => ErrorKind::Disconnected,
            243 => ErrorKind::LockLost,
            244 => ErrorKind::Closed,
            245 => ErrorKind::Forked,
            246 => ErrorKind::Panic,
            247 => ErrorKind::BadUri,
            248 => ErrorKind::Io,
            249 => ErrorKind::Protocol,
            250 => ErrorKind::AbiMismatch,
            _ => return None,
        })
    }

    /// The name as it is shown: `REV_MISMATCH`.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorKind::TagInUse => "TAG_IN_USE",
            ErrorKind::UnknownVerb => "UNKNOWN_VERB",
            ErrorKind::ReadOnly => "READONLY",
            ErrorKind::TooLate => "TOO_LATE",
            ErrorKind::RevMismatch => "REV_MISMATCH",
            ErrorKind::BadPath => "BAD_PATH",
            ErrorKind::MissingArg => "MISSING_ARG",
            ErrorKind::Range => "RANGE",
            ErrorKind::NotDir => "NOTDIR",
            ErrorKind::IsDir => "ISDIR",
            ErrorKind::NoEntry => "NOENT",
            ErrorKind::Other => "OTHER",
            ErrorKind::BadGlob => "BAD_GLOB",
            ErrorKind::TooLarge => "TOO_LARGE",
            ErrorKind::BadSetting => "BAD_SETTING",
            ErrorKind::PermissionDenied => "PERMISSION_DENIED",
            ErrorKind::HelloNeeded => "HELLO_NEEDED",
            ErrorKind::DiskFull => "DISK_FULL",
            ErrorKind::Overloaded => "OVERLOADED",
            ErrorKind::ShuttingDown => "SHUTTING_DOWN",
            ErrorKind::Malformed => "MALFORMED",
            ErrorKind::NoQuorum => "NO_QUORUM",
            ErrorKind::OutcomeUnknown => "OUTCOME_UNKNOWN",
            ErrorKind::SessionExpired => "SESSION_EXPIRED",
            ErrorKind::OutOfOrder => "OUT_OF_ORDER",
            ErrorKind::AnswerGone => "ANSWER_GONE",
            ErrorKind::CompareFailed => "COMPARE_FAILED",
            ErrorKind::BadTtl => "BAD_TTL",
            ErrorKind::BadSession => "BAD_SESSION",
            ErrorKind::Timeout => "TIMEOUT",
            ErrorKind::Cancelled => "CANCELLED",
            ErrorKind::Disconnected => "DISCONNECTED",
            ErrorKind::LockLost => "LOCK_LOST",
            ErrorKind::Closed => "CLOSED",
            ErrorKind::Forked => "FORKED",
            ErrorKind::Panic => "PANIC",
            ErrorKind::BadUri => "BAD_URI",
            ErrorKind::Io => "IO",
            ErrorKind::Protocol => "PROTOCOL",
            ErrorKind::AbiMismatch => "ABI_MISMATCH",
        }
    }

    /// The `err_code` it travels as: its number if the original had it, else that of OTHER.
    pub const fn wire_code(self) -> i32 {
        match self {
            ErrorKind::TagInUse
            | ErrorKind::UnknownVerb
            | ErrorKind::ReadOnly
            | ErrorKind::TooLate
            | ErrorKind::RevMismatch
            | ErrorKind::BadPath
            | ErrorKind::MissingArg
            | ErrorKind::Range
            | ErrorKind::NotDir
            | ErrorKind::IsDir
            | ErrorKind::NoEntry
            | ErrorKind::Other => self as i32,
            _ => ErrorKind::Other as i32,
        }
    }

    /// Whether sending the request again can help.
    pub const fn retry(self) -> Retry {
        match self {
            ErrorKind::TagInUse => Retry::Never,
            ErrorKind::UnknownVerb => Retry::Never,
            ErrorKind::ReadOnly => Retry::Never,
            ErrorKind::TooLate => Retry::Never,
            ErrorKind::RevMismatch => Retry::AfterChange,
            ErrorKind::BadPath => Retry::Never,
            ErrorKind::MissingArg => Retry::Never,
            ErrorKind::Range => Retry::AfterChange,
            ErrorKind::NotDir => Retry::AfterChange,
            ErrorKind::IsDir => Retry::AfterChange,
            ErrorKind::NoEntry => Retry::AfterChange,
            ErrorKind::Other => Retry::Unknown,
            ErrorKind::BadGlob => Retry::Never,
            ErrorKind::TooLarge => Retry::Never,
            ErrorKind::BadSetting => Retry::Never,
            ErrorKind::PermissionDenied => Retry::AfterChange,
            ErrorKind::HelloNeeded => Retry::AfterChange,
            ErrorKind::DiskFull => Retry::Safe,
            ErrorKind::Overloaded => Retry::Safe,
            ErrorKind::ShuttingDown => Retry::Safe,
            ErrorKind::Malformed => Retry::Never,
            ErrorKind::NoQuorum => Retry::Unknown,
            ErrorKind::OutcomeUnknown => Retry::Unknown,
            ErrorKind::SessionExpired => Retry::Never,
            ErrorKind::OutOfOrder => Retry::Safe,
            ErrorKind::AnswerGone => Retry::Never,
            ErrorKind::CompareFailed => Retry::AfterChange,
            ErrorKind::BadTtl => Retry::Never,
            ErrorKind::BadSession => Retry::Never,
            ErrorKind::Timeout => Retry::Unknown,
            ErrorKind::Cancelled => Retry::Unknown,
            ErrorKind::Disconnected => Retry::Unknown,
            ErrorKind::LockLost => Retry::Never,
            ErrorKind::Closed => Retry::Never,
            ErrorKind::Forked => Retry::Never,
            ErrorKind::Panic => Retry::Unknown,
            ErrorKind::BadUri => Retry::Never,
            ErrorKind::Io => Retry::Unknown,
            ErrorKind::Protocol => Retry::Unknown,
            ErrorKind::AbiMismatch => Retry::Never,
        }
    }

    /// What has happened, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            ErrorKind::TagInUse => "Another request with this tag is still outstanding on the connection.",
            ErrorKind::UnknownVerb => "The member does not know the verb.",
            ErrorKind::ReadOnly => "This member or file does not take writes.",
            ErrorKind::TooLate => "The revision is older than the history the member keeps.",
            ErrorKind::RevMismatch => "The file has changed since the revision the write names.",
            ErrorKind::BadPath => "The path is not one a file can have.",
            ErrorKind::MissingArg => "The request lacks a field its verb needs.",
            ErrorKind::Range => "The offset is negative or past the last entry.",
            ErrorKind::NotDir => "A file stands where the request needs a directory.",
            ErrorKind::IsDir => "A directory stands where the request needs a file.",
            ErrorKind::NoEntry => "Nothing has that path.",
            ErrorKind::Other => "An error without a kind of its own that this client knows.",
            ErrorKind::BadGlob => "The glob is not well formed.",
            ErrorKind::TooLarge => {
                "The value is larger than the cluster's largest value, or the transaction has too many parts."
            }
            ErrorKind::BadSetting => "A file under /ctl/settings was given a value it cannot have.",
            ErrorKind::PermissionDenied => {
                "The connection has not presented the secret this request needs, or the secret was wrong."
            }
            ErrorKind::HelloNeeded => "The verb can be used only on a connection that has sent HELLO.",
            ErrorKind::DiskFull => "There is no room on disk for another write; reads go on.",
            ErrorKind::Overloaded => {
                "A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues."
            }
            ErrorKind::ShuttingDown => "The member is stopping and did not take the request.",
            ErrorKind::Malformed => "The message could not be understood.",
            ErrorKind::NoQuorum => "The member cannot reach a majority of the cluster.",
            ErrorKind::OutcomeUnknown => "Whether the write was made cannot be known any more.",
            ErrorKind::SessionExpired => {
                "The session has ended, and its ephemeral files and places in queues with it."
            }
            ErrorKind::OutOfOrder => {
                "A command of the session that comes before this one has not arrived yet."
            }
            ErrorKind::AnswerGone => {
                "The command was made before, and its answer was acknowledged and is not kept any more."
            }
            ErrorKind::CompareFailed => "A compare of the transaction does not hold.",
            ErrorKind::BadTtl => "A session cannot have this TTL.",
            ErrorKind::BadSession => {
                "The request's session fields do not fit together, or a key or an id has another length than 16 bytes."
            }
            ErrorKind::Timeout => "The call's time ran out before an answer came.",
            ErrorKind::Cancelled => "The caller cancelled the call before an answer came.",
            ErrorKind::Disconnected => "The connection was lost, or no address could be reached.",
            ErrorKind::LockLost => "The lock is no longer held, or may soon be another's.",
            ErrorKind::Closed => "The client, watch or lock was closed by its owner.",
            ErrorKind::Forked => {
                "A lock, watch or embedded member was made before a fork and used in the child."
            }
            ErrorKind::Panic => "The library failed inside; the handle cannot be used any more.",
            ErrorKind::BadUri => "The address or URI is not well formed.",
            ErrorKind::Io => "The operating system refused an operation.",
            ErrorKind::Protocol => "The other side answered with something that is no answer.",
            ErrorKind::AbiMismatch => {
                "The program was built for another version of the library than the one it loaded."
            }
        }
    }
}

impl fmt::Display for ErrorKind {
    /// The kind's name, as `name` gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
