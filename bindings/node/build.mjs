// Builds the native module for this machine in release and puts it where the package has it: `npm run build`.
// CARGO_TARGET_DIR says where Rust builds, by default the checkout's target folder.

import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, '..', '..');
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');
const library = { darwin: 'libdoozer_nodejs.dylib', win32: 'doozer_nodejs.dll' }[process.platform] ?? 'libdoozer_nodejs.so';
const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
const abi = process.platform === 'linux' ? (isMusl ? '-musl' : '-gnu') : '';

const cargo = ['build', '--locked', '--release', '--package', 'doozer-nodejs'];
execFileSync('cargo', cargo, { cwd: root, stdio: 'inherit', env: { ...process.env, CARGO_TARGET_DIR: target } });
const module = join(folder, `doozer.${process.platform}-${process.arch}${abi}.node`);
// A process that runs the old one keeps it: overwriting it in place would pull the code from under it.
rmSync(module, { force: true });
copyFileSync(join(target, 'release', library), module);
copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
console.log(module);
