// One of several programs that take turns on one lock and append to one file; `run` beside this file starts them.
//
//     node worker.mjs 127.0.0.1:8046 /locks/one /tmp/turns.txt node 10

import { appendFileSync } from 'node:fs';
import { connect } from 'doozer';

const [uri, path, file, name, turns] = process.argv.slice(2);
if (turns === undefined) throw new Error('usage: worker.mjs URI PATH FILE NAME TURNS');
const client = await connect(uri);
await client.set(`/one-lock/ready/${name}`, '', -1);
await client.wait('/one-lock/go', 1);
for (let turn = 0; turn < Number(turns); turn += 1) {
  const lock = await client.lock(path);
  try {
    appendFileSync(file, `${name} ${lock.rev} begin\n`);
    // Time for the others to come in between, if they could.
    await client.nop();
    appendFileSync(file, `${name} ${lock.rev} end\n`);
  } finally {
    await lock.unlock();
  }
}
