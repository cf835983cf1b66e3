'use strict';

// What comes one after another: the events of a watch, the entries of a list, the values of a configuration, the changes of a map.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { abandon, begin } = require('./calls.cjs');
const { Fields, raised } = require('./results.cjs');
const { onlyFromHere } = require('./private.cjs');
const { offAbort, onAbort } = require('./signals.cjs');

// What the language's own async iterators have, they have from here.
const AsyncIterator = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype));

/**
 * A stream. All documentation is in `index.d.ts`.
 *
 * Whoever waits stands in a queue. What has come goes to the head of it; as long as nothing has, the native part is asked to
 * say when, on behalf of the head, and of others who have a time limit. So a wait that is given up takes nothing with it.
 */
class Stream {
  #handle;
  /** Held, since the member of an embedded client ends with whoever holds it. */
  #client;
  #waiters = [];
  #isOver = false;
  /** Why it was aborted, as `{reason}`, until somebody was told. */
  #aborted;
  #letGo = () => {};

  constructor(key, client, handle, signal) {
    onlyFromHere(key, 'a client\'s watch(), list(), config(), follow() and observe() open one');
    this.#client = client;
    this.#handle = handle;
    if (signal?.aborted) this.#abort(signal.reason);
    else if (signal) {
      const aborted = (reason) => this.#abort(reason);
      onAbort(signal, aborted);
      this.#letGo = () => offAbort(signal, aborted);
    }
  }

  async next(options) {
    const given = told.options(options);
    const limit = told.timeout(given);
    const signal = told.signal(given);
    if (signal?.aborted) throw signal.reason;
    const until = limit >= 0 && limit !== Infinity ? performance.now() + limit : Infinity;
    const outcome = await new Promise((resolve, reject) => {
      const waiter = { resolve, reject, until, signal };
      if (signal) onAbort(signal, (waiter.aborted = (reason) => this.#giveUp(waiter, reason)));
      this.#waiters.push(waiter);
      this.#serve();
      if (until !== Infinity) this.#wait(waiter);
    });
    // Made here, an error has a stack that leads on to whoever awaits this.
    if ('failure' in outcome) throw raised(outcome.failure);
    return { done: !('value' in outcome), value: outcome.value };
  }

  async return(value) {
    this.#end();
    return { done: true, value };
  }

  async [Symbol.asyncDispose]() {
    this.#end();
  }

  /** Gives what has come to those who wait for it. */
  #serve() {
    while (this.#waiters.length > 0) {
      if (this.#aborted) {
        const { reason } = this.#aborted;
        this.#aborted = undefined;
        this.#leave(this.#waiters[0]).reject(reason);
        continue;
      }
      const outcome = this.#take();
      if (!outcome) return this.#wait(this.#waiters[0]);
      this.#leave(this.#waiters[0]).resolve(outcome);
    }
  }

  /** What comes next, as `Fields.outcome` has it; nothing if nothing has come. */
  #take() {
    if (this.#isOver) return {};
    const list = native.takeNext(this.#handle);
    if (!list) return undefined;
    const outcome = new Fields(list).outcome();
    if (!('value' in outcome)) this.#close();
    return outcome;
  }

  /** Has the native part say when something has come, or that a waiter's time is over. */
  #wait(waiter) {
    if (waiter.call !== undefined || !this.#waiters.includes(waiter)) return;
    const left = Math.max(0, waiter.until - performance.now());
    waiter.call = begin(
      (id) => native.ready(this.#handle, id, left),
      (fields) => {
        waiter.call = undefined;
        const outcome = fields.outcome();
        if ('failure' in outcome) this.#leave(waiter).resolve(outcome);
        this.#serve();
        // Somebody before it took what had come.
        if (waiter.until !== Infinity) this.#wait(waiter);
      },
    );
  }

  #giveUp(waiter, reason) {
    this.#leave(waiter).reject(reason);
    this.#serve();
  }

  /** Takes a waiter out of the queue. */
  #leave(waiter) {
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    if (waiter.call !== undefined) abandon(waiter.call);
    if (waiter.signal) offAbort(waiter.signal, waiter.aborted);
    return waiter;
  }

  #abort(reason) {
    this.#aborted = { reason };
    this.#end();
  }

  #end() {
    this.#close();
    this.#serve();
  }

  #close() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#letGo();
    native.closeStream(this.#handle);
  }
}
Object.setPrototypeOf(Stream.prototype, AsyncIterator);

module.exports = { Stream };
