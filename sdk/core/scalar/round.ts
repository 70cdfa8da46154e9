/** N3: rounding to integers of the same dtype; -0 becomes 0. */

import { C } from './bits.ts';

/** 1.5 * 2^52: adding it to a double below 2^51 rounds to an integer, ties to even. */
const MAGIC = 6755399441055744;

/** rint of the contract: to the nearest integer, ties to even. Larger f32 are integers already. */
export function rint(x: number): number {
  return x < 16777216 && x > -16777216 ? x + MAGIC - MAGIC : x;
}

export function floor(x: number): number {
  return C(Math.floor(x));
}

export function ceil(x: number): number {
  return C(Math.ceil(x));
}

export function trunc(x: number): number {
  return C(Math.trunc(x));
}

/** Ties to even. */
export function round(x: number): number {
  return C(rint(x));
}
