/** Models on WASM and on WebGPU, fused and with one kernel an op, to the bit: models.ts. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openDevice } from '../wgsl/dawn.ts';
import { type LocalName, runtimesOf } from './fuzz/runtimes.ts';
import { differences, MODELS } from './models.ts';

const probe = await openDevice();
if (!probe && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
probe?.destroy();
const SKIP: Record<LocalName, string | false> = {
  'node-wasm': false,
  'node-wasm-threads': false,
  'node-webgpu': probe ? false : 'no WebGPU device',
};

for (const [row, skip] of Object.entries(SKIP) as [LocalName, string | false][]) {
  describe(row, { skip }, () => {
    const runtimes = skip ? null : runtimesOf(row);
    after(async () => {
      for (const { rt } of (await runtimes) ?? []) await rt.dispose();
    });
    for (const [name, model] of Object.entries(MODELS)) {
      test(name, async () => {
        for (const { name: how, rt } of (await runtimes) ?? []) {
          assert.deepEqual(await differences(rt, model), [], how);
        }
      });
    }
  });
}
