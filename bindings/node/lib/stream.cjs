'use strict';

// What comes one after another: the events of a watch, the entries of a list, the values of a configuration.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { abandon, begin } = require('./calls.cjs');
const { Fields } = require('./results.cjs');
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
  /** What is still to be thrown, as `{error}`. */
  #failure;
  #letGo = () => {};

  constructor(key, client, handle, signal) {
    onlyFromHere(key, 'a client\'s watch(), list() and config() open one');
    this.#client = client;
    this.#handle = handle;
    if (signal?.aborted) this.#fail(signal.reason);
    else if (signal) {
      const aborted = (reason) => this.#fail(reason);
      onAbort(signal, aborted);
      this.#letGo = () => offAbort(signal, aborted);
    }
  }

  next(options) {
    let waiter;
    const promise = new Promise((resolve, reject) => {
      const given = told.options(options);
      const limit = told.timeout(given);
      const signal = told.signal(given);
      if (signal?.aborted) throw signal.reason;
      const until = limit >= 0 && limit !== Infinity ? performance.now() + limit : Infinity;
      waiter = { resolve, reject, until, signal };
      if (signal) onAbort(signal, (waiter.aborted = (reason) => this.#giveUp(waiter, reason)));
      this.#waiters.push(waiter);
      this.#serve();
      if (until !== Infinity) this.#wait(waiter);
    });
    // What ended at once has the stack it needs.
    if (this.#waiters.includes(waiter)) waiter.trace = new Error();
    return promise;
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
      const outcome = this.#take(this.#waiters[0].trace);
      if (!outcome) return this.#wait(this.#waiters[0]);
      const waiter = this.#leave(this.#waiters[0]);
      if ('error' in outcome) waiter.reject(outcome.error);
      else if ('value' in outcome) waiter.resolve({ done: false, value: outcome.value });
      else waiter.resolve({ done: true, value: undefined });
    }
  }

  /** What comes next, as `Fields.outcome` has it; nothing if nothing has come. */
  #take(trace) {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) return failure;
    if (this.#isOver) return {};
    const list = native.takeNext(this.#handle);
    if (!list) return undefined;
    const outcome = new Fields(list).outcome(undefined, trace);
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
        const { error } = fields.outcome(undefined, waiter.trace);
        if (error) return this.#giveUp(waiter, error);
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

  #fail(error) {
    this.#failure = { error };
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
