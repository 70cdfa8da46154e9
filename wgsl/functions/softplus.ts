/** N5, softplus: max(x, 0) + log1p(exp(-|x|)). */

import { isnan, snap } from './bits.ts';
import { exp } from './exp.ts';
import { guard } from './guard.ts';
import { logb } from './log.ts';
import { neg } from './sign.ts';
import { wgsl } from './wgsl.ts';

/** Above sqrt 2 - 1 half of (1 + e) is taken, so that logb stays in its interval. */
export const softplus = wgsl(
  'softplus',
  [exp, logb, neg, guard, snap, isnan],
  /* wgsl */ `
fn op_softplus(u: u32) -> u32 {
  let e = op_exp(op_neg(u & 0x7fffffffu));
  let halve = e > 0x3ed413ccu;
  let f = select(bitcast<f32>(e), G(0.5 * G(bitcast<f32>(e) - 1.0)), halve);
  let x = bitcast<f32>(select(u, 0u, u >= 0x80000000u));
  let y = G(x + logb(f, bitcast<f32>(select(0u, 0x3f800000u, halve) | gz)));
  return select(S(bitcast<u32>(y)), 0x7fc00000u, isnan(u));
}`,
);
