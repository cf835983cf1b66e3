// The types: a program that uses all of the package passes the compiler in both kinds of modules, and then runs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { run } from './support.mjs';

const here = dirname(fileURLToPath(import.meta.url));
/** Where the compiler is, and the types of Node.js. */
const tools = process.env.DOOZER_NODE_TOOLS ?? join(here, '..', 'node_modules');

/** A project beside the tests, where the package is found as they find it. */
function project(t, type) {
  const place = mkdtempSync(join(here, `types-${type}-`));
  t.after(() => rmSync(place, { recursive: true }));
  copyFileSync(join(here, 'types', 'sample.ts'), join(place, 'sample.ts'));
  writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true, type }));
  const compilerOptions = {
    strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noImplicitOverride: true,
    // The types of the package are looked into as well.
    skipLibCheck: false,
    module: 'nodenext', target: 'es2022', outDir: 'out', typeRoots: [join(tools, '@types')], types: ['node'],
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['sample.ts'] }));
  return place;
}

for (const type of ['module', 'commonjs']) {
  test(`a program of type ${type} compiles with every strictness, and runs`, async (t) => {
    const place = project(t, type);
    const compiled = spawnSync(process.execPath, [join(tools, 'typescript', 'bin', 'tsc'), '-p', place], { encoding: 'utf8' });
    assert.equal(compiled.stdout + compiled.stderr, '');
    assert.equal(compiled.status, 0);
    const out = join(place, 'out', 'sample.js');
    assert.match(readFileSync(out, 'utf8'), type === 'module' ? /^import /m : /require\("doozer"\)/);
    assert.deepEqual(await run(out), { code: 0, signal: null, out: 'sample ran\n', err: '' });
  });
}

test('the types say of everything what it is', () => {
  const lib = join(dirname(createRequire(import.meta.url).resolve('doozer/package.json')), 'lib');
  for (const name of readdirSync(lib).filter((file) => /\.d\.[mc]?ts$/.test(file))) {
    assert.doesNotMatch(readFileSync(join(lib, name), 'utf8').replace(/\/\*.*?\*\/|\/\/.*/gs, ''), /\bany\b/, name);
  }
});

test('the types have what the package has, and nothing else', async (t) => {
  const place = project(t, 'module');
  const names = Object.keys(await import('doozer'));
  const uses = names.map((name, i) => `export const it${i} = doozer.${name};`);
  writeFileSync(join(place, 'sample.ts'), [`import * as doozer from 'doozer';`, ...uses].join('\n'));
  const declared = `const names: Record<keyof typeof doozer, true> = { ${names.map((name) => `${name}: true`).join(', ')} };`;
  writeFileSync(join(place, 'sample.ts'), [readFileSync(join(place, 'sample.ts'), 'utf8'), declared, 'void names;'].join('\n'));
  mkdirSync(join(place, 'out'));
  const compiled = spawnSync(process.execPath, [join(tools, 'typescript', 'bin', 'tsc'), '-p', place], { encoding: 'utf8' });
  assert.equal(compiled.stdout + compiled.stderr, '');
});
