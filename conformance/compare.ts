/** Two values to the bit. */

import type { Data } from '../sdk/core/dtype.ts';
import { bitsAt, type Value } from './reference/value.ts';

const hex = (u: number) => u.toString(16).padStart(8, '0');

/** The stored bits of an element read from a runtime: unlike the reference's, a NaN must have the one pattern already. */
function storedBits(got: Data[keyof Data], i: number): number {
  return got instanceof Float32Array ? new DataView(got.buffer, got.byteOffset).getUint32(4 * i, true) : got[i] >>> 0;
}

/** Null where all bits agree, else what differs: the first element, both patterns, and how many more. */
export function difference(expected: Value, got: Data[keyof Data]): string | null {
  if (got.length !== expected.data.length) return `${got.length} elements, expected ${expected.data.length}`;
  let first = -1;
  let count = 0;
  for (let i = 0; i < got.length; i++) {
    if (storedBits(got, i) === bitsAt(expected, i)) continue;
    if (count++ === 0) first = i;
  }
  if (count === 0) return null;
  const more = count > 1 ? `; ${count} of ${got.length} differ` : '';
  return `element ${first} of [${expected.shape}] is ${hex(storedBits(got, first))}, expected ${hex(bitsAt(expected, first))}${more}`;
}
