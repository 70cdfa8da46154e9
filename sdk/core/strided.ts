/** Elements that lie in another order than ours. */

import { type Shape, sizeOf } from './shape.ts';

export interface Strided {
  /** Bytes of an element. */
  readonly width: number;
  readonly shape: Shape;
  /** How many elements on the next one of each dimension is. */
  readonly strides: readonly number[];
  /** The number of the first element. */
  readonly offset?: number;
}

/** The bytes of the elements in row-major order, the last dimension running fastest: a copy. */
export function rowMajor(raw: Uint8Array, { width, shape, strides, offset = 0 }: Strided): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(sizeOf(shape) * width);
  const at = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < out.length; ) {
    for (let b = 0; b < width; b++) out[i++] = raw[from * width + b];
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d];
      if (++at[d] < shape[d]) break;
      from -= strides[d] * shape[d];
      at[d] = 0;
    }
  }
  return out;
}
