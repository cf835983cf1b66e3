// What the tests share: members, proxies, other programs, and bounds on waiting. Nothing outlives its test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { Node, connect } from 'doozer';

/** So long that only a bug reaches it. */
export const PATIENCE_MS = 30_000;

const here = dirname(fileURLToPath(import.meta.url));

/** What is given, unless it takes so long that it must be hung. */
export async function soon(promise, what = 'it', ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A member that listens on a free port. Stopped when the test `t` ends. */
export async function member(t, options = {}) {
  const node = await Node.start({ listen: '127.0.0.1:0', ...options });
  t.after(() => soon(node.stop(), 'the stop'));
  return node;
}

/** A client over TCP, of a member of its own unless one is given. Closed when the test `t` ends. */
export async function client(t, node, options = {}) {
  const opened = await connect((node ?? (await member(t))).address, options);
  t.after(() => soon(opened.close(), 'the close'));
  return opened;
}

/** A folder that is removed when the test `t` ends. */
export function folder(t) {
  const made = mkdtempSync(join(tmpdir(), 'doozer-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

/** The relay of bindings/spec before a member, told what to do line by line. */
export class Proxy {
  static async before(t, node) {
    const proxy = new Proxy();
    const program = process.env.DOOZER_SPEC ?? join(here, '..', '..', 'spec');
    assert(existsSync(join(program, 'proxy.py')), 'DOOZER_SPEC names the folder bindings/spec');
    proxy.process = spawn('python3', [join(program, 'proxy.py'), node.address], { stdio: ['pipe', 'pipe', 'inherit'] });
    proxy.lines = createInterface({ input: proxy.process.stdout })[Symbol.asyncIterator]();
    t.after(async () => {
      const ended = once(proxy.process, 'exit');
      proxy.process.stdin.end();
      await soon(ended, 'the proxy');
    });
    proxy.address = (await proxy.answer()).replace(/^listening /, '');
    const inside = await node.client();
    await inside.set(`/ctl/node/${node.id}/addr`, proxy.address, -1);
    await inside.close();
    return proxy;
  }

  async answer() {
    return (await soon(this.lines.next(), 'the proxy\'s answer')).value;
  }

  /** Has it carry out a command. */
  async tell(command) {
    this.process.stdin.write(`${command}\n`);
    assert.equal(await this.answer(), 'ok', command);
  }
}

/** A member, a proxy before it, and a client behind that. */
export async function proxied(t, options = {}) {
  const node = await member(t);
  const proxy = await Proxy.before(t, node);
  return { node, proxy, c: await client(t, proxy, options) };
}

/** Runs a program of `programs/` to its end. It is killed if that takes too long. */
export async function run(name, args = [], { flags = [], env = {}, ms = PATIENCE_MS } = {}) {
  const words = [...flags, existsSync(name) ? name : join(here, 'programs', name), ...args];
  const child = spawn(process.execPath, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, ...said };
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

/** Collects garbage until `isDone`, giving finalizers their turns of the event loop. */
export async function collect(isDone) {
  const until = performance.now() + PATIENCE_MS;
  while (!isDone()) {
    assert(performance.now() < until, 'the garbage collector never came round');
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Waits until no file matches `glob`. */
export async function gone(c, glob) {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const rev = await c.rev();
    if ((await c.walk(glob, rev)).length === 0) return;
    await c.wait(glob, rev + 1, { timeout: Math.max(0, until - performance.now()) });
  }
}

/** Waits until something holds that no event tells of. */
export async function until(holds, what) {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    assert(performance.now() < end, `${what} within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The reason a signal is aborted with. */
export async function reasonOf(signal) {
  if (!signal.aborted) await soon(new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })), 'the abort');
  return signal.reason;
}

/** How often the event loop comes round while something goes on: 0 if it is blocked. */
export async function turnsDuring(promise) {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await promise.finally(() => (isOver = true));
  return turns;
}
