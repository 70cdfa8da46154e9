/** exp (N5): Cody-Waite reduction, degree 6. Named as sdk/core/scalar/exp.ts, which is its reference. */
import { k, step } from './common';
import { snap } from '../constants';

/** log2 e · ln 2 high, low · q4 (5) · 1.5*2^23 · 1 · 86 · lower and upper limit · snap bits · +Inf */
export const EXP: usize = memory.data<u32>([
  0x3fb8aa3b, 0x3f317200, 0x35bfbf00, 0x3ab5259b, 0x3c091cc7, 0x3d2aac59, 0x3e2aaa49, 0x3efffffe, 0x4b400000, 0x3f800000,
  0x42ac0000, 0xc2ae0000, 0x42b17217, 0x7f000000, 0x7f800000,
], 16);

/** q4(r) of N5. */
@inline
export function q4(r: v128, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128): v128 {
  return step(step(step(step(c0, r, c1), r, c2), r, c3), r, c4);
}

/** exp for -87 <= x <= 88.72283, before the snap; the constants of EXP, 0 to 9. */
@inline
export function expNear(
  x: v128, log2e: v128, ln2h: v128, ln2l: v128, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, magic: v128, one: v128,
): v128 {
  const b = f32x4.add(f32x4.mul(x, log2e), magic);
  const n = f32x4.sub(b, magic);
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, ln2h)), f32x4.mul(n, ln2l));
  const t = f32x4.add(f32x4.mul(f32x4.mul(r, r), q4(r, c0, c1, c2, c3, c4)), r);
  return i32x4.add(f32x4.add(t, one), i32x4.shl(b, 23));
}

/** exp of any operand. */
@inline
export function exp4(x: v128): v128 {
  const high = k(EXP, 12);
  const y = expNear(
    f32x4.pmin(f32x4.pmax(x, k(EXP, 11)), high),
    k(EXP, 0), k(EXP, 1), k(EXP, 2), k(EXP, 3), k(EXP, 4), k(EXP, 5), k(EXP, 6), k(EXP, 7), k(EXP, 8), k(EXP, 9),
  );
  // x + Inf is +Inf above the upper limit and NaN for NaN, whatever the additions above made of its pattern.
  return v128.bitselect(snap(y, k(EXP, 13)), f32x4.add(x, k(EXP, 14)), f32x4.le(x, high));
}

/** Whether all of a block lies within 86 of 0: there exp is neither snapped nor infinite, and nothing is NaN. */
@inline
function near(a: usize, bytes: usize): bool {
  const limit = k(EXP, 10);
  const end = a + bytes;
  let all = i32x4.splat(-1);
  for (; a < end; a += 32) {
    const one = f32x4.le(f32x4.abs(v128.load(a)), limit);
    all = v128.and(all, v128.and(one, f32x4.le(f32x4.abs(v128.load(a, 16)), limit)));
  }
  return i32x4.all_true(all);
}

/** d = exp(a); `bytes` is a multiple of 64. Looking at a block first is a quarter faster than choosing vector by vector. */
export function eachExp(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  if (!near(a, bytes)) {
    for (; d < end; d += 16, a += 16) v128.store(d, exp4(v128.load(a)));
    return;
  }
  const log2e = k(EXP, 0), ln2h = k(EXP, 1), ln2l = k(EXP, 2), magic = k(EXP, 8), one = k(EXP, 9);
  const c0 = k(EXP, 3), c1 = k(EXP, 4), c2 = k(EXP, 5), c3 = k(EXP, 6), c4 = k(EXP, 7);
  for (; d < end; d += 32, a += 32) {
    const y = expNear(v128.load(a), log2e, ln2h, ln2l, c0, c1, c2, c3, c4, magic, one);
    const y1 = expNear(v128.load(a, 16), log2e, ln2h, ln2l, c0, c1, c2, c3, c4, magic, one);
    v128.store(d, y);
    v128.store(d, y1, 16);
  }
}
