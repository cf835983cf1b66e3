'use strict';

// A lock that is held.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call } = require('./calls.cjs');
const { onlyFromHere } = require('./private.cjs');

/** A lock that is held; `Client.lock` takes one. All documentation is in `index.d.ts`. */
class Lock {
  #handle;
  /** Held, since the member of an embedded client ends with whoever holds it. */
  #client;

  constructor(key, client, handle, path, rev) {
    onlyFromHere(key, 'a client\'s lock() takes a lock');
    this.#handle = handle;
    this.#client = client;
    this.path = path;
    this.rev = rev;
  }

  get isHeld() {
    return native.isHeld(this.#handle);
  }

  unlock(options) {
    return call(this, options, (id, given) => native.unlock(this.#handle, id, told.timeout(given)));
  }

  async [Symbol.asyncDispose]() {
    // Whoever gave it back before, or was told that it is lost, has nothing left to do.
    if (this.isHeld) await this.unlock();
  }
}

module.exports = { Lock };
