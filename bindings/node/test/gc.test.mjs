// Objects nobody has any more: what waits stays alive, what is idle is let go of.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Node, connect } from 'doozer';
import { client, collect, member, proxied, soon } from './support.mjs';

/** Collects garbage for a while. */
async function collectSome() {
  let turns = 0;
  await collect(() => (turns += 1) > 30);
}

/** How many connections this process has. */
function connections() {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith('socket:')).length;
}

test('a client, a watch and a member live as long as a promise of theirs', async (t) => {
  const node = await member(t);
  const c = await client(t, node);
  const wait = await (async () => ({ it: (await connect(node.address)).wait('/w', 1) }))();
  const next = await (async () => ({ it: (await connect(node.address)).watch('/w', 1).next() }))();
  const lost = await (async () => {
    const inner = await Node.start({ listen: '127.0.0.1:0' });
    const { address } = inner;
    return { address, it: (await inner.client()).wait('/w', 1), next: (await inner.client()).watch('/w', 1).next() };
  })();
  await collectSome();
  await c.set('/w', 'x', 0);
  assert.equal((await soon(wait.it)).path, '/w');
  assert.equal((await soon(next.it)).value.path, '/w');
  const outside = await client(t, lost);
  await outside.set('/w', 'x', 0);
  assert.equal((await soon(lost.it)).path, '/w');
  assert.equal((await soon(lost.next)).value.path, '/w');
});

test('a watch nobody has any more is taken back from the member', async (t) => {
  const { proxy, c } = await proxied(t);
  const rev = await c.set('/w', 'x', 0);
  await (async () => {
    await c.watch('/w', rev).next();
  })();
  let isDone = false;
  proxy.tell('expect CANCEL').then(() => (isDone = true));
  await collect(() => isDone);
  assert.equal((await c.get('/w')).rev, rev);
});

test('clients nobody has any more are closed', async (t) => {
  const node = await member(t);
  await client(t, node);
  const before = connections();
  await (async () => {
    const opened = await Promise.all(Array.from({ length: 50 }, () => connect(node.address)));
    assert(connections() >= before + 100);
    await Promise.all(opened.map((c) => c.nop()));
  })();
  await collect(() => connections() <= before);
});

test('a member nobody has any more is gone', async () => {
  let address;
  await (async () => {
    const node = await Node.start({ listen: '127.0.0.1:0' });
    address = node.address;
  })();
  let isGone = false;
  const looking = (async () => {
    while (!isGone) {
      const c = await connect(address, { connectTimeout: 1000 }).catch(() => (isGone = true));
      if (!isGone) await c.close();
    }
  })();
  await collect(() => isGone);
  await looking;
});
