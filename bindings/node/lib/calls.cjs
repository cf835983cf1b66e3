'use strict';

// Calls under way: from the number that the native part knows a call by to whoever waits for it.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { Fields, raised } = require('./results.cjs');
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
 * Makes a call and promises its result. `start` is given its number and the options as an object; what it throws is a
 * rejection. An abort of the options' signal ends the call with the signal's reason. `make` makes an object of a handle that
 * the call gives. `owner` stays alive as long as it is under way.
 */
async function call(owner, options, start, make) {
  const given = told.options(options);
  const signal = told.signal(given);
  if (signal?.aborted) throw signal.reason;
  const outcome = await new Promise((resolve, reject) => {
    const aborted = (reason) => {
      abandon(id);
      reject(reason);
    };
    const id = begin(
      (number) => {
        try {
          start(number, given);
        } catch (error) {
          // A wrong argument is the caller's: how it was found is of no use to anybody.
          Error.captureStackTrace(error, call);
          throw error;
        }
      },
      (fields) => {
        if (signal) offAbort(signal, aborted);
        resolve(fields.outcome(make));
        // Named here so that it is held until now.
        owner = undefined;
      },
    );
    if (signal) onAbort(signal, aborted);
  });
  // Made here, an error has a stack that leads on to whoever awaits this, at no cost for calls that succeed.
  if ('failure' in outcome) throw raised(outcome.failure);
  return outcome.value;
}

module.exports = { abandon, begin, call, home };
