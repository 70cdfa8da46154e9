/** erf (N5): odd polynomial to 0.875, else 1 - exp(P) with the low part of P. Both are computed, one is kept. */
import { k, step } from './common';
import { EXP, q4 } from './exp';
import { snap } from '../constants';

/** P (7) · Q and V (7) · 4 · pattern below which t is scaled · 2^64 as an exponent · 0.875 · sign bit · 127<<23 */
const ERF: usize = memory.data<u32>([
  0x38a4c53b, 0xba525d11, 0x3baa1812, 0xbcdbffc1, 0x3de716ae, 0xbec093a0, 0x3e0375d4, 0xb7910000, 0x39c8e7d9, 0xbb7e8a1c,
  0x3cc6b1a1, 0xbddaae5c, 0xbf228550, 0xbe03ce86, 0x40800000, 0x21000000, 0x20000000, 0x3f600000, 0x80000000, 127 << 23,
], 16);

@inline
export function erf4(x: v128): v128 {
  const sign = v128.and(x, k(ERF, 18));
  const u = v128.xor(x, sign);
  const t = f32x4.pmin(u, k(ERF, 14));
  const s = f32x4.mul(t, t);
  const h = v128.and(i32x4.gt_s(k(ERF, 15), u), k(ERF, 16));
  const scaled = i32x4.add(t, h);
  let p = step(step(step(k(ERF, 0), s, k(ERF, 1)), s, k(ERF, 2)), s, k(ERF, 3));
  p = step(step(step(p, s, k(ERF, 4)), s, k(ERF, 5)), s, k(ERF, 6));
  const small = i32x4.sub(step(p, scaled, scaled), h);
  let q = step(step(k(ERF, 7), t, k(ERF, 8)), s, step(k(ERF, 9), t, k(ERF, 10)));
  q = step(step(step(q, t, k(ERF, 11)), t, k(ERF, 12)), t, k(ERF, 13));
  const w = f32x4.mul(q, t);
  const e = f32x4.sub(w, t);
  const c = f32x4.sub(w, f32x4.add(e, t));
  const magic = k(EXP, 8);
  const one = k(EXP, 9);
  const b = f32x4.add(f32x4.mul(e, k(EXP, 0)), magic);
  const n = f32x4.sub(b, magic);
  const r = f32x4.sub(f32x4.sub(e, f32x4.mul(n, k(EXP, 1))), f32x4.mul(n, k(EXP, 2)));
  const j = f32x4.add(
    f32x4.add(f32x4.mul(f32x4.mul(r, r), q4(r, k(EXP, 3), k(EXP, 4), k(EXP, 5), k(EXP, 6), k(EXP, 7))), c),
    r,
  );
  const power = i32x4.add(i32x4.shl(b, 23), k(ERF, 19));
  const large = f32x4.sub(f32x4.sub(one, power), f32x4.mul(power, j));
  return snap(v128.or(v128.bitselect(large, small, i32x4.gt_s(u, k(ERF, 17))), sign), k(EXP, 13));
}

/** d = erf(a); `bytes` is a multiple of 64. */
export function eachErf(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 32, a += 32) {
    const y = erf4(v128.load(a));
    const y1 = erf4(v128.load(a, 16));
    v128.store(d, y);
    v128.store(d, y1, 16);
  }
}
