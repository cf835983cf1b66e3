// Locks for many, elections, barriers: what they are in this language. What they do, the scenarios say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closed, Entered, Leader, Lock, LockLost, Timeout } from 'doozer';
import { client, collect, gone, member, proxied, reasonOf, soon, turnsDuring } from './support.mjs';

test('a lock that is only tried is a lock or null', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const lock = await c.tryLock('/l');
  assert(lock instanceof Lock);
  assert.equal(await other.tryLock('/l'), null);
  await lock[Symbol.asyncDispose]();
  const next = await other.tryLock('/l');
  assert(next.rev > lock.rev);
  await next.unlock();
});

test('readers, writers and places inside are locks, with files of their own', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const readers = [await c.readLock('/rw'), await other.readLock('/rw')];
  for (const reader of readers) {
    assert(reader instanceof Lock && reader.isHeld);
    assert.match(reader.path, /^\/rw\/holders\/./);
    assert.equal((await c.stat(reader.path)).rev, reader.rev);
    assert.equal(reader.lost.aborted, false);
  }
  const rev = await c.rev();
  const writing = other.writeLock('/rw');
  await c.wait('/rw/queue', rev + 1);
  await assert.rejects(c.readLock('/rw', { timeout: 200 }), (error) => error instanceof Timeout && error.op === 'read_lock');
  for (const reader of readers) await reader.unlock();
  const writer = await soon(writing);
  await c.set('/by', 'the writer', 0, { fence: writer });
  await writer.unlock();
  await assert.rejects(c.set('/by', 'it', -1, { fence: writer }), LockLost);
  const inside = await c.semaphore('/s', 1);
  assert(inside instanceof Lock);
  await assert.rejects(other.semaphore('/s', 1, { timeout: 100 }), Timeout);
  await assert.rejects(c.semaphore('/s', 0), { kind: 'RANGE', op: 'semaphore', path: '/s' });
  await inside.unlock();
});

test('a leader leads until it resigns, and says things meanwhile', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const seen = other.observe('/leader');
  assert.deepEqual((await seen.next()).value, { value: null, rev: 0 });
  const leader = await c.elect('/leader', 'one');
  assert(leader instanceof Leader && leader.isLeading);
  assert.deepEqual([leader.path, leader.check(), leader.lost.aborted], ['/leader', undefined, false]);
  assert.deepEqual((await seen.next()).value, { value: Buffer.from('one'), rev: leader.token });
  const next = other.elect('/leader', Buffer.from('two'));
  const rev = await leader.proclaim(new Uint8Array([0, 255]));
  assert.deepEqual((await seen.next()).value, { value: Buffer.from([0, 255]), rev });
  await c.set('/by', 'the first', 0, { fence: leader });
  await leader.resign();
  const second = await soon(next);
  assert(second.token > rev);
  const reason = await reasonOf(leader.lost);
  assert(reason instanceof Closed);
  assert.deepEqual([reason.op, reason.path, leader.isLeading], ['lost', '/leader', false]);
  await leader[Symbol.asyncDispose]();
  await assert.rejects(leader.proclaim('still'), { kind: 'CLOSED', op: 'proclaim', path: '/leader' });
  await assert.rejects(leader.resign(), { kind: 'CLOSED', op: 'resign' });
  assert.throws(() => leader.check(), { kind: 'CLOSED', op: 'check' });
  await assert.rejects(c.del('/by', -1, { fence: leader }), LockLost);
  await second[Symbol.asyncDispose]();
  await gone(c, '/leader');
});

test('a leader that is deposed is told', async (t) => {
  const c = await client(t);
  const leader = await c.elect('/leader', 'one');
  const told = reasonOf(leader.lost);
  await c.set('/leader', 'somebody else', -1);
  assert((await told) instanceof LockLost);
  assert.throws(() => leader.check(), LockLost);
  await assert.rejects(leader[Symbol.asyncDispose](), LockLost);
  await leader[Symbol.asyncDispose]();
});

test('a leader that nobody has any more resigns, though somebody has its signal', async (t) => {
  const c = await client(t);
  const signal = await (async () => (await c.elect('/leader', 'one')).lost)();
  await collect(() => signal.aborted);
  await gone(c, '/leader');
});

test('who goes through a barrier leaves with the others', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const entering = c.barrier('/b', 2);
  const theirs = await other.barrier('/b', 2);
  const ours = await soon(entering);
  assert(ours instanceof Entered);
  assert.deepEqual([ours.path, ours.lost.aborted, ours.isInside, ours.check()], ['/b', false, true, undefined]);
  await assert.rejects(ours.leave({ timeout: 100 }), { kind: 'TIMEOUT', op: 'leave', path: '/b' });
  const abort = new AbortController();
  const leaving = ours.leave({ signal: abort.signal });
  abort.abort('enough');
  assert.equal(await leaving.catch((it) => it), 'enough');
  const again = ours[Symbol.asyncDispose]();
  await theirs.leave();
  await soon(again);
  assert((await reasonOf(ours.lost)) instanceof Closed);
  assert(theirs.lost.reason instanceof Closed);
  assert.equal(await ours.leave(), undefined, 'nobody is left to be waited for');
  await ours[Symbol.asyncDispose]();
  await gone(c, '/b/**');
  await assert.rejects(c.barrier('/b', 0), { kind: 'RANGE', op: 'enter', path: '/b' });
});

test('who counts as having left is told', async (t) => {
  const c = await client(t);
  const entered = await c.barrier('/b', 1);
  const told = reasonOf(entered.lost);
  const [own] = await c.walk('/b/members/*');
  await c.del(own.path, own.rev);
  assert((await told) instanceof LockLost);
  assert.equal(entered.isInside, false);
  assert.throws(() => entered.check(), { name: 'LockLost', op: 'check', path: '/b' });
  await assert.rejects(entered.leave(), LockLost);
  await entered[Symbol.asyncDispose]();
});

test('who went through a barrier and is nobody\'s any more has left', async (t) => {
  const c = await client(t);
  const rev = await c.rev();
  await (async () => (await c.barrier('/b', 1)).lost.aborted)();
  let left;
  // Two files are made before.
  const leaving = (async () => {
    for await (const event of c.watch('/b/members/*', rev)) if (event.isDel) return (left = event);
  })();
  await collect(() => left);
  await leaving;
});

// Each: what is to be waited for, who holds it until then, and the files it may leave.
for (const [what, glob, hold, begin] of [
  ['an election', '/e', (c) => c.elect('/e', 'x'), (c, options) => c.elect('/e', 'y', options)],
  ['a reader', '/rw/**', (c) => c.writeLock('/rw'), (c, options) => c.readLock('/rw', options)],
  ['a writer', '/rw/**', (c) => c.readLock('/rw'), (c, options) => c.writeLock('/rw', options)],
  ['a place inside', '/s/**', (c) => c.semaphore('/s', 1), (c, options) => c.semaphore('/s', 1, options)],
]) {
  test(`${what} that is given up leaves nothing behind`, async (t) => {
    const { node, proxy, c } = await proxied(t);
    const other = await client(t, node);
    const held = await hold(other);
    await c.nop();
    await proxy.tell('forget');
    const abort = new AbortController();
    const waiting = begin(c, { signal: abort.signal });
    await proxy.tell('expect SET');
    const began = performance.now();
    abort.abort('enough');
    assert.equal(await waiting.catch((it) => it), 'enough');
    assert(performance.now() - began < 1000, 'at once');
    await held[Symbol.asyncDispose]();
    await gone(other, glob);
    // Whoever comes next has it, and nobody stands before them.
    const next = await begin(other, { timeout: 10_000 });
    await next[Symbol.asyncDispose]();
    // At any moment: whether it was taken or not, it is free in the end.
    for (let i = 0; i < 50; i += 1) {
      const now = new AbortController();
      const taking = begin(c, { signal: now.signal });
      for (let turn = 0; turn < i % 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      now.abort('enough');
      const taken = await taking.catch((it) => it);
      if (taken !== 'enough') await taken[Symbol.asyncDispose]();
    }
    await gone(other, glob);
  });
}

test('who gives up before a barrier has not come', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const rev = await c.rev();
  const abort = new AbortController();
  const entering = c.barrier('/b', 2, { signal: abort.signal });
  const come = await other.wait('/b/members/*', rev);
  abort.abort('enough');
  assert.equal(await entering.catch((it) => it), 'enough');
  await other.wait(come.path, come.rev + 1);
  await assert.rejects(other.barrier('/b', 2, { timeout: 200 }), Timeout);
  await gone(other, '/b/**');
});

test('whoever waits for their turn does not keep the program from its work', async (t) => {
  const node = await member(t);
  const [c, other] = [await client(t, node), await client(t, node)];
  const leader = await c.elect('/e', 'x');
  const waits = [other.elect('/e', 'y', { timeout: 200 }), other.lock('/e', { timeout: 200 }), other.barrier('/b', 2, { timeout: 200 })];
  const turns = await turnsDuring(Promise.all(waits.map((wait) => assert.rejects(wait, Timeout))));
  assert(turns > 20, `the event loop came round ${turns} times`);
  await leader.resign();
});
