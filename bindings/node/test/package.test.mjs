// The package as it was installed: what is in it, and what it refuses when it is loaded.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { version } from 'doozer';
import { folder, run } from './support.mjs';

const installed = dirname(createRequire(import.meta.url).resolve('doozer/package.json'));
const natives = readdirSync(installed).filter((name) => name.endsWith('.node'));

/** A copy of the package in a folder of its own, and programs that load it. */
function copy(t) {
  const app = folder(t);
  const place = join(app, 'node_modules', 'doozer');
  mkdirSync(place, { recursive: true });
  for (const name of ['lib', 'package.json', ...natives]) cpSync(join(installed, name), join(place, name), { recursive: true });
  writeFileSync(join(app, 'import.mjs'), "import { version } from 'doozer'; console.log(version);\n");
  writeFileSync(join(app, 'require.cjs'), "console.log(require('doozer').version);\n");
  return { app, place, loads: () => Promise.all(['import.mjs', 'require.cjs'].map((name) => run(join(app, name)))) };
}

test('the package is complete', (t) => {
  const described = JSON.parse(readFileSync(join(installed, 'package.json')));
  assert.equal(described.version, version);
  assert.equal(described.dependencies, undefined);
  assert(natives.length > 0);
  const { import: esm, require: cjs } = described.exports['.'];
  for (const file of [esm.types, esm.default, cjs.types, cjs.default]) assert(readFileSync(join(installed, file)).length > 0);
  assert.equal(typeof t.name, 'string');
});

test('it loads with import and with require', async (t) => {
  for (const said of await copy(t).loads()) assert.deepEqual(said, { code: 0, signal: null, out: `${version}\n`, err: '' });
});

test('a native module of another version is refused, with both versions and what to do', async (t) => {
  const { place, loads } = copy(t);
  const described = JSON.parse(readFileSync(join(place, 'package.json')));
  writeFileSync(join(place, 'package.json'), JSON.stringify({ ...described, version: '99.8.7' }));
  for (const said of await loads()) {
    assert.deepEqual([said.code, said.signal, said.out], [1, null, '']);
    assert.match(said.err, /AbiMismatch: .*99\.8\.7/);
    assert(said.err.includes(version) && /install the package again/.test(said.err), said.err);
  }
});

test('a platform without a native module is told what to do', async (t) => {
  const { app, place, loads } = copy(t);
  // As on a machine of another kind.
  const other = join(app, 'other.cjs');
  writeFileSync(other, "Object.defineProperty(process, 'arch', { value: 'vax' }); require('./require.cjs');\n");
  const elsewhere = await run(other);
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.err, /the native module was not built for \w+-vax\. Build it .*npm run build/);
  assert.match(elsewhere.err, /ERR_DOOZER_NO_NATIVE_MODULE/);
  for (const name of natives) rmSync(join(place, name));
  for (const said of await loads()) assert.match(said.err, /the native module was not built for/);
});

test('a native module that cannot be loaded is told with its cause', async (t) => {
  const { place, loads } = copy(t);
  for (const name of natives) writeFileSync(join(place, name), 'not a library');
  for (const said of await loads()) {
    assert.equal(said.code, 1);
    assert.match(said.err, /the native module cannot be loaded on .*ERR_DOOZER_NO_NATIVE_MODULE/s);
    assert.match(said.err, /\[cause\]/);
  }
});

test('two copies in one process do not disturb each other', async (t) => {
  const [one, two] = [copy(t), copy(t)].map(({ app }) => createRequire(join(app, 'x.cjs'))('doozer'));
  assert.notEqual(one.Client, two.Client);
  const node = await one.Node.start({ listen: '127.0.0.1:0' });
  const c = await two.connect(node.address);
  await c.set('/a', 'x', 0);
  assert.equal(node.getLocal('/a').value.toString(), 'x');
  await c.close();
  await node.stop();
});
