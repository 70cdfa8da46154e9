/** What every example data set is: rows of numbers, and the class of each. */

import type { HostArray } from '../sdk/core/host.ts';
import { take } from '../sdk/data/index.ts';

export interface Labelled {
  /** [rows, features]. */
  readonly x: HostArray<'f32'>;
  /** [rows], each 0 .. classes-1. */
  readonly y: HostArray<'i32'>;
}

export function takeRows(set: Labelled, rows: ArrayLike<number>): Labelled {
  return { x: take(set.x, rows), y: take(set.y, rows) };
}
