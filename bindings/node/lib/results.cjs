'use strict';

// What calls give: made from the flat lists in which the native part hands it over.

const native = require('./native.cjs');
const errors = require('./errors.cjs');

// Looked up once: the names are there for people.
const { Plain, File, Stat: StatTag, Entry, Entries, Event: EventTag, Client, Lock, Node, End, Failure, Overflow } = native.Tag;

const byNumber = new Map(Object.values(errors).map((kind) => [kind.prototype.number, kind]));

/** What STAT says of a path. */
class Stat {
  constructor(len, rev) {
    /** A file's length in bytes, or a directory's number of entries. */
    this.len = len;
    /** The revision that wrote the file; 0 if there is nothing, -2 if there is a directory. */
    this.rev = rev;
  }

  /** Whether there is a directory. */
  get isDir() {
    return this.rev === -2;
  }

  /** Whether there is a file. */
  get isFile() {
    return this.rev > 0;
  }
}

/** A change of a file. */
class Event {
  constructor(path, value, rev, kind) {
    this.path = path;
    /** What it holds now; empty if it was deleted. */
    this.value = value;
    /** The revision this change made. */
    this.rev = rev;
    /** `'set'` or `'del'`. */
    this.kind = kind;
  }

  get isSet() {
    return this.kind === 'set';
  }

  get isDel() {
    return this.kind === 'del';
  }
}

/** A flat list, read from front to back. */
class Fields {
  #list;
  #at = 0;

  constructor(list) {
    this.#list = list;
  }

  get isOver() {
    return this.#at === this.#list.length;
  }

  next() {
    return this.#list[this.#at++];
  }

  /**
   * What comes next: `{value}`, `{error}`, or `{}` at the end of a stream. `make` makes an object of a handle and what is
   * known of it; `trace` is an error made where the call was.
   */
  outcome(make, trace) {
    switch (this.next()) {
      case Plain:
        return { value: this.next() };
      case File:
        return { value: { value: this.next(), rev: this.next() } };
      case StatTag:
        return { value: new Stat(this.next(), this.next()) };
      case Entry:
        return { value: this.#entry() };
      case Entries:
        return { value: new Fields(this.next()).#entries() };
      case EventTag:
        return { value: new Event(this.next(), this.next(), this.next(), this.next() ? 'set' : 'del') };
      case Client:
        return { value: make(this.next()) };
      case Lock:
        return { value: make(this.next(), this.next(), this.next()) };
      case Node:
        return { value: make(this.next(), this.next(), this.next(), this.next()) };
      case End:
        return {};
      case Failure:
        return { error: traced(this.#failure(), trace) };
      case Overflow:
        return { error: traced(new RangeError(`the revision ${this.next()} is beyond 2^53 - 1`), trace) };
      /* c8 ignore next 2: the native part is of the same version. */
      default:
        throw new Error('doozer: an unknown answer');
    }
  }

  #entry() {
    return { path: this.next(), value: this.next(), rev: this.next(), len: this.next() };
  }

  #entries() {
    const entries = [];
    while (!this.isOver) entries.push(this.#entry());
    return entries;
  }

  #failure() {
    const Kind = byNumber.get(this.next());
    const about = { op: this.next(), path: this.next(), detail: this.next(), retry: this.next() };
    return new Kind(this.next(), about);
  }
}

/** The outcome of what gave it at once. Throws its error. */
function now(list) {
  const { value, error } = new Fields(list).outcome();
  if (error) throw error;
  return value;
}

/** Lets an error lead to where its call was made, and not to the event loop. */
function traced(error, trace) {
  if (typeof trace?.stack === 'string') {
    // Without its head, and without the function that made it.
    const frames = trace.stack.split('\n').slice(2);
    const stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
    Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true, enumerable: false });
  }
  return error;
}

module.exports = { Event, Fields, Stat, now };
