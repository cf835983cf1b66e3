'use strict';

// A live map of files.

const native = require('./native.cjs');
const { Stream } = require('./stream.cjs');
const { now } = require('./results.cjs');
const { KEY, onlyFromHere } = require('./private.cjs');

const AsyncIterator = Object.getPrototypeOf(Stream.prototype);

/** A live map; `Client.discover` opens one. All documentation is in `index.d.ts`. */
class Live {
  #handle;
  /** Of a map for each change. */
  #changes;
  /** The map that was shown last. */
  #shown;

  constructor(key, client, handle, glob) {
    onlyFromHere(key, 'a client\'s discover() opens one');
    this.#handle = handle;
    this.#changes = new Stream(KEY, client, handle);
    this.glob = glob;
  }

  get files() {
    const list = native.look(this.#handle);
    if (list) this.#shown = now(list);
    return this.#shown;
  }

  async changed(options) {
    const { done, value } = await this.#changes.next(options);
    return done ? null : value;
  }

  [Symbol.asyncIterator]() {
    return new Changes(this.#changes);
  }

  async close() {
    await this.#changes.return();
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

/** The changes of a live map, for a loop. Leaving it leaves the map as it is. */
class Changes {
  #changes;
  #isOver = false;

  constructor(changes) {
    this.#changes = changes;
  }

  async next(options) {
    return this.#isOver ? { done: true, value: undefined } : this.#changes.next(options);
  }

  async return(value) {
    this.#isOver = true;
    return { done: true, value };
  }
}
Object.setPrototypeOf(Changes.prototype, AsyncIterator);

module.exports = { Live };
