/** Guarded runs: on the device itself, what comes after a call that raised a flag finds the old values. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import { isIsobitError, type Tensor } from '../../index.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

type F = Tensor<'f32'>;
const named = (op: RegExp) => (e: unknown) =>
  isIsobitError(e) && e.code === 'E_NUMERIC' && op.test((e as Error).message);

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = gpu ? false : 'no WebGPU device';
const rt = gpu ? new EngineRuntime(new WebGpuDevice(gpu, 'test')) : (null as unknown as EngineRuntime);
after(() => rt?.dispose());

test('calls run one behind the other without waiting, and a refused one among them leaves no trace', {
  skip,
}, async () => {
  const v = rt.variable(rt.tensor(new Float32Array(10_000).fill(1), [100, 100]));
  const f = rt.capture(
    (x: F) => {
      v.assign(v.value().add(x.log()));
      return v.value().sum();
    },
    { onNonFinite: 'reject' },
  );
  const e = Math.fround(Math.E);
  const found = await Promise.allSettled([f(e), f(-1), f(e), f(0), f(e)]);
  assert.deepEqual(
    found.map((r) => r.status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.ok((await v.value().data()).every((x) => x === 4));
  assert.ok(found[3].status === 'rejected' && named(/call 4 .*log/)(found[3].reason));
});

test('more variables than one table holds, of all sizes, one of them empty; two that share a value', {
  skip,
}, async () => {
  const sizes = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? 5000 : i % 11));
  const all = sizes.map((n, i) => rt.variable(rt.tensor(new Float32Array(n).fill(i), [n])));
  const [a, b] = [rt.variable(rt.scalar(-1)), rt.variable(rt.scalar(-2))];
  const f = rt.capture(
    (x: F) => {
      const y = x.log();
      for (const v of all) v.assign(v.value().add(y.broadcast(v.shape)));
      a.assign(y);
      b.assign(y);
    },
    { onNonFinite: 'reject' },
  );
  const sums = async () =>
    Promise.all([...all, a, b].map(async (v) => (await v.value().data()).reduce((s, x) => s + x, 0)));
  const before = await sums();
  await assert.rejects(f(-1), named(/log/));
  assert.deepEqual(await sums(), before);
  await f(Math.fround(Math.E));
  const want = sizes.map((n, i) => n * (i + 1));
  assert.deepEqual(await sums(), [...want, 1, 1]);
});

test("'stop': everything since the first refused call is refused", { skip }, async () => {
  const v = rt.variable(rt.scalar(0));
  const f = rt.capture(
    (x: F) => {
      v.assign(v.value().add(x.log()));
      return v.value();
    },
    { onNonFinite: 'stop' },
  );
  const e = Math.fround(Math.E);
  const calls = [await f.ahead(e), await f.ahead(-1), await f.ahead(e), await f.ahead(-2), await f.ahead(e)];
  assert.equal(await v.value().item(), 1);
  await calls[0].done?.();
  for (const { done } of calls.slice(1)) await assert.rejects(done!(), named(/call 2 .*log/));
  await (await f.ahead(e)).done?.();
  assert.equal(await v.value().item(), 2);
});
