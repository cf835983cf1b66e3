// Errors: their classes, what they carry, where their stacks lead, and what comes of members that are not there.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { test } from 'node:test';
import * as doozer from 'doozer';
import { client, member, soon } from './support.mjs';

const { Disconnected, DoozerError, PermissionDenied, RevMismatch, Timeout, connect } = doozer;
const common = createRequire(import.meta.url)('doozer');

test('import and require give one copy of everything', async (t) => {
  const names = Object.keys(common);
  assert.deepEqual(names.sort(), Object.keys(doozer).sort());
  for (const name of names) assert.equal(common[name], doozer[name], name);
  const c = await (async () => {
    const node = await member(t);
    const opened = await common.connect(node.address);
    t.after(() => opened.close());
    return opened;
  })();
  assert(c instanceof doozer.Client);
  await assert.rejects(c.add('/ctl/name', 'x'), (error) => error instanceof RevMismatch && error instanceof common.RevMismatch);
});

test('each kind is an Error of its own', () => {
  const kinds = Object.values(doozer).filter((it) => typeof it === 'function' && it.prototype instanceof DoozerError);
  assert(kinds.length >= 30);
  assert.equal(new Set(kinds.map((kind) => kind.prototype.number)).size, kinds.length);
  for (const Kind of kinds) {
    const error = new Kind('what it says', { op: 'get', path: '/a' });
    assert(error instanceof Error && error instanceof DoozerError);
    assert.equal(error.name, Kind.name);
    assert.equal(error.kind, error.code);
    assert.equal(String(error), `${Kind.name}: what it says`);
    assert.equal(Object.prototype.toString.call(error), '[object Error]');
  }
});

test('an error carries what is known of it', async (t) => {
  const c = await client(t);
  await c.set('/a', 'x', 0);
  const error = await c.set('/a', 'y', 0).catch((it) => it);
  assert(error instanceof RevMismatch);
  const { name, kind, code, number, op, path, detail, retry, message } = error;
  assert.deepEqual({ name, kind, code, number, op, path, retry }, {
    name: 'RevMismatch', kind: 'REV_MISMATCH', code: 'REV_MISMATCH', number: 5, op: 'set', path: '/a', retry: false,
  });
  assert.equal(message, `REV_MISMATCH: set /a: ${detail}`);
  const late = await c.get('/a', 1000, { timeout: 10 }).catch((it) => it);
  assert(late instanceof Timeout);
  assert.equal(late.retry, true, 'a read may be sent again');
  const closed = await c.close().then(() => c.rev()).catch((it) => it);
  assert.equal(closed.path, null);
});

async function theCaller(c) {
  await c.set('/a', 'x', 0);
}

test('a stack leads to where the call was made', async (t) => {
  const c = await client(t);
  await theCaller(c);
  const awaited = await theCaller(c).catch((it) => it);
  assert.match(awaited.stack, /^RevMismatch: REV_MISMATCH: set \/a: .*\n {4}at .*calls\.cjs/);
  assert.match(awaited.stack, /\n {4}at async theCaller \(.*errors\.test\.mjs:\d+:\d+\)\n/);
  assert(!Object.keys(awaited).includes('stack'));
  for (const chained of [
    () => c.set('/a', 'x', 0).catch((it) => it),
    () => c.set('/a', 'x', 0).then(() => 'done').catch((it) => it),
    () => Promise.all([c.nop(), c.set('/a', 'x', 0)]).catch((it) => it),
    () => c.watch('//', 1).next().catch((it) => it),
    () => c.set('/a', 5, 0).catch((it) => it),
    () => c.set('/a', 'x', 2 ** 53).catch((it) => it),
  ]) {
    const error = await (async function theChain() {
      return await chained();
    })();
    assert(error instanceof Error);
    assert.match(error.stack, /\n {4}at (async )?theChain \(.*errors\.test\.mjs/, String(chained));
  }
  const streamed = await (async function theReader() {
    for await (const event of c.watch('//', 1)) return event;
  })().catch((it) => it);
  assert.match(streamed.stack, /^BadGlob: [^\n]*\n[^]*at async theReader \(.*errors\.test\.mjs/);
});

test('errors have stacks whatever the program does to stacks', async (t) => {
  const c = await client(t);
  const limit = Error.stackTraceLimit;
  const restore = () => {
    Error.stackTraceLimit = limit;
    delete Error.prepareStackTrace;
  };
  t.after(restore);
  Error.stackTraceLimit = 0;
  assert.match((await c.get('a').catch((it) => it)).stack, /^BadPath: BAD_PATH: get a: /);
  Error.stackTraceLimit = limit;
  Error.prepareStackTrace = (error, sites) => sites;
  const error = await c.get('a').catch((it) => it);
  restore();
  assert(error instanceof doozer.BadPath);
});

test('where no member is, opening a client fails in time and names the address', async (t) => {
  // A port that is surely free: it was given out, and given back.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const began = performance.now();
  const error = await connect(`127.0.0.1:${port}`, { connectTimeout: 300 }).catch((it) => it);
  assert(error instanceof Disconnected, String(error));
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.equal(error.op, 'connect');
  assert(performance.now() - began < 5000);
});

test('where somebody listens and says nothing, it fails in time as well', async (t) => {
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  const { port } = server.address();
  const error = await soon(connect(`127.0.0.1:${port}`, { connectTimeout: 200 }).catch((it) => it));
  assert(error instanceof DoozerError, String(error));
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
});

test('a wrong secret is refused, wherever it is given', async (t) => {
  const node = await member(t, { secret: 'rw', readSecret: 'ro' });
  await assert.rejects(connect(node.address, { secret: 'wrong' }), PermissionDenied);
  await assert.rejects(connect(`doozer:?ca=${node.address}&sk=wrong`), PermissionDenied);
  const c = await client(t, node);
  await assert.rejects(c.get('/a'), PermissionDenied);
  await assert.rejects(c.access('wrong'), PermissionDenied);
  await c.access(Buffer.from('ro'));
  assert.equal((await c.get('/a')).value, null);
  const writer = await client(t, node, { secret: Buffer.from('rw') });
  await writer.set('/a', 'x', 0);
});

test('a member that stops while a call waits is an error of Doozer', async (t) => {
  const node = await member(t);
  const c = await client(t, node, { timeout: 300 });
  const read = c.get('/a', (await c.rev()) + 1);
  await node.stop();
  await assert.rejects(soon(read), DoozerError);
});

test('a revision that no number holds is a RangeError', async (t) => {
  // No member will get so far: this is one of the original kind that claims to.
  const errors = { 32: 2, 9: 8 }; // HELLO it does not know, and no file is to be walked over
  const varint = (number) => (number < 128n ? [Number(number)] : [Number(number & 127n) | 128, ...varint(number >> 7n)]);
  const server = createServer((socket) => socket.on('error', () => {}).on('data', answer)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const c = await connect(`127.0.0.1:${server.address().port}`);
  function answer(data) {
    // A frame may come in pieces, and several at once.
    let rest = Buffer.concat([this.rest ?? Buffer.alloc(0), data]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE();
      this.write(reply(rest.subarray(4, end)));
      rest = rest.subarray(end);
    }
    this.rest = rest;
  }
  function reply(request) {
    // The tag comes first, then the verb, each behind its key; a tag may have several bytes.
    const tagEnd = request.findIndex((byte, at) => at > 0 && byte < 128) + 1;
    const verb = request[tagEnd + 1];
    const given = errors[verb] ? [0xa0, 6, errors[verb]] : [0x18, ...varint(2n ** 60n)];
    const body = Buffer.from([...request.subarray(0, tagEnd), 0x10, 3, ...given]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    return Buffer.concat([head, body]);
  }
  const expected = { name: 'RangeError', message: `the revision ${2n ** 60n} is beyond 2^53 - 1` };
  const error = await soon(c.rev().catch((it) => it));
  assert.deepEqual({ name: error.name, message: error.message }, expected);
  assert.match(error.stack, /errors\.test\.mjs/);
  await assert.rejects(soon(c.get('/a')), expected);
  await assert.rejects(soon(c.set('/a', 'x', 0)), expected);
  await c.close();
});
