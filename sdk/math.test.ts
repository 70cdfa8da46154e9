/** isobit/math: doubles go in rounded to f32, f32 comes out. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as scalar from './core/scalar/index.ts';
import * as math from './math.ts';

test('each function is the contract function of the rounded operand', () => {
  const pairs: readonly [(x: number) => number, (x: number) => number][] = [
    [math.exp, scalar.exp],
    [math.log, scalar.log],
    [math.sin, scalar.sin],
    [math.cos, scalar.cos],
    [math.tanh, scalar.tanh],
    [math.sigmoid, scalar.sigmoid],
    [math.softplus, scalar.softplus],
    [math.erf, scalar.erf],
    [math.sqrt, scalar.sqrt],
    [math.rsqrt, scalar.rsqrt],
  ];
  for (const [ours, contract] of pairs) {
    for (const x of [0.1, 1 / 3, -0.7, 2.000000001, 1e-40, -1e-320, 1e300, 9999.999]) {
      assert.ok(Object.is(ours(x), contract(scalar.toF32(x))), `${contract.name}(${x})`);
    }
  }
  // Unrounded, the operand would lie one step of f32 away from where it must be seen.
  assert.equal(math.exp(1 + 2 ** -30), math.exp(1));
  assert.equal(math.pow(0.1, 2), scalar.pow(Math.fround(0.1), 2));
  assert.equal(math.log(1e-40), Number.NEGATIVE_INFINITY, 'a subnormal operand is 0');
  assert.equal(math.f32(0.1), Math.fround(0.1));
  assert.ok(Object.is(math.f32(-0), 0));
});

test('results are f32', () => {
  for (let i = 1; i < 100; i++) {
    for (const v of [math.cos(i / 7), math.exp(-i / 3), math.sqrt(i), math.pow(i, 0.3)])
      assert.equal(v, Math.fround(v));
  }
});
