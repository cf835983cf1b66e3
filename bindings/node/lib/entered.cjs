'use strict';

// Who went through a barrier.

const native = require('./native.cjs');
const { Held } = require('./held.cjs');
const { onlyFromHere } = require('./private.cjs');

const NATIVES = {
  isHeld: native.isInside,
  isOver: native.enteredIsOver,
  lost: native.enteredLost,
  giveBack: native.leave,
};

/** Who went through a barrier; `Client.barrier` does. All documentation is in `index.d.ts`. */
class Entered {
  #held;

  constructor(key, client, handle, path) {
    onlyFromHere(key, 'a client\'s barrier() goes through one');
    this.#held = new Held(NATIVES, client, handle, path);
    this.path = path;
  }

  get isInside() {
    return this.#held.isHeld;
  }

  get lost() {
    return this.#held.lost;
  }

  check() {
    this.#held.check();
  }

  leave(options) {
    return this.#held.giveBack(options);
  }

  [Symbol.asyncDispose]() {
    return this.#held.dispose();
  }
}

module.exports = { Entered };
