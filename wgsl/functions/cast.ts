/** N9: casts between f32 and 32-bit integers, on integers. */

import { isnan } from './bits.ts';
import { wgsl } from './wgsl.ts';

/** The whole part of |x| for |x| < 2^32, modulo 2^32. */
export const whole = wgsl(
  'whole',
  [],
  /* wgsl */ `
fn whole(u: u32) -> u32 {
  let e = bitcast<i32>((u >> 23u) & 0xffu) - 150;
  let m = (u & 0x7fffffu) | 0x800000u;
  let v = select(m >> bitcast<u32>(-e & 31), m << bitcast<u32>(e & 31), e >= 0);
  return select(v, 0u, e < -23);
}`,
);

/** Toward zero, saturating; NaN is 0. */
export const f2i = wgsl(
  'f2i',
  [whole, isnan],
  /* wgsl */ `
fn op_f2i(u: u32) -> u32 {
  let sign = u >> 31u;
  let v = select(whole(u), 0x7fffffffu + sign, (u & 0x7fffffffu) >= 0x4f000000u);
  return select(select(v, 0u - v, sign == 1u), 0u, isnan(u));
}`,
);

/** Toward zero, saturating; NaN is 0. */
export const f2u = wgsl(
  'f2u',
  [whole, isnan],
  /* wgsl */ `
fn op_f2u(u: u32) -> u32 {
  return select(select(whole(u), 0xffffffffu, u >= 0x4f800000u), 0u, (u >= 0x80000000u) | isnan(u));
}`,
);

/** To nearest, ties to even. */
export const u2f = wgsl(
  'u2f',
  [],
  /* wgsl */ `
fn op_u2f(m: u32) -> u32 {
  let z = countLeadingZeros(m);
  let n = m << (z & 31u);
  let r = n >> 8u;
  let up = select(0u, 1u, (n & 255u) > 128u - (r & 1u));
  return select(((157u - z) << 23u) + r + up, 0u, m == 0u);
}`,
);

export const i2f = wgsl(
  'i2f',
  [u2f],
  /* wgsl */ `
fn op_i2f(u: u32) -> u32 {
  let sign = u & 0x80000000u;
  return sign | op_u2f(select(u, 0u - u, sign != 0u));
}`,
);
