/** N0, N3 and N10 on the host. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scatter, slice } from '../../../conformance/slice.ts';
import { OptionError } from '../errors.ts';
import * as s from './index.ts';

const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
const f = Math.fround;

function same(got: number, expected: number, what: string): void {
  assert.ok(Object.is(got, expected), `${what}: got ${got}, expected ${expected}`);
}

/** C of N0 on patterns, as the page prints it. */
function canonicalBits(u: number): number {
  if ((u & 0x7fffffff) >>> 0 > 0x7f800000) return 0x7fc00000;
  return (u & 0x7f000000) === 0 ? 0 : u >>> 0;
}

test('C, W and the leaf window agree with their definitions on patterns', () => {
  const next = scatter(3);
  for (let i = 0; i < 200000; i++) {
    const u = i < 2048 ? (i << 21) >>> 0 : next();
    const v = s.ofBits(u);
    const c = s.C(v);
    assert.equal(s.bitsOf(c), canonicalBits(u));
    assert.ok(!Object.is(c, -0));
    const k = canonicalBits(u);
    assert.equal(s.bitsOf(s.W(c)), (k & 0x7fffffff) < 0x26000000 ? 0 : k);
    assert.equal(s.bitsOf(s.leaf(c)), (k & 0x7fffffff) < 0x0c800000 ? 0 : k);
  }
});

test('a stored NaN has the one pattern', () => {
  const a = new Float32Array(1);
  const u = new Uint32Array(a.buffer);
  for (const v of [s.C(s.ofBits(0xffc12345)), s.div(0, 0), s.sub(inf, inf), s.mul(0, inf)]) {
    a[0] = v;
    assert.equal(u[0], 0x7fc00000);
  }
});

test('the order key sorts as numbers, NaN last', () => {
  const sorted = [-inf, -2, -s.TINY, 0, s.TINY, 1, 3e38, inf, nan].map((v) => s.orderKey(s.bitsOf(v)));
  for (let i = 1; i < sorted.length; i++) assert.ok(sorted[i] > sorted[i - 1]);
  assert.equal(s.orderKey(0xbf800000), -0x3f800001);
  assert.equal(s.orderKey(0x3f800000), 0x3f800000);
});

test('add, sub and mul are one rounding, then the snap', () => {
  const xs = slice(3);
  const next = scatter(9);
  const cell = new Float32Array(1);
  for (let i = 0; i < 200000; i++) {
    const a = s.ofBits(xs[next() % xs.length]);
    const b = s.ofBits(xs[next() % xs.length]);
    for (const [got, exact] of [
      [s.add(a, b), a + b],
      [s.sub(a, b), a - b],
      [s.mul(a, b), a * b],
    ]) {
      cell[0] = exact; // the store rounds: an oracle that is not Math.fround
      assert.equal(s.bitsOf(got), canonicalBits(s.bitsOf(cell[0])));
    }
  }
  same(s.mul(s.TINY, 0.5), 0, '2^-126');
  same(s.mul(-s.TINY, 0.5), 0, '-2^-126');
  same(s.sub(1, 1), 0, '1 - 1');
  same(s.mul(-1, 0), 0, '-1 * 0');
});

test('signs, selection and comparison', () => {
  same(s.neg(0), 0, 'neg 0');
  same(s.neg(2), -2, 'neg 2');
  same(s.neg(nan), nan, 'neg NaN');
  same(s.abs(-inf), inf, 'abs -Inf');
  same(s.abs(nan), nan, 'abs NaN');
  same(s.sign(-3), -1, 'sign -3');
  same(s.sign(0), 0, 'sign 0');
  same(s.sign(nan), nan, 'sign NaN');
  same(s.max(nan, 1), nan, 'max NaN');
  same(s.min(1, nan), nan, 'min NaN');
  same(s.max(-inf, -1), -1, 'max');
  same(s.min(-inf, -1), -inf, 'min');
  same(s.relu(-1), 0, 'relu -1');
  same(s.relu(nan), nan, 'relu NaN');
  same(s.clamp(5, -1, 2), 2, 'clamp above');
  same(s.clamp(-5, -1, 2), -1, 'clamp below');
  same(s.clamp(1, 3, 2), 2, 'clamp with ends crossed takes the upper');
  for (const [op, nanResult, less, equal, greater] of [
    [s.eq, 0, 0, 1, 0],
    [s.ne, 1, 1, 0, 1],
    [s.lt, 0, 1, 0, 0],
    [s.le, 0, 1, 1, 0],
    [s.gt, 0, 0, 0, 1],
    [s.ge, 0, 0, 1, 1],
  ] as const) {
    assert.equal(op(nan, nan), nanResult, op.name);
    assert.equal(op(1, nan), nanResult, op.name);
    assert.equal(op(1, 2), less, op.name);
    assert.equal(op(2, 2), equal, op.name);
    assert.equal(op(2, 1), greater, op.name);
  }
  same(s.where(1, nan, 2), nan, 'where');
  same(s.where(0, nan, 2), 2, 'where');
  same(s.where(nan, 3, 2), 3, 'where NaN');
  assert.deepEqual([0, 1, -3e38, inf, -inf, nan].map(s.isFinite32), [1, 1, 1, 0, 0, 0]);
});

test('rounding is to even at ties and never gives -0', () => {
  const rows: [number, number, number, number, number][] = [
    [0.5, 0, 1, 0, 0],
    [1.5, 1, 2, 1, 2],
    [2.5, 2, 3, 2, 2],
    [-0.5, -1, 0, 0, 0],
    [-1.5, -2, -1, -1, -2],
    [-0.25, -1, 0, 0, 0],
    [8388607.5, 8388607, 8388608, 8388607, 8388608],
    [8388606.5, 8388606, 8388607, 8388606, 8388606],
    [3e38, f(3e38), f(3e38), f(3e38), f(3e38)],
    [inf, inf, inf, inf, inf],
    [nan, nan, nan, nan, nan],
  ];
  for (const [x, fl, ce, tr, ro] of rows) {
    same(s.floor(f(x)), fl, `floor ${x}`);
    same(s.ceil(f(x)), ce, `ceil ${x}`);
    same(s.trunc(f(x)), tr, `trunc ${x}`);
    same(s.round(f(x)), ro, `round ${x}`);
  }
});

test('integers wrap; division rounds down and by 0 gives 0', () => {
  const low = -2147483648;
  assert.equal(s.addI32(2147483647, 1), low);
  assert.equal(s.subI32(low, 1), 2147483647);
  assert.equal(s.mulI32(65537, 65537), 131073);
  assert.equal(s.negI32(low), low);
  assert.equal(s.absI32(low), low);
  assert.equal(s.absI32(-7), 7);
  assert.ok(Object.is(s.negI32(0), 0));
  assert.equal(s.subU32(0, 1), 4294967295);
  assert.equal(s.mulU32(4294967295, 4294967295), 1);
  assert.equal(s.negU32(1), 4294967295);
  assert.equal(s.shlI32(1, 33), 2);
  assert.equal(s.shrI32(-8, 1), -4);
  assert.equal(s.shrU32(0x80000000, 31), 1);
  assert.equal(s.mulhi(0xffffffff, 0xffffffff), 0xfffffffe);
  const next = scatter(5);
  for (let i = 0; i < 20000; i++) {
    const a = next();
    const b = next() >>> (next() & 31);
    assert.equal(s.mulhi(a, b), Number((BigInt(a) * BigInt(b)) >> 32n));
    const x = a | 0;
    const y = b | 0;
    if (y !== 0) {
      const q = s.floordivI32(x, y);
      const r = s.modI32(x, y);
      assert.equal((Math.imul(q, y) + r) | 0, x);
      assert.ok(r === 0 || (r < 0 === y < 0 && Math.abs(r) < Math.abs(y)));
    }
  }
  for (const [a, b, q, r] of [
    [7, 2, 3, 1],
    [-7, 2, -4, 1],
    [7, -2, -4, -1],
    [-7, -2, 3, -1],
    [low, -1, low, 0],
    [5, 0, 0, 0],
  ]) {
    same(s.floordivI32(a, b), q, `${a} div ${b}`);
    same(s.modI32(a, b), r, `${a} mod ${b}`);
  }
  assert.equal(s.floordivU32(4294967295, 2), 2147483647);
  assert.equal(s.modU32(7, 0), 0);
});

test('host scalars: powers by squaring from the top bit, one rounding', () => {
  assert.equal(s.powerOf(0.9, 0), 1);
  assert.equal(s.powerOf(0.9, 1), 0.9);
  // 6 = 110: (b*b*b) squared, not six factors in a row.
  const b = 0.99;
  const cube = b * b * b;
  assert.equal(s.powerOf(b, 6), cube * cube);
  assert.notEqual(s.powerOf(b, 6), b * b * b * b * b * b);
  assert.equal(s.powerOf(2, 1000), 2 ** 1000);
  assert.throws(() => s.powerOf(0.9, -1), OptionError);
  assert.throws(() => s.powerOf(0.9, 1.5), OptionError);
  same(s.toF32(0.1), f(0.1), 'toF32');
  same(s.toF32(-0), 0, '-0');
  same(s.toF32(1e-40), 0, 'subnormal');
  same(s.toF32(-1.5e-38), 0, 'exponent field 1');
  same(s.toF32(1e39), inf, 'overflow');
});
