// Carries out the scenarios that all languages share, see bindings/spec/README.md:
//
//     node conformance.mjs [DIRECTORY] [OUTPUT] [PART]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DoozerError, Node, Timeout, connect } from 'doozer';

const LIMIT_MS = 10_000;
const LATE_MS = 5_000;
const EARLY_MS = 5;
const SCENARIO_MS = 60_000;

/** Scenarios that cannot be run here, by the beginning of their names, and why. */
const SKIPPED = [['fork-', 'a program in Node.js cannot fork: its child processes are new programs']];

const SCENARIO_KEYS = 'name about via also_embedded history secret read_secret listen durable'.split(' ');
const STEP_KEYS = (
  'do client path glob value value_hex value_size rev limit keys_only n txn fence stream lock leader registration live entered ' +
  'call secret via uri session_ttl_ms session_label command timeout_ms repeat save background expect_value expect_hex ' +
  'expect_size expect_missing expect_rev expect_rev_above expect_path expect_change expect_len expect_names expect_values ' +
  'expect_count expect_revs expect_held expect_member error error_op error_path error_part error_detail'
).split(' ');

// Files

function parse(text) {
  const scenarios = [];
  let table;
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    if (line === '[[scenario]]') scenarios.push((table = { steps: [] }));
    else if (line === '[[scenario.step]]') scenarios.at(-1).steps.push((table = {}));
    else {
      const [, key, value] = /^([a-z0-9_]+) = (.*)$/.exec(line) ?? [];
      const known = 'steps' in table ? SCENARIO_KEYS : STEP_KEYS;
      if (!known.includes(key) || key in table) throw new Error(`line ${at + 1}: ${line}`);
      table[key] = parsed(value);
    }
  }
  return scenarios;
}

function parsed(value) {
  // What is left of TOML is JSON, but for integers that JSON would take as something else.
  if (!/^(-?\d+|true|false|"(\\[\\"nt]|\\u00[0-7][0-9a-f]|[^"\\\p{Cc}])*")$/iu.test(value)) throw new Error(`value: ${value}`);
  return JSON.parse(value);
}

function load(directory) {
  const files = readdirSync(directory).filter((name) => name.endsWith('.toml')).sort();
  return files.flatMap((file) =>
    parse(readFileSync(join(directory, file), 'utf8')).flatMap((scenario) => {
      const twice = { ...scenario, file, name: `${scenario.name}@embedded`, via: 'embedded' };
      return scenario.also_embedded ? [{ ...scenario, file }, twice] : [{ ...scenario, file }];
    }),
  );
}

// What a scenario has opened

class World {
  clients = new Map();
  streams = new Map();
  /** Locks, leaders, registrations, live maps and who entered: what is kept, and the path or glob of the call that gave it. */
  kept = new Map();
  calls = new Map();
  saved = new Map();

  constructor(scenario, spec) {
    this.scenario = scenario;
    this.spec = spec;
    this.via = scenario.via ?? 'tcp';
  }

  async open() {
    const { durable } = this.scenario;
    if (durable) this.dataDir = mkdtempSync(join(tmpdir(), 'doozer-'));
    await this.start();
    if (this.via === 'proxy') {
      this.proxy = await Proxy.start(join(this.spec, 'proxy.py'), this.node.address);
      const client = await this.node.client();
      await client.set(`/ctl/node/${this.node.id}/addr`, this.proxy.address, -1);
      await client.close();
    }
    if (this.via !== 'none') this.clients.set('c', await this.connect({}, LIMIT_MS));
  }

  async start() {
    const { history, secret, read_secret: readSecret, listen } = this.scenario;
    const address = listen === false ? undefined : '127.0.0.1:0';
    this.node = await Node.start({ history, secret, readSecret, listen: address, dataDir: this.dataDir });
  }

  connect({ via = this.via, secret, uri, session_ttl_ms: sessionTtl, session_label: sessionLabel }, connectTimeout) {
    const options = { connectTimeout, sessionTtl, sessionLabel };
    if (uri !== undefined) return connect(uri, options);
    if (via === 'embedded') return this.node.client(options);
    const address = via === 'proxy' ? this.proxy.address : this.node.address;
    return connect(`doozer:?ca=${address}${secret ? `&sk=${secret}` : ''}`, options);
  }

  /** A revision that stands in a text with others. */
  number(word) {
    return /^-?\d+$/.test(word) ? Number(word) : this.rev(word);
  }

  rev(rev) {
    if (typeof rev !== 'string') return rev;
    const [, name, offset] = /^(.*?)([+-]\d+)?$/.exec(rev);
    return given(this.saved, name, 'revision') + Number(offset ?? 0);
  }

  async close() {
    for (const call of this.calls.values()) call.abort.abort();
    for (const { stream } of this.streams.values()) await stream.return();
    for (const { it } of this.kept.values()) await it.close?.();
    for (const client of this.clients.values()) await client.close();
    await this.proxy?.quit();
    await this.node?.stop();
    if (this.dataDir) rmSync(this.dataDir, { recursive: true });
  }
}

class Proxy {
  static async start(program, member) {
    const proxy = new Proxy();
    proxy.process = spawn('python3', [program, member], { stdio: ['pipe', 'pipe', 'inherit'] });
    proxy.lines = createInterface({ input: proxy.process.stdout })[Symbol.asyncIterator]();
    proxy.address = (await proxy.answer()).replace(/^listening /, '');
    return proxy;
  }

  async answer() {
    const { value, done } = await within(2 * LIMIT_MS, this.lines.next());
    if (done) throw new Error('the proxy has ended');
    return value;
  }

  async tell(command) {
    this.process.stdin.write(`${command}\n`);
    const answer = await this.answer();
    if (answer !== 'ok') throw new Error(`the proxy answered '${command}' with '${answer}'`);
  }

  async quit() {
    const ended = once(this.process, 'exit');
    this.process.stdin.end();
    await within(LIMIT_MS, ended);
  }
}

function given(map, name, what) {
  if (!map.has(name)) throw new Error(`no ${what} is called '${name}'`);
  return map.get(name);
}

async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Steps

const asRev = (rev) => ({ rev });
const asEntries = (entries) => ({ names: entries.map(({ path }) => path), values: entries.map(({ value }) => value) });
const asEvent = ({ path, value, rev, kind }) => ({ path, value, rev, change: kind });
const asNothing = () => ({});
const asFiles = (files) => ({ names: [...files.keys()], values: [...files.values()].map(({ value }) => value) });
/** Of a lock, or of who leads. */
const asHeld = (it) => (it === null ? { rev: 0 } : { kept: it, rev: it.rev ?? it.token });

async function all(stream) {
  const entries = [];
  for await (const entry of stream) entries.push(entry);
  return entries;
}

/** What a call waits for that takes no time limit. */
async function until(signal, op, path, { timeout, signal: given }) {
  const aborted = (it) => new Promise((resolve) => (it.aborted ? resolve() : it.addEventListener('abort', resolve, { once: true })));
  let timer;
  const late = new Promise((_, reject) => {
    // Watching for a loss has no time limit: this one is the runner's own.
    timer = setTimeout(() => reject(new Timeout('', { op, path })), timeout);
  });
  try {
    await Promise.race([aborted(signal), aborted(given).then(() => Promise.reject(given.reason)), late]);
  } finally {
    clearTimeout(timer);
  }
  return signal.reason;
}

/** The parts of a transaction, put together. */
function transaction(client, text, world) {
  const parts = {
    if_rev: (txn, path, rev) => txn.ifRev(path, rev),
    if_value: (txn, path, value) => txn.ifValue(path, value),
    if_absent: (txn, path) => txn.ifAbsent(path),
    if_fence: (txn, path, token) => txn.ifFence(path, token),
    set: (txn, path, value, rev) => txn.set(path, value, rev),
    set_ephemeral: (txn, path, value, rev) => txn.setEphemeral(path, value, rev),
    del: (txn, path, rev) => txn.del(path, rev),
  };
  const revised = ['if_rev', 'if_fence', 'set', 'set_ephemeral', 'del'];
  return text.split('\n').filter((line) => line !== '').reduce((txn, line) => {
    const [kind, ...words] = line.split(' ');
    if (!(kind in parts) || words.length !== parts[kind].length - 1) throw new Error(`no part of a transaction: '${line}'`);
    if (revised.includes(kind)) words.push(world.number(words.pop()));
    return parts[kind](txn, ...words);
  }, client.txn());
}

/** Calls: of a step and its options, what it gives. `on` is what it is made on, if it is made on something. */
const CALLS = {
  set: (on, step, options) => on.set(step.path, value(step), step.rev, options).then(asRev),
  add: (on, step, options) => on.add(step.path, value(step), options).then(asRev),
  del: (on, step, options) => on.del(step.path, step.rev, options).then(asRev),
  get: (on, step, options) => on.get(step.path, step.rev, options),
  rev: (on, step, options) => on.rev(options).then(asRev),
  stat: (on, step, options) => on.stat(step.path, step.rev, options).then(({ len, rev }) => ({ len, rev })),
  getdir: (on, step, options) => on.getdir(step.path, step.rev, options).then((names) => ({ names })),
  walk: (on, step, options) => on.walk(step.glob, step.rev, options).then(asEntries),
  list: (on, step, options) =>
    all(on.list(step.glob, step.rev, { ...options, limit: step.limit, keysOnly: step.keys_only })).then(asEntries),
  wait: (on, step, options) => on.wait(step.glob, step.rev, options).then(asEvent),
  nop: (on, step, options) => on.nop(options).then(asNothing),
  self: (on, step, options) => on.selfId(options).then((text) => ({ text })),
  access: (on, step, options) => on.access(step.secret, options).then(asNothing),
  rollback: (on, step, options) => on.rollback(step.path, step.rev, options).then(asRev),
  txn: async (on, step, options, world) => {
    const revs = await transaction(on, step.txn, world).commit(options);
    return { revs: revs.map((rev) => rev ?? 0), rev: revs.at(-1) ?? 0 };
  },
  lock: (on, step, options) => on.lock(step.path, options).then(asHeld),
  try_lock: (on, step, options) => on.tryLock(step.path, options).then(asHeld),
  read_lock: (on, step, options) => on.readLock(step.path, options).then(asHeld),
  write_lock: (on, step, options) => on.writeLock(step.path, options).then(asHeld),
  semaphore: (on, step, options) => on.semaphore(step.path, step.n, options).then(asHeld),
  elect: (on, step, options) => on.elect(step.path, value(step), options).then(asHeld),
  register: (on, step, options) => on.register(step.path, value(step), options).then((kept) => ({ kept, rev: kept.rev })),
  discover: (on, step, options) => on.discover(step.glob, options).then((kept) => ({ kept })),
  enter: (on, step, options) => on.barrier(step.path, step.n, options).then((kept) => ({ kept })),
  next: async (on, step, options) => {
    const { done, value } = await on.next(options);
    return done ? {} : 'kind' in value ? asEvent(value) : value;
  },
  unlock: (on, step, options) => on.unlock(options).then(asNothing),
  proclaim: (on, step, options) => on.proclaim(value(step), options).then(asRev),
  resign: (on, step, options) => on.resign(options).then(asNothing),
  lost: async (on, step, options) => {
    const reason = await until(on.lost, 'lost', on.path, options);
    if (!['LOCK_LOST', 'CLOSED'].includes(reason.kind) || reason.path !== on.path) throw reason;
    return {};
  },
  held: async (on) => {
    const held = on.isHeld ?? on.isLeading ?? on.isInside;
    // All that tells of it says the same.
    if ('validFor' in on) same('whether it is valid', held, on.validFor > 0);
    same('whether the check passes', held, await new Promise((resolve) => resolve(on.check())).then(() => true, () => false));
    return { held };
  },
  deregister: (on, step, options) => on.deregister(options).then(asNothing),
  files: async (on) => asFiles(on.files),
  changed: (on, step, options) => on.changed(options).then(asFiles),
  leave: (on, step, options) => on.leave(options).then(asNothing),
  connect: (on, step, { timeout }, world) => world.connect(step, timeout).then((client) => ({ client })),
  get_local: async (on, step, options, world) => world.node.getLocal(step.path, step.rev),
  revision: async (on, step, options, world) => ({ rev: world.node.revision() }),
};

/** Steps that are no calls. */
const OTHERS = {
  watch: (step, world) => opened(step, world, (client) => client.watch(step.glob, world.rev(step.rev))),
  config: (step, world) => opened(step, world, (client) => client.config(step.path)),
  follow: (step, world) => opened(step, world, (client) => client.follow(step.glob, world.rev(step.rev))),
  observe: (step, world) => opened(step, world, (client) => client.observe(step.path)),
  close_stream: async (step, world) => {
    const { stream } = given(world.streams, step.stream, 'stream');
    world.streams.delete(step.stream);
    await stream.return();
  },
  close: (step, world) => given(world.clients, step.client ?? 'c', 'client').close(),
  stop: (step, world) => world.node.stop(),
  start: (step, world) => world.start(),
  proxy: (step, world) => world.proxy.tell(step.command),
  await: async (step, world) => {
    const call = joined(step, world);
    settle(step, call.about, await within(call.about.timeout + LIMIT_MS, call.made), world);
  },
  cancel: async (step, world) => {
    const { made, abort } = joined(step, world);
    const reason = new Error('cancelled');
    abort.abort(reason);
    const { gave, error } = await within(LATE_MS, made);
    if (error !== reason) throw new Error(`it had ended before it was cancelled: ${shown(gave ?? error)}`);
  },
};

function opened(step, world, open) {
  const stream = open(given(world.clients, step.client ?? 'c', 'client'));
  world.streams.set(step.stream, { stream, op: step.do, path: step.glob ?? step.path });
}

function joined(step, world) {
  const call = given(world.calls, step.call, 'call');
  world.calls.delete(step.call);
  return call;
}

function value({ value, value_hex: hex, value_size: size }) {
  return value ?? (hex === undefined ? Buffer.alloc(size, 'x') : Buffer.from(hex, 'hex'));
}

/** Calls that give something which is kept. */
const GIVES = 'lock try_lock read_lock write_lock semaphore elect register discover enter'.split(' ');

/** The key and the name of what a step keeps, or is made on. */
function kept(step) {
  return Object.entries(step).find(([key]) => ['lock', 'leader', 'registration', 'live', 'entered'].includes(key));
}

/** What a write depends on. */
function fence(step, world) {
  if (step.fence === undefined) return undefined;
  const held = ['lock', 'leader'].map((what) => world.kept.get(`${what} ${step.fence}`)).find((it) => it);
  if (!held) throw new Error(`no lock or leader is called '${step.fence}'`);
  return held.it;
}

/** What a call is made on, and what its errors name. */
function target(step, world) {
  if (step.do === 'next') {
    const { stream, op, path } = given(world.streams, step.stream, 'stream');
    return { on: stream, op, path };
  }
  const [what, name] = kept(step) ?? [];
  if (name !== undefined && !GIVES.includes(step.do)) {
    const { it, path } = given(world.kept, `${what} ${name}`, 'thing that was kept');
    return { on: it, op: step.do, path };
  }
  const needsNone = ['connect', 'get_local', 'revision'].includes(step.do);
  const on = needsNone ? undefined : given(world.clients, step.client ?? 'c', 'client');
  return { on, op: step.do, path: step.path ?? step.glob ?? null };
}

async function carryOut(step, world) {
  for (let i = 1; i <= (step.repeat ?? 1); i += 1) {
    const round = Object.entries(step).map(([key, it]) => [key, typeof it === 'string' ? it.replaceAll('{i}', i) : it]);
    await doOnce(step.repeat ? Object.fromEntries(round) : step, world);
  }
}

async function doOnce(step, world) {
  if (step.do in OTHERS) return OTHERS[step.do](step, world);
  if (!(step.do in CALLS)) throw new Error(`this runner does not know how to do '${step.do}'`);
  const timeout = step.timeout_ms ?? LIMIT_MS;
  const about = { ...target(step, world), timeout, isLimited: 'timeout_ms' in step, keeps: kept(step)?.join(' '), client: step.client };
  const abort = new AbortController();
  const began = performance.now();
  const options = { timeout, signal: abort.signal, fence: fence(step, world) };
  const call = CALLS[step.do](about.on, { ...step, rev: world.rev(step.rev) }, options, world);
  const made = call.then((gave) => ({ gave }), (error) => ({ error })).then((it) => ({ ...it, took: performance.now() - began }));
  if (step.background) world.calls.set(step.background, { about, made, abort });
  else settle(step, about, await within(timeout + LIMIT_MS, made), world);
}

// Outcomes

/** Holds an outcome against its step, and keeps what came of it. */
function settle(step, about, { gave, error, took }, world) {
  if (about.isLimited && took > about.timeout + LATE_MS) throw new Error(`it took ${took} ms`);
  if (step.error !== undefined) return checkError(step, about, gave, error, took);
  if (error) throw new Error(`it failed: ${error.stack}`);
  checkGiven(step, gave, world);
  if (gave.kept) world.kept.set(about.keeps, { it: gave.kept, path: about.path });
  if (gave.client) world.clients.set(about.client, gave.client);
  if (step.save) world.saved.set(step.save, gave.rev);
}

function checkError(step, { op, path, timeout, isLimited }, gave, error, took) {
  if (gave) throw new Error(`it did not fail with ${step.error}, it gave ${shown(gave)}`);
  if (!(error instanceof DoozerError)) throw new Error(`it failed with what is no error of Doozer: ${error.stack}`);
  same('kind', step.error, error.kind);
  same('operation', step.error_op ?? op, error.op);
  same('path', step.error_path ?? path, error.path);
  const part = error.part === null ? undefined : `${error.part.kind} ${error.part.number}`;
  if (step.error_part !== undefined) same('part', step.error_part, part);
  if (!error.detail.includes(step.error_detail ?? '')) throw new Error(`the detail lacks '${step.error_detail}': ${error}`);
  if (step.error === 'TIMEOUT' && isLimited && took + EARLY_MS < timeout) throw new Error(`it timed out after ${took} ms`);
}

function checkGiven(step, gave, world) {
  const words = (text) => text?.split(' ').filter((word) => word !== '');
  const texts = gave.values?.map((value) => value?.toString());
  const hex = step.expect_hex ?? (step.expect_size === undefined ? undefined : value({ value_size: step.expect_size }).toString('hex'));
  const checks = [
    ['revision', world.rev(step.expect_rev), gave.rev],
    ['path', step.expect_path, gave.path],
    ['change', step.expect_change, gave.change],
    ['length', step.expect_len, gave.len],
    ['value', step.expect_value, gave.value?.toString()],
    ['value in hex', hex, gave.value?.toString('hex')],
    ['names', words(step.expect_names), gave.names],
    ['values', words(step.expect_values), texts],
    ['count', step.expect_count, gave.names?.length],
    ['revisions', words(step.expect_revs)?.map((word) => world.number(word)), gave.revs],
    ['whether it is held', step.expect_held, gave.held],
    ['member', step.expect_member && world.node.id, gave.text],
  ];
  for (const [what, expected, found] of checks) if (expected !== undefined) same(what, expected, found);
  const isMissing = gave.value === null && gave.rev === 0;
  if (step.expect_missing && !isMissing) throw new Error(`it is not missing: ${shown(gave)}`);
  if (step.expect_rev_above !== undefined && !(gave.rev > world.rev(step.expect_rev_above))) throw new Error(`revision: ${gave.rev}`);
  if (step.expect_member && gave.text.length < 16) throw new Error(`an id of a member: ${gave.text}`);
  if (step.keys_only && gave.values.some((value) => value !== null)) throw new Error('values came, although only paths were asked for');
}

function same(what, expected, found) {
  if (JSON.stringify(expected) !== JSON.stringify(found)) throw new Error(`${what}: ${shown(found)} and not ${shown(expected)}`);
}

function shown(it) {
  return (it instanceof Error ? String(it) : (JSON.stringify(it) ?? 'nothing')).slice(0, 300);
}

// Scenarios

async function run(scenario, spec) {
  const reason = SKIPPED.find(([name]) => scenario.name.startsWith(name))?.[1];
  if (reason) return ['skip', reason];
  const world = new World(scenario, spec);
  let at = 0;
  const steps = async () => {
    await world.open();
    for (const step of scenario.steps) {
      at += 1;
      await carryOut(step, world);
    }
  };
  try {
    await within(SCENARIO_MS, steps());
    return ['pass', ''];
  } catch (error) {
    const why = `step ${at} (${scenario.steps[at - 1]?.do ?? 'opening'}): ${error.message}`;
    process.stderr.write(`${scenario.file}: ${scenario.name}: ${why}\n`);
    return ['fail', why.replace(/[\t\r\n]/g, ' ')];
  } finally {
    await within(LIMIT_MS, world.close()).catch((error) => process.stderr.write(`${scenario.name}: closing: ${error}\n`));
  }
}

const here = dirname(fileURLToPath(import.meta.url));
const [directory = join(here, '..', 'spec', 'conformance'), output, part = ''] = process.argv.slice(2);
// The environment has no say.
delete process.env.DOOZER_URI;
delete process.env.DOOZER_BOOT_URI;
const counts = { pass: 0, fail: 0, skip: 0 };
let report = '';
for (const scenario of load(directory).filter(({ name }) => name.includes(part))) {
  const [word, text] = await run(scenario, join(directory, '..'));
  counts[word] += 1;
  report += `${scenario.name}\t${word}\t${text}\n`;
}
if (output) writeFileSync(output, report);
console.log(`conformance (Node.js): ${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped`);
if (report === '') console.error(`conformance: no scenario has '${part}' in its name`);
process.exitCode = counts.fail > 0 || report === '' ? 1 : 0;
