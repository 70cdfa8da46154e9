/** The step that div and ratio share (N5): a quotient of integers in 24 bits, with its remainder. */

import { wgsl } from './wgsl.ts';

/**
 * floor(m * 2^23 / b) and what is left, for b <= m < 2b. The native quotients are seeds: q * b is compared with m * 2^23
 * modulo 2^32, which is exact while q is within some ulp.
 */
export const quotient = wgsl(
  'quotient',
  [],
  /* wgsl */ `
struct Quotient {
  q: u32,
  r: i32,
}

fn quotient(m: u32, b: u32) -> Quotient {
  let n = bitcast<i32>(b);
  var q = u32((f32(m) / f32(b)) * 8388608.0); // seed
  var r = bitcast<i32>((m << 23u) - q * b);
  let d = i32(floor(f32(r) / f32(b))); // seed
  q += bitcast<u32>(d);
  r -= d * n;
  if (r < 0) {
    q -= 1u;
    r += n;
  }
  if (r >= n) {
    q += 1u;
    r -= n;
  }
  return Quotient(q, r);
}`,
);
