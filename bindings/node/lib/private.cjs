'use strict';

// What only this package may do: make objects around the native part's handles.

const KEY = Symbol('doozer');

/** Refuses a constructor's caller that is not this package. */
function onlyFromHere(key, remedy) {
  if (key !== KEY) throw new TypeError(`Illegal constructor: ${remedy}`);
}

module.exports = { KEY, onlyFromHere };
