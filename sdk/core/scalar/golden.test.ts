/**
 * Bits that may not change: SHA-256 of each function's results over fixed inputs. A new digest is a new version of the
 * contract (docs/numerics.md), never a repair of this file.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { slice } from '../../../conformance/slice.ts';
import * as s from './index.ts';

const GOLDEN: Readonly<Record<string, [(x: number) => number, string]>> = {
  exp: [s.exp, '665692bd9a6ac4d59bbcc783bad06b93'],
  log: [s.log, '7d902b491575ffaf17493aad99efe4f5'],
  sqrt: [s.sqrt, '7ac86c48051b16b23aa91b8945fd9b5b'],
  rsqrt: [s.rsqrt, '274091a27f0d7e2239018578d4ba31af'],
  tanh: [s.tanh, '6a5cf0b493e93db2db02e27d0ce42368'],
  sigmoid: [s.sigmoid, '6408c48b67b0c57b377faacb43c7cd5b'],
  softplus: [s.softplus, 'eda7e96b2ed8822edb3aa6de9ae5062f'],
  sin: [s.sin, '98a23826efc529d293ecee7ed70f976e'],
  cos: [s.cos, '26917b0cb815a17d609fa71c359bb2df'],
  erf: [s.erf, 'a87842f42404b65bc2d54925d3c76696'],
};

/** The slice, and every 67th pattern from 1/8 to 8 of both signs, where the polynomials' last bits show. */
const dense = Array.from({ length: Math.ceil(0x3000000 / 67) }, (_, i) => 0x3e000000 + 67 * i);
const inputs = Uint32Array.from([...slice(50), ...dense, ...dense.map((u) => u + 0x80000000)]);

for (const [name, [f, golden]] of Object.entries(GOLDEN)) {
  test(`${name} gives the golden bits`, () => {
    const results = inputs.map((u) => s.bitsOf(f(s.ofBits(u))));
    assert.equal(createHash('sha256').update(results).digest('hex').slice(0, 32), golden);
  });
}

test('pow gives the golden bits', () => {
  const results = inputs.map((u, i) => s.bitsOf(s.pow(s.ofBits(u), ((i % 201) - 100) / 16)));
  assert.equal(createHash('sha256').update(results).digest('hex').slice(0, 32), '4c8b0996d6efac0f546127f7a231b7d9');
});

test('normal gives the golden bits', () => {
  const results = s.normals(s.sourceOf(0n, 'golden', 0), 65536);
  assert.equal(createHash('sha256').update(results).digest('hex').slice(0, 32), 'ed03507b0405a255ad8dfbf993fdf8ca');
});
