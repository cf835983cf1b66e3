// TLS: a member's certificate, and a client's. The files in `tls/` are for tests alone, and no secret.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DoozerError, Io, connect } from 'doozer';
import { client, member } from './support.mjs';

const file = (name) => fileURLToPath(new URL(`tls/${name}.pem`, import.meta.url));
const [ca, cert, key] = ['ca', 'cert', 'key'].map(file);

test('a member shows its certificate', async (t) => {
  const node = await member(t, { tlsCert: cert, tlsKey: key });
  const c = await client(t, node, { tlsCa: ca });
  assert.equal(await c.selfId(), node.id);
  await client(t, node, { tlsCa: ca, tlsServerName: 'member.test' });
  for (const options of [{}, { tlsCa: ca, tlsServerName: 'elsewhere.test' }]) {
    const error = await connect(node.address, { ...options, connectTimeout: 500 }).catch((it) => it);
    assert(error instanceof DoozerError, String(error));
    assert(error.message.includes(node.address), error.message);
  }
  await assert.rejects(connect(node.address, { tlsCa: '/nowhere.pem' }), (error) => error instanceof Io && /nowhere/.test(error));
});

test('a member may ask for the client\'s', async (t) => {
  const node = await member(t, { tlsCert: cert, tlsKey: key, tlsCa: ca });
  const c = await client(t, node, { tlsCa: ca, tlsCert: cert, tlsKey: key });
  assert.equal(await c.selfId(), node.id);
  await assert.rejects(connect(node.address, { tlsCa: ca, connectTimeout: 500 }), DoozerError);
});
