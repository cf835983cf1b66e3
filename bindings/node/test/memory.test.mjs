// Calls leave nothing behind, however they end. The benchmark does the same at length.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, collect, member } from './support.mjs';

const CALLS = 6_000;
const ROUNDS_MAX = 12;
// Of one call, 64 bytes.
const LEFT_BYTES_MAX = CALLS * 64;

async function mixed(c, node, calls) {
  const value = Buffer.alloc(128, 'x');
  for (let i = 0; i < calls; i += 8) {
    const abort = new AbortController();
    const wait = c.wait('/never', 1, { signal: abort.signal }).catch(() => {});
    await Promise.all([c.set('/m', value, -1), c.get('/m'), c.add('/m', value).catch(() => {}), c.stat('/m'), c.walk('/m')]);
    node.getLocal('/m');
    for await (const event of c.watch('/m', await c.rev())) if (event) break;
    abort.abort();
    await wait;
    if (i % 64 === 0) await recipes(c);
  }
}

async function recipes(c) {
  const lock = await c.lock('/l');
  const { lost } = lock;
  await c.txn().fence(lock).set('/m', 'x', -1).commit();
  await lock.unlock();
  if (!lost.aborted) throw new Error('it was given back');
  const [live, service] = [await c.discover('/svc'), await c.register('/svc', 'x')];
  await live.changed();
  await live.close();
  await service.deregister();
}

/** What is in use, of JavaScript's own and of the whole process, once garbage is collected. */
async function used() {
  let turns = 0;
  await collect(() => (turns += 1) > 10);
  const { heapUsed, external, rss } = process.memoryUsage();
  return [heapUsed + external, rss];
}

test('many calls of all kinds leave memory where it was', async (t) => {
  const node = await member(t, { history: 100 });
  const c = await client(t, node);
  let before = await used();
  const left = [];
  // Heaps grow until they are as large as is needed; what is left behind by each call grows for ever.
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await mixed(c, node, CALLS);
    const after = await used();
    left.push(after.map((bytes, i) => bytes - before[i]));
    if (left.at(-1).every((bytes) => bytes < LEFT_BYTES_MAX)) return;
    before = after;
  }
  assert.fail(`each ${CALLS} calls left so many bytes: ${left.join('; ')}`);
});
