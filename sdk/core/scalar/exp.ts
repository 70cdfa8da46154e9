/** N5, exp: Cody-Waite reduction, a polynomial of degree 6. At most 0.991 ulp; never decreases. */

import { bitsOf, C, ofBits } from './bits.ts';
import { rint } from './round.ts';

const f = Math.fround;

const LOG2E = ofBits(0x3fb8aa3b);
/** ln 2 in two pieces of 16 bits, so that n times each is exact. */
const LN2_HIGH = ofBits(0x3f317200);
const LN2_LOW = ofBits(0x35bfbf00);
const Q0 = ofBits(0x3ab5259b);
const Q1 = ofBits(0x3c091cc7);
const Q2 = ofBits(0x3d2aac59);
const Q3 = ofBits(0x3e2aaa49);
const Q4 = ofBits(0x3efffffe);
const LOW = ofBits(0xc2ae0000);
/** The largest x with a finite result. */
const HIGH = ofBits(0x42b17217);

/** x = n ln 2 + r, with the parts of r that some callers need to recover its low bits. */
export interface Reduced {
  readonly n: number;
  readonly r1: number;
  readonly w: number;
  readonly r: number;
}

/** red(x) of N5. */
export function red(x: number): Reduced {
  const n = rint(f(x * LOG2E));
  const r1 = f(x - f(n * LN2_HIGH));
  const w = f(n * LN2_LOW);
  return { n, r1, w, r: f(r1 - w) };
}

/** q4(r) of N5: (e^r - 1 - r) / r^2. */
export function q4(r: number): number {
  return f(f(f(f(f(f(f(f(Q0 * r) + Q1) * r) + Q2) * r) + Q3) * r) + Q4);
}

/** +Inf above 42b17217, 0 below c2ad496b. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x > HIGH) return Number.POSITIVE_INFINITY;
  const { n, r } = red(Math.max(x, LOW));
  const t = f(f(f(r * r) * q4(r)) + r);
  return C(ofBits(bitsOf(f(t + 1)) + (n << 23)));
}
