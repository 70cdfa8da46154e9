/** N5, sigmoid: one rounding of an integer ratio. */

import { isnan } from './bits.ts';
import { q4, red } from './exp.ts';
import { guard } from './guard.ts';
import { ratio } from './ratio.ts';
import { neg } from './sign.ts';
import { wgsl } from './wgsl.ts';

/** (1 + t) 2^-k in units of 2^-27: E of the contract. */
export const scaled = wgsl(
  'scaled',
  [],
  /* wgsl */ `
fn scaled(t: f32, k: i32) -> u32 {
  let p = bitcast<f32>(bitcast<u32>(154 - k) << 23u);
  return u32(p) + bitcast<u32>(i32(round(t * p))); // exact: a power of two, and what it flushes rounds to 0
}`,
);

/** Below 0 it is e^-a / (1 + e^-a): the power of two goes on at the end, so that the quotient keeps all its bits. */
export const sigmoid = wgsl(
  'sigmoid',
  [red, q4, scaled, ratio, neg, guard, isnan],
  /* wgsl */ `
fn op_sigmoid(u: u32) -> u32 {
  let magnitude = u & 0x7fffffffu;
  let a = red(bitcast<f32>(op_neg(select(magnitude, 0x42b00000u, magnitude > 0x42b00000u))));
  let c = G(G(a.r1 - a.r) - a.w);
  let t = G(G(G(G(a.r * a.r) * q4(a.r)) + c) + a.r);
  let k = -i32(a.n);
  let whole = 0x8000000u + bitcast<u32>(i32(round(t * 134217728.0))); // exact: a power of two
  let below = u >= 0x80000000u;
  let y = ratio(select(0x8000000u, whole, below), 0x8000000u + scaled(t, k));
  let v = y - (bitcast<u32>(k) << 23u);
  let low = select(v, 0u, bitcast<i32>(v) < 0x01000000);
  return select(select(y, low, below), 0x7fc00000u, isnan(u));
}`,
);
