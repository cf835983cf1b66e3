'use strict';

// The signal that tells of a loss.

const { begin } = require('./calls.cjs');
const { Cancelled, Closed, LockLost } = require('./errors.cjs');

const LOST = { Kind: LockLost, detail: 'its session has ended, or may have, or somebody else deleted or overwrote the file' };
const GIVEN_BACK = { Kind: Closed, detail: 'it was given back before' };
const CLIENT_CLOSED = { Kind: Closed, detail: 'the client was closed' };

/**
 * Whether something is still held, as a signal; it waits for the loss only once somebody has asked for that. It must not hold what
 * it tells of: what nobody has any more is given back, signal or not.
 */
class Loss {
  #client;
  #path;
  #controller;
  /** Why it is not held any more, once that is known. */
  #why;
  /** Calls that give it back. As long as there is one, it knows best why. */
  #leaving = 0;
  /** The wait for the loss has ended. */
  #hasEnded = false;

  constructor(client, path) {
    this.#client = client;
    this.#path = path;
  }

  /** The signal. `watch` begins a call, given its number, that ends when it is not held any more. */
  signal(isHeld, watch) {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (!isHeld && this.#leaving === 0) this.#over(this.#found());
      if (this.#why) this.#controller.abort(this.error('lost'));
      else begin(watch, (fields) => this.#ended(fields.outcome()));
    }
    return this.#controller.signal;
  }

  /** Makes a call that gives it back. `isHeld` says whether it still is held. */
  async during(isHeld, giveBack) {
    const wasHeld = isHeld();
    this.#leaving += 1;
    try {
      await giveBack();
      this.#over(GIVEN_BACK);
    } catch (error) {
      if (error instanceof LockLost) this.#over({ Kind: LockLost, detail: error.detail });
      // Given up, it goes on in the background.
      else if (this.#hasEnded || !isHeld()) this.#over(wasHeld && !this.#client.isClosed ? GIVEN_BACK : this.#found());
      throw error;
    } finally {
      this.#leaving -= 1;
    }
  }

  /** Why it is not held any more, as an error of `op`. */
  error(op) {
    const { Kind, detail } = this.#why ?? this.#found();
    return new Kind(`${Kind.prototype.code}: ${op} ${this.#path}: ${detail}`, { op, path: this.#path, detail });
  }

  #found() {
    return this.#client.isClosed ? CLIENT_CLOSED : LOST;
  }

  #ended({ failure }) {
    this.#hasEnded = true;
    // Cancelled: nobody has it any more.
    if (failure) this.#over(failure.Kind === Cancelled ? GIVEN_BACK : { Kind: failure.Kind, detail: failure.about.detail });
    else if (this.#leaving === 0) this.#over(this.#found());
  }

  #over(why) {
    if (this.#why) return;
    this.#why = why;
    this.#controller?.abort(this.error('lost'));
  }
}

module.exports = { Loss };
