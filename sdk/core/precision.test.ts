/** Precision of contractions (N6, N12): what each rounds, where it comes from, and what derivatives do; products of i8 with scales. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scatter } from '../../conformance/slice.ts';
import { createWasmRuntime } from '../engine/create.ts';
import {
  conv2d,
  convTranspose2d,
  createRuntime,
  grad,
  jvp,
  matmulInt8,
  quantize,
  type Runtime,
  type Tensor,
} from '../index.ts';
import { bf16ToF32, f32ToBf16, narrow } from './scalar/index.ts';

type F32 = Tensor<'f32'>;
const rt = await createWasmRuntime();
const next = scatter(77);
const draw = (n: number) => Float32Array.from({ length: n }, () => next() / 2 ** 31 - 1);
const [A, B] = [draw(5 * 300), draw(300 * 7)];
const data = async (t: Tensor) => Array.from(await t.data({ nonfinite: 'keep' }));
const pair = (on: Runtime): [F32, F32] => [on.tensor(A, [5, 300]), on.tensor(B, [300, 7])];
const code = (c: string) => (e: unknown) => (e as { code: string }).code === c;

/** The product of rounded operands, each step rounded once: chunks of 256 terms. */
function product(round: (v: number) => number): number[] {
  return Array.from({ length: 35 }, (_, at) => {
    const [i, j] = [Math.floor(at / 7), at % 7];
    let total = 0;
    for (let k0 = 0; k0 < 300; k0 += 256) {
      let acc = 0;
      for (let k = k0; k < Math.min(300, k0 + 256); k++) {
        acc = Math.fround(acc + Math.fround(round(A[i * 300 + k]) * round(B[k * 7 + j])));
      }
      total = Math.fround(total + acc);
    }
    return total;
  });
}
const HIGHEST = product((v) => v);
const HIGH = product((v) => narrow(v, 0x1000));
const MEDIUM = product((v) => bf16ToF32(f32ToBf16(v)));

test("a call's precision, and the runtime's where it has none", async () => {
  const [a, b] = pair(rt);
  assert.equal(rt.precision, 'highest');
  assert.deepEqual(await data(a.matmul(b)), HIGHEST);
  assert.deepEqual(await data(a.matmul(b, { precision: 'high' })), HIGH);
  assert.deepEqual(await data(a.matmul(b, { precision: 'medium' })), MEDIUM);
  assert.equal(new Set([HIGHEST, HIGH, MEDIUM].map(String)).size, 3);
  await using high = await createRuntime({ backend: 'wasm', precision: 'high' });
  const [c, d] = pair(high);
  assert.equal(high.precision, 'high');
  assert.deepEqual(await data(c.matmul(d)), HIGH);
  assert.deepEqual(await data(c.matmul(d, { precision: 'highest' })), HIGHEST);
});

test('one captured program holds several precisions', async () => {
  const [a, b] = pair(rt);
  const all = rt.capture((x: F32, y: F32) => [
    x.matmul(y),
    x.matmul(y, { precision: 'high' }),
    x.matmul(y, { precision: 'medium' }),
  ]);
  const [x, y, z] = await all(a, b);
  assert.deepEqual([await data(x), await data(y), await data(z)], [HIGHEST, HIGH, MEDIUM]);
});

test('convolutions have it too: per call, from the runtime, and in their derivatives', async () => {
  const [x, w, g] = [
    rt.tensor(draw(2 * 3 * 36), [2, 3, 6, 6]),
    rt.tensor(draw(4 * 27), [4, 3, 3, 3]),
    draw(2 * 4 * 16),
  ];
  const round = (t: F32) => t.cast('bf16').cast('f32').detach();
  const o = { precision: 'medium' } as const;
  const y = conv2d(x, w, o);
  const [exact, narrowed] = [await data(conv2d(x, w)), await data(y)];
  assert.notDeepEqual(narrowed, exact);
  assert.deepEqual(narrowed, await data(conv2d(round(x), round(w))));
  assert.notDeepEqual(await data(conv2d(x, w, { precision: 'high' })), exact);
  const seed = rt.tensor(g, [2, 4, 4, 4]);
  const [gx, gw] = grad(y, [x, w], { seed });
  const [ex, ew] = grad(conv2d(round(x), round(w)), [x, w], { seed, unused: 'zero' });
  assert.equal((await data(ex)).some(Boolean) || (await data(ew)).some(Boolean), false);
  assert.deepEqual(await data(gx), await data(convTranspose2d(seed, w, o)));
  const leaves: [F32, F32] = [round(x), round(w)];
  const [, hw] = grad(conv2d(...leaves), leaves, { seed: round(seed) });
  assert.deepEqual(await data(gw), await data(hw));
  assert.notDeepEqual(await data(convTranspose2d(seed, w, o)), await data(convTranspose2d(seed, w)));
  await using low = await createRuntime({ backend: 'wasm', precision: 'medium' });
  const same = conv2d(low.tensor(await x.data(), x.shape), low.tensor(await w.data(), w.shape));
  assert.deepEqual(await data(same), narrowed);
  assert.throws(() => conv2d(x, w, { precision: 'low' as never }), code('E_OPTION'));
});

test('medium has the bits of operands that are stored as bf16', async () => {
  const [a, b] = pair(rt);
  assert.deepEqual(await data(a.cast('bf16').matmul(b.cast('bf16'))), MEDIUM);
});

test('from 2^64 on an operand is Inf, and NaN stays', async () => {
  const x = rt.tensor([2 ** 64, -(2 ** 64), 2 ** 64 - 2 ** 40, 2 ** 64 - 2 ** 55, NaN], [5, 1], 'f32', {
    nonfinite: 'keep',
  });
  const one = rt.tensor([1], [1, 1]);
  const high = await data(x.matmul(one, { precision: 'high' }));
  assert.deepEqual(high, [Infinity, -Infinity, Infinity, 2 ** 64 - 2 ** 55, NaN]);
  assert.deepEqual(await data(x.matmul(one)), await data(x.reshape(5, 1)));
});

test('derivatives contract in the same mode: adjoint and tangent are operands', async () => {
  const [a, b] = pair(rt);
  const g = rt.tensor(draw(35), [5, 7]);
  const o = { precision: 'medium' } as const;
  const y = a.matmul(b, o);
  const [ga, gb] = grad(y, [a, b], { seed: g });
  assert.deepEqual(await data(ga), await data(g.matmul(b, { ...o, transposeB: true })));
  assert.deepEqual(await data(gb), await data(a.matmul(g, { ...o, transposeA: true })));
  const t = rt.tensor(draw(5 * 300), [5, 300]);
  assert.deepEqual(await data(jvp(y, [a], [t])), await data(t.matmul(b, o)));
  // An exact product stays exact on a runtime of another precision.
  await using low = await createRuntime({ backend: 'wasm', precision: 'medium' });
  const [c, d] = pair(low);
  const [exact] = grad(c.matmul(d, { precision: 'highest' }), [c], { seed: low.tensor(await g.data(), [5, 7]) });
  assert.deepEqual(await data(exact), await data(grad(a.matmul(b), [a], { seed: g })[0]));
});

test('a precision is one of three, and for f32 alone', () => {
  const [a, b] = pair(rt);
  assert.throws(() => a.matmul(b, { precision: 'low' as never }), code('E_OPTION'));
  const h = a.cast('bf16');
  assert.throws(() => h.matmul(b.cast('bf16'), { precision: 'high' }), code('E_OPTION'));
  assert.throws(() => h.matmul(b as never), code('E_DTYPE'));
});

const fround = Math.fround;

test('quantize rounds to even, clamps, takes NaN as 0, and scales by the largest', async () => {
  const x = rt.tensor([2.5, 3.5, -300, 300, NaN, 0], [6], 'f32', { nonfinite: 'keep' });
  assert.deepEqual(await data(quantize(x, rt.scalar(1)).values), [2, 4, -127, 127, 0, 0]);
  const y = rt.tensor([-1, 0.5, 0.25]);
  const { values, scale } = quantize(y);
  assert.equal(await scale.item(), fround(1 / 127));
  assert.deepEqual(await data(values), [-127, 64, 32]);
  assert.deepEqual(await data(quantize(rt.tensor([0, 0])).values), [0, 0]);
  assert.throws(() => quantize(y, rt.tensor([1, 1])), code('E_SHAPE'));
  assert.throws(() => quantize(y, rt.tensor([1, 1, 1], [3, 1])), code('E_SHAPE'));
});

test('a product of i8 adds in i32, and scales once', async () => {
  const [m, k, n] = [5, 301, 9];
  const [x, w] = [rt.tensor(draw(m * k), [m, k]), rt.tensor(draw(k * n), [k, n])];
  const a = quantize(x);
  const b = quantize(w, w.abs().max(0, true).div(127));
  const [p, q, sb] = [await a.values.data(), await b.values.data(), await b.scale.data()];
  const sa = await a.scale.item();
  const want = Array.from({ length: m * n }, (_, at) => {
    let acc = 0;
    for (let t = 0; t < k; t++) acc += p[Math.floor(at / n) * k + t] * q[t * n + (at % n)];
    return fround(fround(acc) * fround(sa * sb[at % n]));
  });
  assert.deepEqual(await data(matmulInt8(a, b)), want);
  // Turned sides, with the scales as they lie there.
  const turned = quantize(w.transpose(), w.abs().max(0, true).div(127).reshape(n, 1));
  assert.deepEqual(await data(matmulInt8(a, turned, { transposeB: true })), want);
  const lying = { values: a.values.transpose(), scale: a.scale };
  assert.deepEqual(await data(matmulInt8(lying, turned, { transposeA: true, transposeB: true })), want);
  assert.throws(() => matmulInt8(quantize(x, rt.tensor(new Array(k).fill(1))), b), code('E_SHAPE'));
  assert.throws(() => matmulInt8(a, turned), code('E_SHAPE'));
  const exact = await x.matmul(w).data();
  for (let i = 0; i < want.length; i++) assert.ok(Math.abs(want[i] - exact[i]) < 0.2, `${want[i]} near ${exact[i]}`);
});

test('i32 sums wrap', async () => {
  const [a, b] = [
    rt.tensor(new Int8Array(140000).fill(127), [1, 140000], 'i8'),
    rt.tensor(new Int8Array(140000).fill(127), [140000, 1], 'i8'),
  ];
  assert.deepEqual(await data(a.matmul(b)), [(127 * 127 * 140000) | 0]);
});

test('derivatives of a quantised product are those of its scales', async () => {
  const [x, w] = [rt.tensor([1, -2, 3, 4], [2, 2]), rt.tensor([0.5, 1, -1, 0.25], [2, 2])];
  const [s, r] = [rt.scalar(0.5), rt.scalar(0.25)];
  const y = matmulInt8(quantize(x, s), quantize(w, r));
  const sums = quantize(x, s).values.matmul(quantize(w, r).values).cast('f32');
  const [gs, gr] = grad(y.sum(), [s, r]);
  const total = (await data(sums)).reduce((p, q) => p + q, 0);
  assert.deepEqual([await gs.item(), await gr.item()], [total * 0.25, total * 0.5]);
  const [mixed] = grad(gs, [r]);
  assert.equal(await mixed.item(), total);
  assert.throws(() => grad(y.sum(), [x]), code('E_OPTION'));
});
