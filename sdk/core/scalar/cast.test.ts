/** N9 against conversions that share nothing with it: exact search over all halves, and doubles. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slice } from '../../../conformance/slice.ts';
import * as s from './index.ts';

const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
const inputs = slice(40);

/** Value of an f16 or bf16 pattern by its definition. */
function meaning(h: number, exponentBits: number, mantissaBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const e = (h >>> mantissaBits) & (2 ** exponentBits - 1);
  const m = h & (2 ** mantissaBits - 1);
  if (e === 2 ** exponentBits - 1) return m === 0 ? inf : nan;
  return e === 0 ? m * 2 ** (1 - bias - mantissaBits) : (1 + m * 2 ** -mantissaBits) * 2 ** (e - bias);
}

/** The nearest pattern, ties to even, by bisection over the ascending non-negative patterns. */
function nearest(x: number, exponentBits: number, mantissaBits: number): number {
  const top = (2 ** exponentBits - 1) * 2 ** mantissaBits;
  const at = (h: number) => (h === top ? 2 ** (2 ** (exponentBits - 1)) : meaning(h, exponentBits, mantissaBits));
  const a = Math.abs(x);
  if (a >= at(top)) return top;
  let lo = 0;
  let hi = top;
  while (hi - lo > 1) {
    const mid = (lo + hi) >> 1;
    if (at(mid) <= a) lo = mid;
    else hi = mid;
  }
  const down = a - at(lo);
  const up = at(hi) - a;
  return down < up || (down === up && lo % 2 === 0) ? lo : hi;
}

test('f32 to f16 and bf16 is nearest, ties to even', () => {
  for (const u of inputs) {
    const x = s.ofBits(u);
    if (Number.isNaN(x)) continue;
    for (const [got, e, m, name] of [
      [s.f32ToF16(x), 5, 10, 'f16'],
      [s.f32ToBf16(x), 8, 7, 'bf16'],
    ] as const) {
      const h = nearest(x, e, m);
      // N9 has no -0 in f16 from underflow at or below the last tie; above it the sign stays.
      const expected = x < 0 && h !== 0 ? h | 0x8000 : h;
      assert.equal(got, expected, `${name} of ${x}`);
    }
  }
  assert.equal(s.f32ToF16(nan), 0x7e00);
  assert.equal(s.f32ToBf16(nan), 0x7fc0);
});

test('an operand of exact products is the nearest of 12 or 8 bits, ties to even, and Inf from 2^64 on', () => {
  for (const u of inputs) {
    const x = s.ofBits(u);
    for (const [place, bits] of [
      [0x1000, 12],
      [0x10000, 8],
    ]) {
      const got = s.narrow(x, place);
      if (Number.isNaN(x)) {
        assert.ok(Number.isNaN(got));
        continue;
      }
      // Adding and taking away 3·2^(e+52-bits) in doubles rounds to `bits` bits.
      const magic = 3 * 2 ** (Math.floor(Math.log2(Math.abs(x) || 1)) + 52 - bits);
      const rounded = Number.isFinite(x) ? x + magic - magic : x;
      const want = Math.abs(rounded) >= 2 ** 64 ? Math.sign(x) * inf : rounded + 0;
      assert.equal(got, want, `${x} to ${bits} bits`);
    }
  }
});

test('every half widens to its value and comes back', () => {
  for (let h = 0; h < 65536; h++) {
    const sign = h & 0x8000 ? -1 : 1;
    const f16 = s.f16ToF32(h);
    const bf16 = s.bf16ToF32(h);
    assert.ok(Object.is(f16, s.C(sign * meaning(h & 0x7fff, 5, 10))), `f16 ${h}`);
    assert.ok(Object.is(bf16, s.C(Math.fround(sign * meaning(h & 0x7fff, 8, 7)))), `bf16 ${h}`);
    if (!Number.isNaN(f16)) assert.equal(s.f32ToF16(f16), h === 0x8000 ? 0 : h);
    if (!Number.isNaN(bf16) && bf16 !== 0) assert.equal(s.f32ToBf16(bf16), h);
  }
});

test('f32 to integers truncates and saturates; NaN is 0', () => {
  for (const [x, i32, u32, i8, u8] of [
    [1.9, 1, 1, 1, 1],
    [-1.9, -1, 0, -1, 0],
    [-0.5, 0, 0, 0, 0],
    [300, 300, 300, 127, 255],
    [-300, -300, 0, -128, 0],
    [2147483648, 2147483647, 2147483648, 127, 255],
    [-2147483648, -2147483648, 0, -128, 0],
    [4294967296, 2147483647, 4294967295, 127, 255],
    [inf, 2147483647, 4294967295, 127, 255],
    [-inf, -2147483648, 0, -128, 0],
    [nan, 0, 0, 0, 0],
  ]) {
    assert.ok(Object.is(s.f32ToI32(x), i32), `i32 of ${x}`);
    assert.ok(Object.is(s.f32ToU32(x), u32), `u32 of ${x}`);
    assert.ok(Object.is(s.f32ToI8(x), i8), `i8 of ${x}`);
    assert.ok(Object.is(s.f32ToU8(x), u8), `u8 of ${x}`);
  }
});

/** The integer path of N9 (the GPU's), as the page prints it. */
function i32ByIntegers(v: number): number {
  if (v === 0) return 0;
  const sign = v < 0 ? 0x80000000 : 0;
  const m = Math.abs(v) >>> 0;
  const z = Math.clz32(m);
  const n = (m << z) >>> 0;
  let r = n >>> 8;
  r += (n & 255) > 128 - (r & 1) ? 1 : 0;
  return (sign | (((157 - z) << 23) + r)) >>> 0;
}

test('integers to f32 is nearest, ties to even', () => {
  for (const u of [...inputs, 0x7fffffff, 0x80000000, 16777217, 16777219, 33554434, 33554438, 0xffffffff, 1, 0]) {
    assert.equal(s.bitsOf(s.intToF32(u | 0)), i32ByIntegers(u | 0), `i32 ${u | 0}`);
    assert.equal(s.bitsOf(s.intToF32(u >>> 0)), i32ByIntegers(u >>> 0), `u32 ${u >>> 0}`);
  }
});

test('castOf takes every pair of dtypes', () => {
  const dtypes = ['f32', 'i32', 'u32', 'bool', 'f16', 'bf16', 'i8', 'u8'] as const;
  for (const from of dtypes) {
    for (const to of dtypes) {
      const one = (d: string) => (d === 'f16' ? 0x3c00 : d === 'bf16' ? 0x3f80 : 1);
      assert.equal(s.castOf(one(from), from, to), one(to), `1 from ${from} to ${to}`);
      assert.equal(s.castOf(0, from, to), 0, `0 from ${from} to ${to}`);
    }
  }
  assert.equal(s.castOf(nan, 'f32', 'bool'), 1);
  assert.equal(s.castOf(-1, 'i32', 'u32'), 4294967295);
  assert.equal(s.castOf(4294967295, 'u32', 'i32'), -1);
  assert.equal(s.castOf(300, 'i32', 'u8'), 44);
  assert.equal(s.castOf(200, 'u32', 'i8'), -56);
  assert.equal(s.castOf(-1, 'i8', 'u8'), 255);
  assert.equal(s.castOf(0x7e00, 'f16', 'i32'), 0);
  assert.equal(s.castOf(0xc000, 'f16', 'i32'), -2);
});
