// Every kind of error as a class.
// Made from core/wire/errors.toml by doozer-wire-generate; do not edit.

import { DoozerError } from './error.cjs';

/** Another request with this tag is still outstanding on the connection. Give every outstanding request of a connection a tag of its own. */
export class TagInUse extends DoozerError {
  readonly code: 'TAG_IN_USE';
  readonly number: 1;
}

/** The member does not know the verb. Check the verb's number; if it is a newer one, upgrade the member. */
export class UnknownVerb extends DoozerError {
  readonly code: 'UNKNOWN_VERB';
  readonly number: 2;
}

/** This member or file does not take writes. Write to another member, or to another path. */
export class ReadOnly extends DoozerError {
  readonly code: 'READONLY';
  readonly number: 3;
}

/** The revision is older than the history the member keeps. Read the current state and go on from its revision; if it happens often, keep more history. */
export class TooLate extends DoozerError {
  readonly code: 'TOO_LATE';
  readonly number: 4;
}

/** The file has changed since the revision the write names. Read the file, decide again, and write with the revision just read. */
export class RevMismatch extends DoozerError {
  readonly code: 'REV_MISMATCH';
  readonly number: 5;
}

/** The path is not one a file can have. Start with a slash, end without one, leave no name empty, and use the allowed characters only. */
export class BadPath extends DoozerError {
  readonly code: 'BAD_PATH';
  readonly number: 6;
}

/** The request lacks a field its verb needs. Send the field; a number that is absent is not taken as 0. */
export class MissingArg extends DoozerError {
  readonly code: 'MISSING_ARG';
  readonly number: 7;
}

/** The offset is negative or past the last entry. In a loop over offsets this is the end; otherwise ask from 0. */
export class Range extends DoozerError {
  readonly code: 'RANGE';
  readonly number: 8;
}

/** A file stands where the request needs a directory. Choose another path, or delete that file first. */
export class NotDir extends DoozerError {
  readonly code: 'NOTDIR';
  readonly number: 20;
}

/** A directory stands where the request needs a file. Name a file; list a directory with GETDIR or LIST. */
export class IsDir extends DoozerError {
  readonly code: 'ISDIR';
  readonly number: 21;
}

/** Nothing has that path. Check the path, or wait for it to appear. */
export class NoEntry extends DoozerError {
  readonly code: 'NOENT';
  readonly number: 22;
}

/** An error without a kind of its own that this client knows. Read its detail. */
export class Other extends DoozerError {
  readonly code: 'OTHER';
  readonly number: 127;
}

/** The glob is not well formed. Write it like a path, with `?`, `*` and `**` as wildcards. */
export class BadGlob extends DoozerError {
  readonly code: 'BAD_GLOB';
  readonly number: 200;
}

/** The value is larger than the cluster's largest value, or the transaction has too many parts. Split it, or raise the cluster's limit for values. */
export class TooLarge extends DoozerError {
  readonly code: 'TOO_LARGE';
  readonly number: 201;
}

/** A file under /ctl/settings was given a value it cannot have. Write one of the values the detail names. */
export class BadSetting extends DoozerError {
  readonly code: 'BAD_SETTING';
  readonly number: 202;
}

/** The connection has not presented the secret this request needs, or the secret was wrong. Present the right secret with ACCESS, or put it into the URI as `sk`. */
export class PermissionDenied extends DoozerError {
  readonly code: 'PERMISSION_DENIED';
  readonly number: 203;
}

/** The verb can be used only on a connection that has sent HELLO. Send HELLO first. */
export class HelloNeeded extends DoozerError {
  readonly code: 'HELLO_NEEDED';
  readonly number: 204;
}

/** There is no room on disk for another write; reads go on. Make room on the member's disk; it recovers by itself. */
export class DiskFull extends DoozerError {
  readonly code: 'DISK_FULL';
  readonly number: 205;
}

/** A limit is reached: of the member's connections, waits and watches, or of sessions, their unacknowledged answers and their places in queues. End some, acknowledge what was answered, use another member, or raise the limit that the detail names. */
export class Overloaded extends DoozerError {
  readonly code: 'OVERLOADED';
  readonly number: 206;
}

/** The member is stopping and did not take the request. Send it to another member. */
export class ShuttingDown extends DoozerError {
  readonly code: 'SHUTTING_DOWN';
  readonly number: 207;
}

/** The message could not be understood. Mend the client; after a broken frame the member closes the connection. */
export class Malformed extends DoozerError {
  readonly code: 'MALFORMED';
  readonly number: 208;
}

/** The member cannot reach a majority of the cluster. Bring members back, or the network between them; reads that ask for local consistency go on. */
export class NoQuorum extends DoozerError {
  readonly code: 'NO_QUORUM';
  readonly number: 209;
}

/** Whether the write was made cannot be known any more. Read the file to see whether it was. */
export class OutcomeUnknown extends DoozerError {
  readonly code: 'OUTCOME_UNKNOWN';
  readonly number: 210;
}

/** The session has ended, and its ephemeral files and places in queues with it. Open a new session and set up again what belonged to the old one. */
export class SessionExpired extends DoozerError {
  readonly code: 'SESSION_EXPIRED';
  readonly number: 211;
}

/** A command of the session that comes before this one has not arrived yet. Send what is missing first, then this one again. */
export class OutOfOrder extends DoozerError {
  readonly code: 'OUT_OF_ORDER';
  readonly number: 212;
}

/** The command was made before, and its answer was acknowledged and is not kept any more. Give each command a sequence number of its own, and acknowledge only answers that were heard. */
export class AnswerGone extends DoozerError {
  readonly code: 'ANSWER_GONE';
  readonly number: 213;
}

/** A compare of the transaction does not hold. Read the file that the detail names, and decide again. */
export class CompareFailed extends DoozerError {
  readonly code: 'COMPARE_FAILED';
  readonly number: 214;
}

/** A session cannot have this TTL. Choose one from 1 second to 24 hours. */
export class BadTtl extends DoozerError {
  readonly code: 'BAD_TTL';
  readonly number: 215;
}

/** The request's session fields do not fit together, or a key or an id has another length than 16 bytes. Mend what the detail names. */
export class BadSession extends DoozerError {
  readonly code: 'BAD_SESSION';
  readonly number: 216;
}

/** The call's time ran out before an answer came. Allow more time, or find out why the cluster is slow. */
export class Timeout extends DoozerError {
  readonly code: 'TIMEOUT';
  readonly number: 240;
}

/** The caller cancelled the call before an answer came. None is needed. */
export class Cancelled extends DoozerError {
  readonly code: 'CANCELLED';
  readonly number: 241;
}

/** The connection was lost, or no address could be reached. Check the addresses, and that a member runs there. */
export class Disconnected extends DoozerError {
  readonly code: 'DISCONNECTED';
  readonly number: 242;
}

/** The lock is no longer held, or may soon be another's. Stop what the lock protects, and take the lock again. */
export class LockLost extends DoozerError {
  readonly code: 'LOCK_LOST';
  readonly number: 243;
}

/** The client, watch or lock was closed by its owner. Open a new one. */
export class Closed extends DoozerError {
  readonly code: 'CLOSED';
  readonly number: 244;
}

/** A lock, watch or embedded member was made before a fork and used in the child. Make it again in the child. */
export class Forked extends DoozerError {
  readonly code: 'FORKED';
  readonly number: 245;
}

/** The library failed inside; the handle cannot be used any more. Report it with its detail, and open a new handle. */
export class Panic extends DoozerError {
  readonly code: 'PANIC';
  readonly number: 246;
}

/** The address or URI is not well formed. Write `doozer:?ca=HOST:PORT&cn=NAME` or `HOST:PORT,HOST:PORT`. */
export class BadUri extends DoozerError {
  readonly code: 'BAD_URI';
  readonly number: 247;
}

/** The operating system refused an operation. Read its detail. */
export class Io extends DoozerError {
  readonly code: 'IO';
  readonly number: 248;
}

/** The other side answered with something that is no answer. Check that the address is a Doozer client port, and the versions of both sides. */
export class Protocol extends DoozerError {
  readonly code: 'PROTOCOL';
  readonly number: 249;
}

/** The program was built for another version of the library than the one it loaded. Build and load the same version. */
export class AbiMismatch extends DoozerError {
  readonly code: 'ABI_MISMATCH';
  readonly number: 250;
}
