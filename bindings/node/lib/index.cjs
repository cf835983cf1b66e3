'use strict';

// The package, for `require`. `index.mjs` is the same for `import`, with the same classes.

const native = require('./native.cjs');
const errors = require('./errors.cjs');
const { DoozerError } = require('./error.cjs');
const { call, home } = require('./calls.cjs');
const { Client, connect } = require('./client.cjs');
const { Entered } = require('./entered.cjs');
const { Leader } = require('./leader.cjs');
const { Live } = require('./live.cjs');
const { Lock } = require('./lock.cjs');
const { Node } = require('./node.cjs');
const { Registration } = require('./registration.cjs');
const { Event, Stat } = require('./results.cjs');
const { Stream } = require('./stream.cjs');
const { Txn } = require('./txn.cjs');

module.exports = {
  connect,
  Client,
  Entered,
  Leader,
  Live,
  Lock,
  Node,
  Registration,
  Stream,
  Txn,
  Event,
  Stat,
  DoozerError,
  ...errors,
  version: native.version(),
  /** What a call costs by itself: for benchmarks. */
  _noop: native.noop,
  /** Alike, to the runtime and back. */
  _noopAsync: () => call(undefined, undefined, (id) => native.noopAsync(home, id)),
};
