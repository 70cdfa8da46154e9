/** N5, powers: powi by squaring for a static integer, pow as exp(y log x), about 1 + |y ln x| ulp. */

import { abs, mul, neg } from './basic.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { div } from './roots.ts';

/** x^n, n an integer below 2^31 in magnitude; x^0 is 1 for every x. Squaring from the bit below the top one, S after each. */
export function powi(x: number, n: number): number {
  if (n === 0) return 1;
  if (n < 0) return div(1, powi(x, -n));
  let p = x;
  for (let bit = 30 - Math.clz32(n); bit >= 0; bit--) {
    p = mul(p, p);
    if ((n >>> bit) & 1) p = mul(p, x);
  }
  return p;
}

/** x^0 and 1^y are 1, also for NaN; x < 0 needs an integer y (an infinite one counts as even). */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y) || (x < 0 && y !== Math.floor(y))) return Number.NaN;
  const p = exp(mul(y, log(abs(x))));
  const odd = x < 0 && abs(y) < 16777216 && (y & 1) === 1;
  return odd ? neg(p) : p;
}
