/** rsqrt (N5). div and sqrt are single instructions: wasm/ops.ts. */
import { k } from './common';

/** 0x7fffff · 127 · 1 · +Inf · NaN */
const ROOTS: usize = memory.data<u32>([0x7fffff, 127, 0x3f800000, 0x7f800000, 0x7fc00000], 16);

/** sqrt(1/m) with m in [1, 4), then half the even exponent. */
@inline
export function rsqrt4(x: v128): v128 {
  const zero = i32x4.splat(0);
  const one = k(ROOTS, 2);
  const infinite = k(ROOTS, 3);
  const e = i32x4.sub(i32x4.shr_u(x, 23), k(ROOTS, 1));
  const odd = i32x4.shr_u(i32x4.shl(e, 31), 31);
  const m = v128.or(v128.and(x, k(ROOTS, 0)), i32x4.add(one, i32x4.shl(odd, 23)));
  let y = i32x4.sub(f32x4.sqrt(f32x4.div(one, m)), i32x4.shl(i32x4.sub(e, odd), 22));
  y = v128.andnot(y, f32x4.eq(x, infinite));
  y = v128.bitselect(infinite, y, i32x4.eq(x, zero));
  return v128.bitselect(y, k(ROOTS, 4), f32x4.ge(x, zero));
}

/** d = rsqrt(a); `bytes` is a multiple of 64. */
export function eachRsqrt(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 32, a += 32) {
    const y = rsqrt4(v128.load(a));
    const y1 = rsqrt4(v128.load(a, 16));
    v128.store(d, y);
    v128.store(d, y1, 16);
  }
}
