/** numerics 'fast': without its guards a compiler may rewrite roundings, and does. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import { createRuntime, type Runtime, type Tensor } from '../../index.ts';

const device = await openDevice();
if (!device && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = device ? false : 'no WebGPU device';
const fast = device ? await createRuntime({ backend: 'webgpu', device, numerics: 'fast', threads: 2 }) : null;
const exact = await createRuntime({ backend: 'wasm' });
after(async () => {
  await fast?.dispose();
  device?.destroy();
});

const draw = (rt: Runtime, name: string, shape: number[]) => rt.rng.normal(name, shape);
const both = (build: (rt: Runtime) => Tensor) =>
  Promise.all([exact, fast as Runtime].map((rt) => build(rt).data({ nonfinite: 'keep' })));

test('it says that its bits are unverified', { skip }, () => {
  assert.equal(fast?.exactness, 'unverified');
  assert.match(fast?.why ?? '', /webgpu was asked for; numerics 'fast'.*; threads are for WASM$/);
});

test('the error of a sum, which algebra says is 0, loses bits; integers keep theirs', { skip }, async () => {
  const [want, got] = await both((rt) => {
    const [a, b] = [draw(rt, 'a', [4096]), draw(rt, 'b', [4096])];
    return a.add(b).sub(a).sub(b);
  });
  assert.notDeepEqual(got, want);
  const [words, same] = await both((rt) => rt.rng.bits('w', [100]));
  assert.deepEqual(same, words);
});

test('results stay near those of the contract', { skip }, async () => {
  const near = ([want, got]: ArrayLike<number>[], tolerance: number) => {
    for (let i = 0; i < want.length; i++) {
      assert.ok(Math.abs(got[i] - want[i]) <= tolerance, `element ${i}: ${got[i]}, exact ${want[i]}`);
    }
  };
  near(await both((rt) => draw(rt, 'a', [16, 300]).matmul(draw(rt, 'b', [300, 16]))), 1e-4);
  // The steps of the argument's reduction are merged: its error grows with the argument, here up to 40.
  near(await both((rt) => draw(rt, 'a', [4096]).mul(10).sin()), 1e-5);
  near(await both((rt) => draw(rt, 'a', [4096]).tanh()), 1e-6);
});
