/** N5, div: correctly rounded by an integer residual. */

import { isnan, snap } from './bits.ts';
import { wgsl } from './wgsl.ts';

/**
 * a / b for the patterns of two finite positive numbers. The native quotients are seeds: q * b is compared with the
 * numerator modulo 2^32, which is exact while q is within some ulp. No tie can arise.
 */
export const idiv = wgsl(
  'idiv',
  [],
  /* wgsl */ `
fn idiv(a: u32, b: u32) -> u32 {
  let wide = (a & 0x7fffffu) | 0x800000u;
  let mb = (b & 0x7fffffu) | 0x800000u;
  let lt = select(0u, 1u, wide < mb);
  let ma = wide << lt;
  let e = bitcast<i32>(a >> 23u) - bitcast<i32>(b >> 23u) + 126 - bitcast<i32>(lt);
  var q = u32((f32(ma) / f32(mb)) * 8388608.0); // seed
  let n = bitcast<i32>(mb);
  var r = bitcast<i32>((ma << 23u) - q * mb);
  let d = i32(floor(f32(r) / f32(mb))); // seed
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
  q += select(0u, 1u, 2 * r > n);
  let y = (bitcast<u32>(e) << 23u) + q;
  return select(select(y, 0u, e < 1), 0x7f800000u, e > 253);
}`,
);

/** 0/0 and Inf/Inf are NaN, x/0 and Inf/x Inf, 0/x and x/Inf 0. */
export const div = wgsl(
  'div',
  [idiv, isnan, snap],
  /* wgsl */ `
fn op_div(a: u32, b: u32) -> u32 {
  let sign = (a ^ b) & 0x80000000u;
  let x = a & 0x7fffffffu;
  let y = b & 0x7fffffffu;
  var q = S(idiv(x, y) | sign);
  q = select(q, 0u, (x == 0u) | (y == 0x7f800000u));
  q = select(q, sign | 0x7f800000u, (y == 0u) | (x == 0x7f800000u));
  return select(q, 0x7fc00000u, isnan(a) | isnan(b) | ((x == y) & ((x == 0u) | (x == 0x7f800000u))));
}`,
);
