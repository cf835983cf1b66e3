'use strict';

// A service that was registered.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call } = require('./calls.cjs');
const { now } = require('./results.cjs');
const { onlyFromHere } = require('./private.cjs');

/** A service that was registered; `Client.register` does. All documentation is in `index.d.ts`. */
class Registration {
  #handle;
  /** Held, since the member of an embedded client ends with whoever holds it. */
  #client;

  constructor(key, client, handle, path) {
    onlyFromHere(key, 'a client\'s register() makes one');
    this.#handle = handle;
    this.#client = client;
    this.path = path;
  }

  get rev() {
    return now(native.registrationRev(this.#handle));
  }

  deregister(options) {
    return call(this, options, (id, given) => native.deregister(this.#handle, id, told.timeout(given)));
  }

  async [Symbol.asyncDispose]() {
    // Whoever took it back before has nothing left to do.
    if (!native.registrationIsOver(this.#handle)) await this.deregister();
  }
}

module.exports = { Registration };
