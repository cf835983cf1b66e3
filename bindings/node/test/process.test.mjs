// What keeps a process alive and what does not, its end in the middle of calls, and workers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { client, member, proxied, run, soon } from './support.mjs';

const worker = fileURLToPath(new URL('programs/worker.mjs', import.meta.url));

test('what is idle does not keep a process alive', async (t) => {
  const node = await member(t);
  assert.deepEqual(await run('idle.mjs', [node.address]), { code: 0, signal: null, out: 'opened 18\n', err: '' });
});

test('what somebody waits for does', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const leader = await c.elect('/leader', 'somebody else');
  const running = run('pending.mjs', [node.address]);
  let isOver = false;
  running.then(() => (isOver = true));
  let ready = { rev: 0 };
  // A wait, a change of a live map, and an election.
  for (const go of [() => c.set('/go', 'now', 0), () => c.set('/then', 'then', 0), () => leader.resign()]) {
    ready = await c.wait('/ready', ready.rev + 1);
    // Long enough for an event loop that has nothing to do to end; if it does not, that shows nothing, and nothing fails.
    await assert.rejects(c.wait('/never', ready.rev, { timeout: 500 }));
    assert.equal(isOver, false);
    await go();
  }
  assert.deepEqual(await running, { code: 0, signal: null, out: 'then and\ncame now\n', err: '' });
});

test('a process may exit, or die of an exception, with everything under way', async (t) => {
  const node = await member(t);
  for (let i = 0; i < 5; i += 1) {
    assert.deepEqual(await run('exit.mjs', [node.address, 'exit']), { code: 7, signal: null, out: '', err: '' });
  }
  const died = await run('exit.mjs', [node.address, 'throw']);
  assert.deepEqual([died.code, died.signal], [1, null]);
  assert.match(died.err, /thrown by the program/);
});

test('what is thrown at a result is an unhandled rejection', async (t) => {
  const node = await member(t);
  const died = await run('throws.mjs', [node.address]);
  assert.deepEqual([died.code, died.signal], [1, null]);
  assert.match(died.err, /thrown at a result/);
});

test('several workers and the main thread use it at once', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const workers = ['a', 'b', 'c', 'd'].map((name) => {
    const one = new Worker(worker, { workerData: { address: node.address, name, calls: 200 } });
    return soon(Promise.race([
      Promise.all([once(one, 'message'), once(one, 'exit')]),
      once(one, 'error').then(([error]) => Promise.reject(error)),
    ]));
  });
  const own = (async () => {
    for (let i = 0; i < 200; i += 1) await c.set(`/main/${i}`, 'x', 0);
  })();
  for (const [[message], [code]] of await Promise.all(workers)) assert.deepEqual([message, code], ['done', 0]);
  await own;
  for (const name of ['a', 'b', 'c', 'd', 'main']) assert.equal((await c.getdir(`/${name}`)).length, 200);
});

test('a worker that is terminated takes its requests along', async (t) => {
  const { node, proxy } = await proxied(t);
  const one = new Worker(worker, { workerData: { address: proxy.address, name: 'w', calls: 0 } });
  await soon(once(one, 'message'), 'the worker');
  await proxy.tell('expect WAIT');
  await soon(one.terminate(), 'its termination');
  const c = await client(t, node);
  await c.nop();
});

test('workers are terminated in the middle of everything', async (t) => {
  const node = await member(t);
  const ended = await run('workers.mjs', [node.address], { ms: 60_000 });
  assert.deepEqual(ended, { code: 0, signal: null, out: 'terminated\n', err: '' });
});
