/** tanh (N5): odd polynomial below 0.625, else an integer ratio. Both are computed, one is kept. */
import { demoted, k, step, upper } from './common';
import { EXP, q4 } from './exp';
import { UNIT64 } from './sigmoid';

/** T (5) · 10 · -2 · 0x3f200000 · sign bit · 154<<23 */
const TANH: usize = memory.data<u32>([
  0xbbbabad9, 0x3ca90621, 0xbd5c1bf1, 0x3e088380, 0xbeaaaa99, 0x41200000, 0xc0000000, 0x3f200000, 0x80000000, 154 << 23,
], 16);

/** (2^27 - E) / (2^27 + E) for two lanes, E = whole + e. */
@inline
function quotient(e: v128, whole: v128, unit: v128): v128 {
  const sum = f64x2.add(f64x2.promote_low_f32x4(whole), f64x2.promote_low_f32x4(e));
  return f64x2.div(f64x2.sub(unit, sum), f64x2.add(unit, sum));
}

@inline
function tanhOf(
  x: v128, t0: v128, t1: v128, t2: v128, t3: v128, t4: v128, limit: v128, minus2: v128, split: v128, signBit: v128,
  top: v128, log2e: v128, ln2h: v128, ln2l: v128, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, magic: v128,
  unit64: v128,
): v128 {
  const sign = v128.and(x, signBit);
  const u = v128.xor(x, sign);
  const a = f32x4.pmin(u, limit);
  const m = f32x4.mul(a, minus2);
  const b = f32x4.add(f32x4.mul(m, log2e), magic);
  const n = f32x4.sub(b, magic);
  const r = f32x4.sub(f32x4.sub(m, f32x4.mul(n, ln2h)), f32x4.mul(n, ln2l));
  const t = f32x4.add(f32x4.mul(f32x4.mul(r, r), q4(r, c0, c1, c2, c3, c4)), r);
  const p = i32x4.add(i32x4.shl(b, 23), top);
  const e = f32x4.nearest(f32x4.mul(t, p));
  const whole = f32x4.trunc(p);
  const large = demoted(quotient(e, whole, unit64), quotient(upper(e), upper(whole), unit64));
  const s = f32x4.mul(a, a);
  const h = step(step(step(step(t0, s, t1), s, t2), s, t3), s, t4);
  const small = f32x4.add(a, f32x4.mul(f32x4.mul(a, s), h));
  return v128.or(v128.bitselect(small, large, i32x4.gt_s(split, u)), sign);
}

@inline
export function tanh4(x: v128): v128 {
  return tanhOf(
    x, k(TANH, 0), k(TANH, 1), k(TANH, 2), k(TANH, 3), k(TANH, 4), k(TANH, 5), k(TANH, 6), k(TANH, 7), k(TANH, 8),
    k(TANH, 9), k(EXP, 0), k(EXP, 1), k(EXP, 2), k(EXP, 3), k(EXP, 4), k(EXP, 5), k(EXP, 6), k(EXP, 7), k(EXP, 8),
    v128.load64_splat(UNIT64),
  );
}

/** d = tanh(a); `bytes` is a multiple of 64. */
export function eachTanh(d: usize, a: usize, bytes: usize): void {
  const t0 = k(TANH, 0), t1 = k(TANH, 1), t2 = k(TANH, 2), t3 = k(TANH, 3), t4 = k(TANH, 4), limit = k(TANH, 5);
  const minus2 = k(TANH, 6), split = k(TANH, 7), signBit = k(TANH, 8), top = k(TANH, 9);
  const log2e = k(EXP, 0), ln2h = k(EXP, 1), ln2l = k(EXP, 2), magic = k(EXP, 8);
  const c0 = k(EXP, 3), c1 = k(EXP, 4), c2 = k(EXP, 5), c3 = k(EXP, 6), c4 = k(EXP, 7);
  const unit64 = v128.load64_splat(UNIT64);
  const end = d + bytes;
  for (; d < end; d += 32, a += 32) {
    const x = v128.load(a);
    const x1 = v128.load(a, 16);
    const y = tanhOf(
      x, t0, t1, t2, t3, t4, limit, minus2, split, signBit, top, log2e, ln2h, ln2l, c0, c1, c2, c3, c4, magic,
      unit64,
    );
    const y1 = tanhOf(
      x1, t0, t1, t2, t3, t4, limit, minus2, split, signBit, top, log2e, ln2h, ln2l, c0, c1, c2, c3, c4, magic,
      unit64,
    );
    v128.store(d, y);
    v128.store(d, y1, 16);
  }
}
