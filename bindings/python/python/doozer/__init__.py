"""Doozer: a highly available, consistent store for small, extremely important data.

    import doozer

    with doozer.connect("127.0.0.1:8046") as c:
        rev = c.set("/greeting", b"hello", -1)
        value, rev = c.get("/greeting")

`doozer.aio` has the same for asyncio, `doozer.gevent` for gevent. `doozer.Node` is a member within this process.
"""

from . import _native
from ._version import VERSION as __version__
from ._version import check as _check

_check(_native.VERSION)

from ._base import Error  # noqa: E402
from ._errors import (  # noqa: E402
    AbiMismatch,
    AnswerGone,
    BadGlob,
    BadPath,
    BadSession,
    BadSetting,
    BadTtl,
    BadUri,
    Cancelled,
    Closed,
    CompareFailed,
    Disconnected,
    DiskFull,
    Forked,
    HelloNeeded,
    Io,
    IsDir,
    LockLost,
    Malformed,
    MissingArg,
    NoEntry,
    NoQuorum,
    NotDir,
    Other,
    OutOfOrder,
    OutcomeUnknown,
    Overloaded,
    Panic,
    PermissionDenied,
    Protocol,
    Range,
    ReadOnly,
    RevMismatch,
    SessionExpired,
    ShuttingDown,
    TagInUse,
    Timeout,
    TooLarge,
    TooLate,
    UnknownVerb,
)
from ._native import (  # noqa: E402
    Client,
    Entered,
    Leader,
    Live,
    Lock,
    Lost,
    Node,
    Registration,
    Stream,
    Txn,
    _noop,
    _noop_async,
    connect,
)
from ._types import Entry, Event, File, Stat  # noqa: E402

__all__ = [
    "AbiMismatch",
    "AnswerGone",
    "BadGlob",
    "BadPath",
    "BadSession",
    "BadSetting",
    "BadTtl",
    "BadUri",
    "Cancelled",
    "Client",
    "Closed",
    "CompareFailed",
    "Disconnected",
    "DiskFull",
    "Entered",
    "Entry",
    "Error",
    "Event",
    "File",
    "Forked",
    "HelloNeeded",
    "Io",
    "IsDir",
    "Leader",
    "Live",
    "Lock",
    "LockLost",
    "Lost",
    "Malformed",
    "MissingArg",
    "NoEntry",
    "NoQuorum",
    "Node",
    "NotDir",
    "Other",
    "OutOfOrder",
    "OutcomeUnknown",
    "Overloaded",
    "Panic",
    "PermissionDenied",
    "Protocol",
    "Range",
    "ReadOnly",
    "Registration",
    "RevMismatch",
    "SessionExpired",
    "ShuttingDown",
    "Stat",
    "Stream",
    "TagInUse",
    "Timeout",
    "TooLarge",
    "TooLate",
    "Txn",
    "UnknownVerb",
    "__version__",
    "connect",
]

# Where they are found, and not where they happen to be written.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
