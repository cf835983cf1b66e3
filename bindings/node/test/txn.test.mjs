// Transactions, fenced writes, and what goes with them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompareFailed, DoozerError, LockLost, RevMismatch, Txn } from 'doozer';
import { client, gone, member } from './support.mjs';

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

test('a transaction is put together and made', async (t) => {
  const c = await client(t);
  const a = await c.set('/a', 'one', 0);
  const value = Buffer.from('two');
  const txn = c.txn();
  assert(txn instanceof Txn);
  assert.equal(txn.ifRev('/a', BigInt(a)), txn);
  txn.ifValue('/a', new Uint8Array(Buffer.from('one'))).ifAbsent('/b').ifFence('/a', a);
  txn.set('/a', value, a).set('/b', 'three', 0).del('/none', -1).setEphemeral('/c', '', 0);
  value.fill(0);
  assert.deepEqual(await txn.commit(), [a + 1, a + 2, null, a + 3]);
  assert.deepEqual(await c.get('/a'), { value: Buffer.from('two'), rev: a + 1 });
  assert.deepEqual(await c.get('/c'), { value: Buffer.alloc(0), rev: a + 3 });
  // The same once more: what it depends on is so no longer.
  const error = await txn.commit({ timeout: 5000 }).catch((it) => it);
  assert(error instanceof CompareFailed, String(error));
  assert.deepEqual(error.part, { kind: 'compare', number: 1 });
  assert.deepEqual([error.op, error.path], ['txn', null]);
  assert.deepEqual(await c.txn().commit(), []);
  // What is ephemeral goes with its client.
  const node = await member(t);
  const [d, e] = [await client(t, node), await client(t, node)];
  await d.txn().setEphemeral('/c', 'x', 0).commit();
  await d.close();
  await gone(e, '/c');
});

test('the part that refused it is named, and other errors name none', async (t) => {
  const c = await client(t);
  await c.set('/a', 'x', 0);
  const late = await c.txn().set('/b', 'x', 0).set('/a', 'y', 0).commit().catch((it) => it);
  assert(late instanceof RevMismatch);
  assert.deepEqual(late.part, { kind: 'operation', number: 2 });
  assert.equal((await c.set('/a', 'y', 0).catch((it) => it)).part, null);
  assert.equal(new DoozerError('x').part, null);
  assert.equal((await c.get('/b')).rev, 0);
  const many = c.txn();
  for (let i = 0; i < 129; i += 1) many.del(`/${i}`, -1);
  await assert.rejects(many.commit(), { kind: 'TOO_LARGE', op: 'txn', part: null });
});

test('a transaction under a lock or a leader', async (t) => {
  const c = await client(t);
  for (const held of [await c.lock('/l'), await c.elect('/e', 'me')]) {
    const txn = c.txn().fence(held).set('/a', 'x', -1);
    assert.equal((await txn.commit()).length, 1);
    await held[Symbol.asyncDispose]();
    await assert.rejects(txn.commit(), (error) => error instanceof CompareFailed && error.part.number === 1);
  }
});

test('a transaction that is given up', async (t) => {
  const c = await client(t);
  const signal = AbortSignal.abort('too late');
  assert.equal(await c.txn().set('/a', 'x', 0).commit({ signal }).catch((it) => it), 'too late');
  assert.equal((await c.get('/a')).rev, 0);
});

test('parts that are none are refused when they are added', async (t) => {
  const c = await client(t);
  const txn = c.txn();
  for (const path of [undefined, null, 5, {}]) {
    for (const add of [
      () => txn.ifRev(path, 0), () => txn.ifValue(path, ''), () => txn.ifAbsent(path), () => txn.ifFence(path, 1),
      () => txn.set(path, '', 0), () => txn.setEphemeral(path, '', 0), () => txn.del(path, 0),
    ]) assert.throws(add, TYPE);
  }
  for (const value of [undefined, null, 5]) {
    assert.throws(() => txn.ifValue('/a', value), TYPE);
    assert.throws(() => txn.set('/a', value, 0), TYPE);
    assert.throws(() => txn.setEphemeral('/a', value, 0), TYPE);
  }
  for (const [rev, expected] of [[undefined, TYPE], [null, TYPE], ['1', TYPE], [1.5, RANGE], [2n ** 53n, RANGE]]) {
    assert.throws(() => txn.ifRev('/a', rev), expected);
    assert.throws(() => txn.ifFence('/a', rev), expected);
    assert.throws(() => txn.set('/a', 'x', rev), expected);
    assert.throws(() => txn.setEphemeral('/a', 'x', rev), expected);
    assert.throws(() => txn.del('/a', rev), expected);
  }
  for (const held of [undefined, null, {}, 5, { path: '/l', rev: 1 }]) assert.throws(() => txn.fence(held), TYPE);
  assert.deepEqual(await txn.commit(), [], 'none of them was added');
  await assert.rejects(c.txn().del('a', 0).commit(), { kind: 'BAD_PATH', part: { kind: 'operation', number: 1 } });
});

test('a fenced write is made while the lock is held, and no longer', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const lock = await c.lock('/l');
  const rev = await c.set('/a', 'x', 0, { fence: lock });
  await assert.rejects(c.set('/a', 'x', 0, { fence: lock }), (error) => error instanceof RevMismatch && error.part === null);
  assert.equal(await c.del('/none', -1, { fence: lock, timeout: 5000 }), 0);
  // Another client may write under it as well.
  assert.equal(await other.del('/a', rev, { fence: lock }), rev + 1);
  await other.del('/l', -1);
  const error = await c.set('/a', 'y', -1, { fence: lock }).catch((it) => it);
  assert(error instanceof LockLost);
  assert.deepEqual([error.op, error.path, error.part], ['set', '/a', null]);
  await assert.rejects(c.del('/a', -1, { fence: lock }), LockLost);
  assert.equal((await c.get('/a')).value, null);
  await c.set('/a', 'z', -1, { fence: null });
  for (const fence of [5, 'x', {}, { path: '/l', rev: 1 }, c]) {
    await assert.rejects(c.set('/a', 'x', -1, { fence }), TYPE);
    await assert.rejects(c.del('/a', -1, { fence }), TYPE);
  }
});

test('following begins with what there is, and a rollback is followed', async (t) => {
  const node = await member(t, { history: 10 });
  const c = await client(t, node);
  const rev = await c.set('/f', 'one', 0);
  const [all, since] = [c.follow('/f'), c.follow('/f', rev + 1)];
  const options = new AbortController();
  const ended = c.follow('/f', { signal: options.signal });
  options.abort('enough');
  assert.equal(await ended.next().catch((it) => it), 'enough');
  assert.equal((await all.next()).value.value.toString(), 'one');
  await c.set('/f', 'two', rev);
  const back = await c.rollback('/f', rev);
  assert.equal(back, rev + 2);
  for (const stream of [all, since]) {
    assert.equal((await stream.next()).value.value.toString(), 'two');
    const { value } = await stream.next();
    assert.deepEqual([value.path, value.value.toString(), value.rev, value.kind], ['/f', 'one', back, 'set']);
    await stream.return();
  }
  for (let i = 0; i < 30; i += 1) await c.set('/g', `${i}`, -1);
  const forgotten = await c.rollback('/f', rev).catch((it) => it);
  assert.deepEqual([forgotten.kind, forgotten.op, forgotten.path], ['TOO_LATE', 'rollback', '/f']);
  assert.equal((await c.follow('/g', 1).next()).value.value.toString(), '29', 'where a watch would fail');
});
