/** N5, log: degree 10 on [sqrt 0.5, sqrt 2). At most 0.860 ulp; never decreases. */

import { bitsOf, C, ofBits } from './bits.ts';

const f = Math.fround;

const P0 = ofBits(0xbd9c674d);
const P1 = ofBits(0x3e02aff0);
const P2 = ofBits(0xbe06c0f0);
const P3 = ofBits(0x3e116c7f);
const P4 = ofBits(0xbe2a3947);
const P5 = ofBits(0x3e4cd00f);
const P6 = ofBits(0xbe800113);
const P7 = ofBits(0x3eaaaaaa);
/** ln 2 as a high part of 16 bits, exact times k, and a low part. */
const LN2_HIGH = ofBits(0x3f317200);
const LN2_LOW = ofBits(0x35bfbe8e);

/** logb(f, k) of N5: log(1 + x) + k ln 2 for x in [sqrt 0.5 - 1, sqrt 2 - 1). */
export function logb(x: number, k: number): number {
  const z = f(x * x);
  let p = f(f(P0 * x) + P1);
  p = f(f(p * x) + P2);
  p = f(f(p * x) + P3);
  p = f(f(p * x) + P4);
  p = f(f(p * x) + P5);
  p = f(f(p * x) + P6);
  p = f(f(p * x) + P7);
  let y = f(f(x * z) * p);
  y = f(y + f(k * LN2_LOW));
  y = f(y - f(0.5 * z));
  return f(f(x + y) + f(k * LN2_HIGH));
}

/** 0 gives -Inf, below 0 NaN. */
export function log(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return x;
  if (!(x > 0)) return Number.NaN;
  const u = bitsOf(x);
  const k = (u - 0x3f3504f3) >> 23;
  return C(logb(f(ofBits(u - (k << 23)) - 1), k));
}
