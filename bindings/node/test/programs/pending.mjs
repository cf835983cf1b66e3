// Waits with nothing else to do: the process must stay until what it waits for comes.

import { connect } from 'doozer';

const c = await connect(process.argv[2]);
await c.set('/ready', '', -1);
const event = await c.wait('/go', 1);
const watch = c.watch('/go', event.rev);
const { value } = await watch.next();
const live = await c.discover('/then');
await c.set('/ready', '', -1);
const files = await live.changed();
console.log(`${files.get('/then').value} and`);
const lock = await c.lock('/l');
await c.set('/ready', '', -1);
const next = await c.elect('/leader', 'x');
await Promise.all([next.resign(), lock.unlock()]);
console.log(`came ${value.value}`);
