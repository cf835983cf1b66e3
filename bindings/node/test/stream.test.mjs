// Streams: watches, lists and live values.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stream, Timeout } from 'doozer';
import { client, member, proxied, soon } from './support.mjs';

const text = ({ value }) => value.value.toString();

test('a stream is an async iterator with all that is theirs', async (t) => {
  const c = await client(t);
  const stream = c.watch('/a', 1);
  assert(stream instanceof Stream);
  assert.equal(stream[Symbol.asyncIterator](), stream);
  const AsyncIterator = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype));
  assert(Object.prototype.isPrototypeOf.call(AsyncIterator, stream));
  await stream[Symbol.asyncDispose]();
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test('leaving a loop closes the stream, however it is left', async (t) => {
  const { proxy, c } = await proxied(t);
  const rev = await c.set('/a', 'x', 0);
  const watches = [];
  const open = () => watches[watches.push(c.watch('/a', rev)) - 1];
  for await (const event of open()) {
    assert.equal(event.rev, rev);
    break;
  }
  await proxy.tell('expect CANCEL');
  await assert.rejects(async () => {
    for await (const event of open()) throw new Error(`thrown at ${event.rev}`);
  }, { message: `thrown at ${rev}` });
  await proxy.tell('expect CANCEL');
  await (async () => {
    for await (const event of open()) return event;
  })();
  await proxy.tell('expect CANCEL');
  for (const watch of watches) assert.deepEqual(await watch.next(), { done: true, value: undefined });
  assert.equal(text({ value: await c.get('/a') }), 'x');
});

test('several who wait are served in order', async (t) => {
  const c = await client(t);
  const watch = c.watch('/w', 1);
  const nexts = Array.from({ length: 200 }, () => watch.next());
  for (let i = 0; i < 200; i += 1) await c.set('/w', `${i}`, -1);
  const events = await soon(Promise.all(nexts));
  assert.deepEqual(events.map(text), Array.from({ length: 200 }, (_, i) => `${i}`));
  await watch.return();
});

test('among several who wait, those who give up take nothing with them', async (t) => {
  const c = await client(t);
  const watch = c.watch('/w', 1);
  const abort = new AbortController();
  const nexts = [
    watch.next({ timeout: 30 }),
    watch.next(),
    watch.next({ signal: abort.signal }),
    watch.next({ timeout: 40 }),
    watch.next({ timeout: 60_000 }),
    watch.next({ signal: abort.signal, timeout: 60_000 }),
    watch.next(),
  ];
  await assert.rejects(nexts[0], (error) => error instanceof Timeout && error.op === 'watch' && error.path === '/w');
  await assert.rejects(nexts[3], Timeout);
  abort.abort('enough');
  assert.equal(await nexts[2].catch((it) => it), 'enough');
  assert.equal(await nexts[5].catch((it) => it), 'enough');
  for (const value of ['one', 'two', 'three']) await c.set('/w', value, -1);
  assert.deepEqual((await soon(Promise.all([nexts[1], nexts[4], nexts[6]]))).map(text), ['one', 'two', 'three']);
  await watch.return();
});

test('a next that is aborted again and again loses no event', async (t) => {
  const c = await client(t);
  const watch = c.watch('/w', 1);
  const writing = (async () => {
    for (let i = 0; i < 300; i += 1) await c.set('/w', `${i}`, -1);
  })();
  const seen = [];
  for (let turn = 0; seen.length < 300; turn += 1) {
    const abort = new AbortController();
    const next = watch.next({ signal: abort.signal });
    for (let i = 0; i < turn % 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('enough');
    const outcome = await soon(next.catch((reason) => reason));
    if (outcome !== 'enough') seen.push(text(outcome));
  }
  await writing;
  assert.deepEqual(seen, Array.from({ length: 300 }, (_, i) => `${i}`));
  await watch.return();
});

test('closing a stream tells those who wait', async (t) => {
  const c = await client(t);
  const watch = c.watch('/w', 1);
  const nexts = [watch.next(), watch.next({ timeout: 60_000 })];
  assert.deepEqual(await watch.return('given'), { done: true, value: 'given' });
  for (const next of nexts) assert.deepEqual(await soon(next), { done: true, value: undefined });
  assert.deepEqual(await watch.return(), { done: true, value: undefined });
});

test('a stream\'s own signal ends it, with the reason told once', async (t) => {
  const c = await client(t);
  for (const open of [(signal) => c.watch('/w', 1, { signal }), (signal) => c.config('/ctl/name', { signal })]) {
    const waited = new AbortController();
    const stream = open(waited.signal);
    // What there is already.
    await stream.next({ timeout: 100 }).catch(() => {});
    const nexts = [stream.next(), stream.next()];
    waited.abort('enough');
    assert.equal(await nexts[0].catch((it) => it), 'enough');
    assert.deepEqual(await nexts[1], { done: true, value: undefined });
    const idle = new AbortController();
    const other = open(idle.signal);
    idle.abort('enough');
    assert.equal(await other.next().catch((it) => it), 'enough');
    assert.deepEqual(await other.next(), { done: true, value: undefined });
  }
});

test('after an error a stream is over', async (t) => {
  const node = await member(t, { history: 5 });
  const c = await client(t, node);
  for (let i = 0; i < 20; i += 1) await c.set('/a', `${i}`, -1);
  const watch = c.watch('/a', 1);
  const nexts = [watch.next(), watch.next()];
  await assert.rejects(nexts[0], { kind: 'TOO_LATE', op: 'watch', path: '/a' });
  assert.deepEqual(await nexts[1], { done: true, value: undefined });
  await assert.rejects(c.list('//').next(), { kind: 'BAD_GLOB', op: 'list' });
  await assert.rejects(c.config('/ctl').next(), { kind: 'ISDIR', op: 'config' });
});

test('a list is lazy, and has an end', async (t) => {
  const c = await client(t);
  await Promise.all(Array.from({ length: 1200 }, (_, i) => c.set(`/l/${String(i).padStart(4, '0')}`, 'x'.repeat(i), 0)));
  let count = 0;
  for await (const entry of c.list('/l/*')) {
    assert.deepEqual([entry.path, entry.value.length, entry.len], [`/l/${String(count).padStart(4, '0')}`, count, count]);
    count += 1;
  }
  assert.equal(count, 1200);
  const keys = [];
  for await (const { path, value, len } of c.list('/l/*', { keysOnly: true, limit: 3 })) keys.push([path, value, len]);
  assert.deepEqual(keys, [['/l/0000', null, 0], ['/l/0001', null, 1], ['/l/0002', null, 2]]);
});

test('a live value comes as it is, and after each change', async (t) => {
  const c = await client(t);
  const config = c.config('/c');
  assert.deepEqual(await config.next(), { done: false, value: { value: null, rev: 0 } });
  const rev = await c.set('/c', 'one', 0);
  await c.del('/c', rev);
  await c.set('/c', 'two', 0);
  assert.deepEqual((await config.next()).value, { value: Buffer.from('one'), rev });
  assert.deepEqual((await config.next()).value, { value: null, rev: 0 });
  assert.deepEqual((await config.next()).value, { value: Buffer.from('two'), rev: rev + 2 });
  await config.return();
});

test('a client that is closed ends its streams', async (t) => {
  const c = await client(t);
  const watch = c.watch('/w', 1);
  const next = watch.next();
  await c.close();
  await assert.rejects(soon(next), { kind: 'CLOSED', op: 'watch', path: '/w' });
  assert.deepEqual(await watch.next(), { done: true, value: undefined });
});
