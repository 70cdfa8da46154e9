/** The loop that stands for a careful hand obeys the same contract: it gives the bits that isobit gives. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { chainOn, compileTo, handOf } from './hand/index.ts';
import { open } from './isobit/index.ts';

test('six ops and a sum give the same bits by hand', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-hand-'));
  const file = join(scratch, 'chain.wasm');
  compileTo(file, new URL('..', import.meta.url));
  const hand = await handOf(readFileSync(file));
  rmSync(scratch, { recursive: true });
  // Lists of one chunk, of several, and one whose chunks are again more than a chunk.
  for (const chunks of [1, 3, 65, 2100]) {
    const work = { kind: 'chain', n: chunks * 2048 } as const;
    const [ours, theirs] = [await open(work, { device: 'wasm', threads: 1 }), chainOn(hand, work)];
    await ours.step(0);
    theirs.step(0);
    assert.deepEqual(await theirs.probe(), await ours.probe(), `${chunks} chunks`);
    await ours.close?.();
  }
});
