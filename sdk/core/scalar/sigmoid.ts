/** N5, sigmoid: one rounding of an integer ratio. At most 0.944 ulp; never decreases. */

import { abs, min } from './basic.ts';
import { bitsOf, ofBits } from './bits.ts';
import { q4, red } from './exp.ts';
import { ratio } from './ratio.ts';
import { rint } from './round.ts';

const f = Math.fround;
const ONE = 2 ** 27;

/** e^-k' in units of 2^-27, where k' = a and t = e^r - 1: E of N5, with p = 2^(27-k). */
export function scaled(t: number, k: number): number {
  const p = ofBits((154 - k) << 23);
  return Math.trunc(p) + rint(f(t * p));
}

export function sigmoid(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const { n, r1, w, r } = red(-min(abs(x), 88));
  const c = f(f(r1 - r) - w);
  const t = f(f(f(f(r * r) * q4(r)) + c) + r);
  const b = ONE + scaled(t, -n);
  if (x >= 0) return ratio(ONE, b);
  // e^-a / (1 + e^-a): the power of two goes on at the end, so the quotient keeps all its bits.
  const v = (bitsOf(ratio(ONE + rint(f(t * ONE)), b)) + (n << 23)) | 0;
  return v < 0x01000000 ? 0 : ofBits(v);
}
