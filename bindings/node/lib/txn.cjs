'use strict';

// A transaction that is being put together.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call } = require('./calls.cjs');
const { fence } = require('./held.cjs');
const { onlyFromHere } = require('./private.cjs');

const { IfRev, IfValue, IfAbsent, IfFence, Set, SetEphemeral, Del } = native.PartKind;

/** A transaction; `Client.txn` begins one. All documentation is in `index.d.ts`. */
class Txn {
  #commit;
  #parts = [];
  /** The client, and the locks it depends on: they are not given back while it is under way. */
  #owners;

  /** `commit` begins the call, given its number, the parts and the time limit. */
  constructor(key, client, commit) {
    onlyFromHere(key, 'a client\'s txn() begins a transaction');
    this.#commit = commit;
    this.#owners = [client];
  }

  ifRev(path, rev) {
    return this.#add({ kind: IfRev, path: told.text('path', path), rev: told.revision('rev', rev) });
  }

  ifValue(path, value) {
    return this.#add({ kind: IfValue, path: told.text('path', path), value: copied(value) });
  }

  ifAbsent(path) {
    return this.#add({ kind: IfAbsent, path: told.text('path', path) });
  }

  ifFence(path, token) {
    return this.#add({ kind: IfFence, path: told.text('path', path), rev: told.revision('token', token) });
  }

  fence(held) {
    const { path, token } = fence(held);
    this.#owners.push(held);
    return this.#add({ kind: IfFence, path, rev: token });
  }

  set(path, value, rev) {
    return this.#add({ kind: Set, path: told.text('path', path), value: copied(value), rev: told.revision('rev', rev) });
  }

  setEphemeral(path, value, rev) {
    const [bytes, base] = [copied(value), told.revision('rev', rev)];
    return this.#add({ kind: SetEphemeral, path: told.text('path', path), value: bytes, rev: base });
  }

  del(path, rev) {
    return this.#add({ kind: Del, path: told.text('path', path), rev: told.revision('rev', rev) });
  }

  commit(options) {
    return call(this.#owners, options, (id, given) => this.#commit(id, this.#parts, told.timeout(given)));
  }

  #add(part) {
    this.#parts.push(part);
    return this;
  }
}

/** A value as it is now: whoever gave it may change it before the commit. */
function copied(value) {
  return Buffer.from(told.bytes('value', value));
}

module.exports = { Txn };
