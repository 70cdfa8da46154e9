/** N3: neg, abs and sign by the sign bit. */

import { isnan } from './bits.ts';
import { wgsl } from './wgsl.ts';

/** 0 stays; a NaN keeps being one. */
export const neg = wgsl(
  'neg',
  [],
  /* wgsl */ `
fn op_neg(u: u32) -> u32 {
  return select(u ^ 0x80000000u, 0u, u == 0u);
}`,
);

/** -1, 0, 1 or NaN. */
export const sign = wgsl(
  'sign',
  [isnan],
  /* wgsl */ `
fn op_sign(u: u32) -> u32 {
  return select((u & 0x80000000u) | 0x3f800000u, u, (u == 0u) | isnan(u));
}`,
);
