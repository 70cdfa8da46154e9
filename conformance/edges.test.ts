/** The edges of the handwritten kernels: WebGPU on a software adapter as WASM, and nothing written behind a result. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWasmRuntime } from '../sdk/engine/create.ts';
import { WebGpuDevice } from '../sdk/engine/webgpu/device.ts';
import { KERNELS } from '../sdk/engine/webgpu/kernels.ts';
import { openDevice } from '../wgsl/dawn.ts';
import { EDGES, shown } from './edges.ts';
import { Walled } from './walled.ts';

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');

test('every handwritten kernel has edges', () => {
  for (const name of Object.keys(KERNELS))
    assert.ok(
      EDGES.some((e) => e.kernels.includes(name)),
      name,
    );
});

test('the same bits and flags as WASM, and nothing behind them', { skip: !gpu && 'no WebGPU device' }, async () => {
  const device = new WebGpuDevice(gpu as GPUDevice, 'edges', { borrowed: true });
  const { device: wasm } = await createWasmRuntime();
  for (const e of EDGES) assert.deepEqual(await shown(device, e), await shown(wasm, e), e.name);
  device.dispose();
});

test('what is written behind a result is seen', async () => {
  const { device: wasm } = await createWasmRuntime();
  const walled = new Walled(wasm);
  const held = walled.allocate(3);
  walled.upload(held, new Uint32Array(4), 'u32');
  await assert.rejects(walled.download(held, 3), /written 1 elements behind the last of 3/);
});
