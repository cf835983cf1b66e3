'use strict';

// Loads the native module of this platform, and refuses one of another version than the package's.

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { version } = require('../package.json');
const { AbiMismatch } = require('./errors.cjs');

const platform = `${process.platform}-${process.arch}`;
// Which C library a Linux has is seen when the module is loaded: one for another does not load.
const names = process.platform === 'linux' ? [`${platform}-gnu`, `${platform}-musl`] : [platform];

function load() {
  let cause;
  for (const name of names) {
    const file = join(__dirname, '..', `doozer.${name}.node`);
    if (!existsSync(file)) continue;
    try {
      return require(file);
    } catch (error) {
      cause = error;
    }
  }
  const why = cause ? `cannot be loaded on ${platform}: ${cause.message}` : `was not built for ${platform}`;
  const error = new Error(
    `doozer: the native module ${why}. Build it on such a machine from a checkout of Doozer ` +
      '(`npm run build` and `npm pack` in bindings/node), and install the package that makes.',
    { cause },
  );
  error.code = 'ERR_DOOZER_NO_NATIVE_MODULE';
  throw error;
}

const native = load();
if (native.version() !== version) {
  const detail = `the package has version ${version}, and its native module ${native.version()}`;
  const message = `doozer: ${detail}: remove node_modules/doozer and install the package again`;
  throw new AbiMismatch(message, { op: 'load', detail });
}

module.exports = native;
