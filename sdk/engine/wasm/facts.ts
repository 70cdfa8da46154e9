/**
 * What is known of a program's values before it runs: where a result cannot be tiny or -0, the snap of N0 after it changes no
 * bit and may be left out.
 */

import type { ProgramValue } from '../kernel.ts';

export interface Fact {
  /** The value is 0, Inf or NaN, or its magnitude is at least 2^least. */
  readonly least: number;
  /** Besides NaN: any, none below 0, all above 0. */
  readonly sign: 'any' | 'notNegative' | 'positive';
}

/** Of every canonical value (N0). */
const LEAST = -125;
const CANONICAL: Fact = { least: LEAST, sign: 'any' };
const NOT_NEGATIVE: Fact = { least: LEAST, sign: 'notNegative' };

const known = (f: Fact): boolean => f.sign !== 'any';
const atLeast = (least: number, sign: Fact['sign']): Fact => ({ least: Math.max(LEAST, least), sign });
const bothKnown = (a: Fact, b: Fact): Fact['sign'] => (known(a) && known(b) ? 'notNegative' : 'any');

/** The exponent of a finite number that is not 0. */
const exponent = (x: number): number => {
  let e = Math.floor(Math.log2(Math.abs(x)));
  while (2 ** e > Math.abs(x)) e--;
  return e;
};

export function factOfConstant(value: number): Fact {
  const x = Math.fround(value);
  if (x === 0) return { least: 127, sign: 'notNegative' };
  return { least: Number.isFinite(x) ? exponent(x) : 127, sign: x < 0 ? 'any' : 'positive' };
}

/**
 * A sum that cancels is exact, and its operands, of like magnitude, are multiples of 2^(least - 24) for the greater `least`.
 * Any other is at least half of the greater operand.
 */
const cancelled = (a: Fact, b: Fact): number => Math.max(a.least, b.least) - 24;

/** Whether `a + b` (or `a - b`: `minus`) needs no snap. */
export const sumIsCanonical = (a: Fact, b: Fact, minus = false): boolean =>
  cancelled(a, b) >= LEAST || (!minus && known(a) && known(b));

/** Whether `a * b` needs no snap: it is not tiny, and no 0 meets a negative number, which would make -0. */
export const productIsCanonical = (a: Fact, b: Fact): boolean =>
  a.least + b.least >= LEAST && ((known(a) && known(b)) || a.sign === 'positive' || b.sign === 'positive');

function factOfSum(a: Fact, b: Fact, minus: boolean): Fact {
  const least = Math.min(a.least, b.least);
  if (minus || !known(a) || !known(b)) return atLeast(Math.min(least, cancelled(a, b)), 'any');
  return { least, sign: a.sign === 'positive' || b.sign === 'positive' ? 'positive' : 'notNegative' };
}

/** Facts of all values; those that are no f32 have some that nobody asks for. */
export function factsOf(values: readonly ProgramValue[]): Fact[] {
  const out: Fact[] = [];
  for (const v of values) out.push(v.kind === 'constant' ? factOfConstant(v.value) : factOf(v, out));
  return out;
}

function factOf(v: ProgramValue, facts: readonly Fact[]): Fact {
  if (v.kind !== 'row') return CANONICAL;
  const [a = CANONICAL, b = CANONICAL, c = CANONICAL] = v.args.map((i) => facts[i]);
  switch (v.op) {
    case 'copy':
      return a;
    case 'neg_f':
      return { ...a, sign: 'any' };
    case 'abs_f':
      return known(a) ? a : { ...a, sign: 'notNegative' };
    case 'sqrt':
      return { least: Math.floor(a.least / 2), sign: a.sign === 'positive' ? 'positive' : 'notNegative' };
    case 'rsqrt':
      return { least: -64, sign: 'notNegative' };
    case 'exp':
    case 'sigmoid':
      return NOT_NEGATIVE;
    case 'add_f':
      return factOfSum(a, b, false);
    case 'sub_f':
      return factOfSum(a, b, true);
    case 'mul_f':
      return atLeast(a.least + b.least, v.args[0] === v.args[1] ? 'notNegative' : bothKnown(a, b));
    case 'div_f':
      return atLeast(LEAST, bothKnown(a, b));
    case 'max_f':
      return { least: Math.min(a.least, b.least), sign: a.sign === 'positive' ? a.sign : known(b) ? b.sign : a.sign };
    case 'min_f':
      return { least: Math.min(a.least, b.least), sign: bothKnown(a, b) };
    case 'where':
      return { least: Math.min(b.least, c.least), sign: bothKnown(b, c) };
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
    case 'sign_f':
    case 'i2f':
      return { least: 0, sign: 'any' };
    case 'u2f':
      return { least: 0, sign: 'notNegative' };
    case 'unit':
      return { least: -24, sign: 'notNegative' };
    default:
      return CANONICAL;
  }
}
