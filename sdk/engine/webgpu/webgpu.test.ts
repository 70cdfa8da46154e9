import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import { createRuntime, grad, logSoftmax, mean, type Runtime, type Tensor } from '../../index.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice } from './device.ts';

type F = Tensor<'f32'>;

const device = await openDevice();
if (!device && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = device ? false : 'no WebGPU device';
const gpu = device ? await createRuntime({ backend: 'webgpu', device, seed: 7 }) : null;
const cpu = await createRuntime({ backend: 'wasm', seed: 7 });
after(() => gpu?.dispose());

/** The same graph on both devices, to the bit. */
async function same(name: string, build: (rt: Runtime) => Tensor): Promise<void> {
  const [want, got] = await Promise.all([cpu, gpu as Runtime].map((rt) => build(rt).data({ nonfinite: 'keep' })));
  const [a, b] = [want, got].map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  const at = a.findIndex((v, i) => v !== b[i]);
  assert.equal(at, -1, `${name}: element ${at >> 2} is ${got[at >> 2]}, on WASM ${want[at >> 2]}`);
}

const floats = (n: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * 12.9898) * 10 ** (i % 7)));

test('sums in the contract order: lanes, chunks, levels; rows, columns, other axes', { skip }, async () => {
  for (const n of [0, 1, 63, 64, 65, 2047, 2048, 2049, 5000, 2048 * 64 + 3]) {
    const x = floats(n * 2);
    await same(`rows of ${n}`, (rt) => rt.tensor(x, [2, n]).sum(1));
    await same(`columns of ${n}`, (rt) => rt.tensor(x, [n, 2]).sum(0));
  }
  const x = floats(5 * 7 * 300);
  await same('axes 0 and 2', (rt) => rt.tensor(x, [5, 7, 300]).exp().sum([0, 2]));
  await same('integers', (rt) =>
    rt
      .tensor(
        Int32Array.from({ length: 9000 }, (_, i) => i * 3e5),
        [3, 3000],
        'i32',
      )
      .sum(1),
  );
});

test('max and argmax over several levels, with ties and NaN', { skip }, async () => {
  const x = floats(3 * 5000).map((v, i) => (i % 1700 === 9 ? 1e9 : v));
  const y = x.slice();
  y[7777] = Number.NaN;
  for (const data of [x, y]) {
    const t = (rt: Runtime) => rt.tensor(data, [3, 5000], 'f32', { nonfinite: 'keep' });
    await same('max', (rt) => t(rt).max(1));
    await same('argmax', (rt) => t(rt).argmax(1));
    await same('argmax of columns', (rt) => t(rt).argmax(0));
  }
  await same('unsigned', (rt) => rt.tensor([1, 2 ** 32 - 1, 5], [3], 'u32').max());
});

test('contractions: edges of tiles and chunks, both orientations, batches, windows', { skip }, async () => {
  for (const [m, k, n] of [
    [1, 1, 1],
    [3, 257, 5],
    [33, 64, 31],
    [4, 513, 4],
    [5, 0, 3],
    [65, 300, 70],
    [130, 300, 129],
    [130, 3, 64],
  ] as const) {
    const [a, b] = [floats(m * k), floats(k * n)];
    await same(`${m}x${k}x${n}`, (rt) => rt.tensor(a, [m, k]).matmul(rt.tensor(b, [k, n])));
    await same(`${m}x${k}x${n} transposed`, (rt) =>
      rt.tensor(a, [k, m]).matmul(rt.tensor(b, [n, k]), { transposeA: true, transposeB: true }),
    );
  }
  const a = floats(2 * 3 * 8 * 5).map((v, i) => (i % 11 === 0 ? v * 2 ** -60 : v));
  await same('batches', (rt) => rt.tensor(a, [2, 3, 8, 5]).matmul(rt.tensor(floats(3 * 5 * 6), [3, 5, 6])));
  await same('fused around', (rt) =>
    rt
      .tensor(a, [48, 5])
      .tanh()
      .matmul(rt.tensor(floats(30), [5, 6]))
      .add(rt.tensor(floats(6)))
      .relu(),
  );
});

test('gather and scatterAdd with many duplicates, and indices out of range', { skip }, async () => {
  const index = (n: number, v: number) => Int32Array.from({ length: n }, (_, i) => (i * 7919) % v);
  await same('gather', (rt) => rt.tensor(floats(40), [10, 4]).gather(rt.tensor(index(33, 13), [33, 1], 'i32'), 0));
  for (const n of [5, 300, 5000]) {
    await same(`scatterAdd of ${n}`, (rt) =>
      rt
        .tensor(floats(6), [3, 2])
        .scatterAdd(rt.tensor(index(n, 4), [n, 1], 'i32'), rt.tensor(floats(n * 2), [n, 2]), 0),
    );
  }
});

test('moves: strided loads and stores', { skip }, async () => {
  const x = (rt: Runtime) => rt.tensor(floats(60), [3, 4, 5]);
  await same('views', (rt) => x(rt).permute(2, 0, 1).slice([null, null, -2], null, [1, 3]).exp());
  await same('pad', (rt) =>
    x(rt).pad(
      [
        [1, 0],
        [0, 2, 1],
        [0, 0],
      ],
      3,
    ),
  );
  await same('draws', (rt) => rt.rng.at(3).normal('n', [1001]));
});

test('reads and growth of memory keep their place behind pipelines that are being compiled', { skip }, async () => {
  const rt = new EngineRuntime(new WebGpuDevice(device!, 'test', { borrowed: true }));
  const values: Promise<ArrayLike<number>>[] = [];
  for (let i = 0; i < 12; i++) {
    const x = rt.tensor(new Float32Array(200_000).fill(i));
    // A kernel that is new to the device, and a read that comes a turn later than the one before.
    let y = x.add(i);
    for (let k = 0; k < i; k++) y = y.mul(1).maximum(k).sub(1);
    values.push(y.slice([199_999, 200_000]).data(), x.add(0.5).slice([7, 8]).data());
    await Promise.resolve();
    await Promise.resolve();
    if (i % 3 === 2) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const want = Array.from({ length: 12 }, (_, i) => {
    let y = 2 * i;
    for (let k = 0; k < i; k++) y = Math.max(y, k) - 1;
    return [[y], [i + 0.5]];
  });
  assert.deepEqual(
    (await Promise.all(values)).map((v) => [...(v as Float32Array)]),
    want.flat(),
  );
  await rt.dispose();
});

test('a classifier trains to the same bits', { skip }, async () => {
  const losses = await Promise.all(
    [cpu, gpu as Runtime].map(async (rt) => {
      const w = rt.variable(rt.rng.normal('w', [8, 20]));
      const b = rt.variable(rt.tensor(new Float32Array(8)));
      const x = rt.tensor(
        floats(24 * 20).map((v) => v / 1e6),
        [24, 20],
      );
      const y = rt.tensor(
        Int32Array.from({ length: 24 }, (_, i) => i % 8),
        [24, 1],
        'i32',
      );
      const step = rt.capture(
        (lr: F) => {
          const loss = mean(
            logSoftmax(x.matmul(w, { transposeB: true }).add(b))
              .gather(y, 1)
              .neg(),
          );
          const [gw, gb] = grad(loss, [w, b]);
          w.assign(w.value().sub(gw.mul(lr)));
          b.assign(b.value().sub(gb.mul(lr)));
          return loss;
        },
        { onNonFinite: 'reject' },
      );
      const out: number[] = [];
      for (let i = 0; i < 12; i++) out.push(await (await step(0.5)).item());
      return [...out, ...(await w.value().data())];
    }),
  );
  assert.deepEqual(losses[1], losses[0]);
  assert.ok(losses[0][11] < losses[0][0]);
});
