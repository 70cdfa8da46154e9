/** 10,000 training steps hold no more memory at their end than at their beginning. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRuntime } from '../sdk/index.ts';
import { flat, growth } from './isobit/flat.ts';
import { TINY } from './nets.ts';

/** Bytes a step: less than a tensor, of which a leak keeps one at least. What is below comes and goes with V8's code and types. */
const NOISE = 64;

test('heap and device memory stay flat over 10,000 steps', async () => {
  setFlagsFromString('--expose-gc');
  const rt = await createRuntime({ backend: 'wasm' });
  const samples = await flat(rt, TINY, 10_000, 9, runInNewContext('gc') as () => void);
  await rt.dispose();
  assert.equal(samples.length, 9);
  assert.equal(samples[8].step > 9900, true);
  for (const { step, device } of samples) assert.equal(device, samples[0].device, `device memory at step ${step}`);
  assert.ok(growth(samples) < NOISE, `the heap grows by ${growth(samples).toFixed(1)} bytes a step`);
});

test('growth is that of the heap by step', () => {
  const leak = Array.from({ length: 9 }, (_, i) => ({ step: 100 * i, heap: 5000 + 2400 * i, device: 0 }));
  assert.equal(growth(leak), 24);
});
