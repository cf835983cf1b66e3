// The README: its programs run, and do what they say.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { folder, member, run } from './support.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const readme = join(dirname(createRequire(import.meta.url).resolve('doozer/package.json')), 'README.md');
const programs = [...readFileSync(readme, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)].map(([, program]) => program);

/** Runs a program beside the tests, where the package is found as they find it. */
async function runs(t, program) {
  const place = mkdtempSync(join(here, 'readme-'));
  t.after(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, 'program.mjs'), program);
  return run(join(place, 'program.mjs'));
}

test('there are the programs that are tested here', () => assert.equal(programs.length, 3));

test('the ten lines', async (t) => {
  const node = await member(t);
  const said = await runs(t, programs[0].replace('127.0.0.1:8046', node.address));
  assert.deepEqual([said.code, said.err], [0, '']);
  assert.match(said.out, /^debug = true \(revision \d+\)\n\/myapp\.conf is now debug = false\nmine, with the token \d+\n$/);
});

test('locks, elections, services', async (t) => {
  const node = await member(t);
  const said = await runs(t, programs[1].replace('127.0.0.1:8046', node.address));
  assert.deepEqual([said.code, said.err], [0, '']);
  assert.match(said.out, /^now, under the token \d+\n\/services\/web\/1 is at 10\.0\.0\.1:8080\n$/);
});

test('the member', async (t) => {
  const program = programs[2].replace('/var/lib/myapp/doozer', folder(t)).replace('127.0.0.1:8046', '127.0.0.1:0');
  const said = await runs(t, program);
  assert.deepEqual([said.code, said.err], [0, '']);
  assert.match(said.out, /^\w{16,} has x at revision \d+\n$/);
});
