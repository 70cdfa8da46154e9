/** The command as a process: what it does where its output cannot go on. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { encodeCheckpoint } from '../checkpoint/index.ts';
import type { HostArray } from '../core/host.ts';
import { array } from '../formats/testing.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const root = mkdtempSync(join(tmpdir(), 'isobit-main-'));
after(() => rmSync(root, { recursive: true }));

/** A checkpoint whose description is longer than a pipe holds. */
const long = join(root, 'long.cbor');
const name = (i: number) => `model/${'x'.repeat(90)}${i}`;
const tensors = Array.from({ length: 2000 }, (_, i) => [name(i), array('u8', [1], [1])] as [string, HostArray]);
const encoded = await encodeCheckpoint({ kind: 'weights', state: {}, tensors: new Map(tensors) });
writeFileSync(long, await encoded.bytes());

const inspect = (out: 'pipe' | number) =>
  spawn(process.execPath, ['--import', 'tsx', MAIN, 'inspect', long], { stdio: ['ignore', out, 'pipe'] });

test('a reader that stops early ends it without a word', async () => {
  const child = inspect('pipe');
  assert.ok(child.stdout && child.stderr);
  child.stdout.once('data', () => child.stdout?.destroy());
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.deepEqual([told, code], ['', 0]);
});

test('a full disk is one error', { skip: !existsSync('/dev/full') }, async () => {
  const full = openSync('/dev/full', 'w');
  const child = inspect(full);
  assert.ok(child.stderr);
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  closeSync(full);
  assert.match(told, /^isobit: standard output: .*ENOSPC.*\(E_IO\)\n {2}.*\n$/);
  assert.equal(code, 1);
});
