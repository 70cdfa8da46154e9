/** N3 on f32: arithmetic, signs, selection, comparison. Canonical in, canonical out; comparisons give 0 or 1. */

import { C } from './bits.ts';

const f = Math.fround;

export function add(a: number, b: number): number {
  return C(f(a + b));
}

export function sub(a: number, b: number): number {
  return C(f(a - b));
}

export function mul(a: number, b: number): number {
  return C(f(a * b));
}

/** 0 and NaN stay. */
export function neg(a: number): number {
  return a === 0 ? 0 : -a;
}

export function abs(a: number): number {
  return a < 0 ? -a : a;
}

/** -1, 0, 1 or NaN; also of an i32 or u32. */
export function sign(a: number): number {
  return a > 0 ? 1 : a < 0 ? -1 : a;
}

/** NaN if either is; also of i32 or u32 operands. */
export function max(a: number, b: number): number {
  return Math.max(a, b);
}

/** NaN if either is; also of i32 or u32 operands. */
export function min(a: number, b: number): number {
  return Math.min(a, b);
}

export function relu(a: number): number {
  return max(a, 0);
}

/** min(max(x, low), high). */
export function clamp(x: number, low: number, high: number): number {
  return min(max(x, low), high);
}

// The comparisons hold for f32, i32 and u32 alike: the host keeps each as the number it means.

export function eq(a: number, b: number): number {
  return a === b ? 1 : 0;
}

export function ne(a: number, b: number): number {
  return a !== b ? 1 : 0;
}

export function lt(a: number, b: number): number {
  return a < b ? 1 : 0;
}

export function le(a: number, b: number): number {
  return a <= b ? 1 : 0;
}

export function gt(a: number, b: number): number {
  return a > b ? 1 : 0;
}

export function ge(a: number, b: number): number {
  return a >= b ? 1 : 0;
}

/** `c != 0` takes `a`; any dtype. */
export function where(c: number, a: number, b: number): number {
  return c !== 0 ? a : b;
}

/** 1 for a number, 0 for Inf and NaN. */
export function isFinite32(a: number): number {
  return a - a === 0 ? 1 : 0;
}

// Logic on bool elements (0 or 1).

export function and(a: number, b: number): number {
  return a & b;
}

export function or(a: number, b: number): number {
  return a | b;
}

export function xor(a: number, b: number): number {
  return a ^ b;
}

export function not(a: number): number {
  return a === 0 ? 1 : 0;
}
