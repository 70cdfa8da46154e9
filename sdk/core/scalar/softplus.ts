/** N5, softplus: log(1 + e^x) as max(x, 0) + log1p(exp(-|x|)). At most 1.70 ulp. */

import { abs, max } from './basic.ts';
import { bitsOf, C } from './bits.ts';
import { exp } from './exp.ts';
import { logb } from './log.ts';

const f = Math.fround;

export function softplus(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const e = exp(-abs(x));
  // Above sqrt 2 - 1 half of (1 + e) is taken, so that logb stays in its interval.
  const halve = bitsOf(e) > 0x3ed413cc;
  return C(f(max(x, 0) + logb(halve ? f(0.5 * f(e - 1)) : e, halve ? 1 : 0)));
}
