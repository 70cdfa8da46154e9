/** What a tensor's numbers look like at a glance. */

import { fromBf16, fromF16 } from '../core/half.ts';
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
