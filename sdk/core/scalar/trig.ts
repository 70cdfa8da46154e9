/**
 * N5, sin and cos: pi/2 in four pieces with a low part up to 8192, Payne-Hanek above, then one kernel for both.
 * At most 0.912 ulp for every f32.
 */

import { bitsOf, C, ofBits } from './bits.ts';
import { mulhi } from './integers.ts';
import { rint } from './round.ts';

const f = Math.fround;

const TWO_OVER_PI = ofBits(0x3f22f983);
/** pi/2 in pieces of 11 bits, so that n times each is exact, and a last one. */
const A = ofBits(0x3fc90000);
const B = ofBits(0x39fda000);
const D = ofBits(0x33a22000);
const E = ofBits(0x2c34611a);
const C0 = ofBits(0x37ccf40b);
const C1 = ofBits(0xbab60614);
const C2 = ofBits(0x3d2aaaa5);
const S0 = ofBits(0xb94ca8fd);
const S1 = ofBits(0x3c0883ba);
const S2 = ofBits(0xbe2aaaa3);

/** 2/pi in binary after one zero word: bits enough for the largest f32. */
const T = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab];

/** x = n pi/2 + r + c, n modulo 4. */
export interface Angle {
  readonly n: number;
  readonly r: number;
  readonly c: number;
}

/** rc of N5: |x| <= 8192. */
export function rc(x: number): Angle {
  const n = rint(f(x * TWO_OVER_PI));
  const r1 = f(f(x - f(n * A)) - f(n * B));
  const w = f(n * D);
  const h = f(r1 - w);
  const l = f(f(f(r1 - h) - w) - f(n * E));
  const r = f(h + l);
  return { n, r, c: f(f(h - r) + l) };
}

/** rp of N5: Payne-Hanek in 32-bit integers. */
export function rp(x: number): Angle {
  const u = bitsOf(x) & 0x7fffffff;
  const m = (u & 0x7fffff) | 0x800000;
  const b = (u >>> 23) - 120;
  const at = b >> 5;
  const s = b & 31;
  const word = (i: number) => (s === 0 ? T[at + i] : (T[at + i] << s) | (T[at + i + 1] >>> (32 - s))) >>> 0;
  const w1 = word(1);
  const w2 = word(2);
  // m * (w0, w1, w2) modulo 2^96
  const p2 = Math.imul(m, w2) >>> 0;
  const mid = (Math.imul(m, w1) >>> 0) + mulhi(m, w2);
  const p1 = mid >>> 0;
  const p0 = (Math.imul(m, word(0)) + mulhi(m, w1) + (mid > 0xffffffff ? 1 : 0)) >>> 0;
  let hi = ((p0 << 2) | (p1 >>> 30)) >>> 0;
  let lo = ((p1 << 2) | (p2 >>> 30)) >>> 0;
  const g = hi >>> 31;
  let n = (p0 >>> 30) + g;
  if (g) {
    hi = ~hi >>> 0;
    lo = ~lo >>> 0;
  }
  const z = Math.clz32(hi);
  const top = (z === 0 ? hi : (hi << z) | (lo >>> (32 - z))) >>> 0;
  const R = mulhi(top, 0xc90fdaa2);
  const high = ((R + 0x80) & ~0xff) >>> 0;
  const p = ofBits((96 - z) << 23);
  let r = f(high * p);
  let c = f((R - high) * p);
  const negative = x < 0;
  if ((g === 1) !== negative) {
    r = -r;
    c = -c;
  }
  if (negative) n = -n;
  return { n, r, c };
}

/** kern(q, r, c) of N5: sin of r + c turned by q quarter turns. */
export function kern(q: number, r: number, c: number): number {
  const z = f(r * r);
  let y: number;
  if (q & 1) {
    const w = f(f(f(z * z) * f(f(f(f(C0 * z) + C1) * z) + C2)) - f(r * c));
    const d = f(0.5 * z);
    const h = f(1 - d);
    y = f(h + f(f(f(1 - h) - d) + w));
  } else {
    y = f(r + f(f(f(r * z) * f(f(f(f(S0 * z) + S1) * z) + S2)) + c));
  }
  return q & 2 ? -y : y;
}

function turned(x: number, quarter: number): number {
  if (!(x - x === 0)) return Number.NaN;
  const { n, r, c } = x <= 8192 && x >= -8192 ? rc(x) : rp(x);
  return C(kern(n + quarter, r, c));
}

/** Radians; NaN for Inf. */
export function sin(x: number): number {
  return turned(x, 0);
}

/** Radians; NaN for Inf. */
export function cos(x: number): number {
  return turned(x, 1);
}
