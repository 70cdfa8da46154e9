/** 10,000 steps: heap and device memory stay as they are. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const KINDS = ['disposed', 'dropped', 'series', 'trainer', 'looking'];
/** Compiled code, inline caches, what waits for its finalizer; 10,000 nodes that are kept would take four times as much. */
const SLACK = 1_000_000;
/** A Trainer keeps every value of its history: a step and a loss, each a number in a list that may be half empty. */
const HISTORY = 10_000 * 2 * 8 * 3;

test('heap and device memory are flat over 10,000 steps of each kind', () => {
  const script = fileURLToPath(new URL('./steady.run.ts', import.meta.url));
  const run = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', script], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const found = JSON.parse(run.stdout) as Record<string, { heap: number; live: number; peak: number }>;
  assert.deepEqual(Object.keys(found), KINDS);
  for (const [kind, { heap, live, peak }] of Object.entries(found)) {
    const kept = kind === 'trainer' || kind === 'looking' ? HISTORY : 0;
    assert.ok(heap < SLACK + kept, `${kind}: ${heap} bytes more on the heap`);
    assert.ok(live <= 0, `${kind}: ${live} bytes more on the device`);
    // What nobody disposed of is freed when it is collected: sooner or later.
    if (kind !== 'dropped') assert.equal(peak, 0, kind);
  }
});
