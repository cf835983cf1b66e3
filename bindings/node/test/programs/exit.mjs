// Exits with everything under way.

import { Node, connect } from 'doozer';

const c = await connect(process.argv[2]);
const node = await Node.start();
const inside = await node.client();
const ignore = () => {};
const [lock, live] = [await c.lock('/l'), await inside.discover('/**')];
lock.lost.addEventListener('abort', ignore);
for (let i = 0; i < 100; i += 1) {
  c.wait(`/w/${i}`, 1).catch(ignore);
  c.set(`/x/${i}`, 'x', -1).catch(ignore);
  inside.wait(`/w/${i}`, 1).catch(ignore);
  inside.set(`/x/${i}`, 'x', -1).catch(ignore);
  c.watch(`/w/${i}`, 1).next().catch(ignore);
  c.lock('/l').catch(ignore);
  live.changed().catch(ignore);
}
if (process.argv[3] === 'throw') setImmediate(() => { throw new Error('thrown by the program'); });
else setImmediate(() => process.exit(7));
