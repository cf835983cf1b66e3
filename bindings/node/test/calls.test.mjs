// Calls: what goes in, what comes out, and how they go on beside each other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, Stat, Timeout, _noop, _noopAsync, connect, version } from 'doozer';
import { client, member, soon, turnsDuring } from './support.mjs';

test('values of all kinds come back as the bytes they were', async (t) => {
  const c = await client(t);
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  for (const value of [all, new Uint8Array(all), all.subarray(10, 20), '', Buffer.alloc(0), 'grün', Buffer.alloc(1 << 20, 7)]) {
    const rev = await c.set('/v', value, -1);
    const file = await c.get('/v');
    assert.equal(file.rev, rev);
    assert(Buffer.isBuffer(file.value));
    assert(file.value.equals(Buffer.from(value)), `${file.value.length} bytes`);
  }
});

test('a value may be changed by its owner as soon as the call was made', async (t) => {
  const c = await client(t);
  const value = Buffer.from('before');
  const set = c.set('/v', value, 0);
  value.fill('x');
  await set;
  assert.equal((await c.get('/v')).value.toString(), 'before');
});

test('calls that do not await each other are sent in their order', async (t) => {
  const c = await client(t);
  const writes = Array.from({ length: 500 }, (_, number) => c.set('/n', String(number), -1));
  const revisions = await Promise.all(writes);
  assert.deepEqual(revisions, revisions.map((_, number) => revisions[0] + number));
  assert.equal((await c.get('/n')).value.toString(), '499');
});

test('what is missing is null and 0', async (t) => {
  const c = await client(t);
  assert.deepEqual(await c.get('/missing'), { value: null, rev: 0 });
  assert.equal(await c.del('/missing', -1), 0);
  const { isDir, isFile, rev, len } = await c.stat('/missing');
  assert.deepEqual({ isDir, isFile, rev, len }, { isDir: false, isFile: false, rev: 0, len: 0 });
});

test('each call gives what its documentation says', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const rev = await c.add('/d/a', 'one');
  assert.equal(await c.rev(), rev);
  assert.equal(await c.set('/d/b', 'two', 0), rev + 1);
  const stat = await c.stat('/d');
  assert(stat instanceof Stat && stat.isDir && !stat.isFile && stat.len === 2);
  assert((await c.stat('/d/a')).isFile);
  assert.deepEqual(await c.getdir('/d'), ['a', 'b']);
  assert.deepEqual(await c.walk('/d/*'), [
    { path: '/d/a', value: Buffer.from('one'), rev, len: 3 },
    { path: '/d/b', value: Buffer.from('two'), rev: rev + 1, len: 3 },
  ]);
  const event = await c.wait('/d/*', rev + 1);
  assert(event instanceof Event && event.isSet && !event.isDel);
  assert.deepEqual({ ...event }, { path: '/d/b', value: Buffer.from('two'), rev: rev + 1, kind: 'set' });
  await c.del('/d/a', rev);
  const deletion = await c.wait('/d/a', rev + 1);
  assert(deletion.isDel && !deletion.isSet && deletion.value.length === 0);
  assert.equal(await c.selfId(), node.id);
  assert.equal(await c.nop(), undefined);
  assert.equal(await c.access(''), undefined);
});

test('reads take a revision, options, or both', async (t) => {
  const c = await client(t);
  const rev = await c.set('/a', 'one', 0);
  await c.set('/a', 'two', rev);
  for (const [args, value] of [
    [[], 'two'],
    [[undefined, undefined], 'two'],
    [[null], 'two'],
    [[{ timeout: 5000 }], 'two'],
    [[{ consistency: 'local' }], 'two'],
    [[null, { consistency: 'linearizable', timeout: Infinity }], 'two'],
    [[rev], 'one'],
    [[BigInt(rev)], 'one'],
    [[rev, { timeout: 5000 }], 'one'],
  ]) {
    assert.equal((await c.get('/a', ...args)).value.toString(), value);
    assert.equal((await c.walk('/a', ...args))[0].value.toString(), value);
    assert.equal((await c.stat('/a', ...args)).len, 3);
    assert.deepEqual(await c.getdir('/', ...args), ['a', 'ctl']);
    for await (const entry of c.list('/a', ...args)) assert.equal(entry.value.toString(), value);
  }
});

test('a revision may be a bigint, and comes back as a number', async (t) => {
  const c = await client(t);
  const rev = await c.set('/a', 'x', 0n);
  assert.equal(typeof rev, 'number');
  assert.equal(await c.set('/a', 'y', BigInt(rev)), rev + 1);
  assert.equal((await c.wait('/a', BigInt(rev))).rev, rev);
  assert.equal(await c.del('/a', BigInt(Number.MAX_SAFE_INTEGER)), rev + 2);
});

test('thousands of calls at once each get their own answer', async (t) => {
  const c = await client(t);
  const revs = await Promise.all(Array.from({ length: 3000 }, (_, i) => c.set(`/many/${i}`, `value ${i}`, 0)));
  assert.equal(new Set(revs).size, 3000);
  const files = await Promise.all(revs.map((_, i) => c.get(`/many/${i}`)));
  files.forEach((file, i) => assert.deepEqual(file, { value: Buffer.from(`value ${i}`), rev: revs[i] }));
});

test('the event loop goes round while calls wait', async (t) => {
  const c = await client(t);
  const waits = [c.wait('/never', 1, { timeout: 200 }), c.watch('/never', 1).next({ timeout: 200 })];
  const turns = await turnsDuring(Promise.all(waits.map((wait) => assert.rejects(wait, Timeout))));
  assert(turns > 20, `${turns} turns in 200 ms`);
});

test('a promise is never settled before its call returns', async (t) => {
  const node = await member(t);
  const c = await node.client();
  t.after(() => c.close());
  const order = [];
  const read = c.get('/ctl/name').then(() => order.push('read'));
  order.push('made');
  await read;
  assert.deepEqual(order, ['made', 'read']);
});

test('a time limit is kept, and none at all is Infinity', async (t) => {
  const c = await client(t);
  const began = performance.now();
  await assert.rejects(c.wait('/never', 1, { timeout: 60 }), { name: 'Timeout', op: 'wait', path: '/never' });
  const took = performance.now() - began;
  assert(took >= 55 && took < 5000, `${took} ms`);
  for (const timeout of [Infinity, Number.MAX_SAFE_INTEGER, undefined, null]) {
    const wait = c.wait('/w', 1, { timeout });
    await c.set('/w', 'x', -1);
    assert.equal((await soon(wait, `timeout ${timeout}`)).path, '/w');
  }
});

test('a client has a usual time limit of its own', async (t) => {
  const node = await member(t);
  const c = await client(t, node, { timeout: 50 });
  await assert.rejects(c.get('/a', (await c.rev()) + 1), Timeout);
  const patient = await client(t, node, { timeout: Infinity, connectTimeout: Infinity, name: 'patient' });
  const read = patient.get('/a', (await c.rev()) + 1);
  await c.set('/a', 'x', 0);
  assert.equal((await soon(read)).value.toString(), 'x');
});

test('a closed client says so, and is closed as often as one likes', async (t) => {
  const c = await client(t);
  assert.equal(c.isClosed, false);
  const wait = c.wait('/never', 1);
  await Promise.all([c.close(), c.close(), assert.rejects(wait, { kind: 'CLOSED' })]);
  assert.equal(c.isClosed, true);
  await c.close();
  await c[Symbol.asyncDispose]();
  await assert.rejects(c.get('/a'), { kind: 'CLOSED', op: 'get', path: '/a' });
  await assert.rejects(c.watch('/a', 1).next(), { kind: 'CLOSED', op: 'watch', path: '/a' });
});

test('the uri may be left out: DOOZER_URI says it', async (t) => {
  const node = await member(t);
  process.env.DOOZER_URI = `doozer:?ca=${node.address}`;
  t.after(() => delete process.env.DOOZER_URI);
  for (const args of [[], [undefined], [null], [{ timeout: 5000 }], [undefined, { name: 'me' }]]) {
    const c = await connect(...args);
    assert.equal(await c.selfId(), node.id);
    await c.close();
  }
});

test('the calls of the benchmark do nothing', async () => {
  assert.equal(_noop(), undefined);
  assert.equal(await _noopAsync(), undefined);
  assert.match(version, /^\d+\.\d+\.\d+/);
});
