/** Patterns: the snaps of N0, N6 and N7 and the order of N3. All in integers, so no NaN or subnormal is ever seen as f32. */

import { wgsl } from './wgsl.ts';

export const isnan = wgsl(
  'isnan',
  [],
  /* wgsl */ `
fn isnan(u: u32) -> bool {
  return (u & 0x7fffffffu) > 0x7f800000u;
}`,
);

/** S of N0: below 2^-125, and -0, is +0. */
export const snap = wgsl(
  'snap',
  [],
  /* wgsl */ `
fn S(u: u32) -> u32 {
  return select(u, 0u, (u & 0x7f000000u) == 0u);
}`,
);

/** C of N0: S, and the one NaN. */
export const canonical = wgsl(
  'canonical',
  [snap, isnan],
  /* wgsl */ `
fn C(u: u32) -> u32 {
  return select(S(u), 0x7fc00000u, isnan(u));
}`,
);

/** W of N6: the load of a contraction; below 2^-51 is +0. */
export const window = wgsl(
  'window',
  [],
  /* wgsl */ `
fn W(u: u32) -> u32 {
  return select(u, 0u, (u & 0x7fffffffu) < 0x26000000u);
}`,
);

/** The load of N7, at the leaves of a sum: below 2^-102 is +0. */
export const leaf = wgsl(
  'leaf',
  [],
  /* wgsl */ `
fn leaf(u: u32) -> u32 {
  return select(u, 0u, (u & 0x7fffffffu) < 0x0c800000u);
}`,
);

/** The order key of N3: sorts patterns as numbers, every NaN alike and above +Inf. */
export const order = wgsl(
  'order',
  [isnan],
  /* wgsl */ `
fn order(u: u32) -> i32 {
  let key = bitcast<i32>(u ^ (bitcast<u32>(bitcast<i32>(u) >> 31u) & 0x7fffffffu));
  return select(key, 0x7fffffff, isnan(u));
}`,
);
