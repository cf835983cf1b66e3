'use strict';

// A client of one cluster.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call, home } = require('./calls.cjs');
const { Entered } = require('./entered.cjs');
const { fence } = require('./held.cjs');
const { Leader } = require('./leader.cjs');
const { Live } = require('./live.cjs');
const { Lock } = require('./lock.cjs');
const { KEY, onlyFromHere } = require('./private.cjs');
const { Registration } = require('./registration.cjs');
const { Stream } = require('./stream.cjs');
const { Txn } = require('./txn.cjs');

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
    return call(withFence(this, options), options, (id, given) => {
      const [at, bytes, base] = [told.text('path', path), told.bytes('value', value), told.revision('rev', rev)];
      const fenced = fencedBy(given);
      if (fenced) native.setFenced(this.#handle, id, at, bytes, base, fenced);
      else native.set(this.#handle, id, at, bytes, base, told.timeout(given));
    });
  }

  add(path, value, options) {
    return call(this, options, (id, given) =>
      native.add(this.#handle, id, told.text('path', path), told.bytes('value', value), told.timeout(given)),
    );
  }

  del(path, rev, options) {
    return call(withFence(this, options), options, (id, given) => {
      const [at, base, fenced] = [told.text('path', path), told.revision('rev', rev), fencedBy(given)];
      if (fenced) native.delFenced(this.#handle, id, at, base, fenced);
      else native.del(this.#handle, id, at, base, told.timeout(given));
    });
  }

  wait(glob, rev, options) {
    return call(this, options, (id, given) =>
      native.wait(this.#handle, id, told.text('glob', glob), told.revision('rev', rev), told.timeout(given)),
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
    return call(this, options, (id, given) => native.rev(this.#handle, id, told.timeout(given)));
  }

  nop(options) {
    return call(this, options, (id, given) => native.nop(this.#handle, id, told.timeout(given)));
  }

  selfId(options) {
    return call(this, options, (id, given) => native.selfId(this.#handle, id, told.timeout(given)));
  }

  access(secret, options) {
    return call(this, options, (id, given) =>
      native.access(this.#handle, id, told.bytes('secret', secret), told.timeout(given)),
    );
  }

  rollback(path, rev, options) {
    return call(this, options, (id, given) =>
      native.rollback(this.#handle, id, told.text('path', path), told.revision('rev', rev), told.timeout(given)),
    );
  }

  txn() {
    return new Txn(KEY, this, (id, parts, timeout) => native.txn(this.#handle, id, parts, timeout));
  }

  lock(path, options) {
    return this.#take(native.lock, path, options);
  }

  tryLock(path, options) {
    return this.#take(native.tryLock, path, options);
  }

  readLock(path, options) {
    return this.#take(native.readLock, path, options);
  }

  writeLock(path, options) {
    return this.#take(native.writeLock, path, options);
  }

  semaphore(path, n, options) {
    const method = (handle, id, at, timeout) => native.semaphore(handle, id, at, told.amount('n', n), timeout);
    return this.#take(method, path, options);
  }

  elect(path, value, options) {
    const start = (id, given) =>
      native.elect(this.#handle, id, told.text('path', path), told.bytes('value', value), told.timeout(given));
    return call(this, options, start, (...parts) => new Leader(KEY, this, ...parts));
  }

  register(path, value, options) {
    const start = (id, given) =>
      native.register(this.#handle, id, told.text('path', path), told.bytes('value', value), told.timeout(given));
    return call(this, options, start, (handle) => new Registration(KEY, this, handle, path));
  }

  discover(glob, options) {
    const start = (id, given) => native.discover(this.#handle, id, told.text('glob', glob), told.timeout(given));
    return call(this, options, start, (handle) => new Live(KEY, this, handle, glob));
  }

  barrier(path, n, options) {
    const start = (id, given) =>
      native.enter(this.#handle, id, told.text('path', path), told.amount('n', n), told.timeout(given));
    return call(this, options, start, (handle) => new Entered(KEY, this, handle, path));
  }

  list(glob, rev, options) {
    const [at, last] = told.revisionAndOptions(rev, options);
    const given = told.options(last);
    const limit = told.count('limit', given.limit);
    const isLocal = told.isLocal(given);
    const timeout = told.timeout(given);
    const stream = native.list(
      this.#handle, told.text('glob', glob), told.revisionOrNow('rev', at), limit, Boolean(given.keysOnly), timeout, isLocal,
    );
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

  follow(glob, rev, options) {
    const [at, last] = told.revisionAndOptions(rev, options);
    const stream = native.follow(this.#handle, told.text('glob', glob), told.revisionOrNow('rev', at));
    return new Stream(KEY, this, stream, told.signal(told.options(last)));
  }

  observe(path, options) {
    const stream = native.observe(this.#handle, told.text('path', path));
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

  #take(method, path, options) {
    const start = (id, given) => method(this.#handle, id, told.text('path', path), told.timeout(given));
    return call(this, options, start, (...parts) => new Lock(KEY, this, ...parts));
  }

  #read(method, name, path, rev, options) {
    const [at, last] = told.revisionAndOptions(rev, options);
    return call(this, last, (id, given) => {
      const [where, when] = [told.text(name, path), told.revisionOrNow('rev', at)];
      method(this.#handle, id, where, when, told.timeout(given), told.isLocal(given));
    });
  }
}

/** Who stays alive during a write: what it depends on, too, if it depends on something. */
function withFence(client, options) {
  return options?.fence ? [client, options.fence] : client;
}

/** What a write depends on, as the native part takes it, if it depends on something. */
function fencedBy(given) {
  const held = given.fence ?? undefined;
  return held === undefined ? undefined : { ...fence(held), timeout: told.timeout(given) };
}

/** Opens a client. */
function connect(uri, options) {
  // Both may be left out.
  const [address, last] = typeof uri === 'object' && options === undefined ? [undefined, uri] : [uri, options];
  const start = (id, given) => native.connect(home, id, told.optionalText('uri', address), clientOptions(given));
  return call(undefined, last, start, (handle) => new Client(KEY, handle));
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
    sessionTtl: told.count('sessionTtl', given.sessionTtl),
    sessionLabel: told.optionalText('sessionLabel', given.sessionLabel),
    boot: told.optionalText('boot', given.boot),
    ...tls,
    tlsServerName,
  };
}

module.exports = { Client, clientOptions, connect };
