/** What the reference computes with: a whole tensor on the host, row-major, every element canonical. */

import { ARRAY, type DType } from '../../sdk/core/dtype.ts';
import type { HostArray } from '../../sdk/core/host.ts';
import { bitsOf } from '../../sdk/core/scalar/index.ts';
import { type Shape, sizeOf } from '../../sdk/core/shape.ts';

export type Value = HostArray<DType>;

/** A value from its element function, called with the coordinates of each element in row-major order. They are one array, which moves on. */
export function build(shape: Shape, dtype: DType, element: (at: readonly number[]) => number): Value {
  const size = sizeOf(shape);
  const data = new ARRAY[dtype](size);
  const at = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < size; i++) {
    data[i] = element(at);
    for (let d = shape.length - 1; d >= 0 && ++at[d] === shape[d]; d--) at[d] = 0;
  }
  return { data, shape, dtype };
}

/** Where element `flat` lies. */
export function coordinates(flat: number, shape: Shape): number[] {
  const at = new Array<number>(shape.length);
  for (let d = shape.length - 1; d >= 0; d--) {
    at[d] = flat % shape[d];
    flat = Math.floor(flat / shape[d]);
  }
  return at;
}

/** The row-major number of the element at some coordinates. */
export function flatOf(at: readonly number[], shape: Shape): number {
  let flat = 0;
  for (let d = 0; d < shape.length; d++) flat = flat * shape[d] + at[d];
  return flat;
}

export const get = (x: Value, at: readonly number[]): number => x.data[flatOf(at, x.shape)];

/** The element that the NumPy rule puts at `at` of a larger shape. */
export function stretched({ data, shape }: Value, at: readonly number[]): number {
  return data[stretchedTo(shape, at, at.length)];
}

/** The number of the element, or of the matrix where `to` leaves out its axes, that the NumPy rule puts at `at` of a larger shape. */
export function stretchedTo(shape: Shape, at: readonly number[], to: number): number {
  const lead = at.length - shape.length;
  let flat = 0;
  for (let d = lead; d < to; d++) flat = flat * shape[d - lead] + (shape[d - lead] === 1 ? 0 : at[d]);
  return flat;
}

/** The bits of an element as u32; integers and bool are their own. */
export function bitsAt(x: Value, i: number): number {
  return x.dtype === 'f32' ? bitsOf(x.data[i]) : x.data[i] >>> 0;
}
