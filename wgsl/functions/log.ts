/** N5, log: degree 10 on [sqrt 0.5, sqrt 2). */

import { isnan, snap } from './bits.ts';
import { guard } from './guard.ts';
import { f32, horner, wgsl } from './wgsl.ts';

const P = ['bd9c674d', '3e02aff0', 'be06c0f0', '3e116c7f', 'be2a3947', '3e4cd00f', 'be800113', '3eaaaaaa'];
/** ln 2 as a high part of 16 bits, exact times k, and a low part. */
const LN2_HIGH = f32('3f317200');
const LN2_LOW = f32('35bfbe8e');

/** log(1 + f) + k ln 2 for f in [sqrt 0.5 - 1, sqrt 2 - 1). */
export const logb = wgsl(
  'logb',
  [guard],
  /* wgsl */ `
fn logb(f: f32, k: f32) -> f32 {
  let z = G(f * f);
  let p = ${horner('f', P)};
  let y = G(G(G(f * z) * p) + G(k * ${LN2_LOW}));
  let r = G(f + G(y - 0.5 * z)); // exact: a power of two
  return G(r + k * ${LN2_HIGH}); // exact: 8 bits of k times 16
}`,
);

/** 0 gives -Inf, below 0 NaN. */
export const log = wgsl(
  'log',
  [logb, guard, snap, isnan],
  /* wgsl */ `
fn op_log(u: u32) -> u32 {
  let k = bitcast<i32>(u - 0x3f3504f3u) >> 23u;
  let m = u - (bitcast<u32>(k) << 23u);
  var y = S(bitcast<u32>(logb(G(bitcast<f32>(m) - 1.0), f32(k))));
  y = select(y, 0xff800000u, u == 0u);
  y = select(y, 0x7f800000u, u == 0x7f800000u);
  return select(y, 0x7fc00000u, isnan(u) | (u >= 0x80000000u));
}`,
);
