'use strict';

// What locks, leaders and those who went through a barrier have in common: they are held until they are given back, or lost.

const told = require('./arguments.cjs');
const { call } = require('./calls.cjs');
const { Loss } = require('./loss.cjs');

/** Of each lock and leader what is behind it, for writes that depend on one. */
const fences = new WeakMap();

/** What is held. `natives` are the native part's functions for its kind: `isOver`, `isHeld`, `lost`, `giveBack`. */
class Held {
  #natives;
  #handle;
  /** Held, since the member of an embedded client ends with whoever holds it. */
  #client;
  #loss;

  constructor(natives, client, handle, path) {
    this.#natives = natives;
    this.#client = client;
    this.#handle = handle;
    this.#loss = new Loss(client, path);
  }

  /** Surely. Nothing is asked. */
  get isHeld() {
    return this.#natives.isHeld(this.#handle);
  }

  /** An AbortSignal, which tells when it is not held any more. */
  get lost() {
    return this.#loss.signal(this.isHeld, (id) => this.#natives.lost(this.#handle, id));
  }

  check() {
    if (this.isHeld) return;
    const error = this.#loss.error('check');
    Error.captureStackTrace(error, this.check);
    throw error;
  }

  giveBack(options) {
    const { giveBack } = this.#natives;
    const start = (id, given) => giveBack(this.#handle, id, told.timeout(given));
    return this.#loss.during(() => this.isHeld, () => call(this, options, start));
  }

  async dispose() {
    // Whoever gave it back before, or was told that it is lost, has nothing left to do.
    if (!this.#natives.isOver(this.#handle)) await this.giveBack();
  }
}

/** Makes a lock or leader known to writes that depend on one. */
function isFence(object, path, token) {
  fences.set(object, { path, token });
}

/** The path and the token of a lock or leader. */
function fence(value) {
  const known = fences.get(value);
  if (!known) throw told.wrongType('fence', 'a Lock or a Leader', value);
  return known;
}

module.exports = { Held, fence, isFence };
