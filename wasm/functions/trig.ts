/** sin and cos (N5): pi/2 in four pieces up to 8192, Payne-Hanek lane by lane above, then one kernel. */
import { k, step } from './common';

/** 2/pi · pi/2 in 4 pieces · C (3) · S (3) · 0.5 · 1 · 1.5*2^23 · 0x7fffffff · 8192 · 2 */
export const TRIG: usize = memory.data<u32>([
  0x3f22f983, 0x3fc90000, 0x39fda000, 0x33a22000, 0x2c34611a, 0x37ccf40b, 0xbab60614, 0x3d2aaaa5, 0xb94ca8fd, 0x3c0883ba,
  0xbe2aaaa3, 0x3f000000, 0x3f800000, 0x4b400000, 0x7fffffff, 0x46000000, 2,
], 16);

/** 2/pi in binary after one zero word. */
const BITS: usize = memory.data<u32>([
  0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
], 16);

/** The part of kern for odd q: the cosine of r + c. */
@inline
export function cosine(r: v128, c: v128, z: v128): v128 {
  const h = step(step(k(TRIG, 5), z, k(TRIG, 6)), z, k(TRIG, 7));
  const w = f32x4.sub(f32x4.mul(f32x4.mul(z, z), h), f32x4.mul(r, c));
  const d = f32x4.mul(k(TRIG, 11), z);
  const one = k(TRIG, 12);
  const y = f32x4.sub(one, d);
  return f32x4.add(y, f32x4.add(f32x4.sub(f32x4.sub(one, y), d), w));
}

/** The part of kern for even q: the sine of r + c. */
@inline
export function sine(r: v128, c: v128, z: v128): v128 {
  const h = step(step(k(TRIG, 8), z, k(TRIG, 9)), z, k(TRIG, 10));
  return f32x4.add(r, f32x4.add(f32x4.mul(f32x4.mul(r, z), h), c));
}

/** `even` or, where q is odd, `odd`; negated where q & 2. */
@inline
export function turned(q: v128, even: v128, odd: v128): v128 {
  const y = v128.bitselect(odd, even, i32x4.shr_s(i32x4.shl(q, 31), 31));
  return v128.xor(y, i32x4.shl(v128.and(q, k(TRIG, 16)), 30));
}

/** 32 bits of BITS from bit b on; bit 0 is the top of its first word. */
@inline
function window(b: u32): u32 {
  const p = BITS + ((b >> 5) << 2);
  return u32((((u64(load<u32>(p)) << 32) | u64(load<u32>(p, 4))) << u64(b & 31)) >> 32);
}

/**
 * rp of N5 for one operand: the pattern of r above that of c. c has 8 significant bits, so its low bits are free: they
 * hold n & 3.
 */
function payneHanek(x: u32): u64 {
  const m = u64((x & 0x7fffff) | 0x800000);
  const b = ((x >> 23) & 255) - 120;
  const low = m * u64(window(b + 64));
  const middle = m * u64(window(b + 32)) + (low >> 32);
  const p0 = u32(m) * window(b) + u32(middle >> 32);
  const p12 = (middle << 32) | (low & 0xffffffff);
  let fraction = (u64(p0) << 34) | (p12 >> 30);
  const g = u32(fraction >> 63);
  let n = (p0 >> 30) + g;
  if (g) fraction = ~fraction;
  const z = u32(clz<u64>(fraction)); // at most 31
  const high = u32(((fraction << u64(z)) >> 32) * 0xc90fdaa2 >> 32);
  const rh = (high + 0x80) & ~0xff;
  const p = reinterpret<f32>((96 - z) << 23);
  const negative = x >> 31;
  const flip = (g ^ negative) << 31;
  if (negative) n = 0 - n;
  const r = reinterpret<u32>(f32(rh) * p) ^ flip;
  const c = reinterpret<u32>(f32(i32(high - rh)) * p) ^ flip;
  return (u64(r) << 32) | u64(c | (n & 3));
}

// What `far` hands back: globals belong to one instance, so to one thread.
let farR: v128 = i32x4(0, 0, 0, 0);
let farC: v128 = i32x4(0, 0, 0, 0);
let farQ: v128 = i32x4(0, 0, 0, 0);

/** Lane 0 last, the others one down. */
@inline
function rotated(x: v128): v128 {
  return i32x4.shuffle(x, x, 1, 2, 3, 0);
}

/** r, c and n with those of rp in the lanes of finite operands above 8192. */
function far(x: v128, r: v128, c: v128, q: v128): void {
  for (let lane = 0; lane < 4; lane++) {
    const u: u32 = i32x4.extract_lane(x, 0);
    if ((u & 0x7fffffff) > 0x46000000 && (u & 0x7fffffff) < 0x7f800000) {
      const all = payneHanek(u);
      r = i32x4.replace_lane(r, 0, u32(all >> 32));
      c = i32x4.replace_lane(c, 0, u32(all) & ~3);
      q = i32x4.replace_lane(q, 0, u32(all) & 3);
    }
    x = rotated(x);
    r = rotated(r);
    c = rotated(c);
    q = rotated(q);
  }
  farR = r;
  farC = c;
  farQ = q;
}

/** sin of x + quarter*pi/2; Inf makes r NaN by itself. */
@inline
function angle(x: v128, quarter: i32): v128 {
  const magic = k(TRIG, 13);
  let q = f32x4.add(f32x4.mul(x, k(TRIG, 0)), magic); // n in its low bits
  const n = f32x4.sub(q, magic);
  const r1 = f32x4.sub(f32x4.sub(x, f32x4.mul(n, k(TRIG, 1))), f32x4.mul(n, k(TRIG, 2)));
  const w = f32x4.mul(n, k(TRIG, 3));
  const h = f32x4.sub(r1, w);
  const l = f32x4.sub(f32x4.sub(f32x4.sub(r1, h), w), f32x4.mul(n, k(TRIG, 4)));
  let r = f32x4.add(h, l);
  let c = f32x4.add(f32x4.sub(h, r), l);
  if (v128.any_true(i32x4.gt_s(v128.and(x, k(TRIG, 14)), k(TRIG, 15)))) {
    far(x, r, c, q);
    r = farR;
    c = farC;
    q = farQ;
  }
  const z = f32x4.mul(r, r);
  if (quarter == 1) q = i32x4.add(q, i32x4.splat(1));
  return turned(q, sine(r, c, z), cosine(r, c, z));
}

@inline
export function sin4(x: v128): v128 {
  return angle(x, 0);
}

@inline
export function cos4(x: v128): v128 {
  return angle(x, 1);
}

/** d = sin(a); `bytes` is a multiple of 64. */
export function eachSin(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 16, a += 16) v128.store(d, sin4(v128.load(a)));
}

/** d = cos(a); `bytes` is a multiple of 64. */
export function eachCos(d: usize, a: usize, bytes: usize): void {
  const end = d + bytes;
  for (; d < end; d += 16, a += 16) v128.store(d, cos4(v128.load(a)));
}
