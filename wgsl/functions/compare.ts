/** N3: comparisons, max and min by the order key; native ones may assume that there is no NaN. */

import { isnan, order } from './bits.ts';
import { wgsl } from './wgsl.ts';

export const eq = wgsl(
  'eq',
  [isnan],
  /* wgsl */ `
fn op_eq(a: u32, b: u32) -> u32 {
  return select(0u, 1u, (a == b) & !isnan(a));
}`,
);

export const ne = wgsl(
  'ne',
  [isnan],
  /* wgsl */ `
fn op_ne(a: u32, b: u32) -> u32 {
  return select(0u, 1u, (a != b) | isnan(a));
}`,
);

// NaN has the greatest key, so it is never below anything; only b needs a look.

export const lt = wgsl(
  'lt',
  [isnan, order],
  /* wgsl */ `
fn op_lt(a: u32, b: u32) -> u32 {
  return select(0u, 1u, (order(a) < order(b)) & !isnan(b));
}`,
);

export const le = wgsl(
  'le',
  [isnan, order],
  /* wgsl */ `
fn op_le(a: u32, b: u32) -> u32 {
  return select(0u, 1u, (order(a) <= order(b)) & !isnan(b));
}`,
);

export const max = wgsl(
  'max',
  [order],
  /* wgsl */ `
fn op_max(a: u32, b: u32) -> u32 {
  return select(b, a, order(a) > order(b));
}`,
);

/** NaN if either is. */
export const min = wgsl(
  'min',
  [isnan, order],
  /* wgsl */ `
fn op_min(a: u32, b: u32) -> u32 {
  return select(select(b, a, order(a) < order(b)), 0x7fc00000u, isnan(a) | isnan(b));
}`,
);
