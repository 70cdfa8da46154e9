/** Mean and deviation of each column, so that a model sees columns of one scale. */

import { DataError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { toF32 } from '../core/scalar/host.ts';
import { showShape } from '../core/shape.ts';
import { rowsOf } from './rows.ts';

/** Shape [columns] each. */
export interface Moments {
  readonly mean: HostArray<'f32'>;
  readonly deviation: HostArray<'f32'>;
}

/**
 * Mean and population deviation of the columns over the given rows (default: all), for `(x - mean) / deviation`.
 *
 * The rule, so that every machine gets the same bits: in doubles, sums run over the rows in the order given; mean = sum / n,
 * deviation = sqrt(sum of (x - mean)^2 / n) with the unrounded mean; each is rounded to f32 once, at the end. A column
 * without spread gets deviation 1, and so becomes 0.
 *
 * @param x shape [rows, columns]
 * @throws DataError for another rank, no rows, a row that is not there, or a value that is not finite
 */
export function moments(x: HostArray<'f32'>, rows?: ArrayLike<number>): Moments {
  const count = rowsOf('moments', x);
  if (x.shape.length !== 2 || rows?.length === 0) {
    throw new DataError(`moments: wants rows of columns, got shape ${showShape(x.shape)} and ${rows?.length} rows`, {
      hint: 'Give an array of shape [rows, columns] and at least one row.',
      details: { shape: x.shape, rows: rows?.length },
    });
  }
  const width = x.shape[1];
  const chosen = rows ?? { length: count };
  const mean = new Float32Array(width);
  const deviation = new Float32Array(width);
  for (let c = 0; c < width; c++) {
    const column = Array.from(chosen, (row, i) => {
      const v = x.data[(row ?? i) * width + c];
      if (Number.isFinite(v)) return v;
      throw new DataError(`moments: row ${row ?? i}, column ${c} is ${v}`, {
        hint: 'Mend or leave out that row.',
        details: { row: row ?? i, column: c },
      });
    });
    const exactMean = column.reduce((s, v) => s + v, 0) / column.length;
    const variance = column.reduce((s, v) => s + (v - exactMean) * (v - exactMean), 0) / column.length;
    mean[c] = toF32(exactMean);
    deviation[c] = toF32(Math.sqrt(variance)) || 1;
  }
  return {
    mean: { data: mean, shape: [width], dtype: 'f32' },
    deviation: { data: deviation, shape: [width], dtype: 'f32' },
  };
}
