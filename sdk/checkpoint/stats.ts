/** What a tensor's numbers look like at a glance. */

import type { HostArray } from '../core/host.ts';

export interface Stats {
  readonly count: number;
  readonly zeros: number;
  /** NaN and infinities, which the rest leaves out. */
  readonly nonfinite: number;
  /** NaN where there is nothing to measure. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/** The value of an IEEE binary16. */
export function fromF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The value of a bfloat16: the upper half of a float32. */
export function fromBf16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits * 0x10000).buffer)[0];
}

export function statsOf(t: HostArray): Stats {
  const value = t.dtype === 'f16' ? fromF16 : t.dtype === 'bf16' ? fromBf16 : (v: number) => v;
  let zeros = 0;
  let finite = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const raw of t.data) {
    const v = value(raw);
    if (!Number.isFinite(v)) continue;
    finite++;
    if (v === 0) zeros++;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
  }
  const none = finite === 0;
  return {
    count: t.data.length,
    zeros,
    nonfinite: t.data.length - finite,
    min: none ? Number.NaN : min,
    max: none ? Number.NaN : max,
    mean: none ? Number.NaN : sum / finite,
  };
}
