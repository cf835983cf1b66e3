'use strict';

// Who was elected.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call } = require('./calls.cjs');
const { Held, isFence } = require('./held.cjs');
const { onlyFromHere } = require('./private.cjs');

const NATIVES = { isHeld: native.isLeading, isOver: native.leaderIsOver, lost: native.leaderLost, giveBack: native.resign };

/** Who was elected; `Client.elect` stands for it. All documentation is in `index.d.ts`. */
class Leader {
  #handle;
  #held;

  constructor(key, client, handle, path, token) {
    onlyFromHere(key, 'a client\'s elect() makes one');
    this.#handle = handle;
    this.#held = new Held(NATIVES, client, handle, path);
    this.path = path;
    this.token = token;
    isFence(this, path, token);
  }

  get isLeading() {
    return this.#held.isHeld;
  }

  get lost() {
    return this.#held.lost;
  }

  check() {
    this.#held.check();
  }

  proclaim(value, options) {
    return call(this, options, (id, given) =>
      native.proclaim(this.#handle, id, told.bytes('value', value), told.timeout(given)),
    );
  }

  resign(options) {
    return this.#held.giveBack(options);
  }

  [Symbol.asyncDispose]() {
    return this.#held.dispose();
  }
}

module.exports = { Leader };
