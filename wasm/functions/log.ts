/** log (N5): degree 10 on [sqrt 0.5, sqrt 2). */
import { k, step } from './common';

/** P (8) · ln 2 low, high · 0.5 · 1 · pattern of sqrt 0.5 · +Inf · -Inf · NaN */
export const LOG: usize = memory.data<u32>([
  0xbd9c674d, 0x3e02aff0, 0xbe06c0f0, 0x3e116c7f, 0xbe2a3947, 0x3e4cd00f, 0xbe800113, 0x3eaaaaaa, 0x35bfbe8e, 0x3f317200,
  0x3f000000, 0x3f800000, 0x3f3504f3, 0x7f800000, 0xff800000, 0x7fc00000,
], 16);

/** logb(f, n) of N5; the constants of LOG, 0 to 10. */
@inline
export function logb4(
  f: v128, n: v128, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128, ln2l: v128, ln2h: v128,
  half: v128,
): v128 {
  const z = f32x4.mul(f, f);
  let p = step(step(step(p0, f, p1), f, p2), f, p3);
  p = step(step(step(step(p, f, p4), f, p5), f, p6), f, p7);
  let y = f32x4.mul(f32x4.mul(f, z), p);
  y = f32x4.sub(f32x4.add(y, f32x4.mul(n, ln2l)), f32x4.mul(half, z));
  return f32x4.add(f32x4.add(f, y), f32x4.mul(n, ln2h));
}

/** log of positive finite operands; all constants of LOG up to 12. */
@inline
export function logNear(
  x: v128, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128, ln2l: v128, ln2h: v128,
  half: v128, one: v128, root: v128,
): v128 {
  const n = i32x4.shr_s(i32x4.sub(x, root), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(n, 23)), one);
  return logb4(f, f32x4.convert_i32x4_s(n), p0, p1, p2, p3, p4, p5, p6, p7, ln2l, ln2h, half);
}

/** log of positive finite operands, its constants loaded in place. */
@inline
export function logPositive4(x: v128): v128 {
  return logNear(
    x, k(LOG, 0), k(LOG, 1), k(LOG, 2), k(LOG, 3), k(LOG, 4), k(LOG, 5), k(LOG, 6), k(LOG, 7), k(LOG, 8), k(LOG, 9),
    k(LOG, 10), k(LOG, 11), k(LOG, 12),
  );
}

/** log of any operand. */
@inline
export function log4(x: v128): v128 {
  const zero = i32x4.splat(0);
  let y = logPositive4(x);
  y = v128.bitselect(x, y, i32x4.ge_s(x, k(LOG, 13))); // +Inf, and NaN with its sign bit clear
  y = v128.bitselect(k(LOG, 15), y, i32x4.lt_s(x, zero));
  return v128.bitselect(k(LOG, 14), y, i32x4.eq(x, zero));
}

/** Whether all of a block is positive and finite. */
@inline
function positive(a: usize, bytes: usize): bool {
  const end = a + bytes;
  let least = v128.load(a);
  let most = least;
  for (; a < end; a += 32) {
    const x = v128.load(a);
    const x1 = v128.load(a, 16);
    least = i32x4.min_s(least, i32x4.min_s(x, x1));
    most = i32x4.max_s(most, i32x4.max_s(x, x1));
  }
  return i32x4.all_true(v128.and(i32x4.gt_s(least, i32x4.splat(0)), i32x4.gt_s(k(LOG, 13), most)));
}

/** d = log(a); `bytes` is a multiple of 64. */
export function eachLog(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  if (!positive(a, bytes)) {
    for (; d < end; d += 16, a += 16) v128.store(d, log4(v128.load(a)));
    return;
  }
  const p0 = k(LOG, 0), p1 = k(LOG, 1), p2 = k(LOG, 2), p3 = k(LOG, 3), p4 = k(LOG, 4), p5 = k(LOG, 5), p6 = k(LOG, 6);
  const p7 = k(LOG, 7), ln2l = k(LOG, 8), ln2h = k(LOG, 9), half = k(LOG, 10), one = k(LOG, 11), root = k(LOG, 12);
  for (; d < end; d += 32, a += 32) {
    const y = logNear(v128.load(a), p0, p1, p2, p3, p4, p5, p6, p7, ln2l, ln2h, half, one, root);
    const y1 = logNear(v128.load(a, 16), p0, p1, p2, p3, p4, p5, p6, p7, ln2l, ln2h, half, one, root);
    v128.store(d, y);
    v128.store(d, y1, 16);
  }
}
