// The talk's reload loop: a program that hears of each change of its configuration.
//
//     node reload.mjs 127.0.0.1:8046 /myapp.conf

import { connect } from 'doozer';

const [uri = '127.0.0.1:8046', path = '/myapp.conf'] = process.argv.slice(2);
const client = await connect(uri);
// First the file as it is, then as it is after each change. None is missed, whatever happens to connections.
for await (const { value, rev } of client.config(path)) {
  console.log(value ? `${path} ${rev} ${value}` : `${path} is not there`);
}
