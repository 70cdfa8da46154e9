/** A device that is lost, runs out of memory or meets an error of validation: typed errors, from what waits and what follows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import { isIsobitError, type Tensor } from '../../index.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

type F = Tensor<'f32'>;
const code = (c: string) => (e: unknown) => isIsobitError(e) && e.code === c && e.hint.length > 0;

const probe = await openDevice();
if (!probe && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = probe ? false : 'no WebGPU device';
probe?.destroy();

async function runtime(o: { rewrite?: (wgsl: string) => string } = {}): Promise<{ gpu: GPUDevice; rt: EngineRuntime }> {
  const gpu = (await openDevice())!;
  return { gpu, rt: new EngineRuntime(new WebGpuDevice(gpu, 'test', o)) };
}

test('destroy(): pending and later calls and reads throw E_DEVICE_LOST, rt.lost resolves', { skip }, async () => {
  const { gpu, rt } = await runtime();
  const w = rt.variable(rt.tensor(new Float32Array(4096).fill(0.5), [64, 64]));
  const step = rt.capture((x: F) => {
    w.assign(w.value().matmul(w.value()).mul(x).tanh());
    return w.value().sum();
  });
  assert.ok(Number.isFinite(await (await step(0.25)).item()));
  const strict = rt.capture((x: F) => w.value().sum().mul(x), { onNonFinite: 'reject' });
  const y = await step(0.5);
  const pending = [y.item(), strict(2), strict(3), w.value().data()];
  gpu.destroy();
  await Promise.all(pending.map((p) => assert.rejects(p, code('E_DEVICE_LOST'))));
  const e = await rt.lost;
  assert.equal(e.code, 'E_DEVICE_LOST');
  assert.match(e.hint, /another runtime/);
  await assert.rejects(step(1), code('E_DEVICE_LOST'));
  await assert.rejects(y.item(), code('E_DEVICE_LOST'));
  assert.throws(() => rt.tensor([1]), code('E_DEVICE_LOST'));
  await rt.dispose();
});

test('dispose() is no loss: what waits throws E_DISPOSED', { skip }, async () => {
  const { rt } = await runtime();
  const read = rt.tensor([1, 2]).mul(3).data();
  void rt.lost.then(() => assert.fail('rt.lost resolved'));
  await rt.dispose();
  await assert.rejects(read, code('E_DISPOSED'));
  await new Promise((resolve) => setTimeout(resolve, 150));
});

test('an allocation beyond the limit is E_OOM, and what is there lives on', { skip }, async () => {
  const { rt } = await runtime();
  const x = rt.tensor([1, 2, 3]);
  const { limit, live } = rt.memory();
  await assert.rejects(
    x
      .sum()
      .broadcast([limit / 4 + 64])
      .add(0.5)
      .data(),
    code('E_OOM'),
  );
  assert.deepEqual([...(await x.add(1).data())], [2, 3, 4]);
  assert.ok(rt.memory().live >= live);
  await rt.dispose();
});

test('a kernel that does not compile, and an error of validation, are E_DEVICE', { skip }, async () => {
  const broken = await runtime({ rewrite: (wgsl) => wgsl.replace('@compute', '@computed') });
  await assert.rejects(broken.rt.tensor([1]).exp().data(), code('E_DEVICE'));
  await assert.rejects(async () => broken.rt.tensor([1]), code('E_DEVICE'));
  await broken.rt.dispose();

  const { gpu, rt } = await runtime();
  const x = rt.tensor([1]);
  gpu.createBuffer({ size: 4, usage: 0 });
  await gpu.queue.onSubmittedWorkDone();
  await assert.rejects(async () => x.exp().data(), code('E_DEVICE'));
  await rt.dispose();
});

test('a device that was given is left alone', { skip }, async () => {
  const gpu = (await openDevice())!;
  const rt = new EngineRuntime(new WebGpuDevice(gpu, 'test', { borrowed: true }));
  assert.equal(await rt.scalar(2).add(1).item(), 3);
  await rt.dispose();
  const again = new EngineRuntime(new WebGpuDevice(gpu, 'test'));
  assert.equal(await again.scalar(3).add(1).item(), 4);
  await again.dispose();
});
