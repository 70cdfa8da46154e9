/** Dtypes that only store: f16, bf16, i8, u8 (api 3, N6, N9). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { where } from '../core/functions.ts';
import { grad } from '../core/grad.ts';
import { bf16ToF32, f16ToF32 } from '../core/scalar/index.ts';
import type { Tensor } from '../core/tensor.ts';
import { createWasmRuntime } from './create.ts';

const code = (expected: string) => (e: unknown) => (e as { code?: string }).code === expected;
const list = async (t: Tensor) => Array.from(await t.data());

test('numbers are rounded to halves, a Uint16Array is their bits, and a read gives the bits', async () => {
  const rt = await createWasmRuntime();
  // 0.1 and 65504 in f16; 2^-24 is its least subnormal; -0 and 2^-26 are 0.
  const f16 = rt.tensor([0.1, 65504, 2 ** -24, -0, 2 ** -26, -1], [6], 'f16');
  assert.equal(f16.dtype, 'f16');
  assert.deepEqual(await list(f16), [0x2e66, 0x7bff, 1, 0, 0, 0xbc00]);
  assert.deepEqual(await list(rt.tensor([0.1, (2 - 2 ** -7) * 2 ** 127], [2], 'bf16')), [0x3dcd, 0x7f7f]);
  const bits = rt.tensor({ data: Uint16Array.of(0x2e66, 0x8000, 1), shape: [3], dtype: 'f16' });
  assert.ok((await bits.data()) instanceof Uint16Array);
  assert.deepEqual(await list(bits), [0x2e66, 0, 1]);
  // A bf16 subnormal is one in f32 too, so it is 0.
  assert.deepEqual(await list(rt.tensor(Uint16Array.of(1, 0x8001, 0x00ff, 0x0100), [4], 'bf16')), [0, 0, 0, 0x0100]);
  assert.deepEqual(await list(rt.tensor([-128, 127, -1], [3], 'i8')), [-128, 127, -1]);
  assert.deepEqual(await list(rt.tensor([0, 255], [2], 'u8')), [0, 255]);
  assert.deepEqual(await list(rt.scalar(1.5, 'bf16')), [0x3fc0]);
});

test('what does not fit is refused: ranges, Inf and NaN, numbers too large for a half', async () => {
  const rt = await createWasmRuntime();
  assert.throws(() => rt.tensor([128], [1], 'i8'), code('E_DATA'));
  assert.throws(() => rt.tensor([-1], [1], 'u8'), code('E_DATA'));
  assert.throws(() => rt.tensor([0.5], [1], 'u8'), code('E_DATA'));
  assert.throws(() => rt.tensor([65520], [1], 'f16'), code('E_DATA'));
  assert.throws(() => rt.tensor([Number.NaN], [1], 'bf16'), code('E_DATA'));
  assert.throws(() => rt.tensor(Uint16Array.of(0x7c00), [1], 'f16'), code('E_DATA'));
  assert.throws(() => where(rt.tensor([1], [1], 'bool'), rt.tensor([1], [1], 'f16'), 1e5), code('E_DATA'));
  const kept = rt.tensor(Uint16Array.of(0x7c00, 0x7c01, 0xffff), [3], 'f16', { nonfinite: 'keep' });
  assert.deepEqual(Array.from(await kept.data({ nonfinite: 'keep' })), [0x7c00, 0x7e00, 0x7e00]);
  await assert.rejects(kept.data(), code('E_NUMERIC'));
});

test('they only store: arithmetic names the cast, moves and selection keep the dtype', async () => {
  const rt = await createWasmRuntime();
  const h = rt.tensor([1, 2, 3, 4, 5, 6], [2, 3], 'bf16');
  for (const op of [
    () => h.add(h),
    () => h.exp(),
    () => h.sum(),
    () => h.eq(h),
    () => h.matmul(rt.tensor([1], [1, 1]) as never),
  ]) {
    assert.throws(op, (e) => code('E_DTYPE')(e) && /cast\('f32'\)/.test((e as { hint: string }).hint));
  }
  assert.throws(() => rt.tensor([1], [1, 1], 'u8').matmul(rt.tensor([1], [1, 1], 'u8')), code('E_DTYPE'));
  const moved = h
    .transpose()
    .slice([1, 3])
    .pad(
      [
        [1, 0],
        [0, 0],
      ],
      0.5,
    )
    .reshape(6);
  assert.equal(moved.dtype, 'bf16');
  assert.deepEqual((await list(moved)).map(bf16ToF32), [0.5, 0.5, 2, 5, 3, 6]);
  const rows = h.gather(rt.tensor([1, 0, 1], [3, 1], 'i32'), 0);
  assert.deepEqual((await list(rows)).map(bf16ToF32), [4, 5, 6, 1, 2, 3, 4, 5, 6]);
  await assert.rejects(h.gather(rt.tensor([2], [1, 1], 'i32'), 0).data(), code('E_NUMERIC'));
});

test('casts saturate from f32 and keep low bits from integers', async () => {
  const rt = await createWasmRuntime();
  const f = rt.tensor([-1e9, -128.9, -1.5, 0.9, 127.9, 255.9, 1e9]);
  assert.deepEqual(await list(f.cast('i8')), [-128, -128, -1, 0, 127, 127, 127]);
  assert.deepEqual(await list(f.cast('u8')), [0, 0, 0, 0, 127, 255, 255]);
  const i = rt.tensor([-129, -1, 128, 255, 256, 65537], [6], 'i32');
  assert.deepEqual(await list(i.cast('i8')), Array.from(Int8Array.of(-129, -1, 128, 255, 256, 65537)));
  assert.deepEqual(await list(i.cast('u8')), Array.from(Uint8Array.of(-129, -1, 128, 255, 256, 65537)));
  assert.deepEqual(await list(i.cast('i8').cast('f32')), [127, -1, -128, -1, 0, 1]);
  assert.deepEqual(await list(i.cast('u8').cast('i8')), Array.from(Int8Array.of(127, 255, 128, 255, 0, 1)));
});

test('matmul of halves is N6: widened, exact products, one rounding a term, Inf from 2^64 on', async () => {
  const rt = await createWasmRuntime();
  let s = 7;
  const word = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s >>> 16;
  };
  const [m, k, n] = [3, 300, 5];
  for (const dtype of ['f16', 'bf16'] as const) {
    const widen = dtype === 'f16' ? f16ToF32 : bf16ToF32;
    // Exponents near 1, so that sums round; some far away, so that windows show.
    const draw = (count: number) =>
      Uint16Array.from({ length: count }, (_, i) => {
        const w = word();
        if (dtype === 'f16') return (w & 0x83ff) | ((8 + (w % 14)) << 10);
        return (w & 0x807f) | ((i % 50 === 0 ? 60 + (w % 30) : 120 + (w % 12)) << 7);
      });
    const [a, b] = [draw(m * k), draw(k * n)];
    const y = rt.tensor(a, [m, k], dtype).matmul(rt.tensor(b, [k, n], dtype));
    assert.equal(y.dtype as string, 'f32');
    const load = (h: number) => (Math.abs(widen(h)) < 2 ** -51 ? 0 : widen(h));
    const expected: number[] = [];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const chunks: number[] = [];
        for (let c = 0; c < k; c += 256) {
          let acc = 0;
          for (let t = c; t < Math.min(k, c + 256); t++) {
            // The product of two halves is exact in f32, so a fused and an unfused device agree.
            const p = load(a[i * k + t]) * load(b[t * n + j]);
            assert.equal(Math.fround(p), p);
            acc = Math.fround(acc + p);
          }
          chunks.push(acc);
        }
        expected.push(chunks.reduce((x, v) => Math.fround(x + v)));
      }
    }
    assert.deepEqual(await list(y), expected);
  }
  const big = rt.tensor([2 ** 64, 1], [1, 2], 'bf16').matmul(rt.tensor([2 ** -20, 1], [2, 1], 'bf16'));
  assert.deepEqual(Array.from(await big.data({ nonfinite: 'keep' })), [Number.POSITIVE_INFINITY]);
  const below = rt.tensor([-(2 ** 63), 1], [1, 2], 'bf16').matmul(rt.tensor([2 ** -20, 1], [2, 1], 'bf16'));
  assert.deepEqual(await list(below), [Math.fround(1 - 2 ** 43)]);
});

test('variables, arguments and flags of captured programs', async () => {
  const rt = await createWasmRuntime();
  const v = rt.variable(rt.tensor([1, 2], [2], 'bf16'));
  const step = rt.capture((x: Tensor<'i8'>) => {
    v.assign(v.value().cast('f32').mul(3).cast('bf16'));
    return x.cast('f32').cast('f16');
  });
  const y = await step({ data: Int8Array.of(-7, 9), shape: [2], dtype: 'i8' });
  assert.deepEqual((await list(y)).map(f16ToF32), [-7, 9]);
  assert.deepEqual((await list(v.value())).map(bf16ToF32), [3, 6]);
  assert.throws(() => v.assign(rt.tensor([1, 2]) as never), code('E_DTYPE'));
  // 70000 is finite in f32 and Inf in f16.
  const narrow = rt.capture((x: Tensor<'f32'>) => x.mul(70000).cast('f16'), { onNonFinite: 'reject' });
  assert.deepEqual((await list(await narrow(0.5))).map(f16ToF32), [35008]);
  await assert.rejects(narrow(1), code('E_NUMERIC'));
});

test('no derivative goes through a narrowing cast', async () => {
  const rt = await createWasmRuntime();
  const x = rt.tensor([1, 2]);
  assert.throws(() => grad(x.cast('bf16').cast('f32').sum(), [x]), code('E_OPTION'));
});
