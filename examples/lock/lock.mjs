// The talk's lock: a file that exists while somebody holds it.
//
//     node lock.mjs 127.0.0.1:8046 /locks/x

import { once } from 'node:events';
import { connect } from 'doozer';

const [uri = '127.0.0.1:8046', path = '/locks/x'] = process.argv.slice(2);
const client = await connect(uri);
const lock = await client.lock(path);
try {
  // The token grows from holder to holder: what the lock protects can refuse one who is late.
  console.log(`held ${lock.rev}`);
  await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')]);
  process.stdin.destroy();
} finally {
  await lock.unlock();
}
console.log('given back');
