'use strict';

// A member within this process.

const native = require('./native.cjs');
const told = require('./arguments.cjs');
const { call, home } = require('./calls.cjs');
const { Client, clientOptions } = require('./client.cjs');
const { now } = require('./results.cjs');
const { KEY, onlyFromHere } = require('./private.cjs');

/** A member within this process. All documentation is in `index.d.ts`. */
class Node {
  #handle;

  constructor(key, handle, id, clusterName, address) {
    onlyFromHere(key, 'Node.start() starts a member');
    this.#handle = handle;
    this.id = id;
    this.clusterName = clusterName;
    this.address = address;
  }

  static start(options) {
    const start = (id, given) => native.start(home, id, nodeOptions(given));
    return call(undefined, options, start, (...parts) => new Node(KEY, ...parts));
  }

  client(options) {
    const start = (id, given) => native.nodeClient(this.#handle, id, clientOptions(given));
    return call(this, options, start, (handle) => new Client(KEY, handle, this));
  }

  getLocal(path, rev) {
    return now(native.getLocal(this.#handle, told.text('path', path), told.revisionOrNow('rev', rev)));
  }

  revision() {
    return now(native.revision(this.#handle));
  }

  stop() {
    return call(this, undefined, (id) => native.stop(this.#handle, id));
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}

/** What a member can be told, as the native part takes it. */
function nodeOptions(given) {
  const text = (name) => told.optionalText(name, given[name]);
  const [tlsCert, tlsKey, tlsCa] = ['tlsCert', 'tlsKey', 'tlsCa'].map(text);
  if ((tlsCert === undefined) !== (tlsKey === undefined) || (tlsCa !== undefined && tlsCert === undefined)) {
    throw new TypeError('TLS needs both tlsCert and tlsKey, and tlsCa only along with them');
  }
  return {
    dataDir: text('dataDir'),
    listen: text('listen'),
    clusterName: text('clusterName'),
    history: told.count('history', given.history),
    historyBytes: told.count('historyBytes', given.historyBytes),
    maxValue: told.count('maxValue', given.maxValue),
    secret: text('secret'),
    readSecret: text('readSecret'),
    tlsCert,
    tlsKey,
    tlsCa,
    hostname: text('hostname'),
  };
}

module.exports = { Node };
