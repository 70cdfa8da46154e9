/** The short form of `npm run torture -- malformed`, and what the long one has found. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { concatBytes } from '../../sdk/checkpoint/bytes.ts';
import { LIMITS } from '../../sdk/checkpoint/limits.ts';
import { checkManifest } from '../../sdk/checkpoint/manifest.ts';
import { readMpk } from '../../sdk/formats/mpk.ts';
import { readNpz } from '../../sdk/formats/npz.ts';
import { bases, forge, readCheckpoint } from './malformed/files.ts';
import { foreign } from './malformed/foreign.ts';
import { malformedInputs } from './malformed.ts';

test('malformed input: typed errors, no hang, no growth, and what is accepted is written again as it was', async () => {
  const { faults, report } = await malformedInputs({ inputs: 800, seed: 7, from: 0, heap: 256 });
  assert.deepEqual(faults, []);
  const { outcomes } = report!;
  // it gets behind the digests, and not everything is refused
  for (const code of ['read', 'E_SCHEMA', 'E_NONCANONICAL', 'E_LAYOUT', 'E_LIMIT'])
    assert.ok(outcomes.checkpoint[code] > 0, code);
  assert.ok(outcomes.record.read > 0 && outcomes.record.E_SCHEMA > 0);
});

test('the fuzzer makes the valid file where it changes nothing, and sees a reader that is too kind', async () => {
  const [base] = await bases();
  await readCheckpoint(base.bytes);
  for (const [name, f] of Object.entries(foreign())) assert.doesNotThrow(() => f.read(f.valid), name);
  // draws: no change of the index, minor 0, nothing odd
  const draws = [0, 1, 15];
  const made = forge(base, () => draws.shift() ?? 0);
  await readCheckpoint(made);
  // a later minor's extra bytes would be lost: written again it must be the same
  await assert.rejects(readCheckpoint(concatBytes([made, Uint8Array.of(0)])), { code: 'E_TRAILING' });
});

test('found: a dtype or shape whose own toString is no function', () => {
  const hostile = { toString: 1 } as unknown as string;
  for (const t of [
    { name: 'w', dtype: hostile as 'f32', shape: [1] },
    { name: 'w', dtype: 'f32' as const, shape: [hostile as unknown as number] },
  ]) {
    const m = { kind: 'weights', requires: [], schema: {}, state: {}, tensors: [t] };
    assert.throws(() => checkManifest(m, LIMITS, 'E_SCHEMA'), { name: 'CheckpointError' });
  }
});

test('found: a list that claims more elements than there are bytes, a zip archive that is none', () => {
  const whole = encode({ metadata: {}, item: { a: 1 } });
  const claim = concatBytes([whole.subarray(0, -1), Uint8Array.of(0xdd, 0x02, 0xff, 0xff, 0xff)]);
  assert.doesNotThrow(() => readMpk(whole));
  assert.throws(() => readMpk(claim), /lists of \d+ elements/);
  assert.throws(() => readNpz(Uint8Array.of(0x50, 0x4b, 3, 4)), { code: 'E_FORMAT' });
});
