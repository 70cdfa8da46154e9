/** Random words and normal numbers (N8): four blocks of Philox4x32-10 at once, one a lane. */
import { k } from './common';
import { INDICES } from '../constants';
import { logPositive4 } from './log';
import { cosine, sine, turned } from './trig';

/** M0 · M1 · 0.5 · 2^-23 · -2 · 0x3fffff · 2097151.5 · 2^-22 · pi/2 */
const PHILOX: usize = memory.data<u32>([
  0xd2511f53, 0xcd9e8d57, 0x3f000000, 0x34000000, 0xc0000000, 0x3fffff, 0x49fffffc, 0x34800000, 0x3fc90fdb,
], 16);

/** High words of a*m. */
@inline
function mulhi(a: v128, m: v128): v128 {
  return i32x4.shuffle(i64x2.extmul_low_i32x4_u(a, m), i64x2.extmul_high_i32x4_u(a, m), 1, 3, 5, 7);
}

/** Writes 4 words, or 4 normal numbers, of each of 4 blocks: 64 bytes at d, from block number `block` on. */
@inline
function blocks4(d: usize, block: u32, stream: u32, step: u32, seedLo: u32, seedHi: u32, normal: bool): void {
  const m0 = k(PHILOX, 0);
  const m1 = k(PHILOX, 1);
  let c0 = i32x4.add(i32x4.splat(block), v128.load(INDICES));
  let c1 = i32x4.splat(0);
  let c2 = i32x4.splat(stream);
  let c3 = i32x4.splat(step);
  for (let i = 0; i < 10; i++) {
    const h0 = mulhi(c0, m0);
    const h1 = mulhi(c2, m1);
    const l0 = i32x4.mul(c0, m0);
    const l1 = i32x4.mul(c2, m1);
    c0 = v128.xor(v128.xor(h1, c1), i32x4.splat(seedLo));
    c1 = l1;
    c2 = v128.xor(v128.xor(h0, c3), i32x4.splat(seedHi));
    c3 = l0;
    seedLo += 0x9e3779b9;
    seedHi += 0xbb67ae85;
  }
  if (normal) {
    let q = i32x4.shr_u(c1, 30);
    let m = radius(c0);
    let r = turn(c1);
    let z = f32x4.mul(r, r);
    let s = sine(r, i32x4.splat(0), z);
    let c = cosine(r, i32x4.splat(0), z);
    c0 = f32x4.mul(m, turned(i32x4.add(q, i32x4.splat(1)), s, c));
    c1 = f32x4.mul(m, turned(q, s, c));
    q = i32x4.shr_u(c3, 30);
    m = radius(c2);
    r = turn(c3);
    z = f32x4.mul(r, r);
    s = sine(r, i32x4.splat(0), z);
    c = cosine(r, i32x4.splat(0), z);
    c2 = f32x4.mul(m, turned(i32x4.add(q, i32x4.splat(1)), s, c));
    c3 = f32x4.mul(m, turned(q, s, c));
  }
  // From one block a lane to one block a vector.
  const a = i32x4.shuffle(c0, c1, 0, 4, 1, 5);
  const b = i32x4.shuffle(c0, c1, 2, 6, 3, 7);
  const e = i32x4.shuffle(c2, c3, 0, 4, 1, 5);
  const f = i32x4.shuffle(c2, c3, 2, 6, 3, 7);
  v128.store(d, i64x2.shuffle(a, e, 0, 2));
  v128.store(d, i64x2.shuffle(a, e, 1, 3), 16);
  v128.store(d, i64x2.shuffle(b, f, 0, 2), 32);
  v128.store(d, i64x2.shuffle(b, f, 1, 3), 48);
}

/** sqrt(-2 log u) with u = (f32(w>>9) + 0.5) * 2^-23, which is never 0. */
@inline
function radius(w: v128): v128 {
  const u = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(w, 9)), k(PHILOX, 2)), k(PHILOX, 3));
  return f32x4.sqrt(f32x4.mul(logPositive4(u), k(PHILOX, 4)));
}

/** The angle in its quarter turn, between -pi/4 and pi/4. */
@inline
function turn(w: v128): v128 {
  const i = f32x4.convert_i32x4_s(v128.and(i32x4.shr_u(w, 8), k(PHILOX, 5)));
  return f32x4.mul(f32x4.mul(f32x4.sub(i, k(PHILOX, 6)), k(PHILOX, 7)), k(PHILOX, 8));
}

/** d = the words of elements e0 on; e0 is a multiple of 4, `bytes` of 64. */
export function eachPhilox(
  d: usize, e0: usize, bytes: usize, stream: u32, step: u32, seedLo: u32, seedHi: u32,
): void {
  let block = u32(e0 >> 2);
  const end = d + bytes;
  for (; d < end; d += 64, block += 4) blocks4(d, block, stream, step, seedLo, seedHi, false);
}

/** d = the normal numbers of elements e0 on; e0 is a multiple of 4, `bytes` of 64. */
export function eachNormal(
  d: usize, e0: usize, bytes: usize, stream: u32, step: u32, seedLo: u32, seedHi: u32,
): void {
  let block = u32(e0 >> 2);
  const end = d + bytes;
  for (; d < end; d += 64, block += 4) blocks4(d, block, stream, step, seedLo, seedHi, true);
}
