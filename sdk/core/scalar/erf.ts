/** N5, erf: odd polynomial to 0.875, else 1 - exp(P) with the low part of P. At most 0.987 ulp. */

import { abs, min } from './basic.ts';
import { bitsOf, C, ofBits } from './bits.ts';
import { q4, red } from './exp.ts';

const f = Math.fround;

const P0 = ofBits(0x38a4c53b);
const P1 = ofBits(0xba525d11);
const P2 = ofBits(0x3baa1812);
const P3 = ofBits(0xbcdbffc1);
const P4 = ofBits(0x3de716ae);
const P5 = ofBits(0xbec093a0);
const P6 = ofBits(0x3e0375d4);
const Q0 = ofBits(0xb7910000);
const Q1 = ofBits(0x39c8e7d9);
const V0 = ofBits(0xbb7e8a1c);
const V1 = ofBits(0x3cc6b1a1);
const Q2 = ofBits(0xbddaae5c);
const Q3 = ofBits(0xbf228550);
const Q4 = ofBits(0xbe03ce86);

function small(t: number): number {
  const s = f(t * t);
  // Tiny t is taken 2^64 times larger, so that P * t cannot be flushed.
  const h = bitsOf(t) < 0x21000000 ? 0x20000000 : 0;
  const u = ofBits(bitsOf(t) + h);
  let p = f(f(P0 * s) + P1);
  p = f(f(p * s) + P2);
  p = f(f(p * s) + P3);
  p = f(f(p * s) + P4);
  p = f(f(p * s) + P5);
  p = f(f(p * s) + P6);
  return ofBits(bitsOf(f(f(p * u) + u)) - h);
}

function large(t: number): number {
  const s = f(t * t);
  let q = f(f(Q0 * t) + Q1);
  const v = f(f(V0 * t) + V1);
  q = f(f(q * s) + v);
  q = f(f(q * t) + Q2);
  q = f(f(q * t) + Q3);
  q = f(f(q * t) + Q4);
  const w = f(q * t);
  const e = f(w - t);
  const low = f(w - f(e + t));
  const { n, r } = red(e);
  const j = f(f(f(f(r * r) * q4(r)) + low) + r);
  const p = ofBits((127 + n) << 23);
  return f(f(1 - p) - f(p * j));
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const t = min(abs(x), 4);
  const y = t <= 0.875 ? small(t) : large(t);
  return C(x < 0 ? -y : y);
}
