/** Inputs that tests give to the WGSL functions: edges, ties, near pairs and scattered patterns, all canonical. */

import { edges, isCanonical, scatter, slice } from '../../conformance/slice.ts';
import * as s from '../../sdk/core/scalar/index.ts';

/** One batch. */
export const N = 65536;

/** Inside a kernel a NaN may have any pattern. */
const NANS = [0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff, 0x7f800001, 0xff812345];

const SPECIALS = [0, 0x7f800000, 0xff800000, 0x3f800000, 0xbf800000, 0x01000000, 0x81000000, 0x7f7fffff, 0xff7fffff];

/** Where exp(-|x|) is the limit at which softplus halves, and ties between subnormal f16. */
const TURNS = [
  0x3f61a1b3,
  0x3f61a1b4,
  0xbf61a1b4,
  ...Array.from({ length: 64 }, (_, i) => s.bitsOf((i + 0.5) * 2 ** -24)),
];

/** A canonical pattern from a random word: any exponent, one in 64 special. */
function pattern(word: number, other: number): number {
  if (other % 64 === 0) return [...SPECIALS, ...NANS][(other >>> 8) % 15];
  return isCanonical(word) ? word : s.bitsOf(s.C(s.ofBits(word)));
}

const from = (f: (i: number) => number): Uint32Array => Uint32Array.from({ length: N }, (_, i) => f(i));

/** Batches for a function of one f32: NaNs, edges and every exponent first, then scattered ones. */
export function singles(seed: number): Uint32Array {
  const next = scatter(seed);
  const first = [...NANS, ...TURNS, ...slice(70, seed)];
  if (first.length > 2 * N) throw new Error('the slice outgrew its batches');
  return Uint32Array.from({ length: 3 * N }, (_, i) => (i < first.length ? first[i] : pattern(next(), next())));
}

/** Values whose pairs are all tried: the limits of the format and of the windows, ties and small integers. */
function corners(): number[] {
  // From 2^24 up every number is an even integer, of which pow makes use.
  const all = [...SPECIALS, ...NANS, 0x4b800000, 0xcb800000, 0x4b7fffff, ...edges().filter((_, i) => i % 12 === 0)];
  for (let k = 0; all.length < 256; k++) all.push(s.bitsOf(k - 8.5), s.bitsOf(2 ** (k - 24)), 0x3f800001 + k);
  return all.slice(0, 256);
}

/** Pairs for a function of two f32: all pairs of corners, scattered ones, and pairs that lie near each other. */
export function pairs(seed: number): [Uint32Array, Uint32Array] {
  const next = scatter(seed);
  const c = corners();
  const a = [from((i) => c[i >> 8]), from(() => pattern(next(), next())), from(() => pattern(next(), next()))];
  const b = [
    from((i) => c[i & 255]),
    from(() => pattern(next(), next())),
    // Exponents within 26 of each other, or that add or subtract to the ends of the range; few bits, so that ties arise.
    from((i) => {
      const u = a[2][i];
      const word = next();
      const e = (u >>> 23) & 255;
      const other = [e - 26 + ((word >>> 8) % 53), 130 - e + ((word >>> 8) % 5), 380 - e - ((word >>> 8) % 5)][
        word % 3
      ];
      const mantissa = word & 0x80 ? (next() & 0x7ff) << 12 : next();
      const near = (((word & 0x40) << 25) | ((other & 255) << 23) | (mantissa & 0x7fffff)) >>> 0;
      if (word % 16 === 3) return u === 0 ? 0 : (u ^ (word & 0x80000000)) >>> 0;
      return isCanonical(near) ? near : u;
    }),
  ];
  const join = (parts: Uint32Array[]): Uint32Array => {
    const out = new Uint32Array(3 * N);
    parts.forEach((p, k) => out.set(p, k * N));
    return out;
  };
  return [join(a), join(b)];
}

/** Words for integer functions: the ends, small ones, powers of two and their neighbours, ties of i2f, scattered ones. */
export function words(seed: number): Uint32Array {
  const next = scatter(seed);
  const first: number[] = [];
  for (let e = 0; e < 32; e++) {
    for (let d = -40; d <= 40; d++) first.push(2 ** e + d, -(2 ** e) + d, 2 ** 31 + 2 ** e + d);
    for (let k = 0; k < 24; k++) first.push((0x1000001 + 2 * k) * 2 ** (e & 7) + (k % 3) - 1);
  }
  return from((i) => {
    if (i < first.length) return first[i] >>> 0;
    const w = next();
    return w >>> (w & 31);
  });
}

/** Pairs of words, equal ones among them. */
export function wordPairs(seed: number): [Uint32Array, Uint32Array] {
  const a = words(seed);
  const c = [0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe];
  const next = scatter(seed + 1);
  const b = from((i) => (i < 4096 ? c[i & 7] : i < 8192 ? a[i] : next() >>> (i & 31)));
  return [a, b];
}
