/** N5, ratio: a quotient of integers rounded once to f32, for 2^27 <= b <= 2^28 and 0.41 b < a < 1.42 * 2^27. */

import { wgsl } from './wgsl.ts';

/** The residual is exact modulo 2^32, so the native quotients may be some ulp off. */
export const ratio = wgsl(
  'ratio',
  [],
  /* wgsl */ `
fn ratio(a: u32, b: u32) -> u32 {
  let s = select(0u, 1u, a < b) + select(0u, 1u, 2u * a < b);
  let m = a << s;
  var q = u32((f32(m) / f32(b)) * 8388608.0); // seed
  var r = bitcast<i32>((m << 23u) - q * b);
  let d = i32(floor(f32(r) / f32(b))); // seed
  let n = bitcast<i32>(b);
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
  q += select(0u, 1u, 2 * r + bitcast<i32>(q & 1u) > n);
  return ((126u - s) << 23u) + q;
}`,
);
