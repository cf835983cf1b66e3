'use strict';

// What calls give: made from the flat lists in which the native part hands it over.

const native = require('./native.cjs');
const errors = require('./errors.cjs');

// Looked up once: the names are there for people.
const { Plain, File, Stat: StatTag, Entry, Entries, Event: EventTag, Files, Handle, Held, Node, End, Failure, Overflow } = native.Tag;

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
   * What comes next: `{value}`, `{failure}` for `raised`, or `{}` at the end of a stream. `make` makes an object of a handle
   * and what is known of it.
   */
  outcome(make) {
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
      case Files:
        return { value: new Fields(this.next()).#files() };
      case Handle:
        return { value: make(this.next()) };
      case Held:
        return { value: make(this.next(), this.next(), this.next()) };
      case Node:
        return { value: make(this.next(), this.next(), this.next(), this.next()) };
      case End:
        return {};
      case Failure:
        return { failure: this.#failure() };
      case Overflow:
        return { failure: { Kind: RangeError, message: `the revision ${this.next()} is beyond 2^53 - 1` } };
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

  #files() {
    const files = new Map();
    while (!this.isOver) files.set(this.next(), { value: this.next(), rev: this.next() });
    return files;
  }

  #failure() {
    const Kind = byNumber.get(this.next());
    const about = { op: this.next(), path: this.next(), detail: this.next(), retry: this.next() };
    const [kind, number] = [this.next(), this.next()];
    if (kind !== null) about.part = { kind, number };
    return { Kind, message: this.next(), about };
  }
}

/** The outcome of what gave it at once. Throws its error. */
function now(list) {
  const { value, failure } = new Fields(list).outcome();
  if (failure) throw raised(failure);
  return value;
}

/** The error of a failure. Its stack begins where this is called. */
function raised({ Kind, message, about }) {
  const error = new Kind(message, about);
  Error.captureStackTrace(error, raised);
  return error;
}

module.exports = { Event, Fields, Stat, now, raised };
