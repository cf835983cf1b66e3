// Arguments that are none: the language's own TypeError or RangeError, and nothing is sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Entered, Event, Leader, Live, Lock, Node, Registration, Stat, Stream, Txn, connect } from 'doozer';
import { client, member } from './support.mjs';

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const VALUE = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

/** Rejections, never exceptions; what opens a stream throws. */
async function refused(call, expected) {
  let promise;
  assert.doesNotThrow(() => (promise = call()));
  await assert.rejects(promise, expected, String(call));
}

test('paths and globs are strings', async (t) => {
  const c = await client(t);
  for (const path of [undefined, null, 5, {}, [], Symbol.iterator, Buffer.from('/a'), () => '/a']) {
    for (const call of [
      () => c.get(path),
      () => c.set(path, 'x', 0),
      () => c.add(path, 'x'),
      () => c.del(path, 0),
      () => c.stat(path),
      () => c.getdir(path),
      () => c.walk(path),
      () => c.wait(path, 1),
      () => c.lock(path),
      () => c.tryLock(path),
      () => c.readLock(path),
      () => c.writeLock(path),
      () => c.semaphore(path, 1),
      () => c.elect(path, 'x'),
      () => c.register(path, 'x'),
      () => c.discover(path),
      () => c.barrier(path, 1),
      () => c.rollback(path, 1),
    ]) {
      await refused(call, TYPE);
    }
    const streams = [() => c.watch(path, 1), () => c.config(path), () => c.list(path), () => c.follow(path), () => c.observe(path)];
    for (const open of streams) assert.throws(open, TYPE);
  }
  // Sent as it is, it would become another path than it says.
  await refused(() => c.set('/\ud800', 'x', 0), VALUE);
  await refused(() => c.set('/a', '\ud800', 0), VALUE);
  assert.deepEqual(await c.getdir('/'), ['ctl']);
});

test('a NUL in a path is no path, as in every language', async (t) => {
  const c = await client(t);
  await refused(() => c.set('/a\0b', 'x', 0), { kind: 'BAD_PATH', op: 'set', path: '/a\0b' });
  await refused(() => c.get('/a\0'), { kind: 'BAD_PATH' });
  await refused(() => c.wait('/a\0', 1), { kind: 'BAD_GLOB' });
});

test('values are bytes or text', async (t) => {
  const c = await client(t);
  for (const value of [undefined, null, 5, {}, [1, 2], new Uint16Array(2), new DataView(new ArrayBuffer(2)), new ArrayBuffer(2)]) {
    await refused(() => c.set('/a', value, 0), TYPE);
    await refused(() => c.add('/a', value), TYPE);
    await refused(() => c.access(value), TYPE);
    await refused(() => c.elect('/a', value), TYPE);
    await refused(() => c.register('/a', value), TYPE);
  }
  assert.deepEqual(await c.get('/a'), { value: null, rev: 0 });
});

test('a value whose memory was given away is empty', async (t) => {
  const c = await client(t);
  const value = new Uint8Array(8);
  structuredClone(value.buffer, { transfer: [value.buffer] });
  await c.set('/a', value, 0);
  assert.equal((await c.get('/a')).value.length, 0);
});

test('revisions are integers that a number can hold', async (t) => {
  const c = await client(t);
  for (const rev of [undefined, null, '1', {}, [], true]) {
    await refused(() => c.set('/a', 'x', rev), TYPE);
    await refused(() => c.del('/a', rev), TYPE);
    await refused(() => c.wait('/a', rev), TYPE);
    await refused(() => c.rollback('/a', rev), TYPE);
    assert.throws(() => c.watch('/a', rev), TYPE);
  }
  for (const rev of ['1', [], true, () => 1]) await refused(() => c.get('/a', rev, {}), TYPE);
  for (const rev of [NaN, Infinity, -Infinity, 1.5, 2 ** 53, -(2 ** 53), 1e300, 2n ** 53n, -(2n ** 53n), 2n ** 64n]) {
    await refused(() => c.set('/a', 'x', rev), RANGE);
    await refused(() => c.del('/a', rev), RANGE);
    await refused(() => c.wait('/a', rev), RANGE);
    await refused(() => c.get('/a', rev), RANGE);
    assert.throws(() => c.watch('/a', rev), RANGE);
    assert.throws(() => c.list('/a', rev), RANGE);
    assert.throws(() => c.follow('/a', rev), RANGE);
    await refused(() => c.rollback('/a', rev), RANGE);
  }
  await refused(() => c.get('/a', -1), { kind: 'RANGE' });
  await refused(() => c.set('/a', 'x', -Number.MAX_SAFE_INTEGER), { kind: 'REV_MISMATCH' });
  await refused(() => c.wait('/a', Number.MAX_SAFE_INTEGER, { timeout: 20 }), { kind: 'TIMEOUT' });
});

test('a number of places or of those who come is one', async (t) => {
  const c = await client(t);
  for (const call of [(n) => c.semaphore('/a', n), (n) => c.barrier('/a', n)]) {
    for (const n of [undefined, null, '1', 1n, {}]) await refused(() => call(n), TYPE);
    for (const n of [-1, 1.5, NaN, Infinity, 2 ** 53]) await refused(() => call(n), RANGE);
    await refused(() => call(0), { kind: 'RANGE' });
  }
  assert.deepEqual(await c.getdir('/'), ['ctl']);
});

test('options are an object, and each is what it is', async (t) => {
  const c = await client(t);
  for (const options of [5, 'x', true, () => {}]) {
    await refused(() => c.nop(options), TYPE);
    await refused(() => c.get('/a', undefined, options), TYPE);
    await refused(() => connect(undefined, options), TYPE);
    await refused(() => Node.start(options), TYPE);
  }
  for (const timeout of ['5', {}, true, 5n]) await refused(() => c.nop({ timeout }), TYPE);
  for (const timeout of [NaN, -1, -Infinity, 2 ** 53, 1e300]) {
    await refused(() => c.nop({ timeout }), RANGE);
    await refused(() => c.watch('/a', 1).next({ timeout }), RANGE);
    await refused(() => connect('127.0.0.1:1', { timeout }), RANGE);
    await refused(() => connect('127.0.0.1:1', { connectTimeout: timeout }), RANGE);
    assert.throws(() => c.list('/a', { timeout }), RANGE);
  }
  for (const signal of [5, 'x', {}, { aborted: false }]) {
    await refused(() => c.nop({ signal }), TYPE);
    assert.throws(() => c.watch('/a', 1, { signal }), TYPE);
  }
  await refused(() => c.get('/a', { consistency: 'some' }), VALUE);
  await refused(() => c.get('/a', { consistency: 5 }), TYPE);
  for (const limit of [-1, 1.5, NaN]) assert.throws(() => c.list('/a', { limit }), RANGE);
  assert.throws(() => c.list('/a', { limit: '1' }), TYPE);
  // A time limit of nothing at all is one.
  await refused(() => c.wait('/a', 1, { timeout: 0 }), { kind: 'TIMEOUT' });
});

test('clients and members take what they are told, and nothing else', async () => {
  await refused(() => connect(5), TYPE);
  await refused(() => connect(''), { kind: 'BAD_URI', op: 'connect' });
  await refused(() => connect('http://localhost'), { kind: 'BAD_URI' });
  for (const name of ['name', 'boot', 'tlsCa', 'tlsServerName']) await refused(() => connect('127.0.0.1:1', { [name]: 5 }), TYPE);
  await refused(() => connect('127.0.0.1:1', { secret: 5 }), TYPE);
  for (const sessionLabel of [5, {}]) await refused(() => connect('127.0.0.1:1', { sessionLabel }), TYPE);
  for (const sessionTtl of ['5', {}, 5n]) await refused(() => connect('127.0.0.1:1', { sessionTtl }), TYPE);
  for (const sessionTtl of [-1, 1.5, Infinity, NaN]) await refused(() => connect('127.0.0.1:1', { sessionTtl }), RANGE);
  for (const sessionTtl of [0, 999, 86_400_001, Number.MAX_SAFE_INTEGER]) {
    await refused(() => connect('127.0.0.1:1', { sessionTtl }), { kind: 'BAD_TTL', op: 'connect' });
  }
  await refused(() => connect('127.0.0.1:1', { tlsCert: '/x' }), { name: 'TypeError' });
  for (const name of ['dataDir', 'listen', 'clusterName', 'secret', 'readSecret', 'hostname']) {
    await refused(() => Node.start({ [name]: 5 }), TYPE);
  }
  for (const name of ['history', 'historyBytes', 'maxValue']) {
    await refused(() => Node.start({ [name]: '5' }), TYPE);
    await refused(() => Node.start({ [name]: -1 }), RANGE);
  }
  await refused(() => Node.start({ tlsCert: '/x' }), { name: 'TypeError' });
  await refused(() => Node.start({ listen: 'nowhere' }), { kind: 'IO', op: 'start' });
  await refused(() => Node.start({ tlsCert: '/nowhere', tlsKey: '/nowhere', listen: '127.0.0.1:0' }), { kind: 'IO' });
});

test('objects are made by the package alone, and methods are for their own', async (t) => {
  for (const Class of [Client, Entered, Leader, Live, Lock, Node, Registration, Stream, Txn]) {
    assert.throws(() => new Class(), { name: 'TypeError', message: /Illegal constructor/ });
  }
  assert.equal(typeof Event, 'function');
  assert.equal(typeof Stat, 'function');
  const c = await client(t);
  const node = await member(t);
  assert.throws(() => Client.prototype.get.call(node, '/a'), TypeError);
  assert.throws(() => Client.prototype.watch.call(node, '/a', 1), TypeError);
  assert.throws(() => Node.prototype.getLocal.call(c, '/a'), TypeError);
  assert.throws(() => node.getLocal(5), TYPE);
  assert.throws(() => node.getLocal('/a', 1.5), RANGE);
  assert.throws(() => node.getLocal('/a', '1'), TYPE);
});
