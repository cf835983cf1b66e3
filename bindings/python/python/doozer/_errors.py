"""Every kind of error as an exception.

Made from core/wire/errors.toml by doozer-wire-generate; do not edit.
"""

from ._base import Error


class TagInUse(Error):
    """Another request with this tag is still outstanding on the connection.

    Give every outstanding request of a connection a tag of its own.
    """

    kind = "TAG_IN_USE"
    number = 1


class UnknownVerb(Error):
    """The member does not know the verb.

    Check the verb's number; if it is a newer one, upgrade the member.
    """

    kind = "UNKNOWN_VERB"
    number = 2


class ReadOnly(Error):
    """This member or file does not take writes.

    Write to another member, or to another path.
    """

    kind = "READONLY"
    number = 3


class TooLate(Error):
    """The revision is older than the history the member keeps.

    Read the current state and go on from its revision; if it happens often, keep more history.
    """

    kind = "TOO_LATE"
    number = 4


class RevMismatch(Error):
    """The file has changed since the revision the write names.

    Read the file, decide again, and write with the revision just read.
    """

    kind = "REV_MISMATCH"
    number = 5


class BadPath(Error):
    """The path is not one a file can have.

    Start with a slash, end without one, leave no name empty, and use the allowed characters only.
    """

    kind = "BAD_PATH"
    number = 6


class MissingArg(Error):
    """The request lacks a field its verb needs.

    Send the field; a number that is absent is not taken as 0.
    """

    kind = "MISSING_ARG"
    number = 7


class Range(Error):
    """The offset is negative or past the last entry.

    In a loop over offsets this is the end; otherwise ask from 0.
    """

    kind = "RANGE"
    number = 8


class NotDir(Error):
    """A file stands where the request needs a directory.

    Choose another path, or delete that file first.
    """

    kind = "NOTDIR"
    number = 20


class IsDir(Error):
    """A directory stands where the request needs a file.

    Name a file; list a directory with GETDIR or LIST.
    """

    kind = "ISDIR"
    number = 21


class NoEntry(Error):
    """Nothing has that path.

    Check the path, or wait for it to appear.
    """

    kind = "NOENT"
    number = 22


class Other(Error):
    """An error without a kind of its own that this client knows.

    Read its detail.
    """

    kind = "OTHER"
    number = 127


class BadGlob(Error):
    """The glob is not well formed.

    Write it like a path, with `?`, `*` and `**` as wildcards.
    """

    kind = "BAD_GLOB"
    number = 200


class TooLarge(Error):
    """The value is larger than the cluster's largest value, or the transaction has too many parts.

    Split it, or raise the cluster's limit for values.
    """

    kind = "TOO_LARGE"
    number = 201


class BadSetting(Error):
    """A file under /ctl/settings was given a value it cannot have.

    Write one of the values the detail names.
    """

    kind = "BAD_SETTING"
    number = 202


class PermissionDenied(Error, PermissionError):
    """The connection has not presented the secret this request needs, or the secret was wrong.

    Present the right secret with ACCESS, or put it into the URI as `sk`.
    """

    kind = "PERMISSION_DENIED"
    number = 203


class HelloNeeded(Error):
    """The verb can be used only on a connection that has sent HELLO.

    Send HELLO first.
    """

    kind = "HELLO_NEEDED"
    number = 204


class DiskFull(Error):
    """There is no room on disk for another write; reads go on.

    Make room on the member's disk; it recovers by itself.
    """

    kind = "DISK_FULL"
    number = 205


class Overloaded(Error):
    """A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues.

    End some, acknowledge what was answered, use another member, or raise the limit that the detail names.
    """

    kind = "OVERLOADED"
    number = 206


class ShuttingDown(Error):
    """The member is stopping and did not take the request.

    Send it to another member.
    """

    kind = "SHUTTING_DOWN"
    number = 207


class Malformed(Error):
    """The message could not be understood.

    Mend the client; after a broken frame the member closes the connection.
    """

    kind = "MALFORMED"
    number = 208


class NoQuorum(Error):
    """The member cannot reach a majority of the cluster.

    Bring members back, or the network between them; reads that ask for local consistency go on.
    """

    kind = "NO_QUORUM"
    number = 209


class OutcomeUnknown(Error):
    """Whether the write was made cannot be known any more.

    Read the file to see whether it was.
    """

    kind = "OUTCOME_UNKNOWN"
    number = 210


class SessionExpired(Error):
    """The session has ended, and its ephemeral files and places in queues with it.

    Open a new session and set up again what belonged to the old one.
    """

    kind = "SESSION_EXPIRED"
    number = 211


class OutOfOrder(Error):
    """A command of the session that comes before this one has not arrived yet.

    Send what is missing first, then this one again.
    """

    kind = "OUT_OF_ORDER"
    number = 212


class AnswerGone(Error):
    """The command was made before, and its answer was acknowledged and is not kept any more.

    Give each command a sequence number of its own, and acknowledge only answers that were heard.
    """

    kind = "ANSWER_GONE"
    number = 213


class CompareFailed(Error):
    """A compare of the transaction does not hold.

    Read the file that the detail names, and decide again.
    """

    kind = "COMPARE_FAILED"
    number = 214


class BadTtl(Error):
    """A session cannot have this TTL.

    Choose one from 1 second to 24 hours.
    """

    kind = "BAD_TTL"
    number = 215


class BadSession(Error):
    """The request's session fields do not fit together, or a key or an id has another length than 16 bytes.

    Mend what the detail names.
    """

    kind = "BAD_SESSION"
    number = 216


class Timeout(Error, TimeoutError):
    """The call's time ran out before an answer came.

    Allow more time, or find out why the cluster is slow.
    """

    kind = "TIMEOUT"
    number = 240


class Cancelled(Error):
    """The caller cancelled the call before an answer came.

    None is needed.
    """

    kind = "CANCELLED"
    number = 241


class Disconnected(Error):
    """The connection was lost, or no address could be reached.

    Check the addresses, and that a member runs there.
    """

    kind = "DISCONNECTED"
    number = 242


class LockLost(Error):
    """The lock is no longer held, or may soon be another's.

    Stop what the lock protects, and take the lock again.
    """

    kind = "LOCK_LOST"
    number = 243


class Closed(Error):
    """The client, watch or lock was closed by its owner.

    Open a new one.
    """

    kind = "CLOSED"
    number = 244


class Forked(Error):
    """A lock, watch or embedded member was made before a fork and used in the child.

    Make it again in the child.
    """

    kind = "FORKED"
    number = 245


class Panic(Error):
    """The library failed inside; the handle cannot be used any more.

    Report it with its detail, and open a new handle.
    """

    kind = "PANIC"
    number = 246


class BadUri(Error):
    """The address or URI is not well formed.

    Write `doozer:?ca=HOST:PORT&cn=NAME` or `HOST:PORT,HOST:PORT`.
    """

    kind = "BAD_URI"
    number = 247


class Io(Error):
    """The operating system refused an operation.

    Read its detail.
    """

    kind = "IO"
    number = 248


class Protocol(Error):
    """The other side answered with something that is no answer.

    Check that the address is a Doozer client port, and the versions of both sides.
    """

    kind = "PROTOCOL"
    number = 249


class AbiMismatch(Error):
    """The program was built for another version of the library than the one it loaded.

    Build and load the same version.
    """

    kind = "ABI_MISMATCH"
    number = 250


BY_NUMBER = {
    1: TagInUse,
    2: UnknownVerb,
    3: ReadOnly,
    4: TooLate,
    5: RevMismatch,
    6: BadPath,
    7: MissingArg,
    8: Range,
    20: NotDir,
    21: IsDir,
    22: NoEntry,
    127: Other,
    200: BadGlob,
    201: TooLarge,
    202: BadSetting,
    203: PermissionDenied,
    204: HelloNeeded,
    205: DiskFull,
    206: Overloaded,
    207: ShuttingDown,
    208: Malformed,
    209: NoQuorum,
    210: OutcomeUnknown,
    211: SessionExpired,
    212: OutOfOrder,
    213: AnswerGone,
    214: CompareFailed,
    215: BadTtl,
    216: BadSession,
    240: Timeout,
    241: Cancelled,
    242: Disconnected,
    243: LockLost,
    244: Closed,
    245: Forked,
    246: Panic,
    247: BadUri,
    248: Io,
    249: Protocol,
    250: AbiMismatch,
}
