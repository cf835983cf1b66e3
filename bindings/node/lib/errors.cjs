'use strict';

// Every kind of error as a class.
// Made from core/wire/errors.toml by doozer-wire-generate; do not edit.

const { DoozerError } = require('./error.cjs');

/** Another request with this tag is still outstanding on the connection. Give every outstanding request of a connection a tag of its own. */
class TagInUse extends DoozerError {}
Object.assign(TagInUse.prototype, { name: 'TagInUse', code: 'TAG_IN_USE', number: 1 });

/** The member does not know the verb. Check the verb's number; if it is a newer one, upgrade the member. */
class UnknownVerb extends DoozerError {}
Object.assign(UnknownVerb.prototype, { name: 'UnknownVerb', code: 'UNKNOWN_VERB', number: 2 });

/** This member or file does not take writes. Write to another member, or to another path. */
class ReadOnly extends DoozerError {}
Object.assign(ReadOnly.prototype, { name: 'ReadOnly', code: 'READONLY', number: 3 });

/** The revision is older than the history the member keeps. Read the current state and go on from its revision; if it happens often, keep more history. */
class TooLate extends DoozerError {}
Object.assign(TooLate.prototype, { name: 'TooLate', code: 'TOO_LATE', number: 4 });

/** The file has changed since the revision the write names. Read the file, decide again, and write with the revision just read. */
class RevMismatch extends DoozerError {}
Object.assign(RevMismatch.prototype, { name: 'RevMismatch', code: 'REV_MISMATCH', number: 5 });

/** The path is not one a file can have. Start with a slash, end without one, leave no name empty, and use the allowed characters only. */
class BadPath extends DoozerError {}
Object.assign(BadPath.prototype, { name: 'BadPath', code: 'BAD_PATH', number: 6 });

/** The request lacks a field its verb needs. Send the field; a number that is absent is not taken as 0. */
class MissingArg extends DoozerError {}
Object.assign(MissingArg.prototype, { name: 'MissingArg', code: 'MISSING_ARG', number: 7 });

/** The offset is negative or past the last entry. In a loop over offsets this is the end; otherwise ask from 0. */
class Range extends DoozerError {}
Object.assign(Range.prototype, { name: 'Range', code: 'RANGE', number: 8 });

/** A file stands where the request needs a directory. Choose another path, or delete that file first. */
class NotDir extends DoozerError {}
Object.assign(NotDir.prototype, { name: 'NotDir', code: 'NOTDIR', number: 20 });

/** A directory stands where the request needs a file. Name a file; list a directory with GETDIR or LIST. */
class IsDir extends DoozerError {}
Object.assign(IsDir.prototype, { name: 'IsDir', code: 'ISDIR', number: 21 });

/** Nothing has that path. Check the path, or wait for it to appear. */
class NoEntry extends DoozerError {}
Object.assign(NoEntry.prototype, { name: 'NoEntry', code: 'NOENT', number: 22 });

/** An error without a kind of its own that this client knows. Read its detail. */
class Other extends DoozerError {}
Object.assign(Other.prototype, { name: 'Other', code: 'OTHER', number: 127 });

/** The glob is not well formed. Write it like a path, with `?`, `*` and `**` as wildcards. */
class BadGlob extends DoozerError {}
Object.assign(BadGlob.prototype, { name: 'BadGlob', code: 'BAD_GLOB', number: 200 });

/** The value is larger than the cluster's largest value, or the transaction has too many parts. Split it, or raise the cluster's limit for values. */
class TooLarge extends DoozerError {}
Object.assign(TooLarge.prototype, { name: 'TooLarge', code: 'TOO_LARGE', number: 201 });

/** A file under /ctl/settings was given a value it cannot have. Write one of the values the detail names. */
class BadSetting extends DoozerError {}
Object.assign(BadSetting.prototype, { name: 'BadSetting', code: 'BAD_SETTING', number: 202 });

/** The connection has not presented the secret this request needs, or the secret was wrong. Present the right secret with ACCESS, or put it into the URI as `sk`. */
class PermissionDenied extends DoozerError {}
Object.assign(PermissionDenied.prototype, { name: 'PermissionDenied', code: 'PERMISSION_DENIED', number: 203 });

/** The verb can be used only on a connection that has sent HELLO. Send HELLO first. */
class HelloNeeded extends DoozerError {}
Object.assign(HelloNeeded.prototype, { name: 'HelloNeeded', code: 'HELLO_NEEDED', number: 204 });

/** There is no room on disk for another write; reads go on. Make room on the member's disk; it recovers by itself. */
class DiskFull extends DoozerError {}
Object.assign(DiskFull.prototype, { name: 'DiskFull', code: 'DISK_FULL', number: 205 });

/** A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues. End some, acknowledge what was answered, use another member, or raise the limit that the detail names. */
class Overloaded extends DoozerError {}
Object.assign(Overloaded.prototype, { name: 'Overloaded', code: 'OVERLOADED', number: 206 });

/** The member is stopping and did not take the request. Send it to another member. */
class ShuttingDown extends DoozerError {}
Object.assign(ShuttingDown.prototype, { name: 'ShuttingDown', code: 'SHUTTING_DOWN', number: 207 });

/** The message could not be understood. Mend the client; after a broken frame the member closes the connection. */
class Malformed extends DoozerError {}
Object.assign(Malformed.prototype, { name: 'Malformed', code: 'MALFORMED', number: 208 });

/** The member cannot reach a majority of the cluster. Bring members back, or the network between them; reads that ask for local consistency go on. */
class NoQuorum extends DoozerError {}
Object.assign(NoQuorum.prototype, { name: 'NoQuorum', code: 'NO_QUORUM', number: 209 });

/** Whether the write was made cannot be known any more. Read the file to see whether it was. */
class OutcomeUnknown extends DoozerError {}
Object.assign(OutcomeUnknown.prototype, { name: 'OutcomeUnknown', code: 'OUTCOME_UNKNOWN', number: 210 });

/** The session has ended, and its ephemeral files and places in queues with it. Open a new session and set up again what belonged to the old one. */
class SessionExpired extends DoozerError {}
Object.assign(SessionExpired.prototype, { name: 'SessionExpired', code: 'SESSION_EXPIRED', number: 211 });

/** A command of the session that comes before this one has not arrived yet. Send what is missing first, then this one again. */
class OutOfOrder extends DoozerError {}
Object.assign(OutOfOrder.prototype, { name: 'OutOfOrder', code: 'OUT_OF_ORDER', number: 212 });

/** The command was made before, and its answer was acknowledged and is not kept any more. Give each command a sequence number of its own, and acknowledge only answers that were heard. */
class AnswerGone extends DoozerError {}
Object.assign(AnswerGone.prototype, { name: 'AnswerGone', code: 'ANSWER_GONE', number: 213 });

/** A compare of the transaction does not hold. Read the file that the detail names, and decide again. */
class CompareFailed extends DoozerError {}
Object.assign(CompareFailed.prototype, { name: 'CompareFailed', code: 'COMPARE_FAILED', number: 214 });

/** A session cannot have this TTL. Choose one from 1 second to 24 hours. */
class BadTtl extends DoozerError {}
Object.assign(BadTtl.prototype, { name: 'BadTtl', code: 'BAD_TTL', number: 215 });

/** The request's session fields do not fit together, or a key or an id has another length than 16 bytes. Mend what the detail names. */
class BadSession extends DoozerError {}
Object.assign(BadSession.prototype, { name: 'BadSession', code: 'BAD_SESSION', number: 216 });

/** The call's time ran out before an answer came. Allow more time, or find out why the cluster is slow. */
class Timeout extends DoozerError {}
Object.assign(Timeout.prototype, { name: 'Timeout', code: 'TIMEOUT', number: 240 });

/** The caller cancelled the call before an answer came. None is needed. */
class Cancelled extends DoozerError {}
Object.assign(Cancelled.prototype, { name: 'Cancelled', code: 'CANCELLED', number: 241 });

/** The connection was lost, or no address could be reached. Check the addresses, and that a member runs there. */
class Disconnected extends DoozerError {}
Object.assign(Disconnected.prototype, { name: 'Disconnected', code: 'DISCONNECTED', number: 242 });

/** The lock is no longer held, or may soon be another's. Stop what the lock protects, and take the lock again. */
class LockLost extends DoozerError {}
Object.assign(LockLost.prototype, { name: 'LockLost', code: 'LOCK_LOST', number: 243 });

/** The client, watch or lock was closed by its owner. Open a new one. */
class Closed extends DoozerError {}
Object.assign(Closed.prototype, { name: 'Closed', code: 'CLOSED', number: 244 });

/** A lock, watch or embedded member was made before a fork and used in the child. Make it again in the child. */
class Forked extends DoozerError {}
Object.assign(Forked.prototype, { name: 'Forked', code: 'FORKED', number: 245 });

/** The library failed inside; the handle cannot be used any more. Report it with its detail, and open a new handle. */
class Panic extends DoozerError {}
Object.assign(Panic.prototype, { name: 'Panic', code: 'PANIC', number: 246 });

/** The address or URI is not well formed. Write `doozer:?ca=HOST:PORT&cn=NAME` or `HOST:PORT,HOST:PORT`. */
class BadUri extends DoozerError {}
Object.assign(BadUri.prototype, { name: 'BadUri', code: 'BAD_URI', number: 247 });

/** The operating system refused an operation. Read its detail. */
class Io extends DoozerError {}
Object.assign(Io.prototype, { name: 'Io', code: 'IO', number: 248 });

/** The other side answered with something that is no answer. Check that the address is a Doozer client port, and the versions of both sides. */
class Protocol extends DoozerError {}
Object.assign(Protocol.prototype, { name: 'Protocol', code: 'PROTOCOL', number: 249 });

/** The program was built for another version of the library than the one it loaded. Build and load the same version. */
class AbiMismatch extends DoozerError {}
Object.assign(AbiMismatch.prototype, { name: 'AbiMismatch', code: 'ABI_MISMATCH', number: 250 });

module.exports = {
  TagInUse,
  UnknownVerb,
  ReadOnly,
  TooLate,
  RevMismatch,
  BadPath,
  MissingArg,
  Range,
  NotDir,
  IsDir,
  NoEntry,
  Other,
  BadGlob,
  TooLarge,
  BadSetting,
  PermissionDenied,
  HelloNeeded,
  DiskFull,
  Overloaded,
  ShuttingDown,
  Malformed,
  NoQuorum,
  OutcomeUnknown,
  SessionExpired,
  OutOfOrder,
  AnswerGone,
  CompareFailed,
  BadTtl,
  BadSession,
  Timeout,
  Cancelled,
  Disconnected,
  LockLost,
  Closed,
  Forked,
  Panic,
  BadUri,
  Io,
  Protocol,
  AbiMismatch,
};
