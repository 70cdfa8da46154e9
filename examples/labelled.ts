/** What every example data set is: rows of numbers or tokens, and the class of each row or token. */

import type { HostArray } from '../sdk/core/host.ts';
import { take } from '../sdk/data/index.ts';

/** What x holds. */
export type Inputs = 'f32' | 'i32';

export interface Labelled<D extends Inputs = 'f32'> {
  /** [rows, features], or tokens [rows, length]. */
  readonly x: HostArray<D>;
  /** [rows] or [rows, length], each 0 .. classes-1. */
  readonly y: HostArray<'i32'>;
}

export function takeRows<D extends Inputs>(set: Labelled<D>, rows: ArrayLike<number>): Labelled<D> {
  return { x: take(set.x, rows), y: take(set.y, rows) };
}
