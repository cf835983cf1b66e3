'use strict';

// A client of one cluster.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call, home } = require('./calls.cjs');
const { KEY, onlyFromHere } = require('./private.cjs');
const { Lock } = require('./lock.cjs');
const { Stream } = require('./stream.cjs');

/** A client of one cluster; `connect` opens one. All documentation is in `index.d.ts`. */
class Client {
  #handle;
  /** The embedded member it is a client of, if it is. */
  #node;

  constructor(key, handle, node) {
    onlyFromHere(key, 'connect() opens a client');
    this.#handle = handle;
    this.#node = node;
  }

  get(path, rev, options) {
    return this.#read(native.get, 'path', path, rev, options);
  }

  set(path, value, rev, options) {
    return this.#call(options, (id, timeout) =>
      native.set(this.#handle, id, told.text('path', path), told.bytes('value', value), told.revision('rev', rev), timeout),
    );
  }

  add(path, value, options) {
    return this.#call(options, (id, timeout) =>
      native.add(this.#handle, id, told.text('path', path), told.bytes('value', value), timeout),
    );
  }

  del(path, rev, options) {
    return this.#call(options, (id, timeout) =>
      native.del(this.#handle, id, told.text('path', path), told.revision('rev', rev), timeout),
    );
  }

  wait(glob, rev, options) {
    return this.#call(options, (id, timeout) =>
      native.wait(this.#handle, id, told.text('glob', glob), told.revision('rev', rev), timeout),
    );
  }

  stat(path, rev, options) {
    return this.#read(native.stat, 'path', path, rev, options);
  }

  getdir(path, rev, options) {
    return this.#read(native.getdir, 'path', path, rev, options);
  }

  walk(glob, rev, options) {
    return this.#read(native.walk, 'glob', glob, rev, options);
  }

  rev(options) {
    return this.#call(options, (id, timeout) => native.rev(this.#handle, id, timeout));
  }

  nop(options) {
    return this.#call(options, (id, timeout) => native.nop(this.#handle, id, timeout));
  }

  selfId(options) {
    return this.#call(options, (id, timeout) => native.selfId(this.#handle, id, timeout));
  }

  access(secret, options) {
    return this.#call(options, (id, timeout) =>
      native.access(this.#handle, id, told.bytes('secret', secret), timeout),
    );
  }

  lock(path, options) {
    return this.#call(
      options,
      (id, timeout) => native.lock(this.#handle, id, told.text('path', path), timeout),
      (handle, name, rev) => new Lock(KEY, this, handle, name, rev),
    );
  }

  list(glob, rev, options) {
    const [at, given] = told.readArguments(rev, options);
    const limit = told.count('limit', given.limit);
    const isLocal = told.isLocal(given);
    const timeout = told.timeout(given);
    const stream = native.list(this.#handle, told.text('glob', glob), at, limit, Boolean(given.keysOnly), timeout, isLocal);
    return new Stream(KEY, this, stream, told.signal(given));
  }

  watch(glob, rev, options) {
    const stream = native.watch(this.#handle, told.text('glob', glob), told.revision('rev', rev));
    return new Stream(KEY, this, stream, told.signal(told.options(options)));
  }

  config(path, options) {
    const stream = native.config(this.#handle, told.text('path', path));
    return new Stream(KEY, this, stream, told.signal(told.options(options)));
  }

  close() {
    return call(this, undefined, (id) => native.close(this.#handle, id));
  }

  get isClosed() {
    return native.isClosed(this.#handle);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  #call(options, start, make) {
    let given;
    try {
      given = told.options(options);
      // A method may be called before its arguments are looked at: whatever is wrong with them, the promise says.
      return call(this, told.signal(given), (id) => start(id, told.timeout(given)), make);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #read(method, name, path, rev, options) {
    try {
      const [at, given] = told.readArguments(rev, options);
      return call(this, told.signal(given), (id) =>
        method(this.#handle, id, told.text(name, path), at, told.timeout(given), told.isLocal(given)),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** Opens a client. */
function connect(uri, options) {
  try {
    // Both may be left out.
    const isLeftOut = typeof uri === 'object' && uri !== null && options === undefined;
    const given = told.options(isLeftOut ? uri : options);
    const address = isLeftOut ? undefined : told.optionalText('uri', uri);
    const start = (id) => native.connect(home, id, address, clientOptions(given));
    return call(undefined, told.signal(given), start, (handle) => new Client(KEY, handle));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What a client can be told, as the native part takes it. */
function clientOptions(given) {
  const file = (name) => told.optionalText(name, given[name]);
  const tls = { tlsCa: file('tlsCa'), tlsCert: file('tlsCert'), tlsKey: file('tlsKey') };
  const tlsServerName = told.optionalText('tlsServerName', given.tlsServerName);
  if (tls.tlsCa === undefined && (tls.tlsCert ?? tls.tlsKey ?? tlsServerName) !== undefined) {
    throw new TypeError('tlsCert, tlsKey and tlsServerName need tlsCa, the certificates that may have signed a member\'s');
  }
  const secret = given.secret ?? undefined;
  return {
    timeout: told.optionalTimeout('timeout', given.timeout),
    connectTimeout: told.optionalTimeout('connectTimeout', given.connectTimeout),
    secret: secret === undefined ? undefined : Buffer.from(told.bytes('secret', secret)),
    name: told.optionalText('name', given.name),
    boot: told.optionalText('boot', given.boot),
    ...tls,
    tlsServerName,
  };
}

module.exports = { Client, clientOptions, connect };
