/** Products of few rows or columns and many terms: split into their chunks of 256 (N6), to WASM's bits. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import type { MatmulOptions, Runtime, Tensor } from '../../index.ts';
import { createWasmRuntime } from '../create.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = gpu ? false : 'no WebGPU device';
const cpu = await createWasmRuntime();
after(() => gpu?.destroy());

/** Signs and exponents vary, so that another order of the sum shows. */
const floats = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin((i + seed) * 12.9898) * 10 ** ((i + seed) % 5));

type Case = readonly [a: readonly number[], b: readonly number[], o?: MatmulOptions];
const CASES: readonly Case[] = [
  // whole chunks, and a rest
  [
    [1, 512],
    [512, 40],
  ],
  [
    [1, 784],
    [784, 128],
  ],
  [
    [3, 1000],
    [1000, 5],
  ],
  [
    [70, 769],
    [769, 2],
  ],
  // the most chunks, and one more term: not split
  [
    [2, 5120],
    [5120, 3],
  ],
  [
    [2, 5121],
    [5121, 3],
  ],
  // either side transposed
  [[600, 4], [600, 9], { transposeA: true }],
  [[4, 600], [9, 600], { transposeB: true }],
  [[600, 4], [9, 600], { transposeA: true, transposeB: true }],
  // batches, one of them shared
  [
    [3, 2, 5, 700],
    [2, 700, 6],
  ],
  [
    [2, 1, 5, 700],
    [3, 700, 6],
  ],
  // modes whose products are exact
  [[2, 800], [800, 7], { precision: 'high' }],
  [[2, 800], [800, 7], { precision: 'medium' }],
];

async function bits(rt: Runtime, build: (rt: Runtime) => Tensor): Promise<Uint32Array> {
  const d = await build(rt).data({ nonfinite: 'keep' });
  return new Uint32Array(d.buffer, d.byteOffset, d.byteLength / 4);
}
const size = (s: readonly number[]) => s.reduce((n, d) => n * d, 1);

test('the bits of WASM, whatever is split', { skip }, async () => {
  const rt = new EngineRuntime(new WebGpuDevice(gpu!, 'test', { borrowed: true }));
  for (const [a, b, o] of CASES) {
    const build = (r: Runtime) =>
      r
        .tensor(floats(size(a), 1), a)
        .matmul(r.tensor(floats(size(b), 77), b), o)
        .add(1) as Tensor;
    const [want, got] = [await bits(cpu, build), await bits(rt, build)];
    assert.deepEqual(got, want, `[${a}] by [${b}] ${JSON.stringify(o ?? {})}`);
  }
  await rt.dispose();
});

test('Inf and NaN of one chunk, sums that cancel, and what is below the window', { skip }, async () => {
  const rt = new EngineRuntime(new WebGpuDevice(gpu!, 'test', { borrowed: true }));
  const a = floats(4 * 1024, 5);
  a[300] = Number.POSITIVE_INFINITY;
  a[1024 + 700] = Number.NaN;
  a.fill(0, 2048, 3072);
  // A chunk that sums to what the next takes away.
  for (let i = 0; i < 512; i++) a[3072 + i] = i < 256 ? 3 : -3;
  for (let i = 512; i < 1024; i++) a[3072 + i] = 2 ** -60;
  const one = new Float32Array(1024 * 3).fill(1);
  const build = (r: Runtime) =>
    r.tensor(a, [4, 1024], 'f32', { nonfinite: 'keep' }).matmul(r.tensor(one, [1024, 3])) as Tensor;
  assert.deepEqual(await bits(rt, build), await bits(cpu, build));
  await rt.dispose();
});
