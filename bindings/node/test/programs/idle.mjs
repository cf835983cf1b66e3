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
console.log(`opened ${opened.length}`);
