'use strict';

// From JavaScript's values to what the native part takes. What does not fit is a TypeError or a RangeError.

const { toUSVString, types } = require('node:util');

const NO_OPTIONS = Object.freeze({});
const MS_MAX = Number.MAX_SAFE_INTEGER;
// Node.js 18 has no method for it.
const isWellFormed = ''.isWellFormed ? (value) => value.isWellFormed() : (value) => toUSVString(value) === value;

/** A path, glob or name. */
function text(name, value) {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value);
  if (!isWellFormed(value)) throw wrongValue(name, 'it has half of a surrogate pair, which is no text');
  return value;
}

/** A value or secret: bytes, or text that is taken as UTF-8. */
function bytes(name, value) {
  if (typeof value === 'string') return Buffer.from(text(name, value));
  if (!types.isUint8Array(value)) throw wrongType(name, 'a string, Buffer or Uint8Array', value);
  return value;
}

/** A revision: an integer that a number can hold exactly, as number or bigint. */
function revision(name, value) {
  if (typeof value === 'bigint') {
    if (value < Number.MIN_SAFE_INTEGER || value > Number.MAX_SAFE_INTEGER) throw outOfRange(name, value);
    return Number(value);
  }
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
  if (!Number.isSafeInteger(value)) throw outOfRange(name, value);
  return value;
}

/** A revision, or now. */
function revisionOrNow(name, value) {
  return value === undefined || value === null ? undefined : revision(name, value);
}

/** A number of something, if it is given. */
function count(name, value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < 0) throw outOfRange(name, value, 'an integer from 0 to 2^53 - 1');
  return value;
}

/** A number of something that cannot be left out. */
function amount(name, value) {
  const given = count(name, value);
  if (given === undefined) throw wrongType(name, 'a number', value);
  return given;
}

/** A text, if it is given. */
function optionalText(name, value) {
  return value === undefined || value === null ? undefined : text(name, value);
}

/** Options, which may be left out. */
function options(value) {
  if (value === undefined || value === null) return NO_OPTIONS;
  if (typeof value !== 'object') throw wrongType('options', 'an object', value);
  return value;
}

/** A time limit in milliseconds, if it is given; infinity is none. */
function optionalTimeout(name, value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw wrongType(name, 'a number of milliseconds', value);
  if (!(value >= 0 && (value <= MS_MAX || value === Infinity))) {
    throw outOfRange(name, value, 'from 0 to 2^53 - 1 milliseconds, or Infinity');
  }
  return value;
}

/** The time limit of a call in milliseconds; -1 is the usual one. */
function timeout(told) {
  return optionalTimeout('timeout', told.timeout) ?? -1;
}

/** Whether a read may be answered from the member's own state. */
function isLocal(told) {
  const { consistency } = told;
  if (consistency === undefined || consistency === null || consistency === 'linearizable') return false;
  if (consistency === 'local') return true;
  if (typeof consistency !== 'string') throw wrongType('consistency', 'a string', consistency);
  throw wrongValue('consistency', `it is 'linearizable' or 'local', not '${consistency}'`);
}

/** What ends a call early, if it is given. */
function signal(told) {
  const given = told.signal;
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'object' || typeof given.addEventListener !== 'function' || !('aborted' in given)) {
    throw wrongType('signal', 'an AbortSignal', given);
  }
  return given;
}

/** Revision and options of a read, of which the first may be left out. */
function revisionAndOptions(rev, told) {
  return typeof rev === 'object' && told === undefined ? [undefined, rev] : [rev, told];
}

function wrongType(name, wanted, value) {
  const error = new TypeError(`${name} is ${wanted}, not ${kindOf(value)}`);
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

function wrongValue(name, why) {
  const error = new TypeError(`${name}: ${why}`);
  error.code = 'ERR_INVALID_ARG_VALUE';
  return error;
}

function outOfRange(name, value, wanted = 'an integer from -(2^53 - 1) to 2^53 - 1') {
  const error = new RangeError(`${name} is ${wanted}, not ${value}`);
  error.code = 'ERR_OUT_OF_RANGE';
  return error;
}

function kindOf(value) {
  if (value === null) return 'null';
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'nothing'}`;
  return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}

module.exports = {
  amount,
  bytes,
  count,
  isLocal,
  optionalText,
  optionalTimeout,
  options,
  revision,
  revisionAndOptions,
  revisionOrNow,
  signal,
  text,
  timeout,
  wrongType,
};
