// Aborts: they end a call at once, and leave nothing behind.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { client, member, proxied, soon } from './support.mjs';

test('a signal that was used before the call: nothing is sent', async (t) => {
  const { node, proxy, c } = await proxied(t);
  const reason = new Error('too late');
  const signal = AbortSignal.abort(reason);
  const rev = node.revision();
  const calls = [
    c.set('/a', 'x', 0, { signal }),
    c.add('/a', 'x', { signal }),
    c.del('/ctl/name', -1, { signal }),
    c.get('/a', { signal }),
    c.stat('/a', { signal }),
    c.getdir('/', { signal }),
    c.walk('/**', { signal }),
    c.rev({ signal }),
    c.nop({ signal }),
    c.selfId({ signal }),
    c.access('x', { signal }),
    c.wait('/a', 1, { signal }),
    c.lock('/a', { signal }),
    c.tryLock('/a', { signal }),
    c.readLock('/a', { signal }),
    c.writeLock('/a', { signal }),
    c.semaphore('/a', 1, { signal }),
    c.elect('/a', 'x', { signal }),
    c.register('/a', 'x', { signal }),
    c.discover('/a', { signal }),
    c.barrier('/a', 1, { signal }),
    c.rollback('/ctl/name', rev, { signal }),
    c.txn().set('/a', 'x', 0).commit({ signal }),
    c.follow('/a', { signal }).next(),
    c.observe('/a', { signal }).next(),
    c.watch('/a', 1, { signal }).next(),
    c.config('/a', { signal }).next(),
    c.list('/a', { signal }).next(),
    c.watch('/a', 1).next({ signal }),
  ];
  for (const call of calls) assert.equal(await call.catch((error) => error), reason);
  // Sent after all that: if anything had been before, it would have made a revision.
  assert.equal(await c.set('/b', 'x', 0), rev + 1);
  await proxy.tell('expect SET');
});

for (const [what, verb, begin] of [
  ['a wait', 'WAIT', (c, signal) => c.wait('/w', 1, { signal })],
  ['a read of a revision to come', 'GET', (c, signal, rev) => c.get('/w', rev + 1, { signal })],
  ['a look at a revision to come', 'STAT', (c, signal, rev) => c.stat('/w', rev + 1, { signal })],
  ['the next event', 'WATCH', (c, signal) => c.watch('/w', 1, { signal }).next()],
]) {
  test(`${what} is taken back from the member, and the client goes on`, async (t) => {
    const { proxy, c } = await proxied(t);
    const abort = new AbortController();
    const call = begin(c, abort.signal, await c.rev());
    await proxy.tell(`expect ${verb}`);
    const reason = { any: 'reason' };
    const began = performance.now();
    abort.abort(reason);
    assert.equal(await call.catch((error) => error), reason);
    assert(performance.now() - began < 1000, 'at once');
    await proxy.tell('expect CANCEL');
    const rev = await c.set('/w', 'x', 0);
    assert.deepEqual(await c.get('/w'), { value: Buffer.from('x'), rev });
  });
}

test('the usual reasons are an AbortError and a TimeoutError', async (t) => {
  const c = await client(t);
  const abort = new AbortController();
  const wait = c.wait('/w', 1, { signal: abort.signal });
  abort.abort();
  await assert.rejects(wait, { name: 'AbortError' });
  await assert.rejects(c.wait('/w', 1, { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
});

test('a signal is let go of when its call has ended', async (t) => {
  const c = await client(t);
  const { signal } = new AbortController();
  await c.set('/a', 'x', 0, { signal });
  await assert.rejects(c.set('/a', 'x', 0, { signal }));
  await assert.rejects(c.set('/a', 5, 0, { signal }), TypeError);
  for await (const entry of c.list('/**', { signal })) assert(entry.path);
  for await (const event of c.watch('/**', 1, { signal })) if (event.path === '/a') break;
  await c.watch('/a', 1).next({ signal });
  await assert.rejects(c.watch('/b', 1).next({ signal, timeout: 5 }));
  await c.config('/a', { signal }).return();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('one signal for very many calls at once is nothing to warn of', async (t) => {
  const c = await client(t);
  const warnings = [];
  const onWarning = (warning) => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const abort = new AbortController();
  const waits = Array.from({ length: 500 }, (_, i) => c.wait(`/w/${i}`, 1, { signal: abort.signal }));
  abort.abort('enough');
  for (const wait of waits) assert.equal(await wait.catch((reason) => reason), 'enough');
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings, []);
});

test('an answer that came first counts, and an abort after that is nothing', async (t) => {
  const c = await client(t);
  const abort = new AbortController();
  const rev = await c.set('/a', 'x', 0, { signal: abort.signal });
  abort.abort();
  assert.equal((await c.get('/a')).rev, rev);
});

test('aborts at any moment: every call ends, one way or the other', async (t) => {
  const c = await client(t);
  let aborted = 0;
  for (let i = 0; i < 300; i += 1) {
    const abort = new AbortController();
    const call = c.set('/a', `${i}`, -1, { signal: abort.signal });
    for (let turn = 0; turn < i % 7; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('stop');
    const ended = await soon(call.catch((reason) => reason));
    if (ended === 'stop') aborted += 1;
    else assert.equal(typeof ended, 'number');
  }
  assert(aborted > 0);
  assert.equal(await c.nop(), undefined);
});

test('a lock that nobody waits for any more leaves no file', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const held = await c.lock('/l');
  const abort = new AbortController();
  const waiting = c.lock('/l', { signal: abort.signal });
  await assert.rejects(c.lock('/l', { timeout: 1_000 }), { kind: 'TIMEOUT', detail: /held since/ });
  abort.abort('enough');
  assert.equal(await waiting.catch((reason) => reason), 'enough');
  await held.unlock();
  // Aborted while it is being taken: whether it was or not, it is free in the end.
  for (let i = 0; i < 100; i += 1) {
    const now = new AbortController();
    const taking = c.lock(`/m/${i}`, { signal: now.signal });
    for (let turn = 0; turn < i % 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    now.abort('enough');
    const taken = await taking.catch((reason) => reason);
    if (taken !== 'enough') await taken.unlock();
  }
  for (let i = 0; i < 100; i += 1) {
    const next = await c.lock(`/m/${i}`, { timeout: 10_000 });
    await next.unlock();
  }
  assert.deepEqual(await c.getdir('/'), ['ctl']);
});

test('opening a client can be given up, and starting a member', async (t) => {
  const node = await member(t);
  const { connect, Node } = await import('doozer');
  const signal = AbortSignal.abort('no');
  assert.equal(await connect(node.address, { signal }).catch((it) => it), 'no');
  assert.equal(await node.client({ signal }).catch((it) => it), 'no');
  assert.equal(await Node.start({ signal }).catch((it) => it), 'no');
  for (let i = 0; i < 20; i += 1) {
    const abort = new AbortController();
    const opening = connect(node.address, { signal: abort.signal });
    for (let turn = 0; turn < i; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('no');
    const opened = await soon(opening.catch((it) => it));
    if (opened !== 'no') await opened.close();
  }
});
