// Terminates workers in the middle of their waits, without having loaded the package itself.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const program = fileURLToPath(new URL('worker.mjs', import.meta.url));
for (let i = 0; i < 10; i += 1) {
  const workerData = { address: process.argv[2], name: `w${i}`, calls: 0 };
  const workers = [1, 2].map(() => new Worker(program, { workerData }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await Promise.all(workers.map((worker) => worker.terminate()));
}
console.log('terminated');
