/** pow and powi (N5). */
import { k } from './common';
import { exp4 } from './exp';
import { log4 } from './log';
import { snap } from '../constants';

/** snap bits · 1 · NaN · 2^24 */
const POW: usize = memory.data<u32>([0x7f000000, 0x3f800000, 0x7fc00000, 0x4b800000], 16);

/** What a negative base changes: NaN unless y is an integer, the sign of p where y is odd. */
function negativeBase(x: v128, y: v128, p: v128): v128 {
  const zero = i32x4.splat(0);
  const negative = f32x4.lt(x, zero);
  const odd = i32x4.shl(v128.and(i32x4.trunc_sat_f32x4_s(y), f32x4.lt(f32x4.abs(y), k(POW, 3))), 31);
  const signed = v128.andnot(v128.xor(p, v128.and(odd, negative)), f32x4.eq(p, zero)); // 0 stays +0
  return v128.bitselect(k(POW, 2), signed, v128.and(negative, f32x4.ne(f32x4.trunc(y), y)));
}

@inline
export function pow4(x: v128, y: v128): v128 {
  const zero = i32x4.splat(0);
  const bits = k(POW, 0);
  const one = k(POW, 1);
  let p = exp4(snap(f32x4.mul(y, log4(f32x4.abs(x))), bits));
  if (v128.any_true(f32x4.lt(x, zero))) p = negativeBase(x, y, p);
  return v128.bitselect(one, p, v128.or(f32x4.eq(y, zero), f32x4.eq(x, one)));
}

/** d = pow(a, b); `bytes` is a multiple of 64. */
export function eachPow(d: usize, a: usize, b: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 16, a += 16, b += 16) v128.store(d, pow4(v128.load(a), v128.load(b)));
}

/** x^n for an integer n: squaring from the bit below the top one, snapped at each product. */
@inline
export function powi4(x: v128, n: i32): v128 {
  const bits = k(POW, 0);
  const one = k(POW, 1);
  if (n == 0) return one;
  const m: u32 = n < 0 ? 0 - n : n;
  let p = x;
  for (let bit: i32 = 30 - clz<u32>(m); bit >= 0; bit--) {
    p = snap(f32x4.mul(p, p), bits);
    if ((m >> bit) & 1) p = snap(f32x4.mul(p, x), bits);
  }
  return n < 0 ? snap(f32x4.div(one, p), bits) : p;
}
