/** What goes in and comes out of a WebGPU runtime besides tensors: the caller's device, GPUBuffers, progress. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice, run } from '../../../wgsl/dawn.ts';
import { createRuntime, type Tensor } from '../../index.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = gpu ? false : 'no WebGPU device';
after(() => gpu?.destroy());

/** The words of a buffer, by the caller's own means. */
async function wordsOf(buffer: GPUBuffer): Promise<number[]> {
  const device = gpu as GPUDevice;
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  return [...new Uint32Array(staging.getMappedRange())];
}
const bits = (...x: number[]) => [...new Uint32Array(Float32Array.from(x).buffer)];

test('gpuBuffer is a copy that outlives tensor and runtime', { skip }, async () => {
  const rt = new EngineRuntime(new WebGpuDevice(gpu!, 'test', { borrowed: true }));
  const x = rt.tensor([1, 2, 3, 4], [2, 2]);
  // As a view, as an argument of the caller's own work, and of other dtypes.
  const turned = (await x.permute(1, 0).gpuBuffer()) as GPUBuffer;
  const lost = (await x.mul(2).gpuBuffer()) as GPUBuffer;
  const flags = (await x.gt(2).gpuBuffer()) as GPUBuffer;
  const ints = (await rt.tensor([-1, 7], [2], 'i32').gpuBuffer()) as GPUBuffer;
  const none = (await rt.tensor([]).gpuBuffer()) as GPUBuffer;
  const v = rt.variable(rt.scalar(5));
  const before = (await v.value().gpuBuffer()) as GPUBuffer;
  await rt.capture(() => v.assign(v.value().add(1)))();
  lost.destroy();
  x.dispose();
  await rt.dispose();
  assert.deepEqual(await wordsOf(turned), bits(1, 3, 2, 4));
  assert.deepEqual(await wordsOf(flags), [0, 0, 1, 1]);
  assert.deepEqual(await wordsOf(ints), [0xffffffff, 7]);
  assert.deepEqual(await wordsOf(before), bits(5));
  assert.equal(none.size, 4);
  assert.ok((turned.usage & GPUBufferUsage.STORAGE) !== 0 && (turned.usage & GPUBufferUsage.VERTEX) !== 0);
});

test('gpuBuffer refuses what data() refuses, and what cannot be', { skip }, async () => {
  const rt = new EngineRuntime(new WebGpuDevice(gpu!, 'test', { borrowed: true }));
  const bad = rt.tensor([-1]).log();
  await assert.rejects(bad.gpuBuffer(), { code: 'E_NUMERIC', message: /log/ });
  assert.deepEqual(await wordsOf((await bad.gpuBuffer({ nonfinite: 'keep' })) as GPUBuffer), [0x7fc00000]);
  const y = await rt.capture((x: Tensor<'f32'>) => x.log())(0);
  await assert.rejects(y.gpuBuffer(), { code: 'E_NUMERIC', message: /call 1 .*log/ });
  let inside: Promise<unknown> = Promise.resolve();
  await rt.capture((x: Tensor<'f32'>) => {
    inside = x.gpuBuffer();
    inside.catch(() => {});
    return x.add(1);
  })(1);
  await assert.rejects(inside, { code: 'E_IMPURE' });
  await rt.dispose();
  await assert.rejects((await createRuntime({ backend: 'wasm' })).scalar(1).gpuBuffer(), { code: 'E_OPTION' });
});

test("the caller's device is used, told progress of, and left alone", { skip }, async () => {
  const seen: { phase: string; done: number; total: number }[] = [];
  const rt = await createRuntime({ backend: 'webgpu', device: gpu!, onProgress: (e) => seen.push(e) });
  const compiled = seen.filter((e) => e.phase === 'compile');
  assert.ok(seen.some((e) => e.phase === 'qualify'));
  assert.ok(
    compiled.some((e) => e.done === 0 && e.total > 1),
    'all pipelines of a plan at once',
  );
  assert.equal(compiled.at(-1)?.done, compiled.at(-1)?.total);
  seen.length = 0;
  assert.equal(await rt.tensor([3, 4]).mul(5).sum().item(), 35);
  assert.deepEqual([...new Set(seen.map((e) => e.phase))], ['compile'], 'of later plans, too');
  await rt.dispose();
  const words = await run(gpu!, {
    code: 'var<private> gz: u32;',
    main: 'result[i] = operands[i] + 1u;',
    operands: [Uint32Array.of(4)],
    words: 1,
  });
  assert.deepEqual([...words], [5]);
});
