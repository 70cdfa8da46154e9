/** What an adapter may refuse: more workgroups than fit an axis, long dispatches, more memory than a binding has. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import { argsort, isIsobitError, type Runtime, type Tensor } from '../../index.ts';
import { createWasmRuntime } from '../create.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

// Without required limits: what every adapter has, and no more.
const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = gpu ? false : 'no WebGPU device';
const runtime = (o: { work?: number } = {}) =>
  new EngineRuntime(new WebGpuDevice(gpu!, 'test', { ...o, borrowed: true }));
const cpu = await createWasmRuntime();
after(() => gpu?.destroy());

async function same(rt: Runtime, name: string, build: (rt: Runtime) => Tensor): Promise<void> {
  const [want, got] = await Promise.all([cpu, rt].map((r) => build(r).data({ nonfinite: 'keep' })));
  const [a, b] = [want, got].map((x) => new Uint32Array(x.buffer, x.byteOffset, x.byteLength / 4));
  assert.equal(a.length, b.length, name);
  const at = a.findIndex((v, i) => v !== b[i]);
  assert.equal(at, -1, `${name}: element ${at} is ${got[at]}, on WASM ${want[at]}`);
}

const floats = (n: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * 12.9898) * 10 ** (i % 7)));
const index = (n: number, v: number) => Int32Array.from({ length: n }, (_, i) => (i * 7919) % v);

test('long dispatches are split, in any direction, to the same bits', { skip }, async () => {
  for (const work of [1, 3000, 40_000]) {
    const rt = runtime({ work });
    await same(rt, `rows and columns, work ${work}`, (r) =>
      r.tensor(floats(100 * 30), [100, 30]).matmul(r.tensor(floats(30 * 70), [30, 70])),
    );
    await same(rt, `batches, work ${work}`, (r) =>
      r.tensor(floats(3 * 5 * 9 * 7), [3, 5, 9, 7]).matmul(r.tensor(floats(5 * 7 * 40), [5, 7, 40])),
    );
    await same(rt, `scatterAdd, work ${work}`, (r) =>
      r
        .tensor(floats(400), [200, 2])
        .scatterAdd(r.tensor(index(300, 200), [300, 1], 'i32'), r.tensor(floats(600), [300, 2]), 0),
    );
    await same(rt, `scatterAdd of integers, work ${work}`, (r) =>
      r
        .tensor(index(200, 9), [200], 'i32')
        .scatterAdd(r.tensor(index(300, 200), [300], 'i32'), r.tensor(index(300, 50), [300], 'i32'), 0),
    );
    await rt.dispose();
  }
});

test('more than 65535 workgroups', { skip }, async () => {
  const rt = runtime();
  const n = 65535 * 64 + 77;
  const line = (r: Runtime) =>
    r
      .scalar(0.37)
      .broadcast([n])
      .add(r.tensor(floats(77)).pad([[0, n - 77]]))
      .mul(1.0001);
  await same(rt, 'elements', line);
  await same(rt, 'gather', (r) => line(r).gather(r.tensor(index(99, n), [99], 'i32'), 0));
  const rows = 65535 * 32 + 40;
  await same(rt, 'rows of a contraction', (r) =>
    r
      .scalar(1.5)
      .broadcast([rows, 1])
      .add(
        r
          .tensor(floats(40))
          .pad([[rows - 40, 0]])
          .reshape([rows, 1]),
      )
      .matmul(r.tensor([0.1], [1, 1])),
  );
  await rt.dispose();
});

test('memory grows under what is in it, up to the limit; then E_OOM, and what is there lives on', {
  skip,
}, async () => {
  const rt = runtime();
  const limit = (gpu as GPUDevice).limits.maxStorageBufferBindingSize;
  assert.equal(rt.memory().limit, limit);
  const n = 1 << 20;
  const parts = Array.from({ length: 6 }, (_, i) => rt.tensor(new Float32Array(n).fill(i + 1)));
  const last = await Promise.all(
    parts.map((t) =>
      t
        .add(0.5)
        .slice([n - 1, n])
        .item(),
    ),
  );
  assert.deepEqual(last, [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
  const steady = rt.capture((x: Tensor<'f32'>) => x.matmul(x).tanh().matmul(x));
  const x = rt.tensor(floats(64), [8, 8]).mul(1e-7);
  const before = await (await steady(x)).data();
  const room = (limit - rt.memory().live) / 4;
  const oom = (e: unknown) => isIsobitError(e) && e.code === 'E_OOM' && e.hint.length > 0;
  // One value; the places between kernels; and those that kernels need besides.
  await assert.rejects(rt.scalar(1).broadcast([room]).add(1).data(), oom);
  await assert.rejects(
    rt
      .scalar(2)
      .broadcast([room / 2, 2])
      .exp()
      .matmul(rt.tensor([1, 2], [2, 1]))
      .max()
      .data(),
    oom,
  );
  const half = rt
    .scalar(2)
    .broadcast([room / 2])
    .exp();
  await assert.rejects(argsort(half).max().data(), oom);
  // A sum makes its elements itself: there is no room that it wants.
  assert.ok((await rt.scalar(2).broadcast([room]).exp().sum().item()) > 0);
  assert.throws(() => rt.tensor(new Float32Array(room)), oom);
  assert.deepEqual(await (await steady(x)).data(), before);
  assert.equal(await parts[5].slice([7, 8]).item(), 6);
  await rt.dispose();
});

test('a program of very many operands', { skip }, async () => {
  const rt = runtime();
  await same(rt, '250 views', (r) => {
    const all = Array.from({ length: 250 }, (_, i) =>
      r
        .tensor(
          floats(6).map((v) => v + i),
          [2, 3],
        )
        .permute(1, 0),
    );
    return all.reduce((a, b) => a.add(b));
  });
  await rt.dispose();
});
