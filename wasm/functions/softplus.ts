/** softplus (N5): max(x, 0) + log1p(exp(-|x|)). */
import { k } from './common';
import { EXP, expNear } from './exp';
import { LOG, logb4 } from './log';
import { snap } from '../constants';

/** sign bit · pattern of sqrt 2 - 1 */
const SOFTPLUS: usize = memory.data<u32>([0x80000000, 0x3ed413cc], 16);

@inline
export function softplus4(x: v128): v128 {
  const one = k(EXP, 9);
  const e = snap(
    expNear(
      f32x4.pmax(v128.or(x, k(SOFTPLUS, 0)), k(EXP, 11)),
      k(EXP, 0), k(EXP, 1), k(EXP, 2), k(EXP, 3), k(EXP, 4), k(EXP, 5), k(EXP, 6), k(EXP, 7), k(EXP, 8), one,
    ),
    k(EXP, 13),
  );
  const halve = i32x4.gt_s(e, k(SOFTPLUS, 1));
  const half = k(LOG, 10);
  const f = v128.bitselect(f32x4.mul(half, f32x4.sub(e, one)), e, halve);
  const l = logb4(
    f, v128.and(halve, one),
    k(LOG, 0), k(LOG, 1), k(LOG, 2), k(LOG, 3), k(LOG, 4), k(LOG, 5), k(LOG, 6), k(LOG, 7), k(LOG, 8), k(LOG, 9), half,
  );
  // A NaN comes through the maximum: pmax gives its first operand then.
  return snap(f32x4.add(f32x4.pmax(x, i32x4.splat(0)), l), k(EXP, 13));
}

/** d = softplus(a); `bytes` is a multiple of 64. */
export function eachSoftplus(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 32, a += 32) {
    const y = softplus4(v128.load(a));
    const y1 = softplus4(v128.load(a, 16));
    v128.store(d, y);
    v128.store(d, y1, 16);
  }
}
