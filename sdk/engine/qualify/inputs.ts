/** What the golden graphs are fed: edges, rounding ties, window limits, Inf and NaN, and scattered patterns (N11). */

import { bitsOf, C, ofBits } from '../../core/scalar/bits.ts';

/** Elements of every elementwise golden: pairs of 32 corners, and as many scattered ones. */
export const N = 2048;
const SIDE = 32;

/** A small generator for scattered words: Weyl steps and a mix (splitmix32). Gives u32. */
export function scatter(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** Zero, the infinities, NaN, the least and greatest numbers, and neighbours of 1, of the windows and of exact integers. */
const CORNERS = [
  ...[0x00000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 0xff7fffff, 0x01000000, 0x81000000],
  ...[0x01000001, 0x81800000, 0x3f800000, 0xbf800000, 0x3f800001, 0xbf7fffff, 0x3f7fffff, 0x3f000000],
  ...[0x3fc00000, 0xc0200000, 0x40600000, 0x40490fdb, 0x33800000, 0x33800001, 0xb3000000, 0x4b7fffff],
  ...[0x4b800001, 0x20000000, 0xa07fffff, 0x5f800000, 0x0c800000, 0x26000000, 0x42b17217, 0xc2ae0000],
];

/** Where functions change their method or come to their ends; casts saturate; rounding ties. */
const LIMITS = [
  ...[0x01000000, 0x0c800000, 0x21000000, 0x26000000, 0x33000000, 0x38800000, 0x3ed413cc, 0x3f200000, 0x3f3504f3],
  ...[0x3f490fdb, 0x3f600000, 0x3f800000, 0x3fb504f3, 0x3fc90fdb, 0x40490fdb, 0x40800000, 0x41200000, 0x42ad496b],
  ...[0x42ae0000, 0x42b00000, 0x42b17217, 0x46000000, 0x477ff000, 0x4b000000, 0x4b800000, 0x4f000000, 0x4f800000],
  ...[0x5f800000, 0x7f000000, 0x7f7fffff],
];

/** A canonical f32 of a word: any sign, exponent and mantissa. */
const canonical = (word: number): number => C(ofBits(word));

const numbers = (f: (i: number) => number): Float32Array => Float32Array.from({ length: N }, (_, i) => f(i));

/** For functions of one f32: corners, limits with their neighbours, halves and integers, then scattered patterns. */
export function singles(): Float32Array {
  const first = CORNERS.map(ofBits);
  for (const u of LIMITS)
    for (let d = -3; d <= 3; d++) for (const sign of [0, 0x80000000]) first.push(C(ofBits((u + d) | sign)));
  for (let i = 1; i < 64; i++) for (const v of [i, i / 2, (i * Math.PI) / 4, i * Math.LN2]) first.push(v, -v);
  const next = scatter(1);
  return numbers((i) => {
    if (i < first.length) return first[i];
    const word = next();
    // Every other one from 2^-6 to 2^6, where the functions bend.
    return canonical(i % 2 ? word : (word & 0x807fffff) | ((121 + ((word >>> 24) % 13)) << 23));
  });
}

/** For functions of two: all pairs of corners, then numbers whose exponents are near, or cancel towards an end of the range. */
export function pairs(): [Float32Array, Float32Array] {
  const next = scatter(2);
  const a = numbers((i) => (i < SIDE * SIDE ? ofBits(CORNERS[Math.floor(i / SIDE)]) : canonical(next())));
  const b = numbers((i) => {
    if (i < SIDE * SIDE) return ofBits(CORNERS[i % SIDE]);
    const word = next();
    const e = (bitsOf(a[i]) >>> 23) & 255;
    const exponent = [e - 26 + ((word >>> 8) % 53), 130 - e + ((word >>> 8) % 5), 380 - e - ((word >>> 8) % 5)][
      word % 3
    ];
    // Few bits in one of four, so that ties arise.
    const mantissa = word & 0xc0 ? next() & 0x7fffff : (next() & 0x7ff) << 12;
    return canonical(((word & 0x20) << 26) | ((exponent & 255) << 23) | mantissa);
  });
  return [a, b];
}

/** Numbers of like size, on which every rounding shows and nothing leaves the range. */
export function alike(seed: number, n = N): Float32Array {
  const next = scatter(seed);
  return Float32Array.from({ length: n }, () => {
    const word = next();
    return ofBits((word & 0x807fffff) | ((119 + ((word >>> 23) & 15)) << 23));
  });
}

/** Numbers on both sides of a power of two, most of them far above it. */
export function around(exponent: number, seed: number, n: number): Float32Array {
  const next = scatter(seed);
  return Float32Array.from({ length: n }, () => {
    const word = next();
    const e = exponent + 127 - 3 + ((word >>> 23) & 7);
    return ofBits((word & 0x807fffff) | (e << 23));
  });
}

/** Words for integer functions: the ends, powers of two and their neighbours, ties of the cast to f32, scattered ones. */
export function words(seed: number): Int32Array {
  const first: number[] = [];
  for (let e = 0; e < 32; e++) {
    for (let d = -2; d <= 2; d++) first.push(2 ** e + d, -(2 ** e) + d);
    for (let k = 0; k < 8; k++) first.push((0x1000001 + 2 * k) * 2 ** (e & 7) + (k % 3) - 1);
  }
  const next = scatter(seed);
  // The two operands of a pair meet their edges in different order.
  return Int32Array.from({ length: N }, (_, i) => {
    const w = next();
    const at = (i * (2 * seed + 1)) % N;
    return (at < first.length ? first[at] : w >>> (w & 31)) | 0;
  });
}
