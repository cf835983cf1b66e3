'use strict';

// Calls under way: from the number that the native part knows a call by to whoever waits for it.

const native = require('./native.cjs');
const { Fields } = require('./results.cjs');
const { offAbort, onAbort } = require('./signals.cjs');

/** What is told when the call with this number has ended. It is never forgotten while a call is under way. */
const underWay = new Map();
let last = 0;

// This copy of the package, in this thread, has its own calls.
const home = native.openCalls(() => {
  const fields = new Fields(native.take(home));
  while (!fields.isOver) {
    const id = fields.next();
    // Whoever was told just before may have abandoned one that has ended as well.
    const ended = underWay.get(id) ?? ignore;
    underWay.delete(id);
    ended(fields);
  }
});

function ignore(fields) {
  fields.outcome(() => undefined);
}

/**
 * Begins a call. `start` is given its number, and `ended` later, never before this returns, its outcome as `Fields`.
 * Returns the number.
 */
function begin(start, ended) {
  const id = ++last;
  start(id);
  underWay.set(id, ended);
  return id;
}

/** Takes a call back: nobody is told any more, and no request is left behind. */
function abandon(id) {
  if (underWay.delete(id)) native.cancel(home, id);
}

/**
 * Makes a call and promises its result. As long as it is under way, `owner` stays alive. `make` makes an object of a handle
 * that the call gives. An abort of `signal` ends it with the signal's reason.
 */
function call(owner, signal, start, make) {
  let trace;
  const promise = new Promise((resolve, reject) => {
    if (signal?.aborted) throw signal.reason;
    const aborted = (reason) => {
      abandon(id);
      reject(reason);
    };
    const id = begin(start, (fields) => {
      if (signal) offAbort(signal, aborted);
      const outcome = fields.outcome(make, trace);
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
      // Named here so that it is held until now.
      owner = undefined;
    });
    if (signal) onAbort(signal, aborted);
  });
  // The stack is the same as before, and looking at it takes its time: meanwhile the call is on its way.
  trace = new Error();
  return promise;
}

module.exports = { abandon, begin, call, home };
