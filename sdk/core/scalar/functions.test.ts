/** N5 on the host: the contract's check values, and the accuracy it states, against doubles. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slice } from '../../../conformance/slice.ts';
import * as s from './index.ts';

const hex = (v: number) => s.bitsOf(v).toString(16).padStart(8, '0');
const f = Math.fround;

test('the check values of the contract', () => {
  const values: [string, number, string][] = [
    ['exp 1', s.exp(1), '402df854'],
    ['exp -20', s.exp(-20), '310da433'],
    ['log 2', s.log(2), '3f317218'],
    ['log 1e-30', s.log(f(1e-30)), 'c28a27b5'],
    ['sin 1', s.sin(1), '3f576aa4'],
    ['sin 40490fdb', s.sin(s.ofBits(0x40490fdb)), 'b3bbbd2e'],
    ['sin 1e6', s.sin(1e6), 'beb33259'],
    ['cos 8192', s.cos(8192), '3e95ea1f'],
    ['cos 1e22', s.cos(f(1e22)), '3f2dd6f7'],
    ['tanh 0.5', s.tanh(0.5), '3eec9a9f'],
    ['tanh -1', s.tanh(-1), 'bf42f7d6'],
    ['sigmoid -5', s.sigmoid(-5), '3bdb4fb4'],
    ['sigmoid 0.5', s.sigmoid(0.5), '3f1f597f'],
    ['erf 0.5', s.erf(0.5), '3f053f7b'],
    ['erf -1.5', s.erf(-1.5), 'bf7752ab'],
    ['rsqrt 3', s.rsqrt(3), '3f13cd3a'],
    ['softplus 1', s.softplus(1), '3fa818f6'],
    ['pow(2.5, 3.3)', s.pow(2.5, f(3.3)), '41a48c3a'],
    ['gelu 1.5', s.mul(s.mul(0.5, 1.5), s.add(1, s.erf(s.mul(1.5, s.ofBits(0x3f3504f3))))), '3fb32c4b'],
  ];
  for (const [name, got, expected] of values) assert.equal(hex(got), expected, name);
});

/** erf in doubles by the series whose terms all have one sign (Abramowitz and Stegun 7.1.6). */
function erf64(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  let term = a;
  let sum = a;
  for (let n = 1; term > sum * 1e-18; n++) {
    term *= (2 * a * a) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
}

/** |got - exact| in units of the last place of the exact result's binade, which is never below that of 2^-125. */
function ulps(got: number, exact: number): number {
  const e = Math.max(-125, Math.min(127, Math.floor(Math.log2(Math.abs(exact)))));
  return Math.abs(got - exact) / 2 ** (e - 23);
}

const OVERFLOW = 2 ** 128 - 2 ** 103;

const ONE: [string, (x: number) => number, (x: number) => number, number][] = [
  ['exp', s.exp, Math.exp, 0.991],
  ['log', s.log, Math.log, 0.86],
  ['sqrt', s.sqrt, Math.sqrt, 0.5],
  ['rsqrt', s.rsqrt, (x) => 1 / Math.sqrt(x), 0.85],
  ['sin', s.sin, Math.sin, 0.912],
  ['cos', s.cos, Math.cos, 0.912],
  ['tanh', s.tanh, Math.tanh, 0.829],
  ['sigmoid', s.sigmoid, (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))), 0.944],
  ['erf', s.erf, erf64, 0.987],
  ['softplus', s.softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 1.7],
];

const inputs = slice(150);

for (const [name, ours, oracle, bound] of ONE) {
  test(`${name} stays within ${bound} ulp and gives canonical values`, () => {
    let worst = 0;
    let at = 0;
    for (const u of inputs) {
      const x = s.ofBits(u);
      const got = ours(x);
      assert.ok(Object.is(got, s.C(f(got))), `${name}(${hex(x)}) = ${got} is not canonical`);
      const exact = oracle(x);
      if (Number.isNaN(exact) || Math.abs(exact) >= OVERFLOW) {
        assert.ok(Object.is(got, f(exact)), `${name}(${hex(x)}) = ${got}, expected ${exact}`);
      } else if (Math.abs(exact) < s.TINY) {
        // Below 2^-125 the result is 0, give or take the bound at the edge itself.
        assert.ok(got === 0 || Math.abs(exact) > s.TINY * (1 - 2 ** -22), `${name}(${hex(x)}) = ${got}`);
      } else if (got === 0) {
        assert.ok(Math.abs(exact) < s.TINY * (1 + 2 ** -22), `${name}(${hex(x)}) = 0, expected ${exact}`);
      } else {
        const e = ulps(got, exact);
        if (e > worst) {
          worst = e;
          at = x;
        }
      }
    }
    assert.ok(worst <= bound + 1e-6, `${worst} ulp at ${hex(at)}`);
    assert.ok(worst > bound * 0.8, `only ${worst} ulp: the slice no longer reaches the hard inputs`);
  });
}

for (const [name, ours] of ONE.filter(([n]) => ['exp', 'log', 'tanh', 'sigmoid'].includes(n))) {
  test(`${name} never decreases`, () => {
    const xs = [...inputs].map((u) => s.ofBits(u)).filter((x) => !Number.isNaN(x) && (name !== 'log' || x >= 0));
    xs.sort((a, b) => a - b);
    for (let i = 1; i < xs.length; i++) assert.ok(ours(xs[i]) >= ours(xs[i - 1]), `${name} at ${xs[i]}`);
  });
}

test('pow errs by what log, the product and exp can make', () => {
  // log within 0.86 ulp and the product within 0.5 are 1.36 * 2^-23 of y ln x, and a relative 2^-24 is one ulp at worst.
  const bases = inputs.filter((_, i) => i % 97 === 0);
  const powers = [0.5, 1, 2, 3, -1, -2, 1.5, f(0.1), f(-3.3), 10, 31, f(1e-6), 100];
  for (const u of bases) {
    const x = Math.abs(s.ofBits(u));
    for (const y of powers) {
      const exact = x ** y;
      if (!(exact > 2 ** -124) || exact >= 2 ** 127 || x === 0) continue;
      const e = ulps(s.pow(x, y), exact);
      assert.ok(e <= 1 + 2.72 * Math.abs(y * Math.log(x)), `pow(${x}, ${y}): ${e} ulp`);
    }
  }
});

test('pow and powi at their special points', () => {
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
  const rows: [number, number, number][] = [
    [nan, 0, 1],
    [1, nan, 1],
    [nan, 2, nan],
    [2, nan, nan],
    [-2, 0.5, nan],
    [-2, 3, f(-s.exp(s.mul(3, s.log(2))))],
    [-2, 2, s.exp(s.mul(2, s.log(2)))],
    [-1, 16777216, 1],
    [-1, 16777215, -1],
    [-1, -1, -1],
    [0, 2, 0],
    [0, -2, inf],
    [0, 0, 1],
    [-inf, 3, -inf],
    [-inf, 2, inf],
    [-inf, -3, 0],
    [inf, -1, 0],
    [2, inf, inf],
    [2, -inf, 0],
    [0.5, inf, 0],
    [-2, inf, inf],
  ];
  for (const [x, y, expected] of rows) assert.ok(Object.is(s.pow(x, y), expected), `pow(${x}, ${y}) = ${s.pow(x, y)}`);
  assert.equal(s.powi(3, 5), 243);
  assert.equal(s.powi(-3, 3), -27);
  assert.equal(s.powi(2, -3), 0.125);
  assert.equal(s.powi(nan, 0), 1);
  assert.equal(s.powi(s.ofBits(0x20000000), 2), 0, 'a square below 2^-125 is 0');
  // 13 = 1101: ((x^2 x)^2)^2 x, each product rounded.
  const x = f(1.1);
  const c = f(f(x * x) * x);
  const d = f(c * c);
  assert.equal(s.powi(x, 13), f(f(d * d) * x));
});

test('div and sqrt at zero and infinity', () => {
  const { POSITIVE_INFINITY: inf } = Number;
  for (const [got, expected] of [
    [s.div(1, 0), inf],
    [s.div(-1, 0), -inf],
    [s.div(0, 0), Number.NaN],
    [s.div(inf, inf), Number.NaN],
    [s.div(-1, inf), 0],
    [s.div(s.TINY, 2), 0],
    [s.div(-s.TINY, 2), 0],
    [s.div(1, 3), f(1 / 3)],
    [s.sqrt(0), 0],
    [s.sqrt(-1), Number.NaN],
    [s.rsqrt(0), inf],
    [s.rsqrt(inf), 0],
    [s.rsqrt(-1), Number.NaN],
    [s.log(0), -inf],
    [s.log(-1), Number.NaN],
    [s.log(inf), inf],
    [s.exp(inf), inf],
    [s.exp(-inf), 0],
    [s.exp(s.ofBits(0xc2ad496b)) > 0, true],
    [s.exp(s.ofBits(0xc2ad496c)), 0],
    [s.exp(s.ofBits(0x42b17217)) < inf, true],
    [s.exp(s.ofBits(0x42b17218)), inf],
    [s.sin(inf), Number.NaN],
    [s.tanh(-inf), -1],
    [s.erf(inf), 1],
    [s.sigmoid(-inf), 0],
    [s.softplus(-inf), 0],
  ]) {
    assert.ok(Object.is(got, expected), `${got} is not ${expected}`);
  }
});
