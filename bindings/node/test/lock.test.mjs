// Locks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closed, Lock, LockLost } from 'doozer';
import { client, collect, member, soon } from './support.mjs';

test('a lock has its file and its token, and is given back once', async (t) => {
  const c = await client(t);
  const lock = await c.lock('/l');
  assert(lock instanceof Lock);
  assert.deepEqual([lock.path, lock.isHeld], ['/l', true]);
  assert.equal((await c.get('/l')).rev, lock.rev);
  await lock.unlock();
  assert.equal(lock.isHeld, false);
  assert.equal((await c.get('/l')).value, null);
  await assert.rejects(lock.unlock(), (error) => error instanceof Closed && error.op === 'unlock' && error.path === '/l');
  await lock[Symbol.asyncDispose]();
});

test('an asyncDispose gives it back, whatever was thrown before', async (t) => {
  const c = await client(t);
  await assert.rejects(async () => {
    const lock = await c.lock('/l');
    try {
      throw new Error('thrown');
    } finally {
      // What `await using` comes to; `types/` has it as it is written.
      await lock[Symbol.asyncDispose]();
    }
  }, { message: 'thrown' });
  assert.equal((await c.get('/l')).value, null);
});

test('a lock that was taken away is told once', async (t) => {
  const c = await client(t);
  const lock = await c.lock('/l');
  await c.set('/l', 'somebody else', -1);
  assert.equal(lock.isHeld, true, 'nobody has asked');
  await assert.rejects(lock[Symbol.asyncDispose](), LockLost);
  assert.equal(lock.isHeld, false);
  await lock[Symbol.asyncDispose]();
  assert.equal((await c.get('/l')).value.toString(), 'somebody else');
});

test('tokens grow from holder to holder, and no two hold it at once', async (t) => {
  const node = await member(t);
  let holders = 0;
  const tokens = [];
  const worker = async () => {
    const c = await client(t, node);
    for (let turn = 0; turn < 10; turn += 1) {
      const lock = await c.lock('/l');
      holders += 1;
      assert.equal(holders, 1);
      tokens.push(lock.rev);
      await c.nop();
      holders -= 1;
      await lock.unlock();
    }
  };
  await soon(Promise.all([worker(), worker(), worker()]));
  assert.equal(tokens.length, 30);
  assert.deepEqual(tokens, [...tokens].sort((a, b) => a - b));
});

test('a lock that nobody has any more is given back in the background', async (t) => {
  const c = await client(t);
  const deletion = c.wait('/l', (await c.rev()) + 2);
  await (async () => {
    await c.lock('/l');
  })();
  let event;
  deletion.then((it) => (event = it));
  await collect(() => event);
  assert(event.isDel);
});

test('unlock can be given up and made again', async (t) => {
  const c = await client(t);
  const lock = await c.lock('/l');
  const abort = new AbortController();
  const unlocking = lock.unlock({ signal: abort.signal });
  abort.abort('enough');
  assert.equal(await unlocking.catch((it) => it), 'enough');
  // Either the deletion came through or it did not: then this makes it.
  await lock.unlock().catch((error) => assert(error instanceof Closed, String(error)));
  assert.equal((await c.get('/l')).value, null);
  await assert.rejects(lock.unlock({ timeout: -1 }), RangeError);
});
