'use strict';

// Who is to be told of an abort: one listener for each signal, however many calls have it. Node.js warns of more than ten.

/** Of each signal: what is called once with its reason when it is aborted, and the listener that does. */
const told = new WeakMap();

/** Has `callback` called when `signal` is aborted. */
function onAbort(signal, callback) {
  const known = told.get(signal);
  if (known) {
    known.callbacks.add(callback);
    return;
  }
  const callbacks = new Set([callback]);
  const listener = () => {
    told.delete(signal);
    for (const each of callbacks) each(signal.reason);
  };
  told.set(signal, { callbacks, listener });
  signal.addEventListener('abort', listener, { once: true });
}

/** Takes it back. */
function offAbort(signal, callback) {
  const known = told.get(signal);
  if (!known?.callbacks.delete(callback) || known.callbacks.size > 0) return;
  told.delete(signal);
  signal.removeEventListener('abort', known.listener);
}

module.exports = { offAbort, onAbort };
