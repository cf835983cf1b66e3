# frozen_string_literal: true

# Every kind of error as an exception.
# Made from core/wire/errors.toml by doozer-wire-generate; do not edit.

module Doozer
  # Another request with this tag is still outstanding on the connection.
  # Give every outstanding request of a connection a tag of its own.
  class TagInUse < Error
    KIND = "TAG_IN_USE"
    NUMBER = 1
  end

  # The member does not know the verb.
  # Check the verb's number; if it is a newer one, upgrade the member.
  class UnknownVerb < Error
    KIND = "UNKNOWN_VERB"
    NUMBER = 2
  end

  # This member or file does not take writes.
  # Write to another member, or to another path.
  class ReadOnly < Error
    KIND = "READONLY"
    NUMBER = 3
  end

  # The revision is older than the history the member keeps.
  # Read the current state and go on from its revision; if it happens often, keep more history.
  class TooLate < Error
    KIND = "TOO_LATE"
    NUMBER = 4
  end

  # The file has changed since the revision the write names.
  # Read the file, decide again, and write with the revision just read.
  class RevMismatch < Error
    KIND = "REV_MISMATCH"
    NUMBER = 5
  end

  # The path is not one a file can have.
  # Start with a slash, end without one, leave no name empty, and use the allowed characters only.
  class BadPath < Error
    KIND = "BAD_PATH"
    NUMBER = 6
  end

  # The request lacks a field its verb needs.
  # Send the field; a number that is absent is not taken as 0.
  class MissingArg < Error
    KIND = "MISSING_ARG"
    NUMBER = 7
  end

  # The offset is negative or past the last entry.
  # In a loop over offsets this is the end; otherwise ask from 0.
  class Range < Error
    KIND = "RANGE"
    NUMBER = 8
  end

  # A file stands where the request needs a directory.
  # Choose another path, or delete that file first.
  class NotDir < Error
    KIND = "NOTDIR"
    NUMBER = 20
  end

  # A directory stands where the request needs a file.
  # Name a file; list a directory with GETDIR or LIST.
  class IsDir < Error
    KIND = "ISDIR"
    NUMBER = 21
  end

  # Nothing has that path.
  # Check the path, or wait for it to appear.
  class NoEntry < Error
    KIND = "NOENT"
    NUMBER = 22
  end

  # An error without a kind of its own that this client knows.
  # Read its detail.
  class Other < Error
    KIND = "OTHER"
    NUMBER = 127
  end

  # The glob is not well formed.
  # Write it like a path, with `?`, `*` and `**` as wildcards.
  class BadGlob < Error
    KIND = "BAD_GLOB"
    NUMBER = 200
  end

  # The value is larger than the cluster's largest value, or the transaction has too many parts.
  # Split it, or raise the cluster's limit for values.
  class TooLarge < Error
    KIND = "TOO_LARGE"
    NUMBER = 201
  end

  # A file under /ctl/settings was given a value it cannot have.
  # Write one of the values the detail names.
  class BadSetting < Error
    KIND = "BAD_SETTING"
    NUMBER = 202
  end

  # The connection has not presented the secret this request needs, or the secret was wrong.
  # Present the right secret with ACCESS, or put it into the URI as `sk`.
  class PermissionDenied < Error
    KIND = "PERMISSION_DENIED"
    NUMBER = 203
  end

  # The verb can be used only on a connection that has sent HELLO.
  # Send HELLO first.
  class HelloNeeded < Error
    KIND = "HELLO_NEEDED"
    NUMBER = 204
  end

  # There is no room on disk for another write; reads go on.
  # Make room on the member's disk; it recovers by itself.
  class DiskFull < Error
    KIND = "DISK_FULL"
    NUMBER = 205
  end

  # A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues.
  # End some, acknowledge what was answered, use another member, or raise the limit that the detail names.
  class Overloaded < Error
    KIND = "OVERLOADED"
    NUMBER = 206
  end

  # The member is stopping and did not take the request.
  # Send it to another member.
  class ShuttingDown < Error
    KIND = "SHUTTING_DOWN"
    NUMBER = 207
  end

  # The message could not be understood.
  # Mend the client; after a broken frame the member closes the connection.
  class Malformed < Error
    KIND = "MALFORMED"
    NUMBER = 208
  end

  # The member cannot reach a majority of the cluster.
  # Bring members back, or the network between them; reads that ask for local consistency go on.
  class NoQuorum < Error
    KIND = "NO_QUORUM"
    NUMBER = 209
  end

  # Whether the write was made cannot be known any more.
  # Read the file to see whether it was.
  class OutcomeUnknown < Error
    KIND = "OUTCOME_UNKNOWN"
    NUMBER = 210
  end

  # The session has ended, and its ephemeral files and places in queues with it.
  # Open a new session and set up again what belonged to the old one.
  class SessionExpired < Error
    KIND = "SESSION_EXPIRED"
    NUMBER = 211
  end

  # A command of the session that comes before this one has not arrived yet.
  # Send what is missing first, then this one again.
  class OutOfOrder < Error
    KIND = "OUT_OF_ORDER"
    NUMBER = 212
  end

  # The command was made before, and its answer was acknowledged and is not kept any more.
  # Give each command a sequence number of its own, and acknowledge only answers that were heard.
  class AnswerGone < Error
    KIND = "ANSWER_GONE"
    NUMBER = 213
  end

  # A compare of the transaction does not hold.
  # Read the file that the detail names, and decide again.
  class CompareFailed < Error
    KIND = "COMPARE_FAILED"
    NUMBER = 214
  end

  # A session cannot have this TTL.
  # Choose one from 1 second to 24 hours.
  class BadTtl < Error
    KIND = "BAD_TTL"
    NUMBER = 215
  end

  # The request's session fields do not fit together, or a key or an id has another length than 16 bytes.
  # Mend what the detail names.
  class BadSession < Error
    KIND = "BAD_SESSION"
    NUMBER = 216
  end

  # The call's time ran out before an answer came.
  # Allow more time, or find out why the cluster is slow.
  class Timeout < Error
    KIND = "TIMEOUT"
    NUMBER = 240
  end

  # The caller cancelled the call before an answer came.
  # None is needed.
  class Cancelled < Error
    KIND = "CANCELLED"
    NUMBER = 241
  end

  # The connection was lost, or no address could be reached.
  # Check the addresses, and that a member runs there.
  class Disconnected < Error
    KIND = "DISCONNECTED"
    NUMBER = 242
  end

  # The lock is no longer held, or may soon be another's.
  # Stop what the lock protects, and take the lock again.
  class LockLost < Error
    KIND = "LOCK_LOST"
    NUMBER = 243
  end

  # The client, watch or lock was closed by its owner.
  # Open a new one.
  class Closed < Error
    KIND = "CLOSED"
    NUMBER = 244
  end

  # A lock, watch or embedded member was made before a fork and used in the child.
  # Make it again in the child.
  class Forked < Error
    KIND = "FORKED"
    NUMBER = 245
  end

  # The library failed inside; the handle cannot be used any more.
  # Report it with its detail, and open a new handle.
  class Panic < Error
    KIND = "PANIC"
    NUMBER = 246
  end

  # The address or URI is not well formed.
  # Write `doozer:?ca=HOST:PORT&cn=NAME` or `HOST:PORT,HOST:PORT`.
  class BadUri < Error
    KIND = "BAD_URI"
    NUMBER = 247
  end

  # The operating system refused an operation.
  # Read its detail.
  class Io < Error
    KIND = "IO"
    NUMBER = 248
  end

  # The other side answered with something that is no answer.
  # Check that the address is a Doozer client port, and the versions of both sides.
  class Protocol < Error
    KIND = "PROTOCOL"
    NUMBER = 249
  end

  # The program was built for another version of the library than the one it loaded.
  # Build and load the same version.
  class AbiMismatch < Error
    KIND = "ABI_MISMATCH"
    NUMBER = 250
  end

  # The exception of each number.
  ERRORS = {
    1 => TagInUse,
    2 => UnknownVerb,
    3 => ReadOnly,
    4 => TooLate,
    5 => RevMismatch,
    6 => BadPath,
    7 => MissingArg,
    8 => Range,
    20 => NotDir,
    21 => IsDir,
    22 => NoEntry,
    127 => Other,
    200 => BadGlob,
    201 => TooLarge,
    202 => BadSetting,
    203 => PermissionDenied,
    204 => HelloNeeded,
    205 => DiskFull,
    206 => Overloaded,
    207 => ShuttingDown,
    208 => Malformed,
    209 => NoQuorum,
    210 => OutcomeUnknown,
    211 => SessionExpired,
    212 => OutOfOrder,
    213 => AnswerGone,
    214 => CompareFailed,
    215 => BadTtl,
    216 => BadSession,
    240 => Timeout,
    241 => Cancelled,
    242 => Disconnected,
    243 => LockLost,
    244 => Closed,
    245 => Forked,
    246 => Panic,
    247 => BadUri,
    248 => Io,
    249 => Protocol,
    250 => AbiMismatch,
  }.freeze
end
