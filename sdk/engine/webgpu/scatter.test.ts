/** Lists of so many sources that R has three levels (N7), at a chunk of 128 elements in place of 2048. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import { bitsOf } from '../../core/scalar/bits.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');

const CHUNK = 128;
const add = (a: number, b: number) => Math.fround(a + b);

function R(list: readonly number[]): number {
  if (list.length > CHUNK) {
    return R(
      Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, c) => R(list.slice(c * CHUNK, (c + 1) * CHUNK))),
    );
  }
  const lanes = new Array<number>(64).fill(0);
  list.forEach((v, i) => {
    lanes[i % 64] = add(lanes[i % 64], v);
  });
  for (let s = 32; s >= 1; s /= 2) for (let i = 0; i < s; i++) lanes[i] = add(lanes[i], lanes[i + s]);
  return lanes[0];
}

test('three levels', { skip: !gpu && 'no WebGPU device' }, async () => {
  const rewrite = (code: string) => (code.includes('fn chunk') ? code.replaceAll('2048u', `${CHUNK}u`) : code);
  const rt = new EngineRuntime(new WebGpuDevice(gpu as GPUDevice, 'test', { borrowed: true, rewrite }));
  // Two levels; three with the second one empty, with one row, with many rows and a rest.
  for (const n of [17 * CHUNK, CHUNK ** 2, CHUNK ** 2 + 1, CHUNK ** 2 + CHUNK, 5 * CHUNK ** 2 + 3 * CHUNK + 7]) {
    const source = Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * 12.9898) * 8));
    const sum = rt
      .tensor([0.5, 1.5])
      .scatterAdd(rt.tensor(new Int32Array(n).fill(1), [n], 'i32'), rt.tensor(source), 0);
    const [none, all] = await sum.data();
    assert.equal(none, 0.5);
    assert.equal(bitsOf(all), bitsOf(add(1.5, R([...source]))), `${n} sources`);
  }
  await rt.dispose();
});
