/** sigmoid (N5): one rounding of an integer ratio. */
import { demoted, k, upper } from './common';
import { EXP, q4 } from './exp';

/** sign bit · -88 · 2^27 as f32 · 154<<23 · greatest pattern below 2^-125 · -86 */
const SIGMOID: usize = memory.data<u32>([0x80000000, 0xc2b00000, 0x4d000000, 154 << 23, 0x00ffffff, 0xc2ac0000], 16);
/** 2^27 as f64: the unit of the ratios. */
export const UNIT64: usize = memory.data<f64>([134217728], 16);

/** (2^27 + y) / (2^27 + (whole + e)) for two lanes: integers, so that only the quotient is rounded, here and to f32. */
@inline
function quotient(y: v128, e: v128, whole: v128, unit: v128): v128 {
  const a = f64x2.add(f64x2.promote_low_f32x4(y), unit);
  return f64x2.div(a, f64x2.add(f64x2.add(f64x2.promote_low_f32x4(whole), unit), f64x2.promote_low_f32x4(e)));
}

/** For -88 <= a = -|x|: the result may still have to become 0. */
@inline
function sigmoidNear(
  x: v128, a: v128, log2e: v128, ln2h: v128, ln2l: v128, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, magic: v128,
  unit: v128, top: v128, unit64: v128,
): v128 {
  const b = f32x4.add(f32x4.mul(a, log2e), magic);
  const n = f32x4.sub(b, magic);
  const r1 = f32x4.sub(a, f32x4.mul(n, ln2h));
  const w = f32x4.mul(n, ln2l);
  const r = f32x4.sub(r1, w);
  const c = f32x4.sub(f32x4.sub(r1, r), w);
  const t = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(r, r), q4(r, c0, c1, c2, c3, c4)), c), r);
  const power = i32x4.shl(b, 23); // n << 23
  const p = i32x4.add(power, top);
  const e = f32x4.nearest(f32x4.mul(t, p));
  const whole = f32x4.trunc(p);
  const negative = f32x4.lt(x, i32x4.splat(0));
  const y = v128.and(f32x4.nearest(f32x4.mul(t, unit)), negative);
  const low = quotient(y, e, whole, unit64);
  const high = quotient(upper(y), upper(e), upper(whole), unit64);
  return i32x4.add(demoted(low, high), v128.and(power, negative));
}

@inline
export function sigmoid4(x: v128): v128 {
  const v = sigmoidNear(
    x, f32x4.pmax(v128.or(x, k(SIGMOID, 0)), k(SIGMOID, 1)),
    k(EXP, 0), k(EXP, 1), k(EXP, 2), k(EXP, 3), k(EXP, 4), k(EXP, 5), k(EXP, 6), k(EXP, 7), k(EXP, 8),
    k(SIGMOID, 2), k(SIGMOID, 3), v128.load64_splat(UNIT64),
  );
  return v128.and(v, v128.or(i32x4.gt_s(v, k(SIGMOID, 4)), f32x4.ne(x, x)));
}

/** d = sigmoid(a); `bytes` is a multiple of 64. */
export function eachSigmoid(d: usize, a: usize, bytes: usize): void {
  const log2e = k(EXP, 0), ln2h = k(EXP, 1), ln2l = k(EXP, 2), magic = k(EXP, 8);
  const c0 = k(EXP, 3), c1 = k(EXP, 4), c2 = k(EXP, 5), c3 = k(EXP, 6), c4 = k(EXP, 7);
  const sign = k(SIGMOID, 0), limit = k(SIGMOID, 1), unit = k(SIGMOID, 2), top = k(SIGMOID, 3), tiny = k(SIGMOID, 4);
  const unit64 = v128.load64_splat(UNIT64);
  const end = d + bytes;
  for (; d < end; d += 32, a += 32) {
    const x = v128.load(a);
    const x1 = v128.load(a, 16);
    const m = f32x4.pmax(v128.or(x, sign), limit);
    const m1 = f32x4.pmax(v128.or(x1, sign), limit);
    const y = sigmoidNear(x, m, log2e, ln2h, ln2l, c0, c1, c2, c3, c4, magic, unit, top, unit64);
    const y1 = sigmoidNear(x1, m1, log2e, ln2h, ln2l, c0, c1, c2, c3, c4, magic, unit, top, unit64);
    v128.store(d, v128.and(y, v128.or(i32x4.gt_s(y, tiny), f32x4.ne(x, x))));
    v128.store(d, v128.and(y1, v128.or(i32x4.gt_s(y1, tiny), f32x4.ne(x1, x1))), 16);
  }
}
