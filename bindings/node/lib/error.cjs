'use strict';

// What all errors of Doozer have in common.

/** An error of Doozer. Each kind is a class of its own, see `errors.cjs`. */
class DoozerError extends Error {
  /**
   * @param {string} message the whole of it, as it is shown
   * @param {{op: string, path?: string | null, detail?: string, retry?: boolean, part?: object | null, cause?: unknown}} about
   */
  constructor(message, { op = '', path = null, detail = '', retry = false, part = null, ...rest } = {}) {
    super(message, rest);
    this.op = op;
    this.path = path;
    this.detail = detail;
    this.retry = retry;
    this.part = part;
  }

  /** The kind's name, the same in every language; `code` is another name of it. */
  get kind() {
    return this.code;
  }
}
Object.assign(DoozerError.prototype, { name: 'DoozerError', code: 'OTHER', number: 127 });

module.exports = { DoozerError };
