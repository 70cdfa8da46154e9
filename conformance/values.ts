/** Adversarial host data: rounding ties, window edges, zeros, the largest and smallest numbers, overflow, Inf and NaN. */

import type { Data, DType } from '../sdk/core/dtype.ts';
import { ARRAY } from '../sdk/core/dtype.ts';
import { bitsOf, C, ofBits } from '../sdk/core/scalar/index.ts';
import { edges, isCanonical, scatter } from './slice.ts';

/**
 * - `tame`: small integers and halves (ties), and numbers with full mantissas, so that the order of a sum shows.
 * - `windows`: neighbours of the limits of N0, N6 and N7, and of their square roots, beside ordinary numbers.
 * - `wild`: any pattern, the edges of every function, Inf and NaN.
 * - `positive`: finite and above 0, where kernels of log and the like take a shorter way.
 * - `edge`: all next to one window, where nothing larger hides what it does.
 * - `raw`: patterns that no f32 of the contract has, for uploads: -0, subnormals, other NaN.
 */
export type Profile = 'tame' | 'windows' | 'wild' | 'positive' | 'edge' | 'raw';
export const PROFILES: readonly Profile[] = ['tame', 'windows', 'wild', 'positive', 'edge', 'raw'];

/** Random choices from a seed. */
export class Random {
  readonly next: () => number;
  constructor(seed: number) {
    this.next = scatter(seed);
  }
  /** 0 .. n-1. */
  below(n: number): number {
    return Math.floor((this.next() / 2 ** 32) * n);
  }
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  chance(p: number): boolean {
    return this.next() / 2 ** 32 < p;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

const EDGES = edges();
/** Exponents at which something happens: N0 at -125, N6 at -51, N7 at -102, products near each, tf32 and overflow at 64. */
const EXPONENTS = [
  -125, -124, -103, -102, -101, -77, -75, -74, -63, -62, -52, -51, -50, -26, -25, -24, 0, 1, 24, 63, 64, 127,
];
const MANTISSAS = [0, 0, 1, 2, 0x400000, 0x7ffffe, 0x7fffff];
/** -0, exponent fields 0 and 1, and NaN of other patterns. */
const RAW = [
  0x80000000, 1, 0x007fffff, 0x00800000, 0x00ffffff, 0x80ffffff, 0x80000001, 0x7fc00001, 0xffc00000, 0x7f800001,
];
const INTEGERS = [0, 1, 2, 3, 255, 256, 65535, 65537, 16777215, 16777217, 33554431, 0x7fffffff, 0x80000000, 0xffffffff];

function tame(r: Random): number {
  const k = r.below(8);
  if (k === 0) return 0;
  if (k === 1) return r.between(-4, 4);
  if (k === 2) return r.between(-9, 9) / 2;
  return (r.next() / 2 ** 31 - 1) * 2 ** r.between(-3, 2);
}

function nearWindow(r: Random): number {
  if (r.chance(0.25)) return tame(r);
  const mantissa = r.chance(0.5) ? r.pick(MANTISSAS) : r.next() & 0x7fffff;
  const sign = r.chance(0.5) ? 0x80000000 : 0;
  return ofBits((sign | ((r.pick(EXPONENTS) + 127) << 23) | mantissa) >>> 0);
}

const SPECIALS = [
  0,
  1,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** -125,
  -(2 ** -125),
  ofBits(0x7f7fffff),
];

function wild(r: Random): number {
  const k = r.below(16);
  if (k > 13) return r.pick(SPECIALS);
  if (k < 6) return nearWindow(r);
  if (k < 12) return ofBits(r.pick(EDGES));
  for (;;) {
    const u = r.next();
    if (isCanonical(u)) return ofBits(u);
  }
}

function positive(r: Random): number {
  return Math.abs(nearWindow(r)) || r.between(1, 9);
}

/** Numbers next to 2^exponent. */
const near =
  (exponent: number) =>
  (r: Random): number => {
    if (r.chance(0.3)) return 0;
    const magnitude = ofBits(((exponent + r.pick([-1, 0, 0, 0, 1]) + 127) << 23) | r.pick(MANTISSAS));
    return r.chance(0.5) ? -magnitude : magnitude;
  };

const FLOATS: Record<Exclude<Profile, 'raw'>, (r: Random) => (r: Random) => number> = {
  tame: () => tame,
  windows: () => nearWindow,
  wild: () => wild,
  positive: () => positive,
  edge: (r) => near(r.pick([-124, -102, -102, -51])),
};

/** Patterns of f16 and bf16: zeros, subnormals, ones, the greatest, Inf, NaN, and 2^64 with its neighbours (N6). */
const HALVES = [
  ...[
    0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x7f, 0x80, 0xff, 0x100, 0x3c00, 0xbc00, 0x3f80, 0xbf80, 0x7bff, 0x7c00, 0xfc00,
  ],
  ...[0x7c01, 0x7e00, 0xffff, 0x7f7f, 0x7f80, 0xff80, 0x7f81, 0x7fc0, 0x5f7f, 0x5f80, 0x5f81, 0xdf80, 0xe100],
];

/** `n` values of a dtype. Dtypes other than f32 have one profile. */
export function values(r: Random, n: number, dtype: DType, profile: Profile): Data[DType] {
  const out = new ARRAY[dtype](n);
  if (dtype === 'f32') {
    const bits = new Uint32Array(out.buffer);
    if (profile === 'raw') return new Float32Array(bits.map(() => (r.chance(0.5) ? r.pick(RAW) : r.next())).buffer);
    const draw = FLOATS[profile](r);
    for (let i = 0; i < n; i++) bits[i] = bitsOf(C(Math.fround(draw(r))));
    // Where there is room, every edge is tried.
    if (profile === 'wild' && n >= EDGES.length) bits.set(EDGES);
  } else if (dtype === 'f16' || dtype === 'bf16') {
    for (let i = 0; i < n; i++) out[i] = r.chance(0.3) ? r.pick(HALVES) : r.next() & 0xffff;
  } else if (dtype === 'bool') {
    for (let i = 0; i < n; i++) out[i] = r.below(2);
  } else {
    for (let i = 0; i < n; i++) {
      const k = r.below(4);
      out[i] = k === 0 ? r.pick(INTEGERS) : k === 1 ? r.next() : r.between(-9, 9);
    }
  }
  return out;
}

/** Positions in an axis of `size`, with doubles; some lie outside it unless `inside`. */
export function positions(
  r: Random,
  n: number,
  dtype: 'i32' | 'u32',
  size: number,
  inside = false,
): Data['i32' | 'u32'] {
  const out = new ARRAY[dtype](n);
  for (let i = 0; i < n; i++) {
    const outside = size === 0 || (!inside && r.chance(0.1));
    out[i] = outside ? r.pick([-1, size, size + 1, 0x7fffffff, 0x80000000]) : r.below(size);
  }
  return out;
}
