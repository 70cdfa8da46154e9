/** N5, sqrt and rsqrt: the root correctly rounded by an integer residual. */

import { isnan } from './bits.ts';
import { idiv } from './div.ts';
import { wgsl } from './wgsl.ts';

/** Of the pattern of a finite positive number. The native root is a seed, as in quotient: s * s is compared modulo 2^32. */
export const isqrt = wgsl(
  'isqrt',
  [],
  /* wgsl */ `
fn isqrt(u: u32) -> u32 {
  let odd = (u & 0x800000u) == 0u;
  let one = (u & 0x7fffffu) | 0x800000u;
  let m = select(one, 2u * one, odd);
  var s = bitcast<u32>(sqrt(f32(bitcast<i32>(m)) * bitcast<f32>(0x34000000u))) - 0x3f000000u; // seed
  var r = bitcast<i32>(m * 0x800000u - s * s);
  let d = i32(floor(f32(r) / f32(bitcast<i32>(2u * s)))); // seed
  r -= 2 * bitcast<i32>(s) * d + d * d;
  s += bitcast<u32>(d);
  let low = r < 0;
  s -= select(0u, 1u, low);
  r += select(0, 2 * bitcast<i32>(s) + 1, low);
  let high = r > 2 * bitcast<i32>(s);
  r -= select(0, 2 * bitcast<i32>(s) + 1, high);
  s += select(0u, 1u, high);
  s += select(0u, 1u, r > bitcast<i32>(s));
  return (((u & 0x7f800000u) + select(0x3e800000u, 0x3e000000u, odd)) >> 1u) + s;
}`,
);

/** Below 0 is NaN. */
export const sqrt = wgsl(
  'sqrt',
  [isqrt, isnan],
  /* wgsl */ `
fn op_sqrt(u: u32) -> u32 {
  let y = select(isqrt(u & 0x7fffffffu), u, (u == 0u) | (u == 0x7f800000u));
  return select(y, 0x7fc00000u, isnan(u) | (u >= 0x80000000u));
}`,
);

/** sqrt(1/m) with m in [1, 4), then half the even exponent. 0 gives +Inf, below 0 NaN. */
export const rsqrt = wgsl(
  'rsqrt',
  [idiv, isqrt, isnan],
  /* wgsl */ `
fn op_rsqrt(u: u32) -> u32 {
  let e = bitcast<i32>(u >> 23u) - 127;
  let o = e & 1;
  let m = (u & 0x7fffffu) | (bitcast<u32>(127 + o) << 23u);
  var y = isqrt(idiv(0x3f800000u, m)) - (bitcast<u32>((e - o) >> 1u) << 23u);
  y = select(y, 0x7f800000u, u == 0u);
  y = select(y, 0u, u == 0x7f800000u);
  return select(y, 0x7fc00000u, isnan(u) | (u >= 0x80000000u));
}`,
);
