/** N1 and N5: div and sqrt, correctly rounded, and rsqrt. */

import { bitsOf, C, ofBits } from './bits.ts';

const f = Math.fround;

/** A double quotient or root rounded again to f32 is the correctly rounded one: 53 >= 2 * 24 + 2 bits. */
export function div(a: number, b: number): number {
  return C(f(a / b));
}

/** NaN below 0. */
export function sqrt(x: number): number {
  return C(f(Math.sqrt(x)));
}

/** sqrt(1/m) with m in [1, 4), then half the even exponent; 0 gives +Inf, below 0 NaN. At most 0.850 ulp. */
export function rsqrt(x: number): number {
  if (x === 0) return Number.POSITIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return 0;
  if (!(x > 0)) return Number.NaN;
  const u = bitsOf(x);
  const e = (u >>> 23) - 127;
  const o = e & 1;
  const m = ofBits((u & 0x7fffff) | ((127 + o) << 23));
  return ofBits(bitsOf(sqrt(div(1, m))) - (((e - o) / 2) << 23));
}
