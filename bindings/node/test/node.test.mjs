// The embedded member.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closed, Io, IsDir, Node, Timeout, TooLate, TooLarge, connect } from 'doozer';
import { client, folder, member, soon } from './support.mjs';

test('a member in memory, without a socket', async (t) => {
  const node = await Node.start();
  t.after(() => node.stop());
  assert.equal(node.address, null);
  assert.equal(node.clusterName, 'local');
  assert.match(node.id, /^\w{16,}$/);
  const c = await node.client();
  const rev = await c.set('/a', 'x', 0);
  assert.equal(node.revision(), rev);
  assert.deepEqual(node.getLocal('/a'), { value: Buffer.from('x'), rev });
  assert.deepEqual(await c.get('/a'), { value: Buffer.from('x'), rev });
  assert.equal(await c.selfId(), node.id);
  await c.close();
});

test('a read without a request is there at once, now and in the past', async (t) => {
  const node = await member(t, { history: 10 });
  const c = await client(t, node);
  const rev = await c.set('/a', 'one', 0);
  await c.set('/a', 'two', rev);
  assert.equal(node.getLocal('/a').value.toString(), 'two');
  for (const at of [rev, BigInt(rev)]) assert.equal(node.getLocal('/a', at).value.toString(), 'one');
  assert.deepEqual(node.getLocal('/a', rev - 1), { value: null, rev: 0 });
  assert.deepEqual(node.getLocal('/missing', null), { value: null, rev: 0 });
  assert.throws(() => node.getLocal('/'), (error) => error instanceof IsDir && error.op === 'get_local' && error.path === '/');
  assert.throws(() => node.getLocal('/a', rev + 100), Timeout);
  assert.throws(() => node.getLocal('/a', -1), { kind: 'RANGE' });
  assert.throws(() => node.getLocal('a'), { kind: 'BAD_PATH' });
  for (let i = 0; i < 20; i += 1) await c.set('/a', `${i}`, -1);
  const error = (() => {
    try {
      node.getLocal('/a', rev);
    } catch (it) {
      return it;
    }
  })();
  assert(error instanceof TooLate);
  assert.match(error.stack, /at .*node\.test\.mjs/);
});

test('it takes what it is told', async (t) => {
  const node = await member(t, { clusterName: 'mine', maxValue: 100, historyBytes: 1 << 20, hostname: 'here', secret: 's' });
  assert.equal(node.clusterName, 'mine');
  assert.match(node.address, /^127\.0\.0\.1:\d+$/);
  const c = await node.client();
  t.after(() => c.close());
  assert.equal((await c.get('/ctl/name')).value.toString(), 'mine');
  assert.equal((await c.get(`/ctl/node/${node.id}/hostname`)).value.toString(), 'here');
  await assert.rejects(c.set('/a', Buffer.alloc(101), 0), TooLarge);
});

test('its data is there again after a stop', async (t) => {
  const dataDir = folder(t);
  const first = await member(t, { dataDir });
  const c = await client(t, first);
  const rev = await c.set('/a', 'kept', 0);
  await assert.rejects(Node.start({ dataDir }), (error) => error instanceof Io && error.op === 'start');
  await first.stop();
  await first.stop();
  assert.throws(() => first.getLocal('/a'), Closed);
  assert.throws(() => first.revision(), Closed);
  await assert.rejects(first.client(), Closed);
  const second = await member(t, { dataDir });
  assert.equal(second.id, first.id);
  assert.deepEqual(second.getLocal('/a'), { value: Buffer.from('kept'), rev });
});

test('an address in use is an error that says so', async (t) => {
  const node = await member(t);
  await assert.rejects(Node.start({ listen: node.address }), (error) => error instanceof Io && error.message.includes(node.address));
});

test('clients inside and outside see the same', async (t) => {
  const node = await member(t);
  const inside = await node.client();
  t.after(() => inside.close());
  const outside = await client(t, node);
  const watch = outside.watch('/w', 1);
  const next = watch.next();
  const rev = await inside.set('/w', 'x', 0);
  assert.equal((await soon(next)).value.rev, rev);
  await watch.return();
});

test('a stop ends what its clients wait for', async (t) => {
  const node = await Node.start();
  const c = await node.client({ timeout: 300 });
  const wait = c.wait('/w', 1, { timeout: 2000 });
  const next = c.watch('/w', 1).next({ timeout: 2000 });
  await Promise.all([node.stop(), assert.rejects(soon(wait)), assert.rejects(soon(next))]);
  await assert.rejects(soon(c.get('/a')));
  await c.close();
});

test('its end of scope stops it', async () => {
  const node = await Node.start({ listen: '127.0.0.1:0' });
  await node[Symbol.asyncDispose]();
  await assert.rejects(connect(node.address, { connectTimeout: 200 }));
});
