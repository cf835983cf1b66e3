// What calls cost in Node.js: `node bench.mjs URI`, with a member at URI. Prints lines `NAME VALUE`.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Node, RevMismatch, _noop, _noopAsync, connect } from 'doozer';

const BATCH = 1_000;
const BATCHES = 200;
const TRIPS = 10_000;
const MIXED = 100_000;
const WARM_UP = 20_000;
const VALUE = Buffer.alloc(128, 'x');

const report = (name, value) => console.log(`${name} ${Math.round(value)}`);
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const nowNs = () => Number(process.hrtime.bigint());

/** The median over batches of what one call takes. Each is given a number below the batch's length. */
function batchedNs(call) {
  const batches = [];
  for (let batch = -BATCHES; batch < BATCHES; batch += 1) {
    const began = nowNs();
    for (let i = 0; i < BATCH; i += 1) call(i);
    // The first ones are compiled while they run.
    if (batch >= 0) batches.push((nowNs() - began) / BATCH);
  }
  return median(batches);
}

/** The median of calls, one after another, each timed by itself. */
async function tripNs(call) {
  const took = [];
  for (let trip = -TRIPS / 5; trip < TRIPS; trip += 1) {
    const began = nowNs();
    await call();
    if (trip >= 0) took.push(nowNs() - began);
  }
  return median(took);
}

async function embeddedNs() {
  const node = await Node.start();
  const client = await node.client();
  const paths = Array.from({ length: BATCH }, (_, i) => `/bench/${i}`);
  for (const path of paths) await client.set(path, VALUE, -1);
  const took = batchedNs((i) => node.getLocal(paths[i]));
  await client.close();
  await node.stop();
  return took;
}

/** One of each, over and over. */
async function mixed(client, calls) {
  for (let i = 0; i < calls; i += 10) {
    const rev = await client.set('/mixed', VALUE, -1);
    await client.get('/mixed');
    await client.get('/mixed', rev);
    await client.get('/missing');
    await client.stat('/mixed');
    await client.rev();
    await client.wait('/mixed', rev);
    for await (const event of client.watch('/mixed', rev)) if (event) break;
    await client.add('/mixed', VALUE).catch((error) => {
      if (!(error instanceof RevMismatch)) throw error;
    });
    await client.walk('/mixed');
  }
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

async function residentKb() {
  for (let turn = 0; turn < 10; turn += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage.rss() / 1024;
}

const [uri] = process.argv.slice(2);
if (uri === undefined) throw new Error('usage: bench.mjs URI');
report('noop_ns', batchedNs(_noop));
report('embedded_get_ns', await embeddedNs());
report('noop_async_ns', await tripNs(_noopAsync));
const client = await connect(uri);
await client.set('/bench', VALUE, -1);
report('remote_get_ns', await tripNs(() => client.get('/bench')));
await mixed(client, WARM_UP);
report('rss_before_kb', await residentKb());
await mixed(client, MIXED);
report('rss_after_kb', await residentKb());
await client.close();
