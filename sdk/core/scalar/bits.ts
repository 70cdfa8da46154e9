/**
 * f32 values and their bit patterns, and the snaps of N0, N6 and N7.
 *
 * On the host an f32 is a JavaScript number that binary32 can hold. Canonical (N0): +0, exponent field 2..254, +-Inf
 * or the one NaN. JavaScript cannot see a NaN's payload, so `bitsOf` gives 7fc00000 for each of them.
 */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The bit pattern of an f32, as u32. Every NaN is 7fc00000. */
export function bitsOf(v: number): number {
  if (Number.isNaN(v)) return 0x7fc00000;
  f32[0] = v;
  return u32[0];
}

/** The f32 that a pattern (i32 or u32) stands for. */
export function ofBits(u: number): number {
  u32[0] = u;
  return f32[0];
}

/** 2^-125: the least canonical magnitude. */
export const TINY = 2 ** -125;

/** S of N0: what is below 2^-125, and -0, becomes +0. NaN passes. */
export function S(v: number): number {
  return v < TINY && v > -TINY ? 0 : v;
}

/** C of N0: S, and the one NaN. */
export function C(v: number): number {
  // A literal NaN, so that storing the result in a Float32Array writes 7fc00000 and not a NaN that arithmetic made.
  return Number.isNaN(v) ? Number.NaN : v < TINY && v > -TINY ? 0 : v;
}

/** W of N6: the load of a contraction; below 2^-51 is +0. */
export function W(v: number): number {
  return v < 2 ** -51 && v > -(2 ** -51) ? 0 : v;
}

/** The load of N7: at the leaves of a sum, below 2^-102 is +0. */
export function leaf(v: number): number {
  return v < 2 ** -102 && v > -(2 ** -102) ? 0 : v;
}

/** The order key of N3 as i32: sorts canonical patterns as numbers, NaN above +Inf. */
export function orderKey(u: number): number {
  return (u | 0) ^ ((u >> 31) & 0x7fffffff);
}
