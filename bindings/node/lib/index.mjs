// The package, for `import`: what `index.cjs` has, class for class.

import doozer from './index.cjs';

export const {
  connect, Client, Entered, Leader, Live, Lock, Node, Registration, Stream, Txn, Event, Stat, DoozerError, version, _noop,
  _noopAsync,
} = doozer;
export * from './errors.cjs';
