/** N5, x = n pi/2 + r + c: pi/2 in four pieces up to 8192, Payne-Hanek in integers above. */

import { guard } from './guard.ts';
import { mulhi } from './mulhi.ts';
import { f32, wgsl } from './wgsl.ts';

const TWO_OVER_PI = f32('3f22f983');
/** pi/2 in pieces of 11 bits, so that n times each is exact, and a last one. */
const A = f32('3fc90000');
const B = f32('39fda000');
const D = f32('33a22000');
const E = f32('2c34611a');

export const Angle = wgsl(
  'Angle',
  [],
  /* wgsl */ `
struct Angle {
  n: i32,
  r: f32,
  c: f32,
}`,
);

/** |x| <= 8192 */
export const rc = wgsl(
  'rc',
  [Angle, guard],
  /* wgsl */ `
fn rc(x: f32) -> Angle {
  let n = round(G(x * ${TWO_OVER_PI}));
  let r0 = G(x - n * ${A}); // exact: 13 bits of n times 11
  let r1 = G(r0 - n * ${B}); // exact: 13 bits of n times 11
  let w = n * ${D}; // exact: 13 bits of n times 11
  let h = G(r1 - w);
  let l = G(G(G(r1 - h) - w) - G(n * ${E}));
  let r = G(h + l);
  return Angle(i32(n), r, G(G(h - r) + l));
}`,
);

/** The pattern of a finite x with |x| > 8192. The table is 2/pi after one zero word: bits enough for the largest f32. */
export const rp = wgsl(
  'rp',
  [Angle, mulhi, guard],
  /* wgsl */ `
fn rp(u: u32) -> Angle {
  var table = array<u32, 8>(
    0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu,
  );
  let m = (u & 0x7fffffu) | 0x800000u;
  let b = ((u >> 23u) & 0xffu) - 120u;
  let at = b >> 5u;
  let s = b & 31u;
  let t1 = table[at + 1u];
  let t2 = table[at + 2u];
  // Shifted right by 32 - s in two steps: the count may be 32.
  let w0 = (table[at] << s) | ((t1 >> 1u) >> (31u - s));
  let w1 = (t1 << s) | ((t2 >> 1u) >> (31u - s));
  let w2 = (t2 << s) | ((table[at + 3u] >> 1u) >> (31u - s));
  // m * (w0, w1, w2) modulo 2^96
  let p2 = m * w2;
  let low = m * w1;
  let p1 = low + mulhi(m, w2);
  let p0 = m * w0 + mulhi(m, w1) + select(0u, 1u, p1 < low);
  let top = (p0 << 2u) | (p1 >> 30u);
  let g = top >> 31u;
  // To the nearest multiple: past one half, the fraction is inverted.
  let flip = 0u - g;
  let hi = top ^ flip;
  let lo = ((p1 << 2u) | (p2 >> 30u)) ^ flip;
  let z = countLeadingZeros(hi);
  let n = bitcast<i32>((p0 >> 30u) + g);
  let f = mulhi((hi << z) | ((lo >> 1u) >> (31u - z)), 0xc90fdaa2u);
  let high = (f + 0x80u) >> 8u;
  let below = u >= 0x80000000u;
  let sign = select(1, -1, (g == 1u) != below);
  // f = 256 high + rest, in units of 2^(-31-z).
  let r = G(f32(sign * bitcast<i32>(high)) * bitcast<f32>((104u - z) << 23u));
  let c = G(f32(sign * bitcast<i32>(f - (high << 8u))) * bitcast<f32>((96u - z) << 23u));
  return Angle(select(n, -n, below), r, c);
}`,
);
