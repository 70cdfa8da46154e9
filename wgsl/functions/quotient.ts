/** The step that div and ratio share (N5): a quotient of integers in 24 bits, with its remainder. */

import { wgsl } from './wgsl.ts';

/**
 * floor(m * 2^23 / b) and what is left, for b <= m < 2b. The native quotients are seeds: q * b is compared with m * 2^23
 * modulo 2^32, which is exact while q is within some ulp. A seed between 1 and 2 has q in its pattern.
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
  let f = f32(n);
  var q = bitcast<u32>(f32(bitcast<i32>(m)) / f) - 0x3f000000u; // seed
  var r = bitcast<i32>(m * 0x800000u - q * b);
  let d = i32(floor(f32(r) / f)); // seed
  q += bitcast<u32>(d);
  r -= d * n;
  let low = r < 0;
  q -= select(0u, 1u, low);
  r += select(0, n, low);
  let high = r >= n;
  q += select(0u, 1u, high);
  r -= select(0, n, high);
  return Quotient(q, r);
}`,
);
