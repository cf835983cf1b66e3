// The runner of the shared scenarios: what does not hold fails, and so does what it does not know.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { folder, run } from './support.mjs';

const runner = join(dirname(fileURLToPath(import.meta.url)), '..', 'conformance.mjs');
const step = (...lines) => ['[[scenario.step]]', ...lines].join('\n');
const SET = step('do = "set"', 'path = "/a"', 'value = "x"', 'rev = 0', 'save = "r"');

const LOCK = step('do = "lock"', 'path = "/l"', 'lock = "l"');

/** Steps and what is said of them; nothing if they hold. */
const CASES = {
  'holds': [SET, step('do = "get"', 'path = "/a"', 'expect_value = "x"', 'expect_rev = "r"')],
  'a-value': [SET, step('do = "get"', 'path = "/a"', 'expect_value = "y"'), /step 2 \(get\): value: "x" and not "y"/],
  'a-size': [SET, step('do = "get"', 'path = "/a"', 'expect_size = 2'), /value in hex/],
  'a-revision': [SET, step('do = "rev"', 'expect_rev = "r+1"'), /step 2 \(rev\): revision/],
  'above': [SET, step('do = "rev"', 'expect_rev_above = "r"'), /revision/],
  'missing': [SET, step('do = "get"', 'path = "/a"', 'expect_missing = true'), /it is not missing/],
  'there': [step('do = "get"', 'path = "/a"', 'expect_value = ""'), /value/],
  'names': [SET, step('do = "getdir"', 'path = "/"', 'expect_names = "a"'), /names: \["a","ctl"\]/],
  'count': [SET, step('do = "walk"', 'glob = "/a"', 'expect_count = 2'), /count: 1 and not 2/],
  'no-error': [SET, step('do = "get"', 'path = "/a"', 'error = "BAD_PATH"'), /it did not fail with BAD_PATH/],
  'an-error': [step('do = "get"', 'path = "a"'), /it failed: BadPath/],
  'kind': [step('do = "get"', 'path = "a"', 'error = "BAD_GLOB"'), /kind: "BAD_PATH" and not "BAD_GLOB"/],
  'op': [step('do = "get"', 'path = "a"', 'error = "BAD_PATH"', 'error_op = "set"'), /operation/],
  'path': [step('do = "get"', 'path = "a"', 'error = "BAD_PATH"', 'error_path = "b"'), /path: "a" and not "b"/],
  'detail': [step('do = "get"', 'path = "a"', 'error = "BAD_PATH"', 'error_detail = "xyz"'), /the detail lacks 'xyz'/],
  'held': [LOCK, step('do = "held"', 'lock = "l"', 'expect_held = false'), /step 2 \(held\): whether it is held: true and not false/],
  'lost': [LOCK, step('do = "lost"', 'lock = "l"', 'timeout_ms = 50'), /step 2 \(lost\): it failed: Timeout/],
  'not-kept': [step('do = "unlock"', 'lock = "l"'), /no thing that was kept is called 'lock l'/],
  'no-fence': [step('do = "set"', 'path = "/a"', 'value = "x"', 'rev = 0', 'fence = "l"'), /no lock or leader is called 'l'/],
  'fenced': [LOCK, step('do = "del"', 'path = "/l"', 'rev = -1'), step('do = "set"', 'path = "/a"', 'value = "x"', 'rev = 0', 'fence = "l"'), /it failed: LockLost/],
  'changes': [step('do = "txn"', 'txn = "set /a x 0\\ndel /none -1"', 'expect_revs = "0 0"'), /step 1 \(txn\): revisions: \[\d+,0\] and not \[0,0\]/],
  'a-part': [step('do = "txn"', 'txn = "if_rev /a 1\\nset /a x 0"', 'error = "COMPARE_FAILED"', 'error_part = "compare 2"'), /part: "compare 1" and not "compare 2"/],
  'no-part': [step('do = "get"', 'path = "a"', 'error = "BAD_PATH"', 'error_part = "operation 1"'), /part: nothing and not "operation 1"/],
  'unknown-part': [step('do = "txn"', 'txn = "dance /a"'), /no part of a transaction: 'dance \/a'/],
  'files': [step('do = "discover"', 'glob = "/svc/*"', 'live = "m"'), step('do = "files"', 'live = "m"', 'expect_count = 1'), /step 2 \(files\): count: 0 and not 1/],
  'joined-once': [step('do = "set"', 'path = "/b"', 'value = "x"', 'rev = 0', 'background = "w"'), step('do = "await"', 'call = "w"'), step('do = "cancel"', 'call = "w"'), /no call is called 'w'/],
  'unknown-do': [step('do = "dance"'), /does not know how to do 'dance'/],
  'fork-it': [step('do = "fork"'), 'skip'],
};

test('what does not hold fails, with the step and why', async (t) => {
  const place = folder(t);
  const files = Object.entries(CASES).map(([name, [...steps]]) => {
    const own = steps.filter((it) => typeof it === 'string' && it !== 'skip');
    return [`[[scenario]]`, `name = "${name}"`, 'about = "…"', ...own].join('\n');
  });
  writeFileSync(join(place, 'cases.toml'), files.join('\n\n'));
  const output = join(place, 'out.tsv');
  const said = await run(runner, [place, output]);
  assert.equal(said.code, 1);
  const lines = readFileSync(output, 'utf8').trimEnd().split('\n').map((line) => line.split('\t'));
  assert.deepEqual(lines.map(([name]) => name), Object.keys(CASES));
  for (const [name, word, text] of lines) {
    const expected = CASES[name].at(-1);
    if (expected instanceof RegExp) {
      assert.equal(word, 'fail', name);
      assert.match(text, expected);
    } else assert.equal(word, expected === 'skip' ? 'skip' : 'pass', `${name}: ${text}`);
  }
});

test('a line it does not know is no scenario that passes', async (t) => {
  for (const line of ['surprise = 1', 'path = [1]', "path = 'x'", 'rev = 1.5', 'rev = 01e2', 'path = "x" # why', 'path="x"']) {
    const place = folder(t);
    writeFileSync(join(place, 'x.toml'), `[[scenario]]\nname = "x"\nabout = "…"\n${step('do = "nop"', line)}\n`);
    const said = await run(runner, [place]);
    assert.equal(said.code, 1, line);
    assert.match(said.err, /line 6|value:/, line);
  }
  const none = await run(runner, [join(dirname(runner), 'test', 'tls')]);
  assert.equal(none.code, 1);
});
