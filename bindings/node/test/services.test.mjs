// Services, and live maps of files.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closed, Live, Registration, Timeout } from 'doozer';
import { client, collect, gone, member, proxied, soon, until } from './support.mjs';

const text = (files) => Object.fromEntries([...files].map(([path, { value }]) => [path, value.toString()]));

test('a service is there until it is taken back', async (t) => {
  const c = await client(t);
  const registration = await c.register('/svc/1', 'here');
  assert(registration instanceof Registration);
  assert.deepEqual(await c.get('/svc/1'), { value: Buffer.from('here'), rev: registration.rev });
  assert.equal(registration.path, '/svc/1');
  await registration.deregister();
  assert.equal((await c.get('/svc/1')).value, null);
  assert.equal(registration.rev, null);
  await assert.rejects(registration.deregister(), (error) => error instanceof Closed && error.op === 'deregister' && error.path === '/svc/1');
  await registration[Symbol.asyncDispose]();
  const other = await c.register('/svc/1', Buffer.from('there'));
  await other[Symbol.asyncDispose]();
  assert.equal((await c.get('/svc/1')).value, null);
});

test('a taking back that is given up goes on', async (t) => {
  const c = await client(t);
  const registration = await c.register('/svc/1', 'here');
  const abort = new AbortController();
  const taking = registration.deregister({ signal: abort.signal });
  abort.abort('enough');
  assert.equal(await taking.catch((it) => it), 'enough');
  await gone(c, '/svc/1');
});

test('a service whose session was lost has no revision until it is there again', async (t) => {
  const { node, proxy } = await proxied(t);
  const [c, other] = [await client(t, proxy, { sessionTtl: 1000 }), await client(t, node)];
  const registration = await c.register('/svc/1', 'here');
  const { rev } = registration;
  await proxy.tell('refuse');
  const deletion = await soon(other.wait('/svc/1', rev + 1));
  assert.equal(deletion.isDel, true);
  assert.equal(registration.rev, null);
  await proxy.tell('accept');
  const again = await soon(other.wait('/svc/1', deletion.rev + 1));
  assert.equal(again.value.toString(), 'here');
  await until(() => registration.rev === again.rev, 'its revision is known');
  await registration.deregister();
});

test('a service that nobody has any more is taken back', async (t) => {
  const c = await client(t);
  const rev = await c.rev();
  let event;
  (async () => {
    for await (const it of c.watch('/svc/1', rev)) if (it.isDel) return (event = it);
  })();
  await (async () => {
    await c.register('/svc/1', 'here');
  })();
  await collect(() => event);
});

test('services that are given up while they are registered leave nothing behind', async (t) => {
  const c = await client(t);
  for (let i = 0; i < 50; i += 1) {
    const abort = new AbortController();
    const registering = c.register(`/svc/${i}`, 'x', { signal: abort.signal });
    for (let turn = 0; turn < i % 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('enough');
    const made = await registering.catch((it) => it);
    if (made !== 'enough') await made.deregister();
  }
  await gone(c, '/svc/*');
});

test('a live map is always at hand', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const rev = await c.set('/m/b', 'one', 0);
  const live = await other.discover('/m/*');
  assert(live instanceof Live);
  assert.equal(live.glob, '/m/*');
  const { files } = live;
  assert.deepEqual([...files], [['/m/b', { value: Buffer.from('one'), rev }]]);
  assert.equal(live.files, files, 'the same until it changes');
  await c.set('/elsewhere', 'x', 0);
  await assert.rejects(live.changed({ timeout: 50 }), (error) => error instanceof Timeout && error.op === 'discover' && error.path === '/m/*');
  assert.equal(live.files, files);
  await c.set('/m/a', 'two', 0);
  assert.deepEqual(text(await live.changed()), { '/m/a': 'two', '/m/b': 'one' });
  assert.deepEqual([...live.files.keys()], ['/m/a', '/m/b']);
  assert.deepEqual(text(files), { '/m/b': 'one' }, 'what was shown stays as it was');
  await c.del('/m/b', -1);
  assert.deepEqual(text(await live.changed()), { '/m/a': 'two' });
  await live.close();
  assert.equal(await live.changed(), null);
  assert.deepEqual(text(live.files), { '/m/a': 'two' });
  await live[Symbol.asyncDispose]();
});

test('a loop over a live map gives it after each change, and leaving it leaves the map', async (t) => {
  const c = await client(t);
  const live = await c.discover('/m/*');
  for (const value of ['one', 'two']) {
    await c.set('/m/a', value, -1);
    for await (const files of live) {
      if (text(files)['/m/a'] === value) break;
    }
  }
  assert.deepEqual(text(live.files), { '/m/a': 'two' });
  const iterator = live[Symbol.asyncIterator]();
  assert.equal(iterator[Symbol.asyncIterator](), iterator);
  assert.deepEqual(await iterator.return('given'), { done: true, value: 'given' });
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  let seen;
  const loop = (async () => {
    for await (const files of live) seen = text(files)['/m/a'];
  })();
  await c.set('/m/a', 'three', -1);
  await until(() => seen === 'three', 'the loop is given the change');
  await live.close();
  await soon(loop, 'the loop');
});

test('waiting for a change again and again, and giving up, misses none', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const live = await other.discover('/m');
  const writing = (async () => {
    for (let i = 0; i < 200; i += 1) await c.set('/m', `${i}`, -1);
  })();
  let seen;
  for (let turn = 0; seen !== '199'; turn += 1) {
    const abort = new AbortController();
    const changed = live.changed({ signal: abort.signal });
    for (let i = 0; i < turn % 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('enough');
    const files = await soon(changed.catch((reason) => reason));
    if (files !== 'enough') seen = text(files)['/m'];
  }
  await writing;
  await live.close();
});

test('several who wait for changes are served in order', async (t) => {
  const c = await client(t);
  const live = await c.discover('/m');
  const abort = new AbortController();
  const waits = [live.changed({ timeout: 20 }), live.changed({ signal: abort.signal }), live.changed(), live.changed()];
  await assert.rejects(waits[0], Timeout);
  abort.abort('enough');
  assert.equal(await waits[1].catch((it) => it), 'enough');
  await c.set('/m', 'one', -1);
  assert.deepEqual(text(await soon(waits[2])), { '/m': 'one' });
  await c.set('/m', 'two', -1);
  assert.deepEqual(text(await soon(waits[3])), { '/m': 'two' });
  const last = live.changed();
  await live.close();
  assert.equal(await soon(last), null);
});

test('a live map of a closed client stays as it is, and says so', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  await c.set('/m', 'x', 0);
  const live = await other.discover('/m');
  const waiting = live.changed();
  await other.close();
  await assert.rejects(soon(waiting), { kind: 'CLOSED', op: 'discover', path: '/m' });
  assert.deepEqual(text(live.files), { '/m': 'x' });
  await assert.rejects(other.discover('/m'), Closed);
});

test('a live map lives as long as somebody waits for it, and no longer', async (t) => {
  const { node, proxy, c } = await proxied(t);
  const other = await client(t, node);
  const waiting = await (async () => ({ it: (await c.discover('/m')).changed() }))();
  let turns = 0;
  await collect(() => (turns += 1) > 30);
  await other.set('/m', 'x', 0);
  assert.deepEqual(text(await soon(waiting.it)), { '/m': 'x' });
  let isDone = false;
  proxy.tell('expect CANCEL').then(() => (isDone = true));
  await collect(() => isDone);
});
