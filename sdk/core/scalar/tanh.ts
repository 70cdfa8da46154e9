/** N5, tanh: odd polynomial below 0.625, else (1 - e^-2a) / (1 + e^-2a) as an integer ratio. At most 0.829 ulp. */

import { abs, min } from './basic.ts';
import { C, ofBits } from './bits.ts';
import { q4, red } from './exp.ts';
import { ratio } from './ratio.ts';
import { scaled } from './sigmoid.ts';

const f = Math.fround;
const ONE = 2 ** 27;

const T0 = ofBits(0xbbbabad9);
const T1 = ofBits(0x3ca90621);
const T2 = ofBits(0xbd5c1bf1);
const T3 = ofBits(0x3e088380);
const T4 = ofBits(0xbeaaaa99);

function small(a: number): number {
  const s = f(a * a);
  const p = f(f(f(f(f(f(f(f(T0 * s) + T1) * s) + T2) * s) + T3) * s) + T4);
  return f(a + f(f(a * s) * p));
}

function large(a: number): number {
  const { n, r } = red(f(-2 * a));
  const e = scaled(f(f(f(r * r) * q4(r)) + r), -n);
  return ratio(ONE - e, ONE + e);
}

export function tanh(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const a = min(abs(x), 10);
  const y = a < 0.625 ? small(a) : large(a);
  return C(x < 0 ? -y : y);
}
