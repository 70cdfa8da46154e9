/** N10: scalars of optimisers and schedules, in doubles by + - * / only, rounded to f32 once, at the end. */

import { OptionError } from '../errors.ts';
import { C } from './bits.ts';

/** A double as the f32 that enters a plan: rounded once, then C. */
export function toF32(v: number): number {
  return C(Math.fround(v));
}

/** b^t in doubles: binary powering from the top bit, so that step t needs no running product. t an integer >= 0. */
export function powerOf(b: number, t: number): number {
  if (!Number.isSafeInteger(t) || t < 0) {
    throw new OptionError(`powerOf: the exponent must be an integer from 0 up, got ${t}`, {
      hint: 'Use the number of completed steps.',
      details: { b, t },
    });
  }
  if (t === 0) return 1;
  let p = b;
  for (const bit of t.toString(2).slice(1)) {
    p = p * p;
    if (bit === '1') p = p * b;
  }
  return p;
}
