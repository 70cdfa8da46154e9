/** Rows of host arrays: the first axis counts them, the rest is one row's shape. */

import { ARRAY, type Data, type DType } from '../core/dtype.ts';
import { DataError, OptionError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import type { Rng } from '../core/rng.ts';
import { showShape, sizeOf } from '../core/shape.ts';

/** The number of rows. Throws DataError for a scalar, for none, and where the shape does not fit the data. */
export function rowsOf(name: string, a: HostArray): number {
  if (a.shape.length === 0 || a.shape[0] === 0) {
    throw new DataError(`${name}: has no rows, its shape is ${showShape(a.shape)}`, {
      hint: 'Give at least one row; the first axis counts them.',
      details: { name, shape: a.shape },
    });
  }
  if (sizeOf(a.shape) !== a.data.length) {
    throw new DataError(`${name}: shape ${showShape(a.shape)} does not hold ${a.data.length} elements`, {
      details: { name, shape: a.shape, elements: a.data.length },
    });
  }
  return a.shape[0];
}

/** The given rows in the given order, copied: shape [rows.length, …]. Throws DataError for a row that is not there. */
export function take<D extends DType>(a: HostArray<D>, rows: ArrayLike<number>): HostArray<D> {
  const count = rowsOf('take', a);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (!(Number.isInteger(row) && row >= 0 && row < count)) {
      throw new DataError(`take: row ${row} is not one of 0 .. ${count - 1}`, { details: { row, count } });
    }
  }
  return rowsAt(a, rows, 0, rows.length);
}

/** Below this width a loop copies a row faster than a view of it is made. */
const NARROW = 32;

/** Rows that are there: those that `order` names from `start` to `end`, or without it these. */
export function rowsAt<D extends DType>(
  { data, shape, dtype }: HostArray<D>,
  order: ArrayLike<number> | undefined,
  start: number,
  end: number,
): HostArray<D> {
  const width = data.length / shape[0];
  const dims = shape.slice();
  dims[0] = end - start;
  if (!order) return { data: data.slice(start * width, end * width) as Data[D], shape: dims, dtype };
  const out = new ARRAY[dtype](dims[0] * width) as Data[D];
  let at = 0;
  for (let i = start; i < end; i++) {
    const from = order[i] * width;
    if (width > NARROW) out.set(data.subarray(from, from + width), at);
    else for (let k = 0; k < width; k++) out[at + k] = data[from + k];
    at += width;
  }
  return { data: out, shape: dims, dtype };
}

/**
 * Rows 0 .. n-1 parted by the seed into training and held-out rows, both in shuffled order.
 *
 * @param n rows in all
 * @param rng its stream `split` at its step decides
 * @param fraction held out, above 0 and below 1; the nearest whole number of rows, and both parts keep at least one
 */
export function split(n: number, rng: Rng, fraction: number): { train: Uint32Array; test: Uint32Array } {
  const held = Math.floor(n * fraction + 0.5);
  if (!(held >= 1 && held < n)) {
    throw new OptionError(`split: a fraction of ${fraction} of ${n} rows leaves a part without rows`, {
      hint: 'Choose a fraction between 0 and 1 that gives both parts at least one row.',
      details: { n, fraction },
    });
  }
  const order = rng.permutation('split', n);
  return { train: order.slice(0, n - held), test: order.slice(n - held) };
}
