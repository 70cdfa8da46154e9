/** N5, ratio: a quotient of integers rounded once to f32, for 2^27 <= b <= 2^28 and 0.41 b < a < 1.42 * 2^27. */

import { quotient } from './quotient.ts';
import { wgsl } from './wgsl.ts';

/** To nearest, ties to even. */
export const ratio = wgsl(
  'ratio',
  [quotient],
  /* wgsl */ `
fn ratio(a: u32, b: u32) -> u32 {
  let s = select(0u, 1u, a < b) + select(0u, 1u, 2u * a < b);
  let t = quotient(a << s, b);
  let up = select(0u, 1u, 2 * t.r + bitcast<i32>(t.q & 1u) > bitcast<i32>(b));
  return ((126u - s) << 23u) + t.q + up;
}`,
);
