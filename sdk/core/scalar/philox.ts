/**
 * N8: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) and what is made of its
 * words. Key = the seed, counter = (block lo, block hi, stream, step); nothing has state.
 */

import { add, mul, sub } from './basic.ts';
import { ofBits } from './bits.ts';
import { mulhi } from './integers.ts';
import { log } from './log.ts';
import { sqrt } from './roots.ts';
import { kern } from './trig.ts';

const f = Math.fround;
const HALF_PI = ofBits(0x3fc90fdb);

/** Where words come from: the seed's halves, the name's hash and the step, all u32. */
export interface Source {
  readonly seedLo: number;
  readonly seedHi: number;
  readonly stream: number;
  readonly step: number;
}

/** One draw's source. The seed is taken modulo 2^64, the step modulo 2^32. */
export function sourceOf(seed: bigint | number, name: string, step: number): Source {
  const s = BigInt.asUintN(64, BigInt(seed));
  return {
    seedLo: Number(s & 0xffffffffn),
    seedHi: Number(s >> 32n),
    stream: streamOf(name),
    step: step >>> 0,
  };
}

/** FNV-1a-32 of the UTF-8 name. */
export function streamOf(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** The block of a counter and a key, written to `out[at .. at + 3]`. */
export function philox(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
  at = 0,
): void {
  for (let i = 0; i < 10; i++) {
    const h0 = mulhi(0xd2511f53, c0);
    const l0 = Math.imul(0xd2511f53, c0);
    const h1 = mulhi(0xcd9e8d57, c2);
    const l1 = Math.imul(0xcd9e8d57, c2);
    c0 = (h1 ^ c1 ^ k0) >>> 0;
    c1 = l1 >>> 0;
    c2 = (h0 ^ c3 ^ k1) >>> 0;
    c3 = l0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** The first `n` words: element i is word i & 3 of block floor(i / 4). */
export function words(source: Source, n: number): Uint32Array {
  const out = new Uint32Array(Math.ceil(n / 4) * 4);
  for (let i = 0; i < out.length; i += 4) {
    philox(i / 4, 0, source.stream, source.step, source.seedLo, source.seedHi, out, i);
  }
  return out.subarray(0, n);
}

/** In [0, 1), a multiple of 2^-24. */
export function uniformOf(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** low + (u * (high - low)); the bounds are canonical f32. */
export function uniformBetween(u: number, low: number, high: number): number {
  return add(low, mul(u, sub(high, low)));
}

/** Two normal numbers of two words (Box-Muller): [0] from the cosine, [1] from the sine. */
export function normalPair(w0: number, w1: number): [number, number] {
  const u1 = ((w0 >>> 9) + 0.5) * 2 ** -23;
  const m = sqrt(mul(-2, log(u1)));
  // The top two bits of the second word are the quadrant, the next 22 the angle in it, from -1/2 to 1/2 exclusive.
  const r = f((((w1 >>> 8) & 0x3fffff) - 2097151.5) * 2 ** -22 * HALF_PI);
  const q = w1 >>> 30;
  return [mul(m, kern(q + 1, r, 0)), mul(m, kern(q, r, 0))];
}

/** The first `n` normal numbers of a source. */
export function normals(source: Source, n: number): Float32Array {
  const w = words(source, Math.ceil(n / 2) * 2);
  const out = new Float32Array(w.length);
  for (let i = 0; i < w.length; i += 2) {
    const [a, b] = normalPair(w[i], w[i + 1]);
    out[i] = a;
    out[i + 1] = b;
  }
  return out.subarray(0, n);
}

/** dropout drops an element whose word is below this; 0 <= p < 1. */
export function dropoutThreshold(p: number): number {
  return Math.floor(p * 2 ** 32);
}

/** 0 .. n-1 from one word, n a u32. */
export function randint(word: number, n: number): number {
  return mulhi(word, n);
}

/** A permutation of 0 .. n-1: Fisher-Yates from the end, the k-th swap takes word k. */
export function permutation(source: Source, n: number): Uint32Array {
  const out = Uint32Array.from({ length: n }, (_, i) => i);
  const w = words(source, Math.max(0, n - 1));
  for (let i = n - 1; i > 0; i--) {
    const j = randint(w[n - 1 - i], i + 1);
    const t = out[i];
    out[i] = out[j];
    out[j] = t;
  }
  return out;
}
