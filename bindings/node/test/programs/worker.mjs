// What a worker does: its share of the calls, or waits that nobody ends.

import { parentPort, threadId, workerData } from 'node:worker_threads';
import { Node, connect } from 'doozer';

const { address, name, calls } = workerData;
const c = await connect(address);
for (let i = 0; i < calls; i += 1) {
  const rev = await c.set(`/${name}/${i}`, `${name} ${i}`, 0);
  const file = await c.get(`/${name}/${i}`);
  if (file.rev !== rev || `${file.value}` !== `${name} ${i}`) throw new Error(`not its own answer: ${file.value}`);
}
if (calls === 0) {
  const inside = await (await Node.start()).client();
  const waits = Array.from({ length: 20 }, (_, i) => [c.wait(`/never/${i}`, 1), inside.wait('/never', 1), c.watch('/never', 1).next()]);
  const [lock, live] = [await c.lock(`/lock/${threadId}`), await c.discover(`/${name}`)];
  lock.lost.addEventListener('abort', () => {});
  waits.push(live.changed(), c.elect(lock.path, 'x'), c.barrier('/never', 1000));
  // Some of what is under way ends at the very moment.
  for (let i = 0; i < 200; i += 1) waits.push(c.set(`/${name}`, 'x', -1));
  parentPort.postMessage('waiting');
  await Promise.all(waits.flat());
}
parentPort.postMessage('done');
