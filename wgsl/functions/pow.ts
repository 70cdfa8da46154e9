/** N5, pow: exp(y log |x|), S after each. */

import { mul } from './arithmetic.ts';
import { isnan } from './bits.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { neg } from './sign.ts';
import { wgsl } from './wgsl.ts';

/** x^0 and 1^y are 1, also for NaN; x < 0 needs an integer y, and from 2^24 up each is even. */
export const pow = wgsl(
  'pow',
  [mul, exp, log, neg, isnan],
  /* wgsl */ `
fn op_pow(x: u32, y: u32) -> u32 {
  let b = y & 0x7fffffffu;
  // From 1 to 2^24 the integer's last bit is at place 150 - exponent of the significand.
  let m = (b & 0x7fffffu) | 0x800000u;
  let place = (150u - (b >> 23u)) & 31u;
  let inside = (b >= 0x3f800000u) & (b < 0x4b800000u);
  let whole = (b >= 0x4b800000u) | (inside & ((m & ((1u << place) - 1u)) == 0u));
  let odd = inside & (((m >> place) & 1u) == 1u);
  let below = x >= 0x80000000u;
  let p = op_exp(op_mul(y, op_log(x & 0x7fffffffu)));
  let z = select(p, op_neg(p), below & odd);
  let r = select(z, 0x7fc00000u, isnan(x) | isnan(y) | (below & !whole));
  return select(r, 0x3f800000u, (y == 0u) | (x == 0x3f800000u));
}`,
);
