// Whether something is still held: what is known at once, and the signal of a loss.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Closed, LockLost } from 'doozer';
import { client, collect, gone, member, proxied, reasonOf, soon, until } from './support.mjs';

const GIVEN_BACK = { name: 'Closed', kind: 'CLOSED', op: 'lost', path: '/l', detail: 'it was given back before' };

function thrownBy(call) {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

test('a lock that is held is valid for its session\'s time at most', async (t) => {
  const node = await member(t);
  for (const [options, ttl] of [[{}, 10_000], [{ sessionTtl: 3000 }, 3000]]) {
    const c = await client(t, node, options);
    const lock = await c.lock('/l');
    const left = lock.validFor;
    assert(left > 0 && left < ttl, `${left} of ${ttl} ms`);
    assert.equal(lock.isHeld, true);
    assert.equal(lock.check(), undefined);
    await lock.unlock();
    assert.deepEqual([lock.isHeld, lock.validFor], [false, 0]);
    const error = thrownBy(() => lock.check());
    assert(error instanceof Closed);
    assert.deepEqual([error.op, error.path, error.part], ['check', '/l', null]);
    assert.match(error.stack, /lost\.test\.mjs/);
  }
});

test('a loss is told while the program does something else, and ends it', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const lock = await c.lock('/l');
  assert(lock.lost instanceof AbortSignal);
  assert.equal(lock.lost, lock.lost);
  assert.equal(lock.lost.aborted, false);
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const work = [
    fetch(`http://127.0.0.1:${server.address().port}/`, { signal: lock.lost }),
    c.wait('/never', 1, { signal: lock.lost }),
    c.watch('/never', 1, { signal: lock.lost }).next(),
  ].map((promise) => promise.catch((it) => it));
  await soon(once(server, 'request'));
  const other = await client(t, node);
  await other.del('/l', lock.rev);
  for (const each of work) {
    const reason = await soon(each);
    assert(reason instanceof LockLost, String(reason));
    assert.deepEqual([reason.op, reason.path, reason.retry], ['lost', '/l', false]);
    assert.match(reason.message, /^LOCK_LOST: lost \/l: .*deleted or overwrote/);
  }
  assert.equal(lock.isHeld, false);
  assert.equal(lock.validFor, 0);
  assert(thrownBy(() => lock.check()) instanceof LockLost);
  await assert.rejects(lock.unlock(), LockLost);
  await lock[Symbol.asyncDispose]();
});

test('a lock that was given back is told apart from one that was lost', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  // Looked at before, and only then.
  const early = await c.lock('/l');
  const signal = early.lost;
  await early.unlock();
  assert.equal(signal.aborted, true, 'when it is resolved');
  const late = await c.lock('/l');
  await late.unlock();
  for (const { reason } of [signal, late.lost]) {
    assert(reason instanceof Closed, String(reason));
    const { name, kind, op, path, detail } = reason;
    assert.deepEqual({ name, kind, op, path, detail }, GIVEN_BACK);
  }
  // Taken away, which giving it back finds out.
  for (const looks of [true, false]) {
    const taken = await c.lock('/l');
    if (looks) assert.equal(taken.lost.aborted, false);
    await c.del('/l', -1);
    await assert.rejects(taken.unlock(), LockLost);
    assert((await reasonOf(taken.lost)) instanceof LockLost);
  }
});

test('a giving back that is given up has given it back', async (t) => {
  const c = await client(t);
  const lock = await c.lock('/l');
  const { lost } = lock;
  const abort = new AbortController();
  const unlocking = lock.unlock({ signal: abort.signal });
  abort.abort('enough');
  assert.equal(await unlocking.catch((it) => it), 'enough');
  assert.equal((await reasonOf(lost)).detail, GIVEN_BACK.detail);
  // One that never began has not.
  const other = await c.lock('/m');
  assert.equal(other.lost.aborted, false);
  await assert.rejects(other.unlock({ timeout: 'x' }), TypeError);
  assert.equal(await other.unlock({ signal: abort.signal }).catch((it) => it), 'enough');
  assert.deepEqual([other.lost.aborted, other.isHeld], [false, true]);
  await other.unlock();
});

test('a holder is told before the next one has it', async (t) => {
  const { node, proxy } = await proxied(t);
  const c = await client(t, proxy, { sessionTtl: 1000 });
  const [lock, unwatched] = [await c.lock('/l'), await c.lock('/m')];
  const order = [];
  const told = reasonOf(lock.lost).then((reason) => order.push(reason));
  const next = (await client(t, node)).lock('/l').then((it) => order.push(it.rev));
  await proxy.tell('refuse');
  await soon(Promise.all([told, next]));
  assert(order[0] instanceof LockLost);
  assert(order[1] > lock.rev);
  // Who has not asked before knows it as well.
  assert.equal(unwatched.isHeld, false);
  assert.equal(unwatched.lost.aborted, true);
  assert(unwatched.lost.reason instanceof LockLost);
  assert(thrownBy(() => unwatched.check()) instanceof LockLost);
  await proxy.tell('accept');
  await assert.rejects(lock.unlock(), LockLost);
});

test('a client that is closed has no locks', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const [lock, unwatched] = [await c.lock('/l'), await c.lock('/m')];
  const { lost } = lock;
  await c.close();
  for (const [signal, path] of [[lost, '/l'], [unwatched.lost, '/m']]) {
    const reason = await reasonOf(signal);
    assert(reason instanceof Closed, String(reason));
    assert.equal(reason.message, `CLOSED: lost ${path}: the client was closed`);
  }
  await gone(await client(t, node), '/?');
});

test('a lock is given back when nobody has it any more, though somebody has its signal', async (t) => {
  const c = await client(t);
  const { signal, rev } = await (async () => {
    const lock = await c.lock('/l');
    return { signal: lock.lost, rev: lock.rev };
  })();
  await collect(() => signal.aborted);
  assert.equal(signal.reason.message, `CLOSED: lost /l: ${GIVEN_BACK.detail}`);
  assert.equal((await soon(c.wait('/l', rev + 1))).isDel, true);
});

test('a lock whose signal somebody has, and that somebody still has, stays', async (t) => {
  const c = await client(t);
  const lock = await c.lock('/l');
  const seen = [];
  lock.lost.addEventListener('abort', () => seen.push('lost'));
  let turns = 0;
  await collect(() => (turns += 1) > 30);
  assert.deepEqual([seen, lock.isHeld], [[], true]);
  await c.del('/l', -1);
  await until(() => seen.length > 0, 'the loss is told');
  assert(lock.lost.reason instanceof LockLost);
});
