/** Two values to the bit. */

import type { Data } from '../sdk/core/dtype.ts';
import { bitsAt, type Value } from './reference/value.ts';

const hex = (u: number) => u.toString(16).padStart(8, '0');

/** The stored bits of what a runtime gave: unlike the reference's, a NaN must have the one pattern already. */
const stored = (got: Data[keyof Data]): ArrayLike<number> =>
  got instanceof Float32Array ? new Uint32Array(got.buffer, got.byteOffset, got.length) : got;

/** Null where all bits agree, else what differs: the first element, both patterns, and how many more. */
export function difference(expected: Value, got: Data[keyof Data]): string | null {
  if (got.length !== expected.data.length) return `${got.length} elements, expected ${expected.data.length}`;
  const bits = stored(got);
  let first = -1;
  let count = 0;
  for (let i = 0; i < got.length; i++) {
    if (bits[i] >>> 0 === bitsAt(expected, i)) continue;
    if (count++ === 0) first = i;
  }
  if (count === 0) return null;
  const more = count > 1 ? `; ${count} of ${got.length} differ` : '';
  return `element ${first} of [${expected.shape}] is ${hex(bits[first] >>> 0)}, expected ${hex(bitsAt(expected, first))}${more}`;
}

const DIFFERENCE = /element (\d+) of \[[\d,]*\] is ([0-9a-f]+), expected ([0-9a-f]+)/;

/** What `difference` says, read back from a text that holds it. */
export function readDifference(text: string): { index: number; got: string; expected: string } | null {
  const found = DIFFERENCE.exec(text);
  return found && { index: Number(found[1]), got: found[2], expected: found[3] };
}
