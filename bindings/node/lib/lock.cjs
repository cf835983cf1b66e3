'use strict';

// A lock that is held.

const native = require('./native.cjs');
const { Held, isFence } = require('./held.cjs');
const { onlyFromHere } = require('./private.cjs');

const NATIVES = { isHeld: native.lockIsHeld, isOver: native.lockIsOver, lost: native.lockLost, giveBack: native.unlock };

/** A lock that is held; `Client.lock` takes one. All documentation is in `index.d.ts`. */
class Lock {
  #handle;
  #held;

  constructor(key, client, handle, path, rev) {
    onlyFromHere(key, 'a client\'s lock() takes a lock');
    this.#handle = handle;
    this.#held = new Held(NATIVES, client, handle, path);
    this.path = path;
    this.rev = rev;
    isFence(this, path, rev);
  }

  get isHeld() {
    return this.#held.isHeld;
  }

  get validFor() {
    return native.validFor(this.#handle);
  }

  get lost() {
    return this.#held.lost;
  }

  check() {
    this.#held.check();
  }

  unlock(options) {
    return this.#held.giveBack(options);
  }

  [Symbol.asyncDispose]() {
    return this.#held.dispose();
  }
}

module.exports = { Lock };
