// The package, for `import`: what `index.cjs` has, class for class.

import doozer from './index.cjs';

export const { connect, Client, Lock, Node, Stream, Event, Stat, DoozerError, version, _noop, _noopAsync } = doozer;
export * from './errors.cjs';
