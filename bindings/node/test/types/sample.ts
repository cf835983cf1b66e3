// A program that uses all of the package, for the compiler first and then to be run: both as ESM and as CommonJS.

import {
  Client, Closed, CompareFailed, DoozerError, Entered, Event, Leader, Live, Lock, Node, Registration, RevMismatch, Stat, Stream,
  Timeout, Txn, connect, version,
  type Bytes, type CallOptions, type ClientOptions, type Entry, type FailedPart, type File, type ListOptions, type NodeOptions,
  type ReadOptions, type Revision, type StreamOptions, type WriteOptions,
} from 'doozer';

function check(holds: boolean): asserts holds {
  if (!holds) throw new Error('it does not hold');
}

async function main(): Promise<void> {
  const told: NodeOptions = { listen: '127.0.0.1:0', history: 1000 };
  await using node = await Node.start(told);
  const address: string | null = node.address;
  check(address !== null && version.length > 0);
  const options: ClientOptions = { timeout: 5000, name: 'sample', sessionTtl: 5000, sessionLabel: 'sample' };
  await using client: Client = await connect(address, options);

  const value: Bytes = new Uint8Array([120]);
  const rev: number = await client.set('/a', value, 0);
  const at: Revision = BigInt(rev);
  const reading: ReadOptions = { consistency: 'local', timeout: Infinity };
  const file: File = await client.get('/a', at, reading);
  check(file.value?.toString() === 'x' && file.rev === rev);
  check((await client.get('/a', reading)).rev === rev && node.getLocal('/a').rev === node.revision());
  const stat: Stat = await client.stat('/a');
  const names: string[] = await client.getdir('/');
  const walked: Entry[] = await client.walk('/a', null, {});
  check(stat.isFile && names.includes('a') && walked[0]?.len === 1);

  const listing: ListOptions = { limit: 1, keysOnly: true };
  for await (const { path, value: none } of client.list('/**', listing)) check(path === '/a' && none === null);
  const abort = new AbortController();
  const streaming: StreamOptions = { signal: abort.signal };
  const watch: Stream<Event> = client.watch('/a', rev, streaming);
  const next: IteratorResult<Event, undefined> = await watch.next();
  check(next.done !== true && next.value.isSet && next.value.kind === 'set');
  await watch.return();
  {
    await using config: Stream<File> = client.config('/a');
    const first = await config.next({ timeout: 1000 });
    check(first.value?.rev === rev);
  }

  let token = 0;
  try {
    await using lock: Lock = await client.lock('/l');
    token = lock.rev;
    check(lock.isHeld && lock.path === '/l' && lock.validFor > 0);
    lock.check();
    const lost: AbortSignal = lock.lost;
    const fenced: WriteOptions = { fence: lock, signal: lost };
    check((await client.set('/fenced', 'x', 0, fenced)) < (await client.del('/fenced', -1, { fence: lock })));
    throw new Error('thrown with the lock');
  } catch (error) {
    check(error instanceof Error && error.message === 'thrown with the lock');
  }
  check(token > rev && (await client.get('/l')).value === null);

  let leading: Leader | undefined;
  {
    await using leader: Leader = await client.elect('/leader', 'me');
    await using observed: Stream<File> = client.observe('/leader');
    const said: number = await leader.proclaim(new Uint8Array([121]));
    check(said > leader.token && leader.isLeading && !leader.lost.aborted);
    check((await observed.next()).value?.rev === said);
    leading = leader;
  }
  check(!leading.isLeading && leading.lost.reason instanceof Closed);
  const tried: Lock | null = await client.tryLock('/l');
  check(tried !== null && (await client.tryLock('/l')) === null);
  await tried.unlock();
  {
    await using reader: Lock = await client.readLock('/rw');
    await using place: Lock = await client.semaphore('/s', 2);
    check(reader.isHeld && place.isHeld);
  }
  await (await client.writeLock('/rw')).unlock();
  {
    await using live: Live = await client.discover('/svc/*');
    await using service: Registration = await client.register('/svc/1', 'here');
    const at: number | null = service.rev;
    const files: ReadonlyMap<string, File> | null = await live.changed({ timeout: 5000 });
    check(files?.get('/svc/1')?.rev === at && live.files.size === 1);
    await service.deregister();
    for await (const now of live) if (now.size === 0) break;
  }
  {
    await using entered: Entered = await client.barrier('/b', 1);
    check(entered.path === '/b' && !entered.lost.aborted);
  }
  const txn: Txn = client.txn().ifRev('/a', rev).ifAbsent('/t').set('/t', 'x', 0).del('/none', -1);
  const revs: (number | null)[] = await txn.commit();
  check(revs.length === 2 && revs[1] === null);
  try {
    await txn.commit();
  } catch (error) {
    check(error instanceof CompareFailed);
    const part: FailedPart | null = error.part;
    check(part?.kind === 'compare' && part.number === 2);
  }
  check((await client.rollback('/t', revs[0] ?? 0)) > 0);
  {
    await using follow: Stream<Event> = client.follow('/a', rev);
    check((await follow.next()).value?.rev === rev);
  }

  const call: CallOptions = { timeout: 10, signal: new AbortController().signal };
  try {
    await client.wait('/never', 1, call);
  } catch (error) {
    check(error instanceof Timeout && error instanceof DoozerError && error.code === 'TIMEOUT');
  }
  const failed = await client.add('/a', 'y').then(() => null, (error: unknown) => error);
  check(failed instanceof RevMismatch);
  const number: 5 = failed.number;
  check(number === 5 && failed.path === '/a' && !failed.retry);
  const done: number[] = [await client.del('/a', -1), await client.rev()];
  const nothing: void[] = [await client.nop(), await client.access(''), await client.close()];
  check(done[0] === done[1] && nothing.length === 3 && client.isClosed);

  // What is wrong is wrong for the compiler too.
  const wrong = async (c: Client): Promise<void> => {
    // @ts-expect-error the revision is required
    await c.set('/a', 'x');
    // @ts-expect-error a value is no number
    await c.set('/a', 5, 0);
    // @ts-expect-error there is no such consistency
    await c.get('/a', { consistency: 'some' });
    // @ts-expect-error made by the package alone
    new Client();
    // @ts-expect-error made by the package alone
    new Lock();
    // @ts-expect-error somebody may hold it
    (await c.tryLock('/l')).unlock();
    // @ts-expect-error a write depends on something that is held
    await c.set('/a', 'x', 0, { fence: '/l' });
    // @ts-expect-error a semaphore has places
    await c.semaphore('/s');
    // @ts-expect-error a live map is read only
    (await c.discover('/**')).files.clear();
    // @ts-expect-error a file may be missing
    (await c.get('/a')).value.length;
  };
  check(typeof wrong === 'function');
  console.log('sample ran');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
