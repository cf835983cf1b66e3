// Waits with nothing else to do: the process must stay until what it waits for comes.

import { connect } from 'doozer';

const c = await connect(process.argv[2]);
await c.set('/ready', '', -1);
const event = await c.wait('/go', 1);
const watch = c.watch('/go', event.rev);
const { value } = await watch.next();
console.log(`came ${value.value}`);
