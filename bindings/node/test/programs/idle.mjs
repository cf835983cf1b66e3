// Opens all there is and closes nothing: the process must end by itself.

import { Node, connect } from 'doozer';

const c = await connect(process.argv[2]);
await c.set('/a', 'x', -1);
const opened = [c, c.watch('/a', 1), c.config('/a'), c.list('/**'), await c.lock('/idle'), await Node.start()];
await opened[1].next();
await opened[2].next();
const inside = await opened[5].client();
await inside.set('/a', 'x', -1);
opened.push(inside, inside.watch('/a', 1));
// Told of, and not waited for.
const held = [await c.lock('/l'), await c.readLock('/rw'), await c.elect('/e', 'x'), await c.barrier('/b', 1), await inside.lock('/l')];
for (const { lost } of held) lost.addEventListener('abort', () => console.log('lost'));
const live = await c.discover('/**');
opened.push(...held, live, live[Symbol.asyncIterator](), await c.register('/s', 'x'), c.follow('/a'), c.observe('/e'));
if (live.files.size === 0) throw new Error('no files');
console.log(`opened ${opened.length}`);
