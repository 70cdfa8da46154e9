/** HostArray: a tensor's worth of numbers without a runtime; what readers and batches give. */

import type { Data, DType } from './dtype.ts';
import type { Shape } from './shape.ts';

export interface HostArray<D extends DType = DType> {
  /** Row-major (C order), `size(shape)` elements. */
  readonly data: Data[D];
  readonly shape: Shape;
  readonly dtype: D;
}

/** Options of whatever runs, reads or stores. An abort throws `signal.reason`. */
export interface IO {
  signal?: AbortSignal;
}

/** What a description or a saved state may hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [k: string]: Json };

export function hostArray<D extends DType>(data: Data[D], shape: Shape, dtype: D): HostArray<D> {
  return { data, shape, dtype };
}

export function isHostArray(v: unknown): v is HostArray {
  return (
    typeof v === 'object' && v !== null && 'data' in v && 'shape' in v && 'dtype' in v && ArrayBuffer.isView(v.data)
  );
}
