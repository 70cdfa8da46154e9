import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from '../core/errors.ts';
import { moments } from './standardise.ts';

test('mean and population deviation of each column, rounded once', () => {
  const x = { data: Float32Array.of(1, 10, 2, 10, 4, 10, 1000, 7), shape: [4, 2], dtype: 'f32' } as const;
  const { mean, deviation } = moments(x, [0, 1, 2]);
  assert.deepEqual([...mean.data], [Math.fround(7 / 3), 10]);
  // Var(1, 2, 4) = 14/9; a column without spread divides by 1.
  assert.deepEqual([...deviation.data], [Math.fround(Math.sqrt(14 / 9)), 1]);
  assert.deepEqual([...moments(x).mean.data], [1007 / 4, 9.25].map(Math.fround));
});

test('doubles carry the sums: large means do not swallow the spread', () => {
  const data = Float32Array.from({ length: 4096 }, (_, i) => 1e6 + (i % 2));
  const { mean, deviation } = moments({ data, shape: [4096, 1], dtype: 'f32' });
  assert.deepEqual([mean.data[0], deviation.data[0]], [1000000.5, 0.5]);
});

test('no rows, rows that are not there, NaN and other ranks are refused', () => {
  const x = { data: Float32Array.of(1, Number.NaN), shape: [2, 1], dtype: 'f32' } as const;
  assert.deepEqual([...moments(x, [0]).mean.data], [1]);
  for (const f of [
    () => moments(x),
    () => moments(x, []),
    () => moments(x, [2]),
    () => moments({ ...x, shape: [2] }),
  ]) {
    assert.throws(f, DataError);
  }
});
