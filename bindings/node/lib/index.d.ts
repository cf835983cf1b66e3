// The types of the package, and its documentation.

/// <reference types="node" />

export { DoozerError, type FailedPart } from './error.cjs';
export * from './errors.cjs';

/**
 * A revision. Given back, it is a number; one beyond 2^53 - 1 is a RangeError. Given, it may be a bigint too, in the same
 * range.
 */
export type Revision = number | bigint;

/** Bytes, or text that is taken as UTF-8. */
export type Bytes = string | Uint8Array;

/** What every call takes. */
export interface CallOptions {
  /**
   * The time limit in milliseconds, reconnecting included, after which the call ends with `Timeout`, or with `Disconnected`
   * if there is no connection; `Infinity` is none. Default: the client's, usually 10 s; none for what waits for others: `wait`,
   * `lock`, `readLock`, `writeLock`, `semaphore`, `elect`, `barrier` and `leave`.
   */
  timeout?: number | undefined;
  /**
   * Ends the call early with the signal's reason. No request is left behind; a write that was sent may still be made.
   */
  signal?: AbortSignal | undefined;
}

/** What a read takes. */
export interface ReadOptions extends CallOptions {
  /**
   * How fresh a read without a revision must be: `'linearizable'`, the default, sees every write that ended before it
   * began; `'local'` is what the member at hand knows.
   */
  consistency?: 'linearizable' | 'local' | undefined;
}

/** What a write takes. */
export interface WriteOptions extends CallOptions {
  /**
   * Write only as long as this lock, or this leader's, is still held: the cluster looks at that and writes in one step. Otherwise
   * the write is refused with `LockLost`.
   */
  fence?: Lock | Leader | undefined;
}

/** What `list` takes. */
export interface ListOptions extends ReadOptions {
  /** At most so many files, the first ones. Default: all. */
  limit?: number | undefined;
  /** Leave the values out. */
  keysOnly?: boolean | undefined;
}

/** What a stream takes: an abort ends it. */
export interface StreamOptions {
  signal?: AbortSignal | undefined;
}

/** What a client can be told. Files are in PEM form. */
export interface ClientOptions {
  /** The usual time limit of its calls in milliseconds; `Infinity` is none. Default: 10,000. */
  timeout?: number | undefined;
  /** How long opening it may take in milliseconds, over all addresses. Default: 10,000. */
  connectTimeout?: number | undefined;
  /** What it presents on each connection. Default: the URI's own. */
  secret?: Bytes | undefined;
  /** What it calls itself to members, for their logs. Default: `doozer-node/VERSION`. */
  name?: string | undefined;
  /**
   * How long in milliseconds what it holds outlives its last sign of life: locks, elections, registered services. From 1,000 to
   * 86,400,000. Default: 10,000.
   */
  sessionTtl?: number | undefined;
  /**
   * What its session is called in listings, and what the files of its locks hold, for people; what is longer than 256 bytes is
   * cut. Default: the program's name and the process's id.
   */
  sessionLabel?: string | undefined;
  /**
   * The URI of the cluster in which the addresses are looked up if the URI holds only a cluster's name. Default: what the
   * environment's `DOOZER_BOOT_URI` says.
   */
  boot?: string | undefined;
  /** A file of certificates that may have signed a member's. Given, connections are TLS. */
  tlsCa?: string | undefined;
  /** A file with the client's certificate chain, for clusters that ask for one; then `tlsKey` is needed too. */
  tlsCert?: string | undefined;
  /** A file with the private key of `tlsCert`. */
  tlsKey?: string | undefined;
  /** The name that a member's certificate must be for. Default: the host of the address. */
  tlsServerName?: string | undefined;
  /** Gives up opening it. */
  signal?: AbortSignal | undefined;
}

/** What a member can be told. Files are in PEM form. */
export interface NodeOptions {
  /** Where its data is kept, made if it is not there: every write is on disk before it is answered. Default: in memory. */
  dataDir?: string | undefined;
  /** `HOST:PORT` to listen on; port 0 takes a free one. Default: nowhere, it serves this process only. */
  listen?: string | undefined;
  /** The cluster's name, used at its birth only. Default: `local`. */
  clusterName?: string | undefined;
  /** How many revisions of the past it keeps. Default: 360,000. */
  history?: number | undefined;
  /** How many bytes of them it keeps at most. Default: 256 MiB. */
  historyBytes?: number | undefined;
  /** The largest value in bytes, used at a cluster's birth only. Default: 1 MiB. */
  maxValue?: number | undefined;
  /** The secret that allows everything. */
  secret?: string | undefined;
  /** The secret that allows to read. */
  readSecret?: string | undefined;
  /** A file with its certificate chain. Given with `tlsKey`, connections are TLS. */
  tlsCert?: string | undefined;
  /** A file with the private key of `tlsCert`. */
  tlsKey?: string | undefined;
  /** A file of certificates: clients must show one that was signed by one of these. */
  tlsCa?: string | undefined;
  /** What `/ctl/node/ID/hostname` says. Default: `localhost`. */
  hostname?: string | undefined;
  /** Gives up starting it. */
  signal?: AbortSignal | undefined;
}

/** A file. */
export interface File {
  /** What it holds; null if there is no such file. */
  value: Buffer | null;
  /** The revision that wrote it; 0 if there is no such file. */
  rev: number;
}

/** A file of a walk or a list. */
export interface Entry {
  path: string;
  /** What it holds; null if only the paths were asked for. */
  value: Buffer | null;
  /** The revision that wrote it. */
  rev: number;
  /** The value's length in bytes, asked for or not. */
  len: number;
}

/** What `stat` says. */
export class Stat {
  private constructor();
  /** A file's length in bytes, or a directory's number of entries. */
  readonly len: number;
  /** The revision that wrote the file; 0 if there is nothing, -2 if there is a directory. */
  readonly rev: number;
  /** Whether there is a directory. */
  get isDir(): boolean;
  /** Whether there is a file. */
  get isFile(): boolean;
}

/** A change of a file. */
export class Event {
  private constructor();
  readonly path: string;
  /** What it holds now; empty if it was deleted. */
  readonly value: Buffer;
  /** The revision this change made. */
  readonly rev: number;
  readonly kind: 'set' | 'del';
  /** Whether it was written. */
  get isSet(): boolean;
  /** Whether it was deleted. */
  get isDel(): boolean;
}

/**
 * What comes one after another: of a watch, a list, a configuration or an election. Leaving a `for await` early, `return` and the end of
 * an `await using` close it: nothing is left behind at the member then. One that nobody waits for does not keep the process
 * alive. After an error it is over.
 */
export class Stream<T> implements AsyncIterableIterator<T> {
  private constructor();
  /**
   * What comes next. Several calls at once are served in order. One that ends early, by its signal or its time limit, takes
   * nothing away from the next. By default it waits without end.
   */
  next(options?: CallOptions): Promise<IteratorResult<T, undefined>>;
  /** Closes it. Whoever waits is told that it is over. */
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncIterator](): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A lock that is held, see `Client.lock`; also a place inside, see `readLock` and `semaphore`. One that nobody has any more is given
 * back, sooner or later.
 */
export class Lock implements AsyncDisposable {
  private constructor();
  /** The lock's file. Of a reader, a writer or a semaphore it is one of its own, below the path that was given. */
  readonly path: string;
  /** The fencing token: the revision of the lock's file, which grows from holder to holder. */
  readonly rev: number;
  /**
   * Whether it surely is held: it was neither given back nor found lost, and the cluster does not end its session yet. Nobody is
   * asked: that somebody deleted or overwrote the file is known only once `lost` was looked at.
   */
  get isHeld(): boolean;
  /**
   * For how many milliseconds it surely is held, if it is not given back and nobody deletes or overwrites its file. 0 once it is
   * not held any more.
   */
  get validFor(): number;
  /**
   * Is aborted when the lock is not held any more, and before the cluster gives it to somebody else unless this process stands still:
   * with a `LockLost` as its reason; with a `Closed` if it was given back, or its client was closed. Always the same signal:
   * `fetch(url, { signal: lock.lost })`. From when it is first looked at the lock's file is watched. That does not keep the process
   * alive.
   */
  get lost(): AbortSignal;
  /** Throws what `lost` would tell, unless the lock surely is held, see `isHeld`. */
  check(): void;
  /**
   * Gives the lock back: when this is resolved it is free, or the next one has it. Ended early, it goes on in the background; then,
   * or after another error than those below, it may be called again.
   *
   * Rejects with `Closed` if it was given back before; with `LockLost` if it was not this holder's any more.
   */
  unlock(options?: CallOptions): Promise<void>;
  /** Gives it back, unless that was done, or `unlock` has said that it is lost. Rejects with `LockLost`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Who was elected, see `Client.elect`. One that nobody has any more resigns, sooner or later. */
export class Leader implements AsyncDisposable {
  private constructor();
  /** The file of the election. */
  readonly path: string;
  /** The fencing token: greater for each leader than for the one before, and the same however often it proclaims. */
  readonly token: number;
  /** Whether it surely leads, see `Lock.isHeld`. */
  get isLeading(): boolean;
  /** Is aborted when it does not lead any more, see `Lock.lost`. */
  get lost(): AbortSignal;
  /** Throws what `lost` would tell, unless it surely leads. */
  check(): void;
  /**
   * Says something else to those who observe the election. Gives the revision this made; the token stays.
   *
   * Rejects with `LockLost` if it does not lead any more, `Closed` if it has resigned; `TooLarge`.
   */
  proclaim(value: Bytes, options?: CallOptions): Promise<number>;
  /**
   * Resigns: when this is resolved, the next one leads, or nobody does. Ended early, it goes on in the background; then, or after
   * another error than those below, it may be called again.
   *
   * Rejects with `Closed` if it has resigned before; with `LockLost` if it did not lead any more.
   */
  resign(options?: CallOptions): Promise<void>;
  /** Resigns, unless that was done, or `resign` has said that it does not lead. Rejects with `LockLost`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A service that is registered, see `Client.register`. One that nobody has any more is taken back, sooner or later. */
export class Registration implements AsyncDisposable {
  private constructor();
  /** The service's file. */
  readonly path: string;
  /** The revision of the file; null while it may be gone with a lost session, and once it was taken back. */
  get rev(): number | null;
  /**
   * Takes it back: deletes the file, if it is still its own. Ended early, it goes on in the background.
   *
   * Rejects with `Closed` if it was taken back before.
   */
  deregister(options?: CallOptions): Promise<void>;
  /** Takes it back, unless that was done. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Files that are kept current in the background, see `Client.discover`. One that nobody waits for does not keep the process alive.
 *
 * `for await (const files of live)` gives the files each time they have changed, until the map is closed. Leaving the loop leaves
 * the map as it is.
 */
export class Live implements AsyncDisposable, AsyncIterable<ReadonlyMap<string, File>> {
  private constructor();
  /** What it is a map of. */
  readonly glob: string;
  /**
   * The files as they are now, by path and in its order. Makes no request; without a connection it is what was known last. The same
   * object until something changes: do not change it.
   */
  get files(): ReadonlyMap<string, File>;
  /**
   * The files, once something has changed since the last call, or since the map was made; null once it is closed. Whoever is slow gets
   * several changes at once. Several calls at once are served in order, each with a change. One that ends early, by its
   * signal or its time limit, takes nothing away from the next. By default it waits without end.
   *
   * Rejects with `Closed` if the client is closed; with `PermissionDenied`.
   */
  changed(options?: CallOptions): Promise<ReadonlyMap<string, File> | null>;
  [Symbol.asyncIterator](): AsyncIterableIterator<ReadonlyMap<string, File>>;
  /** Ends it. Whoever waits is told. `files` stays as it was. */
  close(): Promise<void>;
  /** Ends it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Who went through a barrier, see `Client.barrier`. One that nobody has any more has left. */
export class Entered implements AsyncDisposable {
  private constructor();
  /** The barrier's directory. */
  readonly path: string;
  /** Whether it surely counts as inside, see `Lock.isHeld`. */
  get isInside(): boolean;
  /** Is aborted when it counts as having left, see `Lock.lost`. */
  get lost(): AbortSignal;
  /** Throws what `lost` would tell, unless it surely is inside. */
  check(): void;
  /**
   * Leaves, and waits until all others have left too; by default without end. Ended early, it has left all the same, and may be
   * called again to wait for the others.
   *
   * Rejects with `LockLost` if it counted as having left before, because its session had ended or somebody deleted its file.
   */
  leave(options?: CallOptions): Promise<void>;
  /** Leaves, unless that was done: waits for the others, without end. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A transaction: what must hold, and what is then done, all of it or nothing. Up to 128 conditions and changes together.
 *
 * Conditions look at the files as they are before; a change sees what those before it did. Both are counted from 1, each in
 * the order in which they are added: `DoozerError.part` names the one that failed. A wrong argument throws a TypeError or a
 * RangeError at once.
 */
export class Txn {
  private constructor();
  /** The file's revision is this one; 0: nothing is there. */
  ifRev(path: string, rev: Revision): this;
  /** The file holds this value. */
  ifValue(path: string, value: Bytes): this;
  /** Nothing is there, no directory either. */
  ifAbsent(path: string): this;
  /** The file is held with this fencing token. The token of a file that no session holds is its revision. */
  ifFence(path: string, token: Revision): this;
  /** This lock, or this leader's, is still held. */
  fence(held: Lock | Leader): this;
  /** Writes a file, by the rule of `Client.set`. */
  set(path: string, value: Bytes, rev: Revision): this;
  /** Writes a file that goes when the client's session ends. */
  setEphemeral(path: string, value: Bytes, rev: Revision): this;
  /** Deletes a file, by the rule of `Client.del`. */
  del(path: string, rev: Revision): this;
  /**
   * Makes all of it. Gives the revision that each change made, in their order; null for the deletion of a file that was not there.
   * May be called again, for the same transaction once more.
   *
   * Rejects with `CompareFailed` if a condition does not hold; with what a change would be refused with by itself, as `set`;
   * `TooLarge` for more than 128 parts; `OutcomeUnknown` if the connection was lost before the answer came.
   */
  commit(options?: CallOptions): Promise<(number | null)[]>;
}

/**
 * A client of one cluster. It may be used by any number of callers at once.
 *
 * No call blocks the event loop, and none throws: a wrong argument is a rejection with a TypeError or a RangeError, all else
 * with a `DoozerError`. A call under way keeps the process alive, an idle client does not. The client of one thread cannot
 * be handed to another: each worker opens its own.
 */
export class Client implements AsyncDisposable {
  private constructor();

  /**
   * Reads a file, as it is or as it was at a revision. A file that is missing is no error: its value is null, its revision
   * 0. A revision that has not come yet is waited for.
   *
   * Rejects with `IsDir`, `BadPath`; with `TooLate` if the member does not keep that revision any more; with `Range` if it
   * is negative.
   */
  get(path: string, options?: ReadOptions): Promise<File>;
  get(path: string, rev: Revision | null | undefined, options?: ReadOptions): Promise<File>;

  /**
   * Writes a file, provided that it has not changed since `rev`: 0 is for a file that does not exist yet, -1 for whatever
   * there is. Gives the revision this made.
   *
   * Rejects with `RevMismatch` if it has changed, `BadPath`, `IsDir`, `NotDir`, `TooLarge`, `DiskFull`; with `LockLost` if
   * `fence` is not held any more; with `OutcomeUnknown` if the connection was lost before the answer came.
   */
  set(path: string, value: Bytes, rev: Revision, options?: WriteOptions): Promise<number>;

  /** Makes a file that does not exist yet: `set` with revision 0. Rejects with `RevMismatch` if it exists. */
  add(path: string, value: Bytes, options?: CallOptions): Promise<number>;

  /**
   * Deletes a file, provided that it has not changed since `rev`, see `set`. Gives the revision this made; 0 if there was
   * nothing. Rejects as `set`.
   */
  del(path: string, rev: Revision, options?: WriteOptions): Promise<number>;

  /**
   * Waits for the first change of a file that matches `glob`, on or after revision `rev`. By default it waits without end.
   *
   * Rejects with `BadGlob`; with `TooLate` if the member does not keep `rev` any more; with `Range` if it is negative.
   */
  wait(glob: string, rev: Revision, options?: CallOptions): Promise<Event>;

  /** Looks at a file or a directory. That there is nothing is no error. Rejects as `get`, but for a directory. */
  stat(path: string, options?: ReadOptions): Promise<Stat>;
  stat(path: string, rev: Revision | null | undefined, options?: ReadOptions): Promise<Stat>;

  /** The names in a directory, in order. Rejects with `NotDir`, `NoEntry`, and as `get`. */
  getdir(path: string, options?: ReadOptions): Promise<string[]>;
  getdir(path: string, rev: Revision | null | undefined, options?: ReadOptions): Promise<string[]>;

  /** All files that match `glob`, in order. Rejects with `BadGlob`, and as `get`. */
  walk(glob: string, options?: ReadOptions): Promise<Entry[]>;
  walk(glob: string, rev: Revision | null | undefined, options?: ReadOptions): Promise<Entry[]>;

  /** The files that match `glob`, in order, one at a time, all as of one revision. For more than fit into memory. */
  list(glob: string, options?: ListOptions): Stream<Entry>;
  list(glob: string, rev: Revision | null | undefined, options?: ListOptions): Stream<Entry>;

  /**
   * Every change of the files that match `glob`, from revision `rev` on, in order. A lost connection hides none and repeats
   * none. Errors come with `next`, as those of `wait`.
   */
  watch(glob: string, rev: Revision, options?: StreamOptions): Stream<Event>;

  /**
   * A file as a live value: first as it is now, then as it is after each of its changes, in order. One that is missing has
   * the value null and the revision 0. Errors come with `next`: `BadPath`, `IsDir`.
   */
  config(path: string, options?: StreamOptions): Stream<File>;

  /**
   * Every change of the files that match `glob`, in order, from revision `rev` on; without it, at first each file that is there. Where
   * the member does not keep a revision any more, `watch` fails and this goes on with what has become different. Errors come
   * with `next`: `BadGlob`; `Range` if `rev` is negative.
   */
  follow(glob: string, options?: StreamOptions): Stream<Event>;
  follow(glob: string, rev: Revision | null | undefined, options?: StreamOptions): Stream<Event>;

  /**
   * Writes again what a file held at revision `rev`, or deletes it if it was not there; not if it changes meanwhile. Gives the revision
   * this made.
   *
   * Rejects with `RevMismatch` if it changed meanwhile; with `TooLate` if the member does not keep that revision any more;
   * with `Range` if it is negative; and as `set`.
   */
  rollback(path: string, rev: Revision, options?: CallOptions): Promise<number>;

  /** Begins a transaction, for its `commit`. */
  txn(): Txn;

  /**
   * Takes a lock: makes the file `path`, bound to the client's session, as soon as it does not exist. Those who wait are served in
   * order. By default it waits without end.
   * `await using l = await c.lock(path)` gives it back at the end of the block; so does `unlock` in a `finally`.
   *
   * What a process held that died goes when its session does, `sessionTtl` after it was last heard of. The holder is told of a
   * loss before the cluster gives the lock to the next one, by `lost`, unless its process stands still. So hand the fencing token,
   * `rev`, to what the lock protects; for writes to Doozer itself there is `fence`. Whoever deletes or overwrites the file takes the
   * lock away.
   *
   * An abort leaves no file behind. Rejects as `set`; `Timeout` names the revision of the holder's file.
   */
  lock(path: string, options?: CallOptions): Promise<Lock>;

  /** Takes a lock if nobody holds it; null if somebody does. Otherwise as `lock`, with the client's usual time limit. */
  tryLock(path: string, options?: CallOptions): Promise<Lock | null>;

  /**
   * Takes a read-write lock, for reading: many readers are inside together, and no writer. `path` is a directory. Readers and
   * writers are served in the order in which they come. Otherwise as `lock`.
   */
  readLock(path: string, options?: CallOptions): Promise<Lock>;

  /** Takes a read-write lock, for writing: alone. See `readLock`. */
  writeLock(path: string, options?: CallOptions): Promise<Lock>;

  /**
   * Takes one of `n` places of a semaphore. `path` is a directory; everybody gives the same `n`. Otherwise as `lock`. Rejects with
   * `Range` if `n` is 0.
   */
  semaphore(path: string, n: number, options?: CallOptions): Promise<Lock>;

  /**
   * Stands for election, and is resolved once this client leads: the file `path` holds `value` then. By default it waits
   * without end. `await using leader = await c.elect(path, value)` resigns at the end of the block. An abort leaves nothing behind.
   * Rejects as `lock`.
   */
  elect(path: string, value: Bytes, options?: CallOptions): Promise<Leader>;

  /**
   * Who leads, and who leads next, as a live value, see `config`: what the leader says; null and revision 0 while nobody leads.
   */
  observe(path: string, options?: StreamOptions): Stream<File>;

  /**
   * Registers a service: writes the file `path`, whatever was there before, which is there for as long as this process is. It is
   * written again if the session is lost. What somebody else deletes or overwrites is left alone. Give each instance a path of
   * its own. Rejects as `set`.
   */
  register(path: string, value: Bytes, options?: CallOptions): Promise<Registration>;

  /**
   * The files that match `glob`, such as services that were registered, as a live map. It is resolved once it is known what there
   * is. Rejects with `BadGlob`.
   */
  discover(glob: string, options?: CallOptions): Promise<Live>;

  /**
   * Goes through a barrier: waits until `n` have come, this one included. `path` is a directory. By default it waits without end.
   * `await using entered = await c.barrier(path, n)` leaves at the end of the block, which waits for the others to leave. An
   * abort leaves nothing behind. Rejects with `Range` if `n` is 0, and as `set`.
   */
  barrier(path: string, n: number, options?: CallOptions): Promise<Entered>;

  /** The current revision. */
  rev(options?: CallOptions): Promise<number>;

  /** Passes through the cluster's consensus without changing anything: proof that writing works. */
  nop(options?: CallOptions): Promise<void>;

  /** The id of the member this client is connected to. */
  selfId(options?: CallOptions): Promise<string>;

  /** Presents a secret, now and on every connection to come. Rejects with `PermissionDenied` if it is wrong. */
  access(secret: Bytes, options?: CallOptions): Promise<void>;

  /** Closes it. Calls under way end with `Closed`, or, writes that were sent, with `OutcomeUnknown`. Again, it does nothing. */
  close(): Promise<void>;
  get isClosed(): boolean;
  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A member within this process, in memory or with its data in a directory. It lives as long as this object or a client of it
 * does, and does not keep the process alive by itself.
 */
export class Node implements AsyncDisposable {
  private constructor();

  /**
   * Starts a member. Rejects with `Io` if something stands in the way: an address in use, a directory that cannot be made,
   * is in use or damaged.
   */
  static start(options?: NodeOptions): Promise<Node>;

  /** Its id, as `selfId` gives it. */
  readonly id: string;
  /** The name its cluster was born with. */
  readonly clusterName: string;
  /** Where it listens, `HOST:PORT` with the port it got; null if it does not. */
  readonly address: string | null;

  /** A client of it, without a socket. Needs no secret. Rejects with `Closed` if it was stopped. */
  client(options?: ClientOptions): Promise<Client>;

  /**
   * Reads a file from this member's state, as it is or as it was at a revision: at once, without a request.
   *
   * Throws `IsDir`, `BadPath`, `TooLate`, `Range`, `Closed`; `Timeout` for a revision that has not come yet.
   */
  getLocal(path: string, rev?: Revision | null): File;

  /** The revision of this member's state, at once. Throws `Closed`. */
  revision(): number;

  /** Takes no more requests, answers what is under way, makes everything durable, and ends. Again, it does nothing. */
  stop(): Promise<void>;
  /** Stops it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a client of the cluster at `uri`: `doozer:?ca=HOST:PORT&cn=NAME&sk=SECRET`, or `HOST:PORT,HOST:PORT`. Default: what the
 * environment's `DOOZER_URI` says, or a member on this host, at 127.0.0.1:8046.
 *
 * Rejects with `BadUri`; with `Disconnected`, naming the address, if no member could be reached in time; with
 * `PermissionDenied` if the secret is wrong.
 */
export function connect(options?: ClientOptions): Promise<Client>;
export function connect(uri: string | null | undefined, options?: ClientOptions): Promise<Client>;

/** The version of the package. */
export const version: string;

/** What a call costs by itself: for benchmarks. */
export function _noop(): void;
/** Alike, to the runtime and back. */
export function _noopAsync(): Promise<void>;
