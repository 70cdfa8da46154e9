/**
 * Bits that may not change: SHA-256 of each function's results over the fixed slice. A new digest is a new version of the
 * contract (docs/numerics.md), never a repair of this file.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { slice } from '../../../conformance/slice.ts';
import * as s from './index.ts';

const GOLDEN: Readonly<Record<string, [(x: number) => number, string]>> = {
  exp: [s.exp, 'fdcdb3b1bdfa2d6ba89ede40101ace44'],
  log: [s.log, '79dc34fdd3efa3aa48c63a97d99bd525'],
  sqrt: [s.sqrt, '5917abf34a980dfa6483410c4114a2de'],
  rsqrt: [s.rsqrt, '5261da25351d82b1c078533a1bf49b41'],
  tanh: [s.tanh, '8e75b33f4e49519c9f26dca8d998903a'],
  sigmoid: [s.sigmoid, '1dbdf1b3a5404820e81bcb8d1ce3df45'],
  softplus: [s.softplus, '6935eed2ac67609ec7e6204ba1f64d0b'],
  sin: [s.sin, 'ef103c447a0af77fe78ff47787490abc'],
  cos: [s.cos, 'a46919d8b82c1cfe437ba7596b71f031'],
  erf: [s.erf, '8e71418d560651511196cb29d709eb22'],
};

const inputs = slice(150);

for (const [name, [f, golden]] of Object.entries(GOLDEN)) {
  test(`${name} gives the golden bits`, () => {
    const results = inputs.map((u) => s.bitsOf(f(s.ofBits(u))));
    assert.equal(createHash('sha256').update(results).digest('hex').slice(0, 32), golden);
  });
}

test('pow gives the golden bits', () => {
  const results = inputs.map((u, i) => s.bitsOf(s.pow(s.ofBits(u), ((i % 201) - 100) / 16)));
  assert.equal(createHash('sha256').update(results).digest('hex').slice(0, 32), '6c856e4d860ae7a07dd18176cf161911');
});

test('normal gives the golden bits', () => {
  const results = s.normals(s.sourceOf(0n, 'golden', 0), 65536);
  assert.equal(createHash('sha256').update(results).digest('hex').slice(0, 32), 'ed03507b0405a255ad8dfbf993fdf8ca');
});
