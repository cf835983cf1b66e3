// Throws where a result comes: it is the program's own unhandled rejection, as with any promise.

import { connect } from 'doozer';

const c = await connect(process.argv[2]);
c.get('/a').then(() => {
  throw new Error('thrown at a result');
});
c.wait('/never', 1).catch(() => {});
